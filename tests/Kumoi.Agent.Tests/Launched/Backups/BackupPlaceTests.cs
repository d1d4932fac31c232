using Kumoi.Agent.Instances;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Backups;

/// <summary>Places of backups that are full, cannot be written, or are not there: what is there stays, nothing half is left, and it goes on when they are as they should be.</summary>
public sealed class BackupPlaceTests
{
    [Fact]
    public async Task A_place_that_is_full_or_read_only_or_away_has_nothing_half_and_goes_on_later()
    {
        var (real, place) = (Directory.CreateTempSubdirectory("kumoi-test-real").FullName, Directory.CreateTempSubdirectory("kumoi-test-place").FullName);
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=2m,mode=711", "none", real);
        await RunAsync("mount", "--bind", real, place);
        try
        {
            await using var stand = await SnapshotStand.MakeAsync(backups: place);
            var volume = stand.Volume(1);
            await stand.SettleAsync(volume);
            await stand.WriteAsync(volume, "write -P 1 0 4M");
            volume = volume with { Snapshots = [new(Snapshot(1), VolumeDesire.Present)] };
            await stand.SettleAsync(volume);
            var backup = new DesiredBackup(Backup(1), stand.BackupPlace, volume.Id, VolumeDesire.Present, 1, new BackupMaking(Snapshot(1), null, null));
            Assert.Equal("backup-store-full", (await Assert.ThrowsAsync<HypervisorException>(() => stand.SettleAsync(backup))).Reason);
            Assert.Empty(Directory.GetFiles(stand.BackupsOf(volume)));

            await RunAsync("mount", "-o", "remount,size=32m", real);
            await RunAsync("mount", "-o", "remount,ro,bind", place);
            await Assert.ThrowsAnyAsync<Exception>(() => stand.SettleAsync(backup));
            await RunAsync("mount", "-o", "remount,rw,bind", place);

            await RunAsync("umount", place);
            Assert.Equal("store-away", (await Assert.ThrowsAsync<HypervisorException>(() => stand.SettleAsync(backup))).Reason);
            Assert.Empty(Directory.GetFileSystemEntries(place));
            await RunAsync("mount", "--bind", real, place);

            // What has failed is left alone for a while; the next agent knows nothing of that.
            await stand.EndAgentAsync();
            var made = (await stand.SettleAsync(backup)).Made!;
            Assert.Null(made.ParentId);
            var restored = stand.Volume(10) with { InstanceId = null, Slot = null, Backup = new BackupSource(stand.BackupPlace, volume.Id, [new BackupFile(Backup(1), made.Sha256, null)]) };
            await stand.SettleAsync(restored);
            await stand.ReadAsync(restored, null, "read -P 1 0 4M", "read -P 0 4M 1M");
        }
        finally
        {
            await Machine.RunAsync("umount", place);
            await Machine.RunAsync("umount", real);
            Directory.Delete(place);
            Directory.Delete(real);
        }

        static async Task RunAsync(string program, params string[] arguments) => Assert.True(await Machine.RunAsync(program, arguments) is { Code: 0 }, $"{program} {string.Join(' ', arguments)}");
    }

    [Fact]
    public async Task One_that_is_given_up_while_it_is_made_leaves_nothing()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1);
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 1 0 8M");
        volume = volume with { Snapshots = [new(Snapshot(1), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        var backup = new DesiredBackup(Backup(1), stand.BackupPlace, volume.Id, VolumeDesire.Present, 1, new BackupMaking(Snapshot(1), null, null));
        await stand.RoundAsync(backup);
        Assert.NotEmpty(Directory.GetFiles(stand.BackupsOf(volume)));
        var gone = await stand.SettleAsync(backup with { Desired = VolumeDesire.Deleted, Make = null });
        Assert.False(gone.Traces);
        Assert.False(Directory.Exists(stand.BackupsOf(volume)));
        // The snapshot was never touched.
        await stand.ReadAsync(volume, Snapshot(1), "read -P 1 0 8M");
    }
}
