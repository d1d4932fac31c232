using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>A volume, from when it has a host.</summary>
internal sealed class VolumeRow
{
    public required string Id { get; init; }

    public required string HostId { get; init; }

    public required int SizeGib { get; set; }

    public long Generation { get; set; } = 1;

    public int Incarnation { get; set; } = 1;

    public long ObservedGeneration { get; set; }

    public int? MadeGib { get; set; }

    public string Desired { get; set; } = VolumeDesire.Present;

    /// <summary>It begins as the image.</summary>
    public bool OfImage { get; init; }

    /// <summary>The snapshot that it begins with.</summary>
    public SnapshotSource? Source { get; init; }

    /// <summary>The backup that it begins with.</summary>
    public string? BackupId { get; init; }

    public bool IsFilling => (Source is not null || BackupId is not null) && MadeGib is null && !Gone && Desired == VolumeDesire.Present;

    public string? RestoreSnapshotId { get; set; }

    public long RestoreNumber { get; set; }

    public long RestoredNumber { get; set; }

    public bool IsRestoring => RestoredNumber < RestoreNumber;

    /// <summary>The guest that has it, until that has certainly let it go.</summary>
    public string? InstanceId { get; set; }

    public int Slot { get; set; }

    /// <summary>Grows each time that it is asked to be attached or detached, for the checks.</summary>
    public int Attachments { get; set; }

    /// <summary>The instance's generation with which its host was told to take it away; null while it is attached.</summary>
    public long? DetachedGeneration { get; set; }

    /// <summary>Its host gives it to its instance's.</summary>
    public bool Exported { get; set; }

    public int ExportIncarnation { get; set; }

    /// <summary>False while the giving is to end.</summary>
    public bool HasExportKey { get; set; }

    public int? ExportPort { get; set; }

    /// <summary>The row of its new place, which is filled from it.</summary>
    public string? MovingTo { get; set; }

    /// <summary>The volume that this is to take the place of; null: it is a volume.</summary>
    public string? MoveOf { get; set; }

    /// <summary>Where that is given, and in which incarnation.</summary>
    public int? MovePort { get; set; }

    public int MoveIncarnation { get; init; }

    /// <summary>Removed, or recorded no more.</summary>
    public bool Gone { get; set; }

    public bool Forgotten { get; set; }

    /// <summary>Its host was given up, and the record with it: what is there of it is found again when the host is.</summary>
    public bool Lost { get; set; }
}

/// <summary>A snapshot, until its host has said that it is gone.</summary>
internal sealed class SnapshotRow
{
    public required string Id { get; init; }

    public required string VolumeId { get; init; }

    /// <summary>Snapshots of one group are of one moment.</summary>
    public string? Group { get; init; }

    /// <summary>Of nobody's asking: for a copy or a backup.</summary>
    public bool Internal { get; init; }

    /// <summary>The volume's generation with which its host was told of it.</summary>
    public required long AskedGeneration { get; init; }

    public string Desired { get; set; } = VolumeDesire.Present;

    public long? DeletedGeneration { get; set; }

    public bool Taken { get; set; }

    public bool IsAvailable => Taken && Desired == VolumeDesire.Present;

    /// <summary>When it was asked for, for the checks.</summary>
    public required long AskedMoment { get; init; }

    /// <summary>That of its volume when it was asked for, for the checks.</summary>
    public required int Attachment { get; init; }

    /// <summary>What it held when it was told to be taken, for the checks.</summary>
    public long Content { get; set; }
}
