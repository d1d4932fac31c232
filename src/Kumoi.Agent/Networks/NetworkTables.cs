using System.Collections.Concurrent;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks;

/// <summary>Keeps nftables tables as their rulesets say, with one <c>nft -f</c> for what differs.</summary>
public sealed class NetworkTables(Commands commands)
{
    /// <summary>How the kernel listed each table right after it was set, to notice changes by others.</summary>
    private readonly ConcurrentDictionary<(string Namespace, string Table), RulesetSight> _known = new();

    /// <summary>Looks, changes what differs, and looks again. Someone else's change is undone; after a restart of the agent the marks alone have to do.</summary>
    public async Task ApplyAsync(string? networkNamespace, Ruleset ruleset, CancellationToken cancel)
    {
        var key = (networkNamespace ?? "", ruleset.Table);
        var seen = await SeeAsync(networkNamespace, ruleset.Table, cancel);
        var before = seen is not null && _known.TryGetValue(key, out var known) ? seen.Distrusting(known.Chains) : seen;
        var after = seen;
        if (ruleset.Change(before) is { } change)
        {
            await FeedAsync(networkNamespace, change, cancel);
            after = await SeeAsync(networkNamespace, ruleset.Table, cancel);
        }
        if (after is not null) _known[key] = after;
    }

    public async Task FeedAsync(string? networkNamespace, string change, CancellationToken cancel)
    {
        var (program, arguments) = Nft(networkNamespace, ["-f", "-"]);
        await commands.RunAsync(program, arguments, change, cancel);
    }

    public void Forget(string networkNamespace)
    {
        foreach (var key in _known.Keys.Where(key => key.Namespace == networkNamespace)) _known.TryRemove(key, out _);
    }

    /// <summary>What is in the kernel; null if there is no such table.</summary>
    public async Task<RulesetSight?> SeeAsync(string? networkNamespace, string table, CancellationToken cancel)
    {
        var (program, line) = Nft(networkNamespace, ["-j", "list", "table", .. table.Split(' ')]);
        var answer = await commands.TryRunAsync(program, line, cancel);
        if (answer.Succeeded) return RulesetReader.Read(answer.Output);
        return answer.Error.Contains("No such file or directory", StringComparison.Ordinal) ? null : throw Commands.Failure(program, line, answer);
    }

    private static (string Program, IReadOnlyList<string> Arguments) Nft(string? networkNamespace, string[] arguments) =>
        networkNamespace is null ? ("nft", arguments) : ("nsenter", NetworkNamespaces.Inside(networkNamespace, "nft", arguments));
}
