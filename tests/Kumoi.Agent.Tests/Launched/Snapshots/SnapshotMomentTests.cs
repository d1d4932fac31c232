using Kumoi.Agent.Instances;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>Of which moment snapshots are, and what is there when they cannot be taken.</summary>
public sealed class SnapshotMomentTests
{
    [Fact]
    public async Task Snapshots_of_a_group_are_of_one_moment_and_wait_for_each_other()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        DesiredVolume[] volumes = [stand.Volume(1), stand.Volume(2)];
        await stand.StartGuestAsync(volumes);
        using var stop = new CancellationTokenSource();
        var writes = Task.Run(async () =>
        {
            // Each number to the first, and then to the second: the first is never behind, and never ahead by more than one.
            for (var at = 0; !stop.IsCancellationRequested; at++)
                foreach (var volume in volumes) await stand.GuestAsync(volume, $"write -P 1 {at * 64}k 64k");
        });
        DesiredVolume[] wanted = [.. volumes.Select((volume, index) => volume with { Snapshots = [new DesiredSnapshot(Snapshot(index + 1), VolumeDesire.Present, "g-1")] })];
        stand.Know(wanted);
        Assert.Equal(VolumeStep.Prepare, (await stand.RoundAsync(wanted[0])).Step);
        Assert.Equal(VolumeStep.Take, (await stand.RoundAsync(wanted[0])).Step);
        Assert.Empty((await stand.SeeAsync(wanted[0])).Snapshots.Taken);
        await stand.SettleAsync(wanted);
        await stop.CancelAsync();
        await writes;
        var taken = await Task.WhenAll(wanted.Select(async volume => Assert.Single((await stand.SeeAsync(volume)).Snapshots.Taken)));
        Assert.Equal(taken[0].TakenAt, taken[1].TakenAt);
        Assert.All(taken, one => Assert.Equal(SnapshotConsistency.Crash, one.Consistency));
        var lengths = await Task.WhenAll(wanted.Select((volume, index) => WrittenAsync(stand, volume, Snapshot(index + 1))));
        Assert.True(lengths[0] > 0 && lengths[0] - lengths[1] is 0 or 1, $"{lengths[0]} and {lengths[1]} were written.");
        await stand.KillGuestAsync();
    }

    [Fact]
    public async Task Where_there_is_no_room_nothing_is_left_of_the_try_and_the_guest_goes_on()
    {
        var small = Directory.CreateTempSubdirectory("kumoi-test-small").FullName;
        Assert.Equal(0, (await Machine.RunAsync("mount", "-t", "tmpfs", "-o", "size=4m,mode=711", "none", small)).Code);
        try
        {
            await using var stand = await SnapshotStand.MakeAsync(small);
            var volume = stand.Volume(1);
            await stand.StartGuestAsync(volume);
            await stand.GuestAsync(volume, "write -P 1 0 1M");
            var ballast = Path.Combine(stand.DirectoryOf(volume), "ballast");
            Assert.NotEqual(0, (await Machine.RunAsync("dd", "if=/dev/zero", $"of={ballast}", "bs=4k", "count=4096")).Code);
            volume = volume with { Snapshots = [new DesiredSnapshot(Snapshot(1), VolumeDesire.Present)] };
            foreach (var _ in new[] { 1, 2 }) Assert.Contains("space", (await Assert.ThrowsAnyAsync<IOException>(() => stand.RoundAsync(volume))) is HypervisorException { Reason: "disk-full" } ? "space" : "No space left", StringComparison.Ordinal);
            Assert.Equal([LayerNames.Base], stand.FilesOf(volume));
            Assert.Equal(["ballast", LayerNames.Base], Directory.GetFiles(stand.DirectoryOf(volume)).Select(Path.GetFileName).Order()!);
            await stand.GuestAsync(volume, "write -P 2 0 512k", "read -P 2 0 512k");
            File.Delete(ballast);
            await stand.SettleAsync(volume);
            await stand.ReadAsync(volume, Snapshot(1), "read -P 2 0 512k", "read -P 1 512k 512k");
            await stand.KillGuestAsync();
        }
        finally
        {
            Assert.Equal(0, (await Machine.RunAsync("umount", small)).Code);
            Directory.Delete(small);
        }
    }

    [Theory]
    [InlineData("/etc/shadow")]
    [InlineData("layer-2.qcow2")]
    [InlineData("../vol-19a3f2b4c5d6e0009/base.qcow2")]
    [InlineData("json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"}")]
    [InlineData("layer-0.qcow2")]
    public async Task A_layer_that_names_what_is_none_of_its_own_is_refused(string name)
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { Snapshots = [new DesiredSnapshot(Snapshot(1), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", name, Path.Combine(stand.DirectoryOf(volume), "layer-1.qcow2"))).Code);
        Assert.True((await stand.SeeAsync(volume)).Snapshots.Refused);
        var volumes = (await stand.AgentAsync()).Volumes;
        Assert.Equal("volume-refused", (await Assert.ThrowsAsync<HypervisorException>(() => volumes.OpenAsync(volume, null, 0x5000_1234, default))).Reason);
        Assert.Equal("volume-refused", (await Assert.ThrowsAsync<HypervisorException>(() => volumes.GrowAsync(volume with { SizeGib = 2 }, null, default))).Reason);
        Assert.Equal("snapshot-refused", (await Assert.ThrowsAsync<HypervisorException>(() => volumes.ForgetAsync(volume, default))).Reason);
        // It can be removed, and what was kept of it is kept.
        await stand.SettleAsync(volume with { Desired = VolumeDesire.Deleted });
        Assert.Equal([LayerNames.Base], stand.FilesOf(volume));
    }

    [Fact]
    public async Task Many_layers_are_brought_into_one_in_a_guest_and_without()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image };
        await stand.SettleAsync(volume);
        for (var number = 1; number <= LayerPlanner.ChainLimit; number++)
        {
            await stand.WriteAsync(volume, $"write -P {number} {number + 10}M 64k");
            volume = volume with { Snapshots = [.. volume.Snapshots ?? [], new DesiredSnapshot(Snapshot(number), VolumeDesire.Present)] };
            await stand.SettleAsync(volume);
        }
        Assert.Equal(1, Depth());
        string[] all = [.. Enumerable.Range(1, LayerPlanner.ChainLimit).Select(number => $"read -P {number} {number + 10}M 64k"), "read -P 77 4M 64k"];
        await stand.ReadAsync(volume, null, all);
        await stand.StartGuestAsync(volume);
        for (var number = 1; number <= LayerPlanner.ChainLimit; number++)
        {
            volume = volume with { Snapshots = [.. volume.Snapshots!, new DesiredSnapshot(Snapshot(number + 100), VolumeDesire.Present)] };
            await stand.SettleAsync(volume);
        }
        Assert.Equal(1, Depth());
        await stand.GuestAsync(volume, all);
        await stand.KillGuestAsync();
        await stand.ReadAsync(volume, null, all);
        foreach (var number in new[] { 1, 9, 16 }) await stand.ReadAsync(volume, Snapshot(number), $"read -P {number} {number + 10}M 64k", $"read -P 0 {number + 11}M 64k");

        int Depth() => LayerState.Read(stand.DirectoryOf(volume)) is var state ? stand.ChainOf(volume, state.Head!.Value) : 0;
    }

    /// <summary>How many pieces of 64 KiB were written from the beginning on.</summary>
    private static async Task<int> WrittenAsync(SnapshotStand stand, DesiredVolume volume, string snapshot)
    {
        var raw = Path.Combine(stand.Machine.State, snapshot + ".raw");
        var layer = LayerState.Read(stand.DirectoryOf(volume)).Snapshots.Single(one => one.Id == snapshot).Layer;
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "convert", "-U", "-O", "raw", Path.Combine(stand.DirectoryOf(volume), LayerNames.File(layer)), raw)).Code);
        await using var file = File.OpenRead(raw);
        var piece = new byte[64 * 1024];
        for (var count = 0; ; count++)
        {
            await file.ReadExactlyAsync(piece);
            if (piece.Any(one => one != 1)) return count;
        }
    }
}
