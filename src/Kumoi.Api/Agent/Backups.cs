namespace Kumoi.Api.Agent;

/// <summary>A backup for which this host has something to do. What is absent stays as it is.</summary>
/// <param name="Place">Id of the place that it is in, one of those that the host has reported.</param>
/// <param name="VolumeId">The volume that it is of; its backups are kept together.</param>
/// <param name="Desired"><see cref="VolumeDesire"/>. One that is <c>deleted</c> is removed.</param>
/// <param name="Incarnation">Grows each time another host is to do it.</param>
/// <param name="Make">It is to be made; null: it is there.</param>
/// <param name="Into">One that is to be deleted, and on which another builds, becomes part of that one; null: none does.</param>
/// <param name="Verify">Number of the last verification that was asked for; 0: none is open.</param>
/// <param name="Chain">What is verified: its file, and those that it builds on, from its own down.</param>
/// <param name="Encryption">That of its volume: its file is encrypted with the same key; null: it is not.</param>
public sealed record DesiredBackup(
    string Id, string Place, string VolumeId, string Desired, int Incarnation, BackupMaking? Make = null, BackupMerge? Into = null, long Verify = 0, IReadOnlyList<BackupFile>? Chain = null,
    VolumeEncryption? Encryption = null);

/// <summary>How a backup is made.</summary>
/// <param name="SnapshotId">The snapshot of the volume, which is in the same document, whose content it is.</param>
/// <param name="ParentId">The backup that it builds on; null: it is to be a full one.</param>
/// <param name="BaseSnapshotId">The snapshot whose content that one is.</param>
/// <param name="DataId">What the document calls the volume; null: by its own id.</param>
public sealed record BackupMaking(string SnapshotId, string? ParentId, string? BaseSnapshotId, string? DataId = null);

/// <summary>The backup that builds on one which is to be deleted.</summary>
/// <param name="ChildSha256">Of that one's file, as it was before.</param>
/// <param name="Sha256">Of the file of the one that is to be deleted.</param>
/// <param name="ParentId">What that one builds on, and the other will then; null: it is full.</param>
public sealed record BackupMerge(string ChildId, string ChildSha256, string Sha256, string? ParentId);

/// <summary>One file of a backup's chain.</summary>
/// <param name="ParentId">The backup that it names as what it builds on; null: none.</param>
public sealed record BackupFile(string Id, string Sha256, string? ParentId);

/// <summary>The backup that a volume begins with: files from its own down to a full one.</summary>
/// <param name="VolumeId">The volume that it is of.</param>
/// <param name="Encryption">What the files are encrypted with; null: they are not.</param>
public sealed record BackupSource(string Place, string VolumeId, IReadOnlyList<BackupFile> Chain, VolumeEncryption? Encryption = null);

/// <summary>A backup as the host that has something to do for it sees it.</summary>
/// <param name="Made">It is there, whole; null: it is not.</param>
/// <param name="Gone">It was to be deleted, and nothing of it is there.</param>
/// <param name="Merged">What the one that built on it is by now, once it is part of that.</param>
/// <param name="Verified">Number of the last verification that was done.</param>
/// <param name="Damaged">What that found; null: everything is as it was written.</param>
public sealed record ObservedBackup(
    string Id, int Incarnation, MadeBackup? Made, bool Gone, MergedBackup? Merged, long Verified, string? Damaged, IReadOnlyList<Condition> Conditions, VolumeWork? Work);

/// <summary>A backup that is whole.</summary>
/// <param name="ParentId">What it builds on; null: it is full.</param>
/// <param name="FullBecause">Why it is full though an increment was asked for; null: it is as was asked.</param>
/// <param name="MovedBytes">What was read of the volume to make it.</param>
/// <param name="TakenAt">The moment of which it is.</param>
/// <param name="Consistency"><see cref="SnapshotConsistency"/>.</param>
public sealed record MadeBackup(string? ParentId, string? FullBecause, string Sha256, long StoredBytes, long MovedBytes, DateTimeOffset TakenAt, string Consistency);

/// <summary>A backup that another one became part of.</summary>
public sealed record MergedBackup(string ChildId, string Sha256, long StoredBytes);

/// <summary>A place on a host, or reached by it, where backups are kept.</summary>
/// <param name="Id">Kept in the place itself.</param>
/// <param name="Store">Name of the backup store that it belongs to.</param>
/// <param name="Shared">True if other hosts may reach it, too.</param>
public sealed record ObservedBackupPlace(string Id, string Store, bool Shared, int CapacityGib, int UsedGib);
