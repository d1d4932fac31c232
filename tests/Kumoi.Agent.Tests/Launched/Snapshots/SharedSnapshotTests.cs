using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>Goal: of two hosts on one store the one with the later incarnation has a volume with all of its snapshots, and the earlier one changes nothing any more.</summary>
public sealed class SharedSnapshotTests
{
    private static readonly DesiredSnapshot One = new(SnapshotStand.Snapshot(1), VolumeDesire.Present), Two = new(SnapshotStand.Snapshot(2), VolumeDesire.Present);

    [Fact]
    public async Task Snapshots_go_with_their_volume_to_the_next_host_and_the_first_one_is_fenced()
    {
        await using var filer = new Machine("simulated");
        await using var old = await SnapshotStand.MakeAsync($"{filer.State},shared");
        await using var next = await SnapshotStand.MakeAsync($"{filer.State},shared");
        var first = old.Volume(1) with { ImageId = Samples.Image };
        await old.StartGuestAsync(first);
        await old.GuestAsync(first, "write -P 1 0 2M");
        first = first with { Snapshots = [One] };
        await old.SettleAsync(first);
        await old.GuestAsync(first, "write -P 2 1M 2M");

        // The server has given the first host up, whose guest runs on: the volume is the next one's by its record, and not before that guest has ended by its files.
        var second = first with { Incarnation = 2 };
        next.Know(second);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => next.StartAsync(second));
        Assert.Equal("volume-in-use", refused.Reason);
        await AssertFencedAsync(old, first);
        await old.GuestAsync(first, "write -P 3 3M 64k", "read -P 1 0 1M");
        await old.KillGuestAsync();

        await next.StartGuestAsync(second);
        await next.GuestAsync(second, "read -P 1 0 1M", "read -P 2 1M 2M", "read -P 3 3M 64k", "read -P 77 4M 64k", "write -P 4 0 1M");
        second = second with { Snapshots = [One, Two] };
        await next.SettleAsync(second);
        await next.GuestAsync(second, "write -P 5 0 3M");
        await AssertFencedAsync(old, first);
        await next.ReadAsync(second, One.Id, "read -P 1 0 2M", "read -P 0 2M 1M");
        await next.ReadAsync(second, Two.Id, "read -P 4 0 1M", "read -P 2 1M 2M");

        // Put back, and the one in the middle deleted, where it is now.
        await next.KillGuestAsync();
        await next.SettleAsync(second with { Restore = new SnapshotRestore(One.Id, 1) });
        second = second with { Restore = new SnapshotRestore(One.Id, 1), Snapshots = [One, Two with { Desired = VolumeDesire.Deleted, Taken = true }] };
        await next.SettleAsync(second);
        await next.ReadAsync(second, null, "read -P 1 0 2M", "read -P 0 2M 1M", "read -P 77 4M 64k");
        Assert.Equal([One.Id], (await next.SeeAsync(second)).Snapshots.Taken.Select(taken => taken.Id));
    }

    [Fact]
    public async Task A_process_that_was_not_looked_at_to_the_end_is_not_resumed()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1);
        await stand.StartGuestAsync(volume);
        // As an agent leaves it that is killed right after the process was started.
        DurableFiles.Own(stand.Machine.Options.Paths.Sockets(stand.Record.Id), 300777);
        await (await stand.AgentAsync()).Hypervisor.ResumeAsync(stand.Record.Id, default);
        Assert.False(await stand.RunsAsync());
        await stand.StartAsync(volume);
        await (await stand.AgentAsync()).Hypervisor.ResumeAsync(stand.Record.Id, default);
        Assert.True(await stand.RunsAsync());
    }

    private static async Task AssertFencedAsync(SnapshotStand stand, DesiredVolume volume)
    {
        var volumes = (await stand.AgentAsync()).Volumes;
        foreach (var act in new Func<Task>[]
        {
            () => volumes.PrepareAsync(volume with { Snapshots = [One, Two] }, default), () => volumes.ForgetAsync(volume with { Snapshots = [One with { Desired = VolumeDesire.Deleted, Taken = true }] }, default),
            () => volumes.RestoreAsync(volume with { Restore = new SnapshotRestore(One.Id, 1) }, default), () => volumes.RemoveAsync(volume, default),
        }) Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(act)).Reason);
    }
}
