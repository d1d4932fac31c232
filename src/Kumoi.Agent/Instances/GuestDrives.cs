using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>A volume as the guest's process has it.</summary>
/// <param name="Id">The volume's id.</param>
/// <param name="Device">The disk that the guest sees.</param>
/// <param name="Backend">Anything of what leads from it to the volume's file.</param>
/// <param name="SizeBytes">What the guest sees of it; 0 if nothing.</param>
/// <param name="Limits">What the guest may use of it; null for no limit.</param>
/// <param name="Remote">Another host has it.</param>
public sealed record GuestDrive(string Id, bool Device, bool Backend, long SizeBytes, VolumeLimits? Limits, bool Remote = false);

/// <summary>A volume that a guest is to have.</summary>
/// <param name="Image">What it is a layer over; null for none.</param>
public sealed record DriveIntent(DesiredVolume Volume, DesiredImage? Image);

/// <summary>The volumes of a record, and how far they are.</summary>
/// <param name="Wanted">In their order in the guest; that of slot 0 is the one that it starts from.</param>
/// <param name="NotReady">Ids of those that a guest cannot be given yet.</param>
/// <param name="AskedAt">When this agent last asked the guest for a disk back, by the volume's id.</param>
public sealed record GuestVolumes(IReadOnlyList<DriveIntent> Wanted, IReadOnlySet<string> NotReady, IReadOnlyDictionary<string, DateTimeOffset> AskedAt)
{
    public static GuestVolumes None { get; } = new([], new HashSet<string>(), new Dictionary<string, DateTimeOffset>());

    public static GuestVolumes Of(IReadOnlyList<DriveIntent> wanted, Func<DesiredVolume, bool> isReady, IReadOnlyDictionary<string, DateTimeOffset> askedAt) =>
        wanted.Count == 0 ? None with { AskedAt = askedAt } : new(wanted, wanted.Where(drive => !isReady(drive.Volume)).Select(drive => drive.Volume.Id).ToHashSet(), askedAt);
}

/// <summary>Compares the drives that a guest has with its record. Pure.</summary>
public static class GuestDrives
{
    /// <summary>The record's drives, in their order in the guest.</summary>
    public static IReadOnlyList<DriveIntent> Of(DesiredDocument document, DesiredInstance record) =>
        document.Volumes is not { Count: > 0 } volumes ? []
            : [.. volumes.Where(volume => volume.InstanceId == record.Id && volume is { Desired: not VolumeDesire.Deleted, Slot: >= 0 } && ObjectNames.IsVolume(volume.Id)).OrderBy(volume => volume.Slot)
                .Select(volume => new DriveIntent(volume, volume.ImageId is null ? null : document.Images.FirstOrDefault(image => image.Id == volume.ImageId)))];

    /// <summary>True if there is a volume to start from.</summary>
    public static bool HasRoot(GuestVolumes volumes) => volumes.Wanted is [{ Volume.Slot: 0 }, ..];

    /// <summary>Volumes whose disk the guest lacks, in their order. The one that it starts from is none of them: it has that from its start.</summary>
    public static IReadOnlyList<DriveIntent> Missing(GuestVolumes volumes, GuestProcess process) =>
        process.Drives is not { } drives ? [] : [.. volumes.Wanted.Where(wanted => wanted.Volume.Slot > 0 && !drives.Any(drive => drive.Id == wanted.Volume.Id && drive.Device))];

    /// <summary>Drives that are of none of the record's volumes.</summary>
    public static IReadOnlyList<GuestDrive> Surplus(GuestVolumes volumes, GuestProcess process) =>
        process.Drives is not { } drives ? [] : [.. drives.Where(drive => !volumes.Wanted.Any(wanted => wanted.Volume.Id == drive.Id))];

    /// <summary>Volumes whose disk in the guest is smaller than recorded, or has other limits.</summary>
    public static IReadOnlyList<DriveIntent> Differing(GuestVolumes volumes, GuestProcess process) =>
        process.Drives is not { } drives ? [] : [.. volumes.Wanted.Where(wanted => drives.Any(drive => drive.Id == wanted.Volume.Id && drive.Device && Differs(wanted.Volume, drive)))];

    private static bool Differs(DesiredVolume wanted, GuestDrive drive) => drive.SizeBytes < wanted.SizeGib * VolumeSizes.Gib || (drive.Limits ?? Unlimited) != (wanted.Limits ?? Unlimited);

    private static readonly VolumeLimits Unlimited = new(null, null);
}
