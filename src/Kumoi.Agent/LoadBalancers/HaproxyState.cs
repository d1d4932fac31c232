using System.Globalization;
using System.Text;
using static System.FormattableString;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// Answers of haproxy's <c>show servers state</c>: a line with the form's number, one of names, then one for each server. Pure. Fields have their places by the form's
/// number ("show servers state" of haproxy's management guide).
/// </summary>
public static class HaproxyState
{
    /// <summary>What a process starts with that knows nothing of its members.</summary>
    public const string None = "1\n";

    private const int Backend = 1, Name = 3, Admin = 6, Weight = 7, FirstWeight = 8, CheckPort = 21, Fields = 22;

    /// <summary>Commands on one line. Too low: many questions; too high: a line does not fit what haproxy reads at once (16 KB).</summary>
    private const int CommandsMax = 100;

    /// <summary>
    /// What the next process is to know: which members work, as far as both ask them the same. A state would go before the next one's configuration, so nothing else is
    /// told: weights and ports are the configuration's own, and what was switched off begins anew.
    /// </summary>
    public static string ForNext(string? answer, IReadOnlyDictionary<string, HaproxyServer> running, IReadOnlyDictionary<string, HaproxyServer> next)
    {
        var text = new StringBuilder(None);
        foreach (var line in (answer ?? "").Split('\n'))
        {
            if (line.StartsWith("# ", StringComparison.Ordinal)) text.Append(line).Append('\n');
            if (Read(line) is not { } fields || fields[Admin] != "0" || !next.TryGetValue(PathOf(fields), out var server) || server.Check is null) continue;
            if (!running.TryGetValue(server.Path, out var before) || (before.Check, before.Place) != (server.Check, server.Place)) continue;
            fields[CheckPort] = "0";
            fields[Weight] = fields[FirstWeight] = Invariant($"{server.Weight}");
            text.Append(string.Join(' ', fields)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Lines of commands that make a running process do as its configuration says.</summary>
    public static IReadOnlyList<string> Steering(string answer, IReadOnlyDictionary<string, HaproxyServer> wanted)
    {
        var commands = new List<string>();
        foreach (var fields in answer.Split('\n').Select(Read).OfType<string[]>())
        {
            if (!wanted.TryGetValue(PathOf(fields), out var server)) continue;
            if (fields[Admin] != "0") commands.Add($"set server {server.Path} state ready");
            if (fields[Weight] != server.Weight.ToString(CultureInfo.InvariantCulture)) commands.Add(Invariant($"set server {server.Path} weight {server.Weight}"));
        }
        return Lines(commands);
    }

    /// <summary>Lines of commands by which members get nothing more, and lose what they have.</summary>
    public static IReadOnlyList<string> Ending(IEnumerable<HaproxyServer> left) =>
        Lines([.. left.OrderBy(server => server.Path, StringComparer.Ordinal).SelectMany(server => (string[])[$"disable server {server.Path}", $"shutdown sessions server {server.Path}"])]);

    private static IReadOnlyList<string> Lines(IReadOnlyList<string> commands) => [.. commands.Chunk(CommandsMax).Select(some => string.Join("; ", some))];

    private static string[]? Read(string line) => line.Split(' ') is { Length: >= Fields } fields && fields[0] != "#" ? fields : null;

    private static string PathOf(string[] fields) => $"{fields[Backend]}/{fields[Name]}";
}
