using Kumoi.Api.Agent;

namespace Kumoi.Api;

/// <summary>The content of a volume at one moment, kept apart from it in a backup store. It stays when the volume is deleted.</summary>
/// <param name="State"><c>creating</c>, <c>available</c>, <c>deleting</c> or <c>failed</c>.</param>
/// <param name="Kind"><c>full</c>, or <c>incremental</c>: what has changed since the backup that it builds on.</param>
/// <param name="Volume">The volume that it is of, by its name then; it may be gone.</param>
/// <param name="SizeGib">The size of the volume, in GiB, when it was asked for.</param>
/// <param name="Store">The backup store that it is in.</param>
/// <param name="Host">The host that does it; null: none does anything for it.</param>
/// <param name="Parent">The backup that it builds on.</param>
/// <param name="MovedBytes">What was written to make it.</param>
/// <param name="StoredBytes">What it takes in the backup store.</param>
/// <param name="Sha256">Sum of its file; null: it is not made yet.</param>
/// <param name="Consistency"><c>crash</c>: what a power cut would have left; <c>filesystem</c>: the guest had written out its file systems, or did not run.</param>
/// <param name="TakenAt">The moment of which it is.</param>
/// <param name="VerifiedAt">When it was last read and compared with what was written.</param>
/// <param name="Schedule">The schedule that made it.</param>
/// <param name="Work">What is being done that takes its time; null: nothing.</param>
public sealed record Backup(
    string Id, string Name, Ref Account, string State, string Kind, Ref Volume, int SizeGib, Ref Store, Ref? Host, Ref? Parent, long MovedBytes, long StoredBytes, string? Sha256, string? Consistency, DateTimeOffset? TakenAt,
    DateTimeOffset? VerifiedAt, Ref? Schedule, IReadOnlyList<Condition> Conditions, VolumeWork? Work, DateTimeOffset CreatedAt);

/// <summary>Makes a backup of a volume, while its guest runs or not.</summary>
/// <param name="Name">Default: the volume's name and the time.</param>
/// <param name="Incremental">Only what has changed since the last backup in the same store; without one it becomes a full one, and says so.</param>
/// <param name="Store">Default: the first that the volume's host reaches.</param>
public sealed record CreateBackup(string? Name = null, bool? Incremental = null, string? Store = null);

/// <summary>Makes a volume from a backup.</summary>
/// <param name="Name">Of the new volume.</param>
/// <param name="Pool">Default: the cloud's default pool.</param>
/// <param name="SizeGib">Default: as large as the backup.</param>
public sealed record RestoreBackup(string Name, string? Pool = null, int? SizeGib = null);

/// <summary>Where backups are made to. One begins with the first host whose agent offers a place for it.</summary>
/// <param name="Driver">How backups are kept: <c>directory</c> (qcow2 files).</param>
/// <param name="Shared">Several hosts reach its places.</param>
/// <param name="WarnPercent">From this share of a place that is used on, operators are warned.</param>
/// <param name="Places">Told to operators only.</param>
public sealed record BackupStore(string Id, string Name, string Driver, bool Shared, int WarnPercent, IReadOnlyList<BackupPlace>? Places, DateTimeOffset CreatedAt);

/// <summary>One place of a backup store.</summary>
/// <param name="Hosts">The hosts that reach it.</param>
/// <param name="ReportedAt">When a host last told of it.</param>
public sealed record BackupPlace(string Id, IReadOnlyList<Ref> Hosts, int CapacityGib, int UsedGib, DateTimeOffset ReportedAt);
