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
/// <param name="Slot">Its place among the instance's volumes: 0 is the one that the instance starts from.</param>
/// <param name="Limits">How much of it a guest may use; null: no limit.</param>
/// <param name="Made">It was there once: if it is not any more, an empty one must not take its place.</param>
/// <param name="Snapshots">Its snapshots, in the order in which they were asked for; null: none. One that is <c>deleted</c> with snapshots keeps those, and nothing else.</param>
/// <param name="Source">It begins with the content of this snapshot, and as its own; null: with its image, or empty.</param>
/// <param name="Backup">It begins with the content of this backup; null: otherwise.</param>
/// <param name="Restore">It is to be put back to one of its snapshots; null: that is not asked, or was done.</param>
/// <param name="UploadTo">Once it is whole, its bytes are sent as those of this image: it is there for nothing else.</param>
/// <param name="Encryption">All that is written of it is encrypted; null: nothing is.</param>
/// <param name="Export">The host gives it to an instance of another host over the network; null: it does not, and ends what it began of that.</param>
/// <param name="Move">It takes the place of another volume, whose content it begins with; null: it does not. <c>Export</c> and <c>Move</c> are the two ends of it.</param>
/// <param name="Of">The volume that it is the data of, by whose id guests know it; null: its own id.</param>
/// <param name="Remote">Another host has it, and gives it to the instance of this document that it is attached to: it is neither made nor changed nor told of here. Null: it is this host's.</param>
public sealed record DesiredVolume(
    string Id, string Store, long Generation, int Incarnation, string Desired, int SizeGib, string? ImageId = null, string? InstanceId = null, int? Slot = null, VolumeLimits? Limits = null,
    bool Made = false, IReadOnlyList<DesiredSnapshot>? Snapshots = null, SnapshotSource? Source = null, SnapshotRestore? Restore = null,
    string? UploadTo = null, VolumeEncryption? Encryption = null, BackupSource? Backup = null, VolumeExport? Export = null, VolumeRemote? Remote = null, VolumeMove? Move = null, string? Of = null);

/// <summary>Where the content of a volume is had from that takes the place of another one. All of it is read, and nothing else is ever done to that.</summary>
/// <param name="VolumeId">The data that it is to have, as the host knows it that has that.</param>
/// <param name="UsedBytes">What that takes where it is.</param>
/// <param name="From">How the host that has it gives it; this host itself, perhaps.</param>
public sealed record VolumeMove(string VolumeId, long UsedBytes, VolumeRemote From);

/// <summary>A volume is given to an instance of another host.</summary>
/// <param name="Protocol"><see cref="VolumeProtocols"/>.</param>
/// <param name="InstanceId">The instance; or the volume that takes its place.</param>
/// <param name="Incarnation">Grows each time the volume is given to an instance, or that to another host: whoever had it before is cut off before it is given anew.</param>
/// <param name="Key">The secret that both sides know, 32 bytes in lower-case hex: of this incarnation only.</param>
/// <param name="ReadOnly">Nothing is written to it by whom it is given to.</param>
public sealed record VolumeExport(string Protocol, string InstanceId, int Incarnation, string Key, bool ReadOnly = false);

/// <summary>A volume that another host has, and gives to an instance of this one.</summary>
/// <param name="Protocol"><see cref="VolumeProtocols"/>.</param>
/// <param name="Address">Where the host that has it is reached.</param>
/// <param name="Port">Null while that host has not said that it gives it.</param>
/// <param name="Incarnation">That of the <see cref="VolumeExport"/>.</param>
/// <param name="Key">As the <see cref="VolumeExport"/> has it.</param>
public sealed record VolumeRemote(string Protocol, string Address, int? Port, int Incarnation, string Key);

/// <summary>Ways in which a host gives a volume to another one.</summary>
public static class VolumeProtocols
{
    /// <summary>Network Block Device, over TLS with a pre-shared key (the NBD protocol's specification; RFC 4279).</summary>
    public const string Nbd = "nbd";

    /// <summary>iSCSI with CHAP, the key as its secret (RFC 7143, RFC 1994): what is read and written is not encrypted on its way.</summary>
    public const string Iscsi = "iscsi";

    /// <summary>The user that the key is of.</summary>
    public const string User = "kumoi";

    public static IReadOnlyList<string> All { get; } = [Nbd, Iscsi];

    /// <summary>No way of its own: said by hosts whose agents fill volumes from others, and give others for that. An earlier one would make an empty one.</summary>
    public const string Move = "move";

    /// <summary>All that hosts may say.</summary>
    public static IReadOnlyList<string> Known { get; } = [Nbd, Iscsi, Move];
}

/// <summary>A snapshot of a volume: its content at one moment.</summary>
/// <param name="Desired"><see cref="VolumeDesire"/>.</param>
/// <param name="Group">Snapshots of one group, of several volumes of one instance, are of the same moment; null: of this one alone.</param>
/// <param name="Taken">It was there once: if it is not any more, a later state must not take its place.</param>
public sealed record DesiredSnapshot(string Id, string Desired, string? Group = null, bool Taken = false);

/// <summary>The snapshot that a volume begins with, of a volume in the same store; both are in the document of the host that makes the volume.</summary>
public sealed record SnapshotSource(string VolumeId, string SnapshotId);

/// <summary>A volume that no guest has is put back to its snapshot, once for each number; what was written since is gone.</summary>
/// <param name="Number">Grows with each time that this is asked for.</param>
public sealed record SnapshotRestore(string SnapshotId, long Number);

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
/// <param name="UsedBytes">What it takes in its store, snapshots included.</param>
/// <param name="Snapshots">Those that are there; null if the host does not say. One that was to be deleted is gone when it is not among them.</param>
/// <param name="Restored">Number of the last restoration that was done to the end.</param>
/// <param name="Work">What is being done to it that takes its time; null: nothing.</param>
/// <param name="Export">How it can be reached from another host; null: nobody can.</param>
public sealed record ObservedVolume(
    string Id, int Incarnation, long Generation, int? SizeGib, long UsedBytes, IReadOnlyList<Condition> Conditions, IReadOnlyList<ObservedSnapshot>? Snapshots = null, long Restored = 0,
    VolumeWork? Work = null, ObservedExport? Export = null);

/// <summary>A volume that is given to an instance of another host now.</summary>
/// <param name="Incarnation">That of the <see cref="VolumeExport"/>.</param>
public sealed record ObservedExport(int Port, int Incarnation);

/// <summary>A snapshot that is there.</summary>
/// <param name="TakenAt">The moment of which it is.</param>
/// <param name="Consistency"><see cref="SnapshotConsistency"/>.</param>
/// <param name="UsedBytes">What would be free if it alone were not there; less than that while nothing has been written since.</param>
public sealed record ObservedSnapshot(string Id, DateTimeOffset TakenAt, string Consistency, long UsedBytes);

/// <summary>What a snapshot of a running guest is like.</summary>
public static class SnapshotConsistency
{
    /// <summary>What a power cut would have left: journals are replayed when it is used.</summary>
    public const string Crash = "crash";

    /// <summary>The guest had written out its file systems and held them; or none had the volume, which is then as its last guest left it: whole if that was shut down, and as after <see cref="Crash"/> if it was ended.</summary>
    public const string FileSystem = "filesystem";
}

/// <summary>Work on a volume that takes its time.</summary>
/// <param name="Kind"><c>copy</c>: it is being filled from a snapshot; <c>merge</c>: what a deleted snapshot kept apart is brought together; <c>flatten</c>: layers below are brought into the uppermost; <c>restore</c>: it is being filled from a backup; <c>move</c>: it is being copied to its new place; <c>backup</c>: a backup is being written; <c>verify</c>: one is being read and compared with what was written.</param>
/// <param name="DoneBytes">How much of it is done.</param>
/// <param name="TotalBytes">How much there is to do, as far as it is known.</param>
/// <param name="Since">When it began.</param>
public sealed record VolumeWork(string Kind, long DoneBytes, long TotalBytes, DateTimeOffset Since);

/// <summary>Kinds of <see cref="VolumeWork"/>.</summary>
public static class VolumeWorks
{
    /// <summary>It is being filled from a snapshot.</summary>
    public const string Copy = "copy";

    /// <summary>What a deleted snapshot kept apart is being brought together.</summary>
    public const string Merge = "merge";

    /// <summary>It is being sent as an image.</summary>
    public const string Upload = "upload";

    /// <summary>Layers below are being brought into the uppermost, since there are too many.</summary>
    public const string Flatten = "flatten";

    /// <summary>It is being filled from a backup.</summary>
    public const string Restore = "restore";

    /// <summary>It is being filled with what another volume has, whose place it takes.</summary>
    public const string Move = "move";

    /// <summary>A backup is being written.</summary>
    public const string Backup = "backup";

    /// <summary>A backup is being read and compared with what was written.</summary>
    public const string Verify = "verify";
}

/// <summary>A volume found in a store of the host's own that no record explains.</summary>
/// <param name="SizeGib">What a guest would see, in whole GiB; 0: it cannot be read.</param>
/// <param name="WrittenAt">When it was last written to.</param>
/// <param name="ImageSha256">The image that it is a layer over; null: none.</param>
/// <param name="Encrypted">Without its key nobody can do anything with it.</param>
public sealed record StrayVolume(string Id, string Store, int SizeGib, long UsedBytes, DateTimeOffset WrittenAt, string? ImageSha256, bool Encrypted = false);

/// <summary>A place on a host, or reached by it, where volumes are kept.</summary>
/// <param name="Id">Kept in the place itself, so that several hosts that reach one place say the same, and one that is not mounted is missed.</param>
/// <param name="Pool">Name of the pool that it belongs to.</param>
/// <param name="Driver"><see cref="StoreDrivers"/>.</param>
/// <param name="Shared">True if other hosts may reach it, too.</param>
/// <param name="Own">True if it is where the host keeps root disks, so that its room is the host's <c>DiskGib</c>.</param>
/// <param name="CapacityGib">All that fits in, what is there included.</param>
/// <param name="UsedGib">What is taken of it, by whomever.</param>
/// <param name="Root">True for the one store in which the host has the volumes that its instances start from.</param>
public sealed record ObservedStore(string Id, string Pool, string Driver, bool Shared, bool Own, int CapacityGib, int UsedGib, bool Root = false);

/// <summary>Ways to keep volumes.</summary>
public static class StoreDrivers
{
    /// <summary>Files (qcow2) in a directory.</summary>
    public const string Directory = "directory";

    /// <summary>Images of a Ceph pool.</summary>
    public const string Rbd = "rbd";

    /// <summary>Logical volumes of a thin pool.</summary>
    public const string LvmThin = "lvm-thin";

    /// <summary>Volumes of a ZFS dataset.</summary>
    public const string Zfs = "zfs";

    public static IReadOnlyList<string> All { get; } = [Directory, Rbd, LvmThin, Zfs];
}
