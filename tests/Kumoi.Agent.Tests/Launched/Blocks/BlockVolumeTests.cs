using Kumoi.Agent.Instances;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>The life of volumes in places that keep disks by themselves, with a real QEMU, the same for each kind of place.</summary>
[Collection("places")]
public sealed class BlockVolumeTests
{
    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    [InlineData(BlockStand.Rbd)]
    public async Task Made_attached_plugged_written_grown_and_removed(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        var (one, two) = (stand.Volume(1) with { ImageId = Samples.Image }, stand.Volume(2) with { InstanceId = null, Slot = null });
        await stand.StartGuestAsync(one);
        await stand.GuestAsync(one, "read -P 77 4M 64k", "read -P 0 0 4M", "write -P 5 100M 1M", "read -P 5 100M 1M");
        Assert.True((await stand.SeeAsync(one)).InUse);
        // Another one of the same image copies nothing.
        await stand.SettleAsync(two with { ImageId = Samples.Image });
        Assert.Single(await stand.NamesAsync(), name => name.StartsWith("image-", StringComparison.Ordinal));
        await stand.DiskAsync(two, null, "read -P 77 4M 64k", "read -P 0 100M 1M");
        var plugged = stand.Volume(2) with { ImageId = Samples.Image };
        await stand.SettleAsync(plugged);
        var agent = await stand.AgentAsync();
        await agent.Hypervisor.PlugDriveAsync(stand.Record.Id, new DriveIntent(plugged, stand.Image), default);
        Assert.Equal([new GuestDrive(one.Id, true, true, VolumeSizes.Gib, null), new GuestDrive(plugged.Id, true, true, VolumeSizes.Gib, null)], (await stand.GuestAsync())!.Drives!);
        await stand.GuestAsync(plugged, "read -P 77 4M 64k", "write -P 6 200M 64k", "read -P 6 200M 64k");
        // Both grow while the guest has them.
        (one, plugged) = (one with { SizeGib = 2 }, plugged with { SizeGib = 3 });
        foreach (var volume in new[] { one, plugged, one }) await agent.Hypervisor.AdjustDriveAsync(stand.Record.Id, volume, default);
        Assert.Equal([2 * VolumeSizes.Gib, 3 * VolumeSizes.Gib], (await stand.GuestAsync())!.Drives!.Select(drive => drive.SizeBytes));
        await stand.GuestAsync(plugged, "write -P 7 2500M 64k", "read -P 7 2500M 64k", "read -P 6 200M 64k");
        await agent.Hypervisor.UnplugDriveAsync(stand.Record.Id, plugged.Id, default);
        await stand.KillGuestAsync();
        await stand.SettleAsync(one with { InstanceId = null }, plugged with { InstanceId = null });
        Assert.False((await stand.SeeAsync(one)).IsGiven);
        await stand.DiskAsync(plugged, null, "read -P 7 2500M 64k");
        await stand.SettleAsync(one with { Desired = VolumeDesire.Deleted }, plugged with { Desired = VolumeDesire.Deleted });
        await stand.SettleAsync(one with { Desired = VolumeDesire.Deleted });
        // What is gone is removed beside everything else.
        await Wait.ForAsync("all but the image to go", async () => await stand.NamesAsync() is [var last] && last == BlockNames.Image(stand.Image.Sha256), TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    [InlineData(BlockStand.Rbd)]
    public async Task Snapshots_of_a_group_are_of_one_moment_and_volumes_are_put_back_and_made_from_them(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        DesiredVolume[] volumes = [stand.Volume(1), stand.Volume(2), stand.Volume(3) with { Store = stand.OwnStore }];
        await stand.StartGuestAsync(volumes);
        using var stop = new CancellationTokenSource();
        var writes = Task.Run(async () =>
        {
            for (var at = 0; !stop.IsCancellationRequested; at++)
                foreach (var volume in volumes) await stand.GuestWritesAsync(volume, $"write -P 1 {at * 64}k 64k");
        });
        DesiredVolume[] wanted = [.. volumes.Select((volume, index) => volume with { Snapshots = [new DesiredSnapshot(stand.Snapshot(index + 1), VolumeDesire.Present, "g-1")] })];
        await stand.SettleAsync(wanted);
        await stop.CancelAsync();
        await writes;
        Assert.Equal(RunState.Running, (await stand.GuestAsync())!.State);
        var taken = await Task.WhenAll(wanted.Select(async volume => Assert.Single((await stand.SeeAsync(volume)).Snapshots.Taken)));
        Assert.All(taken, one => Assert.Equal(SnapshotConsistency.Crash, one.Consistency));
        var lengths = new List<int>();
        foreach (var (volume, index) in wanted.Select((volume, index) => (volume, index))) lengths.Add(await stand.WrittenAsync(volume, stand.Snapshot(index + 1), 1));
        // Each piece is written to the first, the second and then the third.
        Assert.True(lengths[0] > 0 && lengths[0] - lengths[1] is 0 or 1 && lengths[1] - lengths[2] is 0 or 1 && lengths[0] - lengths[2] is 0 or 1, $"{string.Join(", ", lengths)} were written.");

        await stand.GuestAsync(volumes[0], "write -P 9 0 64k");
        await stand.KillGuestAsync();
        var first = wanted[0] with { InstanceId = null, Slot = null, Snapshots = [wanted[0].Snapshots![0] with { Taken = true }, new DesiredSnapshot(stand.Snapshot(7), VolumeDesire.Present)] };
        await stand.SettleAsync(first);
        await stand.SettleAsync(first = first with { SizeGib = 2, Restore = new SnapshotRestore(stand.Snapshot(1), 1) });
        await stand.DiskAsync(first, null, "read -P 1 0 64k", "write -P 3 1500M 64k", "write -P 8 0 64k");
        // What was there before it was put back is a snapshot, too, and those before and after are as they were.
        await stand.DiskAsync(first, stand.Snapshot(7), "read -P 9 0 64k");
        await stand.DiskAsync(first, stand.Snapshot(1), "read -P 1 0 64k");
        await stand.SettleAsync(first = first with { Restore = new SnapshotRestore(stand.Snapshot(7), 2) });
        await stand.DiskAsync(first, null, "read -P 9 0 64k", "read -P 0 1500M 64k");

        var copy = stand.Volume(4) with { InstanceId = null, Slot = null, SizeGib = 3, Source = new SnapshotSource(first.Id, stand.Snapshot(1)) };
        await stand.SettleAsync(first, copy);
        await stand.DiskAsync(copy, null, "read -P 1 0 64k", "write -P 4 2500M 64k");
        // What it was made from goes, and it stays as it is.
        var gone = first with { Desired = VolumeDesire.Deleted, Snapshots = [.. first.Snapshots!.Select(one => one with { Desired = VolumeDesire.Deleted, Taken = true })] };
        await stand.SettleAsync(first with { Desired = VolumeDesire.Deleted, Snapshots = [.. first.Snapshots!.Select(one => one with { Taken = true })] });
        Assert.Null((await stand.SeeAsync(first)).SizeBytes);
        Assert.Equal(2, (await stand.SeeAsync(first)).Snapshots.Taken.Count);
        await stand.SettleAsync(gone);
        Assert.False((await stand.SeeAsync(gone)).Traces);
        await stand.DiskAsync(copy, null, "read -P 1 0 64k", "read -P 4 2500M 64k");
        await stand.SettleAsync(copy with { Desired = VolumeDesire.Deleted }, wanted[1] with { Desired = VolumeDesire.Deleted, Snapshots = [wanted[1].Snapshots![0] with { Desired = VolumeDesire.Deleted, Taken = true }] });
        await Wait.ForAsync("all of it to go", async () =>
        {
            await (await stand.AgentAsync()).Blocks.LookAsync(default);
            return (await stand.NamesAsync()).Length == 0;
        }, TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    [InlineData(BlockStand.Rbd)]
    public async Task Backed_up_while_the_guest_writes_and_made_anew_from_that(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        var volume = stand.Volume(1) with { ImageId = Samples.Image };
        await stand.StartGuestAsync(volume);
        await stand.GuestAsync(volume, "write -P 5 100M 1M");
        volume = volume with { Snapshots = [new DesiredSnapshot(stand.Snapshot(1), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        await stand.GuestAsync(volume, "write -P 6 100M 1M");
        DesiredBackup backup = new("bk-19a3f2b4c5d6e0001", stand.BackupPlace, volume.Id, VolumeDesire.Present, 1) { Make = new BackupMaking(stand.Snapshot(1), null, null) };
        var made = (await stand.SettleAsync(backup)).Made!;
        Assert.Null(made.ParentId);
        var again = stand.Volume(2) with { InstanceId = null, Slot = null, SizeGib = 2, Backup = new BackupSource(stand.BackupPlace, volume.Id, [new BackupFile(backup.Id, made.Sha256, null)]) };
        await stand.SettleAsync(again);
        await stand.DiskAsync(again, null, "read -P 5 100M 1M", "read -P 77 4M 64k", "read -P 0 1500M 64k");
        await stand.GuestAsync(volume, "read -P 6 100M 1M");
    }
}
