using System.Buffers;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Events;

/// <summary>Patterns of actions: <c>instance.launch</c>, <c>instance.*</c>, <c>*.delete</c>. A star stands for anything.</summary>
public static class ActionPatterns
{
    // More are a list of everything; each is compared with every event.
    private const int PatternsMax = 50, LengthMax = 80;

    private static readonly SearchValues<char> Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-.*");

    public static Violation? Check(string field, IReadOnlyList<string> patterns) => patterns.Count > PatternsMax ? new Violation(field, "at-most", PatternsMax)
        : patterns.FirstOrDefault(pattern => pattern.Length is 0 or > LengthMax || pattern.AsSpan().ContainsAnyExcept(Characters)) is { } wrong ? new Violation(field, "action-pattern", PlainText.Of(wrong, LengthMax)) : null;

    /// <summary>The same for LIKE, to which no other character that a pattern may have means anything; null for none, which is all actions.</summary>
    public static string[]? Likes(IReadOnlyList<string> patterns) => patterns.Count == 0 ? null : [.. patterns.Select(pattern => pattern.Replace('*', '%'))];
}
