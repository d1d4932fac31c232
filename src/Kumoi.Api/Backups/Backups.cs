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
/// <param name="Encrypted">Its volume is encrypted, and its file with the same key; a volume that is restored from it is encrypted, too, with a key of its own.</param>
public sealed record Backup(
    string Id, string Name, Ref Account, string State, string Kind, Ref Volume, int SizeGib, Ref Store, Ref? Host, Ref? Parent, long MovedBytes, long StoredBytes, string? Sha256, string? Consistency, DateTimeOffset? TakenAt,
    DateTimeOffset? VerifiedAt, Ref? Schedule, IReadOnlyList<Condition> Conditions, VolumeWork? Work, DateTimeOffset CreatedAt, bool Encrypted);

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

/// <summary>When backups of a volume are made by themselves, and how many stay.</summary>
/// <param name="EveryMinutes">So many minutes after each other; null: each day at <paramref name="At"/>.</param>
/// <param name="At">Time of day, <c>HH:mm</c>, in the time zone.</param>
/// <param name="TimeZone">Name in the IANA time zone database.</param>
/// <param name="Keep">How many stay; null: as many as there are.</param>
/// <param name="KeepDays">How many days they stay; the last always does. Null: for good.</param>
/// <param name="FullEvery">Each so-manieth is a full one; the others have what has changed since the one before.</param>
/// <param name="NextAt">When the next is made. One that was missed is made late, once.</param>
/// <param name="LastAt">The time that the last was made for.</param>
/// <param name="Conditions">Why the last try made none.</param>
public sealed record BackupSchedule(
    string Id, string Name, Ref Account, Ref Volume, Ref? Store, int? EveryMinutes, string? At, string TimeZone, int? Keep, int? KeepDays, int FullEvery, bool Enabled, DateTimeOffset NextAt, DateTimeOffset? LastAt,
    IReadOnlyList<Condition> Conditions, DateTimeOffset CreatedAt);

/// <summary>Has backups of a volume made by themselves: <paramref name="EveryMinutes"/> or <paramref name="At"/>, and <paramref name="Keep"/> or <paramref name="KeepDays"/>, or both of these.</summary>
/// <param name="EveryMinutes">5 to 527,040.</param>
/// <param name="At">Each day at this time, <c>HH:mm</c>.</param>
/// <param name="TimeZone">Default: UTC.</param>
/// <param name="Keep">1 to 1,000.</param>
/// <param name="KeepDays">1 to 3,660.</param>
/// <param name="FullEvery">1 to 100; default: 7.</param>
public sealed record CreateBackupSchedule(
    string Name, string Volume, int? EveryMinutes = null, string? At = null, string? TimeZone = null, int? Keep = null, int? KeepDays = null, int? FullEvery = null, string? Store = null);

/// <summary>Changes a schedule; what is absent stays.</summary>
public sealed record UpdateBackupSchedule(bool? Enabled = null, int? Keep = null, int? KeepDays = null, int? FullEvery = null);
