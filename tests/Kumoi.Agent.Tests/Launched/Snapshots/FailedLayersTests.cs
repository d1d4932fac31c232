using System.Diagnostics;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>Work beside any guest that fails, or that an agent has left when it was killed: it is told, ended, and keeps nobody from the volume.</summary>
public sealed class FailedLayersTests
{
    private static readonly DesiredSnapshot One = new(Snapshot(1), VolumeDesire.Present);

    [Fact]
    public async Task A_merge_for_which_there_is_no_room_is_told_and_not_begun_without_pause()
    {
        var small = Directory.CreateTempSubdirectory("kumoi-test-small").FullName;
        Assert.Equal(0, (await Machine.RunAsync("mount", "-t", "tmpfs", "-o", "size=8m,mode=711", "none", small)).Code);
        try
        {
            await using var stand = await SnapshotStand.MakeAsync(small);
            var volume = stand.Volume(1) with { Snapshots = [One] };
            await stand.SettleAsync(volume);
            await stand.WriteAsync(volume, "write -P 1 0 2M");
            var ballast = Path.Combine(small, "ballast");
            Assert.NotEqual(0, (await Machine.RunAsync("dd", "if=/dev/zero", $"of={ballast}", "bs=4k", "count=4096")).Code);
            // Room for what tells the layers' meaning, and not for a layer.
            using (var file = File.OpenWrite(ballast)) file.SetLength(file.Length - (512 * 1024));
            volume = volume with { Snapshots = [One with { Desired = VolumeDesire.Deleted, Taken = true }] };
            stand.Know(volume);
            var (begun, told, since) = (0, 0, TimeProvider.System.GetTimestamp());
            while (TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(4))
                try
                {
                    var plan = await stand.RoundAsync(volume);
                    if (plan.Step == VolumeStep.Tidy) begun++;
                }
                catch (HypervisorException e) when (e.Reason == "disk-full")
                {
                    told++;
                }
            // At once, after one second, and after two more.
            Assert.InRange(begun, 1, 3);
            Assert.True(told > begun, $"It was told {told} times.");
            // Meanwhile it can be used: nothing of the record is left to do.
            var left = VolumePlanner.Plan(volume, await stand.SeeAsync(volume), true);
            Assert.True(left.Settled);
            File.Delete(ballast);
            await stand.SettleAsync(volume);
            Assert.Single(stand.FilesOf(volume));
            await stand.ReadAsync(volume, null, "read -P 1 0 2M", "read -P 0 2M 1M");
        }
        finally
        {
            Assert.Equal(0, (await Machine.RunAsync("umount", small)).Code);
            Directory.Delete(small);
        }
    }

    [Theory]
    [InlineData("open")]
    [InlineData("tidy")]
    [InlineData("grow")]
    [InlineData("remove")]
    public async Task What_a_killed_agent_has_left_is_ended_with_what_it_wrote(string by)
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { Snapshots = [One] };
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 1 0 1M");
        // As a copy into a layer of its own looks, of which nothing else tells; it has the head open.
        var begun = Path.Combine(stand.DirectoryOf(volume), LayerNames.File(7) + ".tmp");
        await File.WriteAllTextAsync(begun, "half");
        var head = Path.Combine(stand.DirectoryOf(volume), LayerNames.File(LayerState.Read(stand.DirectoryOf(volume)).Head!.Value));
        using var left = Process.Start(new ProcessStartInfo("bash", ["-c", $"exec -a qemu-img qemu-io -r '{head}'"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            await Wait.ForAsync("its lock", () => QemuLocks.AreHeld(head), TimeSpan.FromSeconds(20));
            var volumes = (await stand.AgentAsync()).Volumes;
            Assert.True((await stand.SeeAsync(volume)).Snapshots.Untidy);
            switch (by)
            {
                case "open": await volumes.OpenAsync(volume, null, 0x5000_1234, default); break;
                case "tidy": await volumes.TidyAsync(volume, null, default); break;
                case "grow": await volumes.GrowAsync(volume with { SizeGib = 2 }, null, default); break;
                case "remove": await volumes.RemoveAsync(volume, default); break;
            }
            Assert.True(left.WaitForExit(TimeSpan.FromSeconds(20)), "It still runs.");
            Assert.False(File.Exists(begun));
            Assert.Equal(2, stand.FilesOf(volume).Length);
        }
        finally
        {
            if (!left.HasExited) left.Kill();
        }
    }

    [Fact]
    public async Task A_volume_that_is_deleted_while_it_is_filled_keeps_its_source_from_nothing()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1);
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 1 0 96M");
        await stand.SettleAsync(volume = volume with { Snapshots = [One] });
        var copy = stand.Volume(2) with { Source = new SnapshotSource(volume.Id, One.Id) };
        stand.Know(copy);
        Assert.Equal(VolumeStep.Copy, (await stand.RoundAsync(copy)).Step);
        await stand.SettleAsync(copy with { Desired = VolumeDesire.Deleted });
        Assert.Empty(stand.FilesOf(copy));
        await stand.SettleAsync(volume with { Snapshots = [One with { Desired = VolumeDesire.Deleted, Taken = true }] });
        Assert.Single(stand.FilesOf(volume));
    }
}
