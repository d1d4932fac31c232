using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Backups;

/// <summary>What of a backup is where it is kept.</summary>
/// <param name="Made">It is there, whole.</param>
/// <param name="Traces">Anything of it is there.</param>
/// <param name="Merged">It became part of the one that builds on it.</param>
/// <param name="Verified">Number of the last verification that was done to its end.</param>
/// <param name="Damaged">What that found; null: nothing.</param>
public sealed record BackupSight(MadeBackup? Made, bool Traces, MergedBackup? Merged, long Verified, string? Damaged, VolumeWork? Work);

/// <summary>The edge between the agent and the places where backups are kept. Every call may be repeated after it was cut off at any point; what takes its time is
/// begun, and its end is found by another call.</summary>
public interface IBackupDriver
{
    /// <summary>Called with a backup's id when something that takes its time has ended.</summary>
    void WatchBackups(Action<string> changed);

    /// <summary>Looks at the places. Returns within seconds, whatever they do.</summary>
    Task<StoresSight> LookAtPlacesAsync(CancellationToken cancel);

    /// <param name="volume">The volume that it is of, if this host looks after it.</param>
    Task<BackupSight> ObserveAsync(DesiredBackup backup, DesiredVolume? volume, CancellationToken cancel);

    /// <summary>Whether a backup of the volume needs the volume's image on the host.</summary>
    bool NeedsImage(DesiredVolume volume) => true;

    /// <summary>Makes the backup from its volume's snapshot.</summary>
    /// <param name="image">What the volume is a layer over.</param>
    Task MakeAsync(DesiredBackup backup, DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Makes a backup part of the one that builds on it.</summary>
    Task MergeAsync(DesiredBackup backup, CancellationToken cancel);

    /// <summary>Reads the files of its chain, and compares them with what was written.</summary>
    Task VerifyAsync(DesiredBackup backup, CancellationToken cancel);

    /// <summary>Ends what is done to it, and removes what is left of it.</summary>
    Task RemoveAsync(DesiredBackup backup, CancellationToken cancel);
}
