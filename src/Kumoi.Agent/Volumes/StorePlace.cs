using System.Text.RegularExpressions;

namespace Kumoi.Agent.Volumes;

/// <summary>A place for volumes as the options name it: <c>POOL=directory:/path</c>, with <c>,shared</c> at its end for one that several hosts have mounted.</summary>
/// <param name="Own">Where the host keeps its root disks: its room is theirs.</param>
public sealed partial record StorePlace(string Pool, string Directory, bool Shared, bool Own)
{
    private const string Driver = "directory:", SharedWord = ",shared";

    /// <summary>Pools of hosts that are told of no places.</summary>
    public const string LocalPool = "local", SharedPool = "shared";

    /// <summary>Null if the text does not name a place.</summary>
    public static StorePlace? Parse(string text)
    {
        var (at, shared) = (text.IndexOf('=', StringComparison.Ordinal), text.EndsWith(SharedWord, StringComparison.Ordinal));
        if (at < 0 || !text.AsSpan(at + 1).StartsWith(Driver)) return null;
        var (pool, directory) = (text[..at], text[(at + 1 + Driver.Length)..(shared ? text.Length - SharedWord.Length : text.Length)]);
        return PoolForm().IsMatch(pool) && !ObjectNames.IsId(pool) && Path.IsPathRooted(directory) && !directory.Contains('\0') ? new StorePlace(pool, Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)), shared, false) : null;
    }

    /// <summary>The places of a host: those of its options or, without any, one beside its root disks.</summary>
    public static IReadOnlyList<StorePlace> Of(AgentOptions options) =>
        options.Stores.Count > 0 ? [.. options.Stores.Select(Parse).OfType<StorePlace>()]
            : [new StorePlace(options.SharedDisks ? SharedPool : LocalPool, options.Paths.Volumes, options.SharedDisks, !options.SharedDisks)];

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9.-]{0,62}\\z")] private static partial Regex PoolForm();
}
