namespace Kumoi.Api.Agent;

/// <summary>A volume that a host looks after: it makes it, lets it grow, gives it to the guest that it is attached to, and removes it. What is absent is never
/// an order to remove: a volume is removed only when it is listed as <c>deleted</c>.</summary>
/// <param name="Store">Id of the store that it is in, one of those that the host has reported.</param>
/// <param name="Generation">Reported back once acted on.</param>
/// <param name="Incarnation">Fencing token: grows each time another host is to look after it, and is checked where the bytes are.</param>
/// <param name="Desired"><see cref="VolumeDesire"/>.</param>
/// <param name="SizeGib">What a guest sees, in GiB. A volume only grows.</param>
/// <param name="ImageId">It begins as a layer over this image, one of the document's; null: empty.</param>
/// <param name="InstanceId">The instance of this document that it is attached to; null: none.</param>
/// <param name="Slot">Its place among the instance's volumes, from 1; 0 is the root disk's.</param>
/// <param name="Limits">How much of it a guest may use; null: no limit.</param>
/// <param name="Made">It was there once: if it is not any more, an empty one must not take its place.</param>
public sealed record DesiredVolume(
    string Id, string Store, long Generation, int Incarnation, string Desired, int SizeGib, string? ImageId = null, string? InstanceId = null, int? Slot = null, VolumeLimits? Limits = null,
    bool Made = false);

/// <summary>What should become of a volume on its host.</summary>
public static class VolumeDesire
{
    public const string Present = "present", Deleted = "deleted";
}

/// <param name="Iops">Operations a second, reading and writing together; null: no limit.</param>
/// <param name="MibPerSecond">MiB a second, reading and writing together; null: no limit.</param>
public sealed record VolumeLimits(int? Iops, int? MibPerSecond);

/// <summary>A volume as the host that looks after it sees it.</summary>
/// <param name="Generation">The generation of the record that the host has acted on to the end.</param>
/// <param name="SizeGib">What a guest sees, in whole GiB; null: it is not there (not made yet, or removed).</param>
/// <param name="UsedBytes">What it takes in its store.</param>
public sealed record ObservedVolume(string Id, int Incarnation, long Generation, int? SizeGib, long UsedBytes, IReadOnlyList<Condition> Conditions);

/// <summary>A place on a host, or reached by it, where volumes are kept.</summary>
/// <param name="Id">Kept in the place itself, so that several hosts that reach one place say the same, and one that is not mounted is missed.</param>
/// <param name="Pool">Name of the pool that it belongs to.</param>
/// <param name="Driver"><see cref="StoreDrivers"/>.</param>
/// <param name="Shared">True if other hosts may reach it, too.</param>
/// <param name="Own">True if it is where the host keeps root disks, so that its room is the host's <c>DiskGib</c>.</param>
/// <param name="CapacityGib">All that fits in, what is there included.</param>
/// <param name="UsedGib">What is taken of it, by whomever.</param>
public sealed record ObservedStore(string Id, string Pool, string Driver, bool Shared, bool Own, int CapacityGib, int UsedGib);

/// <summary>Ways to keep volumes.</summary>
public static class StoreDrivers
{
    /// <summary>Files (qcow2) in a directory.</summary>
    public const string Directory = "directory";
}
