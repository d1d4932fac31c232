using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// What disks are called in places that keep them by themselves. A volume's are its id and a number, those that are being filled its id and the incarnation that does it,
/// copies of images their sum, and what nobody needs any more <c>trash-</c> and what it was. Pure.
/// </summary>
internal static partial class BlockNames
{
    /// <summary>The point of an image's copy that volumes begin with.</summary>
    public const string Whole = "whole";

    /// <summary>Marks: the disk is a volume's content, since the restoration of that number; it is so no more; a snapshot that was taken; one that is to be taken.</summary>
    public const string Head = "head", Gone = "gone", Snapshot = "s.", Pending = "p.";

    private const string TrashPrefix = "trash-", ImagePrefix = "image-", LentPrefix = "lent-", BegunWord = "begun";

    // What no name of a disk or of a point has in it.
    private const char LentSign = '_';

    public static string Disk(string volumeId, int number) => string.Create(CultureInfo.InvariantCulture, $"{volumeId}.{number}");

    /// <summary>What all of a volume's disks begin with.</summary>
    public static string Prefix(string volumeId) => volumeId + ".";

    /// <summary>Where a volume is filled: each incarnation has a disk of its own, since a host that was slow may be at it still.</summary>
    public static string Begun(string volumeId, int incarnation) => string.Create(CultureInfo.InvariantCulture, $"{volumeId}.{BegunWord}{incarnation}");

    /// <summary>What names of disks begin with that a volume is being filled in.</summary>
    public static string BegunPrefix(string volumeId) => Prefix(volumeId) + BegunWord;

    public static string Image(string sha256) => ImagePrefix + sha256;

    /// <summary>Where an image's copy is made by one host.</summary>
    public static string BegunImage(string sha256, string host) => $"{ImagePrefix}{sha256}.{BegunWord}-{host}";

    public static string Trash(string disk) => TrashPrefix + disk;

    /// <summary>The same for a name that is used again, while what had it may still be there.</summary>
    /// <param name="mark">Tells it from others of the name.</param>
    public static string Trash(string disk, string mark) => $"{TrashPrefix}{(disk.Length > 40 ? disk[..40] : disk)}.{mark}";

    /// <summary>What somebody of a host reads a point by.</summary>
    public static string Lent(string host, string disk, string point) => $"{LentPrefix}{host}{LentSign}{disk}{LentSign}{point}";

    /// <summary>The point that somebody of this host reads by it; null: it is no such disk.</summary>
    public static (string Disk, string Point)? LentIn(string name, string host) => name.Split(LentSign) is [var lent, var disk, var point] && lent == LentPrefix + host ? (disk, point) : null;

    /// <summary>A word for a host, the same for each of its agents.</summary>
    public static string HostWord(AgentOptions options) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{options.Tag}/{options.Name}")))[..12];

    /// <summary>No name is longer in a place's names of devices.</summary>
    public static string Longest => BegunImage(new string('0', 64), new string('0', 12));

    public static bool IsTrash(string disk) => disk.StartsWith(TrashPrefix, StringComparison.Ordinal);

    public static bool IsBegun(string disk, string volumeId) => disk.StartsWith(BegunPrefix(volumeId), StringComparison.Ordinal);

    /// <summary>The number of a volume's disk; null if the name is none of one.</summary>
    public static int? NumberOf(string disk, string volumeId) =>
        disk.StartsWith(Prefix(volumeId), StringComparison.Ordinal) && NumberForm().IsMatch(disk[(volumeId.Length + 1)..]) ? int.Parse(disk[(volumeId.Length + 1)..], CultureInfo.InvariantCulture) : null;

    /// <summary>The volume whose disk it is; null: of none.</summary>
    public static string? VolumeOf(string disk) => disk.IndexOf('.', StringComparison.Ordinal) is > 0 and var at && ObjectNames.IsVolume(disk[..at]) && NumberOf(disk, disk[..at]) is not null ? disk[..at] : null;

    [GeneratedRegex(@"\A(0|[1-9][0-9]{0,7})\z")] private static partial Regex NumberForm();
}
