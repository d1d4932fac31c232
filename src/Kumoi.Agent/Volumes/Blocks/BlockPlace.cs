using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// A place for volumes that is no directory, as the options name it: <c>POOL=lvm-thin:VG/THINPOOL</c>, <c>POOL=zfs:ZPOOL/DATASET</c>, or
/// <c>POOL=rbd:CEPHPOOL</c> with <c>@/path/ceph.conf</c> and <c>#client</c> at its end.
/// </summary>
/// <param name="Pool">The pool of stores that it belongs to.</param>
/// <param name="Driver"><see cref="StoreDrivers"/>.</param>
/// <param name="Name">What the tools call it.</param>
/// <param name="Configuration">The file by which Ceph is found; null for other drivers.</param>
/// <param name="Client">As whom Ceph is asked, without <c>client.</c>; null for other drivers.</param>
public sealed partial record BlockPlace(string Pool, string Driver, string Name, string? Configuration = null, string? Client = null)
{
    private const string UsualConfiguration = "/etc/ceph/ceph.conf", UsualClient = "admin";

    /// <summary>Several hosts reach it.</summary>
    public bool IsShared => Driver == StoreDrivers.Rbd;

    /// <summary>The place for people.</summary>
    public string Words => Driver switch { StoreDrivers.Rbd => $"The Ceph pool {Name}", StoreDrivers.LvmThin => $"The thin pool {Name}", _ => $"The ZFS dataset {Name}" };

    /// <summary>Null if the text does not name such a place.</summary>
    public static BlockPlace? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match || ObjectNames.IsId(match.Groups["pool"].Value)) return null;
        var (pool, driver, rest) = (match.Groups["pool"].Value, match.Groups["driver"].Value, match.Groups["rest"].Value);
        if (driver == StoreDrivers.LvmThin) return ThinForm().IsMatch(rest) && Excess(rest) == 0 ? new BlockPlace(pool, driver, rest) : null;
        if (driver == StoreDrivers.Zfs) return DatasetForm().IsMatch(rest) ? new BlockPlace(pool, driver, rest) : null;
        if (RbdForm().Match(rest) is not { Success: true } ceph) return null;
        return new BlockPlace(pool, driver, ceph.Groups["name"].Value, Or(ceph.Groups["conf"], UsualConfiguration), Or(ceph.Groups["client"], UsualClient));
    }

    /// <summary>What is wrong with a place whose volume group has too long a name; null: it has not.</summary>
    public static string? TooLong(string text) =>
        Form().Match(text) is { Success: true } match && match.Groups["driver"].Value == StoreDrivers.LvmThin && ThinForm().IsMatch(match.Groups["rest"].Value) && Excess(match.Groups["rest"].Value) is > 0 and var excess
            ? string.Create(CultureInfo.InvariantCulture, $"The name of the volume group of the store '{text}' is too long by {excess}: with the names of the volumes in it, and each '-' counted twice, it makes names of devices of more than the {DeviceNameMax} characters that the kernel allows. Rename it with vgrename.") : null;

    /// <summary>How many characters too long names of devices would be: that of the group and that of the volume, with a dash between them, and each dash in them doubled.</summary>
    private static int Excess(string thin) => Math.Max(0, thin.Split('/')[0].Replace("-", "--", StringComparison.Ordinal).Length + 1 + BlockNames.Longest.Replace("-", "--", StringComparison.Ordinal).Length - DeviceNameMax);

    private const int DeviceNameMax = 127;

    /// <summary>The places of a host.</summary>
    public static IReadOnlyList<BlockPlace> Of(AgentOptions options) => [.. options.Stores.Select(Parse).OfType<BlockPlace>()];

    /// <summary>What tells it from any other place of the host.</summary>
    public override string ToString() => $"{Driver}:{Name}{(Configuration is null ? "" : $"@{Configuration}#{Client}")}";

    private static string Or(Group group, string usual) => group.Success ? group.Value : usual;

    [GeneratedRegex(@"\A(?<pool>[A-Za-z0-9][A-Za-z0-9.-]{0,62})=(?<driver>lvm-thin|rbd|zfs):(?<rest>[^\0\n]{1,300})\z")] private static partial Regex Form();

    // What lvm(8) allows.
    [GeneratedRegex(@"\A(?!-)[A-Za-z0-9+_.-]{1,32}/(?!-)[A-Za-z0-9+_.-]{1,32}\z")] private static partial Regex ThinForm();

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_.:-]{0,62}(/[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}){1,8}\z")] private static partial Regex DatasetForm();

    [GeneratedRegex(@"\A(?<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,62})(@(?<conf>/[^@#,]{1,200}))?(#(?<client>[A-Za-z0-9][A-Za-z0-9_.-]{0,62}))?\z")] private static partial Regex RbdForm();
}
