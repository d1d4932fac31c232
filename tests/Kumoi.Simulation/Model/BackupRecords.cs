using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>A backup, until a host has said that it is gone.</summary>
internal sealed class BackupRow
{
    public required string Id { get; init; }

    public required string VolumeId { get; init; }

    public required int SizeGib { get; init; }

    public BackupScheduleRow? Schedule { get; init; }

    public required string SnapshotId { get; init; }

    public required string? BaseSnapshotId { get; init; }

    /// <summary>What it builds on; null: it is full.</summary>
    public string? ParentId { get; set; }

    public required string HostId { get; set; }

    public int Incarnation { get; set; } = 1;

    public string Desired { get; set; } = VolumeDesire.Present;

    public string? Sha256 { get; set; }

    public bool Failed { get; set; }

    /// <summary>A host has been told to remove it.</summary>
    public bool Offered { get; set; }

    public bool IsDeleting => Desired == VolumeDesire.Deleted;

    public bool IsCreating => !IsDeleting && !Failed && Sha256 is null;

    public bool IsAvailable => !IsDeleting && !Failed && Sha256 is not null;

    /// <summary>What it held when it was told to be made, for the checks.</summary>
    public long Content { get; set; }
}

/// <summary>Has a backup made of a volume now and then, and keeps a few of them.</summary>
internal sealed class BackupScheduleRow
{
    public const int EveryMinutes = 1, Keep = 2, FullEvery = 3;

    public required string VolumeId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset NextAt { get; set; }
}
