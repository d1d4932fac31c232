using System.CommandLine;
using Kumoi.Cli.Local;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary><c>--tag KEY=VALUE</c> and <c>--untag KEY</c>, each as often as wanted.</summary>
public static class TagOptions
{
    public static Option<string[]> Tag() => new("--tag") { Description = Messages.Text("option-set-tag"), HelpName = "key=value" };

    public static Option<string[]> Untag() => new("--untag") { Description = Messages.Text("option-untag"), HelpName = "key" };

    /// <summary>Labels that hosts must have.</summary>
    public static Option<string[]> Require() => new("--require") { Description = Messages.Text("option-require"), HelpName = "key=value" };

    /// <summary>Of lists: those with the tag.</summary>
    public static Option<string[]> Wanted() => new("--tag") { Description = Messages.Text("option-of-tag"), HelpName = "key[=value]" };

    /// <summary>For a new resource; null for none.</summary>
    public static IReadOnlyDictionary<string, string>? Of(string[]? tags) => tags is not { Length: > 0 } ? null : Pairs(tags).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);

    /// <summary>For one that is there: what was named last counts, and removing before setting.</summary>
    public static IReadOnlyDictionary<string, string?>? Of(string[]? tags, string[]? untag)
    {
        var changes = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var key in untag ?? []) changes[key] = null;
        foreach (var (key, value) in Pairs(tags ?? [])) changes[key] = value;
        return changes.Count == 0 ? null : changes;
    }

    private static IEnumerable<KeyValuePair<string, string>> Pairs(string[] tags) => tags
        .Select(tag => tag.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? KeyValuePair.Create(tag[..at], tag[(at + 1)..]) : throw new UserException("tag-form", tag))
        .GroupBy(pair => pair.Key, StringComparer.Ordinal).Select(group => group.Last());

    /// <summary>As tables show them.</summary>
    public static string Text(IReadOnlyDictionary<string, string> tags) => tags.Count == 0 ? "-" : string.Join(' ', tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}"));
}
