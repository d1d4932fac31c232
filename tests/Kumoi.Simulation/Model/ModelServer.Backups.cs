using Kumoi.Api.Agent;
using Kumoi.Server.Backups.Schedules;
using Kumoi.Server.Hosts;

namespace Kumoi.Simulation.Model;

/// <summary>Backups: what users and schedules ask, and what follows from the records.</summary>
internal sealed partial class ModelServer
{
    private const int BackupsMost = 6;

    private bool CanBeBackedUp(VolumeRow volume) => CanBeTaken(volume) && Reaches(volume.HostId) && Records.Backups.Values.Count(backup => !backup.IsDeleting) < BackupsMost
        && !Records.Backups.Values.Any(backup => backup.VolumeId == volume.Id && backup.IsCreating);

    private bool Reaches(string hostId) => _cloud.Hosts.First(host => host.Id == hostId).ReachesBackups;

    private string[] BackUp(VolumeRow volume, bool incremental, BackupScheduleRow? schedule)
    {
        var parent = !incremental ? null : Records.Backups.Values.LastOrDefault(backup => backup.VolumeId == volume.Id && backup.IsAvailable && Records.Snapshots.GetValueOrDefault(backup.SnapshotId) is { IsAvailable: true });
        var snapshot = AskSnapshot(volume, null, isInternal: true);
        var backup = new BackupRow
        {
            Id = $"bk-19a3f2b4c5d6e{++Records.Numbered:x4}", VolumeId = volume.Id, SizeGib = volume.SizeGib, Schedule = schedule, SnapshotId = snapshot.Id, BaseSnapshotId = parent?.SnapshotId, ParentId = parent?.Id, HostId = volume.HostId,
        };
        Records.Backups.Add(backup.Id, backup);
        return [volume.HostId];
    }

    private string[] Schedule(VolumeRow volume)
    {
        if (Reaches(volume.HostId) && !Records.Schedules.Any(schedule => schedule.VolumeId == volume.Id)) Records.Schedules.Add(new BackupScheduleRow { VolumeId = volume.Id, CreatedAt = Clock.GetUtcNow(), NextAt = Clock.GetUtcNow() });
        return [];
    }

    private string[] DeleteBackup()
    {
        var some = Records.Backups.Values.Where(backup => !backup.IsDeleting && !Records.IsRead(backup)).ToArray();
        if (some.Length > 0) _cloud.Dice.Of(some).Desired = VolumeDesire.Deleted;
        return [.. SettleBackups()];
    }

    /// <summary>Makes a volume from a backup, where a host reaches that.</summary>
    private string[] RestoreBackup()
    {
        if (Records.Volumes.Values.Count(volume => !volume.Gone) >= VolumesMost) return [];
        var some = Records.Backups.Values.Where(backup => backup.IsAvailable && !Records.ChainOf(backup).Any(one => one.IsDeleting)).ToArray();
        var hosts = Records.Hosts.Values.Where(host => host.State == HostStates.Up && Reaches(host.Id)).ToArray();
        if (some.Length == 0 || hosts.Length == 0) return [];
        var backup = _cloud.Dice.Of(some);
        var volume = new VolumeRow { Id = $"vol-19a3f2b4c5d6e{++Records.Numbered:x4}", HostId = _cloud.Dice.Of(hosts).Id, SizeGib = backup.SizeGib, BackupId = backup.Id };
        Records.Volumes.Add(volume.Id, volume);
        return [volume.HostId];
    }

    /// <summary>What follows from the records of backups, whatever has changed; the hosts that are to hear of it.</summary>
    private List<string> SettleBackups()
    {
        var told = new List<string>();
        foreach (var lost in Records.Backups.Values.Where(backup => backup.IsCreating && !CanStillBeMade(backup))) (lost.Failed, lost.ParentId) = (true, null);
        foreach (var backup in Records.Backups.Values.Where(backup => backup is { IsDeleting: true, Offered: false } && !IsBuiltUpon(backup) && !IsReadAbove(backup) && !IsBecomingMore(backup)).ToArray())
            if (ReachingFor(backup) is { } hostId)
            {
                backup.Offered = true;
                OfferTo(backup, hostId);
                told.Add(hostId);
            }
        // What waits for a host that is down is another's to do.
        foreach (var backup in Records.Backups.Values.Where(backup => backup.Offered && Records.Hosts.GetValueOrDefault(backup.HostId)?.State != HostStates.Up))
            if (ReachingFor(backup) is { } hostId && hostId != backup.HostId)
            {
                OfferTo(backup, hostId);
                told.Add(hostId);
            }
        told.AddRange(Unneeded().ToArray().Select(Delete));
        return [.. told.Distinct()];
    }

    private bool CanStillBeMade(BackupRow backup) => Records.Snapshots.GetValueOrDefault(backup.SnapshotId) is { } snapshot && (snapshot.Taken || Records.Volumes[snapshot.VolumeId].Desired == VolumeDesire.Present);

    /// <summary>By one that is itself on its way, in or out.</summary>
    private bool IsBuiltUpon(BackupRow backup) => Records.Backups.Values.Any(child => child.ParentId == backup.Id && (child.IsCreating || child.IsDeleting || child.Offered));

    /// <summary>What it builds on is becoming part of it.</summary>
    private bool IsBecomingMore(BackupRow backup) => backup.ParentId is { } parent && Records.Backups.GetValueOrDefault(parent) is { Offered: true };

    /// <summary>Something of the chain above it is being read.</summary>
    private bool IsReadAbove(BackupRow backup) => Records.IsRead(backup) || Records.Backups.Values.Any(child => child.ParentId == backup.Id && IsReadAbove(child));

    /// <summary>One that was never made may be being made by its host, while that is not heard of.</summary>
    private string? ReachingFor(BackupRow backup) => backup.Sha256 is null && Records.Hosts.GetValueOrDefault(backup.HostId) is { State: not HostStates.Up } ? null
        : Records.Hosts.Values.Where(host => host.State == HostStates.Up && Reaches(host.Id)).OrderByDescending(host => host.Id == backup.HostId).ThenBy(host => host.Id, StringComparer.Ordinal).FirstOrDefault()?.Id;

    private static void OfferTo(BackupRow backup, string hostId)
    {
        if (backup.HostId != hostId) (backup.HostId, backup.Incarnation) = (hostId, backup.Incarnation + 1);
    }

    /// <summary>Has backups made that are due, and retires those that their schedules keep no longer.</summary>
    private string[] KeepSchedules()
    {
        var now = Clock.GetUtcNow();
        var told = new List<string>();
        foreach (var schedule in Records.Schedules.Where(schedule => schedule.NextAt <= now).ToArray())
        {
            if (Records.Volumes[schedule.VolumeId] is not { Gone: false, Desired: VolumeDesire.Present } volume)
            {
                Records.Schedules.Remove(schedule);
                continue;
            }
            if (!CanBeBackedUp(volume)) continue;
            var made = Records.Backups.Values.Where(backup => backup.Schedule == schedule && (backup.IsCreating || backup.IsAvailable)).ToArray();
            var full = Array.FindLastIndex(made, backup => backup.ParentId is null);
            told.AddRange(BackUp(volume, full >= 0 && made.Length - full - 1 < BackupScheduleRow.FullEvery - 1, schedule));
            schedule.NextAt = BackupSlots.Next(BackupScheduleRow.EveryMinutes, null, TimeZoneInfo.Utc, schedule.CreatedAt, now);
        }
        foreach (var schedule in Records.Schedules)
            foreach (var old in Records.Backups.Values.Where(backup => backup.Schedule == schedule && backup.IsAvailable).Reverse().Skip(BackupScheduleRow.Keep).Where(backup => !Records.IsRead(backup)).ToArray()) old.Desired = VolumeDesire.Deleted;
        return [.. told.Concat(SettleBackups()).Distinct().SelectMany(Touch)];
    }

    private async Task ObserveBackupsAsync(string hostId, ObservedReport report)
    {
        foreach (var seen in report.Backups ?? [])
            if (Read(() => CanTakeIn(hostId, seen))) await CommitAsync(() => TakeIn(hostId, seen), rings => rings);
    }

    private bool CanTakeIn(string hostId, ObservedBackup seen) =>
        Records.Backups.GetValueOrDefault(seen.Id) is { } row && row.HostId == hostId && row.Incarnation == seen.Incarnation
        && ((row.IsCreating && seen.Made is { } made && (made.ParentId is null || made.ParentId == row.ParentId))
            || (row.Offered && seen.Gone && (ChildOf(row) is not { } child || seen.Merged?.ChildId == child.Id)));

    private BackupRow? ChildOf(BackupRow row) => Records.Backups.Values.FirstOrDefault(child => child.ParentId == row.Id && child.Sha256 is not null);

    private string[] TakeIn(string hostId, ObservedBackup seen)
    {
        if (!CanTakeIn(hostId, seen)) return [];
        var row = Records.Backups[seen.Id];
        if (row.IsCreating)
        {
            (row.Sha256, row.ParentId) = (seen.Made!.Sha256, seen.Made.ParentId);
            _cloud.Checks.AfterBackup(row);
        }
        else
        {
            if (ChildOf(row) is { } child) (child.Sha256, child.ParentId) = (seen.Merged!.Sha256, row.ParentId);
            Records.Backups.Remove(row.Id);
        }
        return [.. SettleBackups().Append(hostId).Distinct().SelectMany(Touch)];
    }
}
