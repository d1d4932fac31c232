using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>Snapshots of volumes with the real qemu-img and QEMU: what was read when a snapshot was taken is read from it ever after, whatever becomes of the others.</summary>
public sealed class SnapshotTests
{
    private static readonly DesiredSnapshot One = new(Snapshot(1), VolumeDesire.Present), Two = new(Snapshot(2), VolumeDesire.Present), Three = new(Snapshot(3), VolumeDesire.Present);

    [Fact]
    public async Task Without_a_guest_snapshots_are_taken_restored_copied_and_deleted_and_outlive_their_volume()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image };
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 1 0 2M");
        volume = volume with { Snapshots = [One] };
        await stand.SettleAsync(volume);
        Assert.Equal(SnapshotConsistency.FileSystem, Assert.Single((await stand.SeeAsync(volume)).Snapshots.Taken).Consistency);
        await stand.WriteAsync(volume, "write -P 2 1M 2M");
        volume = volume with { Snapshots = [One, Two] };
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 3 0 64k");
        await stand.ReadAsync(volume, null, "read -P 3 0 64k", "read -P 1 64k 960k", "read -P 2 1M 2M", "read -P 77 4M 64k");
        await stand.ReadAsync(volume, One.Id, "read -P 1 0 2M", "read -P 0 2M 1M", "read -P 77 4M 64k");
        await stand.ReadAsync(volume, Two.Id, "read -P 1 0 1M", "read -P 2 1M 2M");

        // Back to the first; the second stays, and neither is touched by what is written then.
        volume = volume with { Restore = new SnapshotRestore(One.Id, 7), SizeGib = 2 };
        await stand.SettleAsync(volume);
        var seen = await stand.SeeAsync(volume);
        Assert.Equal((7L, 2L * 1024 * 1024 * 1024, 2), (seen.Snapshots.Restored, seen.SizeBytes!.Value, seen.Snapshots.Taken.Count));
        await stand.ReadAsync(volume, null, "read -P 1 0 2M", "read -P 0 2M 1M");
        await stand.WriteAsync(volume, "write -P 4 0 64k");
        await stand.ReadAsync(volume, One.Id, "read -P 1 0 2M");
        await stand.ReadAsync(volume, Two.Id, "read -P 1 0 1M", "read -P 2 1M 2M");

        // A volume of its own from the second, which is then deleted.
        var copy = stand.Volume(2) with { Source = new SnapshotSource(volume.Id, Two.Id), SizeGib = 3 };
        await stand.SettleAsync(copy);
        await stand.ReadAsync(copy, null, "read -P 1 0 1M", "read -P 2 1M 2M", "read -P 77 4M 64k", "read -P 0 2G 64k");
        Assert.Equal([LayerNames.Base], stand.FilesOf(copy));
        volume = volume with { Snapshots = [One, Two with { Desired = VolumeDesire.Deleted, Taken = true }] };
        await stand.SettleAsync(volume);
        await stand.ReadAsync(volume, One.Id, "read -P 1 0 2M", "read -P 77 4M 64k");
        await stand.ReadAsync(volume, null, "read -P 4 0 64k", "read -P 1 64k 1984k");
        Assert.Equal(2, stand.FilesOf(volume).Length);

        // Deleted, its snapshot is still there; and with the last snapshot everything goes.
        volume = volume with { Desired = VolumeDesire.Deleted };
        await stand.SettleAsync(volume);
        Assert.Null((await stand.SeeAsync(volume)).SizeBytes);
        Assert.Single(stand.FilesOf(volume));
        await stand.ReadAsync(volume, One.Id, "read -P 1 0 2M", "read -P 77 4M 64k");
        await stand.SettleAsync(volume with { Snapshots = [One with { Desired = VolumeDesire.Deleted, Taken = true }] });
        Assert.False(Directory.Exists(stand.DirectoryOf(volume)));

        // What was asked for right before the volume was deleted is taken, though its host hears of both at once.
        copy = copy with { Desired = VolumeDesire.Deleted, Snapshots = [Three] };
        var last = stand.Volume(3) with { Source = new SnapshotSource(copy.Id, Three.Id), SizeGib = 3 };
        await stand.SettleAsync(copy, last);
        Assert.Null((await stand.SeeAsync(copy)).SizeBytes);
        await stand.ReadAsync(copy, Three.Id, "read -P 2 1M 2M");
        copy = last;
        await stand.ReadAsync(copy, null, "read -P 1 0 1M", "read -P 2 1M 2M", "read -P 77 4M 64k");
    }

    [Fact]
    public async Task In_a_guest_that_writes_snapshots_are_taken_and_the_middle_one_is_deleted()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image };
        await stand.StartGuestAsync(volume);
        await stand.GuestAsync(volume, "write -P 1 0 2M");
        foreach (var (number, snapshots) in new DesiredSnapshot[][] { [One], [One, Two], [One, Two, Three] }.Index())
        {
            volume = volume with { Snapshots = snapshots };
            await stand.SettleAsync(volume);
            Assert.Equal(number + 1, (await stand.SeeAsync(volume)).Snapshots.Taken.Count);
            await stand.GuestAsync(volume, $"write -P {number + 2} {number + 1}M 2M");
        }
        Assert.Equal(4, stand.FilesOf(volume).Length);
        volume = volume with { Snapshots = [One, Two with { Desired = VolumeDesire.Deleted, Taken = true }, Three] };
        var writes = Task.Run(async () =>
        {
            foreach (var at in Enumerable.Range(0, 200)) await stand.GuestAsync(volume, $"write -P 9 {16 + at}M 64k");
        });
        await stand.SettleAsync(volume);
        await writes;
        Assert.Equal(3, stand.FilesOf(volume).Length);
        await stand.ReadAsync(volume, One.Id, "read -P 1 0 2M", "read -P 0 2M 1M", "read -P 77 4M 64k");
        await stand.ReadAsync(volume, Three.Id, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 2M", "read -P 77 4M 64k");
        await stand.GuestAsync(volume, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M", "read -P 4 3M 2M", "read -P 0 6M 64k", "read -P 9 16M 64k", "read -P 9 215M 64k");
        // Then all of them: what is left is the guest's own, and an empty layer was put over it for that.
        volume = volume with { Snapshots = [.. volume.Snapshots!.Select(one => one with { Desired = VolumeDesire.Deleted, Taken = true })] };
        await stand.SettleAsync(volume);
        Assert.Equal(2, stand.FilesOf(volume).Length);
        await stand.KillGuestAsync();
        await stand.ReadAsync(volume, null, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M", "read -P 4 3M 2M", "read -P 9 215M 64k");
        // Without the guest they are brought together for good.
        await stand.SettleAsync(volume);
        Assert.Single(stand.FilesOf(volume));
        await stand.ReadAsync(volume, null, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M", "read -P 4 3M 2M", "read -P 9 215M 64k");
        await stand.StartGuestAsync(volume);
        await stand.GuestAsync(volume, "read -P 1 0 1M", "read -P 9 215M 64k", "read -P 4 3M 2M");
    }
}
