using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Volumes;

/// <summary>What requests about volumes must satisfy before anything is looked up.</summary>
public static class VolumeRules
{
    public const int SizeMax = 65_536, SlotMax = 8;

    private const int IopsMax = 10_000_000, MibMax = 1_000_000, AccountsMax = 1000;

    public static IEnumerable<Violation> Check(CreateVolume create, string? name) => new[]
    {
        name is null ? null : Names.Check("name", name), Size(create.SizeGib),
        create.SizeGib is null && create.Image is null && create.Snapshot is null && create.Volume is null ? new Violation("sizeGib", "required") : null,
        new[] { create.Image, create.Snapshot, create.Volume }.Count(origin => origin is not null) > 1 ? new Violation(create.Image is null ? "snapshot" : "image", "one-beginning") : null,
    }.OfType<Violation>().Concat(Tags.CheckNew(create.Tags));

    public static IEnumerable<Violation> Check(UpdateVolume update) => new[] { update.Name is { } name ? Names.Check("name", Names.Normal(name)) : null, Size(update.SizeGib) }.OfType<Violation>().Concat(Tags.Check(update.Tags));

    public static IEnumerable<Violation> Check(AttachVolume attach) => new[] { Between("slot", attach.Slot, 0, SlotMax) }.OfType<Violation>();

    public static IEnumerable<Violation> Check(CreateVolumeType create, string name) =>
        new[] { Names.Check("name", name), name == "none" ? new Violation("name", "not-none") : null, Between("iops", create.Iops, 1, IopsMax), Between("mibPerSecond", create.MibPerSecond, 1, MibMax) }.OfType<Violation>();

    public static IEnumerable<Violation> Check(UpdatePool update) => new[]
    {
        update.Default == false ? new Violation("default", "one-of", "true") : null,
        update.Overcommit is { } ratio && ratio is not (>= 0.1 and <= 100) ? new Violation("overcommit", "between", 0.1, 100) : null,
        Between("warnPercent", update.WarnPercent, 1, 100),
        update.Protocol is { } protocol && !VolumeProtocols.All.Contains(protocol) ? new Violation("protocol", "one-of", string.Join(", ", VolumeProtocols.All)) : null,
        update.Accounts is { Count: > AccountsMax } ? new Violation("accounts", "at-most", AccountsMax) : null,
    }.OfType<Violation>();

    private static Violation? Size(int? gib) => Between("sizeGib", gib, 1, SizeMax);

    private static Violation? Between(string field, int? value, int least, int most) => value < least || value > most ? new Violation(field, "between", least, most) : null;
}
