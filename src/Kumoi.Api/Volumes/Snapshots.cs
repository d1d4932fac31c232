namespace Kumoi.Api;

/// <summary>The content of a volume at one moment: volumes can be put back to it, and new ones begin with it.</summary>
/// <param name="State"><c>creating</c>, <c>available</c> or <c>deleting</c>.</param>
/// <param name="Volume">The volume that it is of. One that was deleted stays for its snapshots, by its name then.</param>
/// <param name="SizeGib">The size of the volume, in GiB, when it was asked for.</param>
/// <param name="UsedBytes">What would be free if it alone were not there; less than that while nothing has been written since.</param>
/// <param name="Consistency"><c>crash</c>: what a power cut would have left; <c>filesystem</c>: the guest had written out its file systems, or did not run. Null: it is not taken yet.</param>
/// <param name="Instance">The instance whose volumes were taken together; null: it was taken alone.</param>
/// <param name="Group">Id of the first of those that were taken together: they are of the same moment. Null: it was taken alone.</param>
/// <param name="TakenAt">The moment of which it is; null: it is not taken yet.</param>
/// <param name="Conditions">Why it is not as was asked, as the volume's host tells.</param>
/// <param name="Tags">What its account has noted of it, for itself.</param>
public sealed record Snapshot(
    string Id, string Name, string Description, Ref Account, string State, Ref Volume, int SizeGib, long UsedBytes, string? Consistency, Ref? Instance, string? Group, DateTimeOffset? TakenAt,
    IReadOnlyList<Condition> Conditions, DateTimeOffset CreatedAt, IReadOnlyDictionary<string, string> Tags);

/// <summary>Takes a snapshot of a volume, or one of each volume of an instance.</summary>
/// <param name="Name">Default: its id. Of an instance: the name of the snapshot of the volume that it starts from; the others are called by it and their volume's name.</param>
/// <param name="Description">Up to 1,000 characters.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateSnapshot(string? Name, string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes how a snapshot is called; what is absent stays.</summary>
/// <param name="Tags">Keys that get these values, or go if that is null; others stay.</param>
public sealed record UpdateSnapshot(string? Name, string? Description, IReadOnlyDictionary<string, string?>? Tags = null);

/// <summary>Puts a volume back to one of its snapshots. What was written since is gone.</summary>
/// <param name="Snapshot">One of this volume's.</param>
public sealed record RestoreVolume(string Snapshot);
