using System.Text.RegularExpressions;

namespace Kumoi.Agent.Volumes;

/// <summary>A place for volumes as the options name it: <c>POOL=directory:/path</c>, with <c>,shared</c> at its end for one that several hosts have mounted.</summary>
/// <param name="Own">Its room is the host's own, <c>DiskGib</c>.</param>
/// <param name="Root">Where the volumes are that the host's instances start from.</param>
public sealed partial record StorePlace(string Pool, string Directory, bool Shared, bool Own, bool Root)
{
    private const string Driver = "directory:", SharedWord = ",shared";

    /// <summary>Pools of root disks.</summary>
    public const string LocalPool = "local", SharedPool = "shared";

    /// <summary>Null if the text does not name a place.</summary>
    public static StorePlace? Parse(string text)
    {
        var (at, shared) = (text.IndexOf('=', StringComparison.Ordinal), text.EndsWith(SharedWord, StringComparison.Ordinal));
        if (at < 0 || !text.AsSpan(at + 1).StartsWith(Driver)) return null;
        var (pool, directory) = (text[..at], text[(at + 1 + Driver.Length)..(shared ? text.Length - SharedWord.Length : text.Length)]);
        return PoolForm().IsMatch(pool) && !ObjectNames.IsId(pool) && Path.IsPathRooted(directory) && !directory.Contains('\0') ? new StorePlace(pool, Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)), shared, false, false) : null;
    }

    /// <summary>The places of a host: that of its root disks, and those of its options.</summary>
    public static IReadOnlyList<StorePlace> Of(AgentOptions options) =>
        [new StorePlace(options.SharedDisks ? SharedPool : LocalPool, options.Paths.Volumes, options.SharedDisks, !options.SharedDisks, true), .. options.Stores.Select(Parse).OfType<StorePlace>()];

    /// <summary>The places of a host for backups.</summary>
    public static IReadOnlyList<StorePlace> OfBackups(AgentOptions options) => [.. options.BackupStores.Select(Parse).OfType<StorePlace>()];

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9.-]{0,62}\\z")] private static partial Regex PoolForm();
}
