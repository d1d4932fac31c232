using Kumoi.Api.Agent;

namespace Kumoi.Api;

/// <summary>A disk with a life of its own: attached to an instance and detached again, while the guest runs or not.</summary>
/// <param name="State"><c>creating</c>, <c>available</c> (free to be attached), <c>attaching</c>, <c>in-use</c>, <c>detaching</c>, <c>resizing</c>,
/// <c>restoring</c> (being put back to a snapshot), <c>moving</c> (to another place), <c>deleting</c> or <c>retained</c> (deleted, and kept for its snapshots only).</param>
/// <param name="SizeGib">What a guest sees, in GiB.</param>
/// <param name="UsedBytes">What it takes in its store: less than its size while parts of it have never been written.</param>
/// <param name="Type">What it may be used for; null: without limits.</param>
/// <param name="Host">The host that looks after it; null: it has no place yet, and gets one where the first guest is that it is attached to.</param>
/// <param name="Image">The image that it began as; null: it began empty.</param>
/// <param name="Instance">The instance that it is attached to.</param>
/// <param name="Slot">Its place among that instance's volumes: 0 is the one that the instance starts from.</param>
/// <param name="Serial">What the guest reads as the disk's serial number: <c>/dev/disk/by-id/virtio-SERIAL</c> in Linux.</param>
/// <param name="DeleteOnTermination">It is deleted with the instance that it is attached to.</param>
/// <param name="Generation">Grows with each change that is asked for.</param>
/// <param name="ObservedGeneration">The generation that its host has acted on to the end.</param>
/// <param name="Snapshot">The snapshot that it began with, by its name then; null: it began otherwise.</param>
/// <param name="Snapshots">How many snapshots of it there are.</param>
/// <param name="Backup">The backup that it began with, by its name then; null: it began otherwise.</param>
/// <param name="Work">What its host does to it that takes its time; null: nothing.</param>
/// <param name="Encrypted">All that is written of it and of its snapshots is encrypted where it is kept. It is so from its beginning, or never.</param>
/// <param name="Tags">What its account has noted of it, for itself.</param>
/// <param name="Source">The volume that it began as a copy of, by its name then; null: it began otherwise.</param>
/// <param name="MovingTo">Where it is being moved to; null: it is not. <c>Work</c> tells how far that is.</param>
public sealed record Volume(
    string Id, string Name, Ref Account, string State, int SizeGib, long UsedBytes, Ref Pool, Ref? Type, Ref? Host, Ref? Image, Ref? Instance, int? Slot, string Serial, bool DeleteOnTermination, long Generation, long ObservedGeneration,
    IReadOnlyList<Condition> Conditions, DateTimeOffset CreatedAt, Ref? Snapshot, int Snapshots, VolumeWork? Work, bool Encrypted, IReadOnlyDictionary<string, string> Tags, Ref? Backup = null, Ref? Source = null, VolumeDestination? MovingTo = null);

/// <summary>Where a volume is to be.</summary>
/// <param name="Host">The host that will look after it there.</param>
public sealed record VolumeDestination(Ref Pool, Ref Host);

/// <summary>Makes a volume.</summary>
/// <param name="Name">Default: its id.</param>
/// <param name="SizeGib">In GiB, 1 to 65,536. May be left out if it begins as an image, with a snapshot or as a copy: as large as that.</param>
/// <param name="Pool">Default: the cloud's default pool, or the one that the snapshot or the volume is in.</param>
/// <param name="Type">A volume type; default: none, without limits. With a type that encrypts, the volume is encrypted; one that begins with an encrypted snapshot or volume always is.</param>
/// <param name="Image">It begins as this image; default: empty.</param>
/// <param name="Snapshot">It begins with the content of this snapshot, where that is.</param>
/// <param name="Volume">It begins as a copy of this volume as it is now, while that has a guest or not; where that is.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateVolume(string? Name, int? SizeGib, string? Pool = null, string? Type = null, string? Image = null, bool? DeleteOnTermination = null, string? Snapshot = null,
    IReadOnlyDictionary<string, string>? Tags = null, string? Volume = null);

/// <summary>Changes a volume; what is absent stays.</summary>
/// <param name="SizeGib">Larger than it is; a running guest sees it at once.</param>
/// <param name="Type">A volume type, or <c>none</c>. An encrypted volume stays encrypted, and no other becomes it.</param>
/// <param name="Tags">Keys that get these values, or go if that is null; others stay.</param>
public sealed record UpdateVolume(string? Name, int? SizeGib, string? Type, bool? DeleteOnTermination, IReadOnlyDictionary<string, string?>? Tags = null);

/// <summary>Attaches a volume to an instance; a running guest gets the disk at once.</summary>
/// <param name="Slot">A place among the instance's volumes, 1 to 8; default: the first that is free.</param>
public sealed record AttachVolume(string Instance, int? Slot = null, bool? DeleteOnTermination = null);

/// <summary>Moves a volume that no guest has; it stays what it is to everybody.</summary>
/// <param name="Pool">Default: the pool that it is in, on another host.</param>
/// <param name="Host">The host that is to have it; default: one that has room, its instance's before others. Required without a pool.</param>
public sealed record MoveVolume(string? Pool = null, string? Host = null);

/// <summary>What volumes may be used for.</summary>
/// <param name="Iops">Operations a second, reading and writing together; null: no limit.</param>
/// <param name="MibPerSecond">MiB a second, reading and writing together; null: no limit.</param>
/// <param name="Encrypted">Volumes that are made with it are encrypted where they are kept.</param>
public sealed record VolumeType(string Id, string Name, int? Iops, int? MibPerSecond, DateTimeOffset CreatedAt, bool Encrypted);

/// <param name="Encrypted">Default: no.</param>
public sealed record CreateVolumeType(string Name, int? Iops, int? MibPerSecond, bool? Encrypted = null);

/// <summary>Places for volumes, under one name. A pool begins with the first host whose agent offers a store for it.</summary>
/// <param name="Driver">How volumes are kept: <c>directory</c> (qcow2 files), <c>rbd</c> (images of a Ceph pool), <c>lvm-thin</c> (logical volumes of a thin pool) or <c>zfs</c> (volumes of a ZFS dataset).</param>
/// <param name="Shared">Several hosts reach each of its stores, so that a volume is not bound to one of them.</param>
/// <param name="Default">Volumes are made here unless another pool is named.</param>
/// <param name="Maintenance">No volumes are made or grown in it.</param>
/// <param name="Overcommit">How much of volumes' sizes may be promised for each GiB that there is: 1 is as much as there is.</param>
/// <param name="WarnPercent">From this share of a store that is used on, operators are warned.</param>
/// <param name="Protocol">How volumes of its hosts' own stores are given to instances of other hosts from the next time on: <c>nbd</c> (over TLS) or <c>iscsi</c> (CHAP, not encrypted on its way).</param>
/// <param name="Accounts">Who may use it; null: all accounts. Told to operators only.</param>
/// <param name="Drain">How far it is emptied; null: it is not to be. Told to operators only.</param>
/// <param name="Stores">Where its volumes are. Told to operators only.</param>
public sealed record Pool(
    string Id, string Name, string Driver, bool Shared, bool Default, bool Maintenance, double Overcommit, int WarnPercent, string Protocol, IReadOnlyList<Ref>? Accounts, IReadOnlyList<Store>? Stores, DateTimeOffset CreatedAt,
    PoolDrain? Drain = null);

/// <summary>How far a pool is emptied. It is empty when nothing is left and nothing is leaving.</summary>
/// <param name="To">Where its volumes go.</param>
/// <param name="Left">Volumes that are in it still, those included that move now.</param>
/// <param name="Moving">Those that move now.</param>
/// <param name="Leaving">Places that were left, and whose former content is being removed.</param>
/// <param name="Waits">Why others wait: of up to a hundred.</param>
public sealed record PoolDrain(Ref To, int Left, int Moving, int Leaving, IReadOnlyList<DrainWait> Waits);

/// <summary>A volume that stays for now in a pool that is being emptied.</summary>
/// <param name="Reason">The code of what stands in the way, as a move of it would be refused with; <c>waiting</c>: its turn comes.</param>
/// <param name="Instance">What it is attached to.</param>
public sealed record DrainWait(Ref Volume, Ref Account, string Reason, Ref? Instance);

/// <summary>Empties a pool.</summary>
/// <param name="To">Where its volumes go; default: the cloud's default pool.</param>
public sealed record DrainPool(string? To = null);

/// <summary>One place of a pool.</summary>
/// <param name="Hosts">The hosts that reach it.</param>
/// <param name="CapacityGib">All that fits in.</param>
/// <param name="UsedGib">What is taken of it, by whomever.</param>
/// <param name="AllocatedGib">What is promised of it: the sizes of its volumes; in a store that is the host's own, root disks, too.</param>
/// <param name="Own">It is where its host keeps root disks.</param>
/// <param name="ReportedAt">When a host last told of it.</param>
public sealed record Store(string Id, IReadOnlyList<Ref> Hosts, int CapacityGib, int UsedGib, long AllocatedGib, bool Own, DateTimeOffset ReportedAt);

/// <summary>Changes a pool; what is absent stays.</summary>
/// <param name="Default">Only <c>true</c>: another pool that was it is no longer.</param>
/// <param name="Protocol">As the pool's; volumes that are given now stay as they are.</param>
/// <param name="Accounts">Names or ids of all accounts that may use it; empty: all may.</param>
public sealed record UpdatePool(bool? Default, bool? Maintenance, double? Overcommit, int? WarnPercent, IReadOnlyList<string>? Accounts, string? Protocol = null);
