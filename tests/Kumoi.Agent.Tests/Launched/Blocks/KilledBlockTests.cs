using Kumoi.Agent.Instances;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>Goal: whenever the agent is killed, nothing that was written or taken is lost, and what is to be of one moment is. Method: it is killed before its first change, then before its second, and so on until it comes to its end.</summary>
[Collection("places")]
public sealed class KilledBlockTests
{
    /// <summary>Set: the agent is killed before each change, which takes an hour.</summary>
    private static readonly bool Each = Environment.GetEnvironmentVariable("KUMOI_TEST_EACH_KILL") is { Length: > 0 };

    /// <param name="stride">How many changes lie between two kills.</param>
    [Theory]
    [InlineData(BlockStand.LvmThin, 41)]
    [InlineData(BlockStand.Rbd, 67)]
    public async Task Snapshots_of_a_group_are_of_one_moment_and_the_guest_goes_on(string kind, int stride)
    {
        if (Each) stride = 1;
        await using var stand = await BlockStand.MakeAsync(kind);
        // Of both drivers.
        DesiredVolume[] volumes = [stand.Volume(1), stand.Volume(2), stand.Volume(3) with { Store = stand.OwnStore }];
        await stand.StartGuestAsync(volumes);
        var number = 1 - stride;
        for (var isKilled = true; isKilled;)
        {
            Assert.InRange(number += stride, 1, 400);
            foreach (var volume in volumes) await stand.GuestAsync(volume, $"write -P {number % 199 + 1} 0 64k");
            DesiredVolume[] wanted = [.. volumes.Select((volume, index) => volume with { Snapshots = [new DesiredSnapshot(stand.Snapshot(number * 10 + index), VolumeDesire.Present, $"g-{number}")] })];
            isKilled = await stand.KilledAsync(number, () => stand.SettleAsync(wanted));
            foreach (var volume in volumes)
                await Wait.ForAsync("the guest to be found", async () =>
                {
                    await stand.GuestAsync();
                    return (await stand.AgentAsync()).Blocks.LinkOf(volume) is not null;
                }, TimeSpan.FromSeconds(20));
            foreach (var volume in volumes) await stand.GuestAsync(volume, "write -P 200 0 64k");
            await stand.SettleAsync(wanted);
            var holds = new List<bool>();
            foreach (var (volume, index) in wanted.Select((volume, index) => (volume, index))) holds.Add(await stand.WrittenAsync(volume, stand.Snapshot(number * 10 + index), 200) > 0);
            Assert.True(holds.Distinct().Count() == 1, $"Killed before change {number}, the snapshots hold what was written after it: {string.Join(", ", holds)}.");
            Assert.Equal(RunState.Running, (await stand.GuestAsync())!.State);
            await stand.SettleAsync([.. wanted.Select(volume => volume with { Snapshots = [volume.Snapshots![0] with { Desired = VolumeDesire.Deleted, Taken = true }] })]);
        }
        Assert.InRange(number, 15, 400);
    }

    [Theory]
    [InlineData(BlockStand.LvmThin, 11)]
    [InlineData(BlockStand.Zfs, 17)]
    [InlineData(BlockStand.Rbd, 61)]
    public async Task Made_put_back_copied_and_removed_wherever_it_was_cut_off(string kind, int stride)
    {
        if (Each) stride = 1;
        await using var stand = await BlockStand.MakeAsync(kind);
        var number = 1 - stride;
        for (var isKilled = true; isKilled;)
        {
            Assert.InRange(number += stride, 1, 400);
            var volume = stand.Volume(number) with { InstanceId = null, Slot = null };
            var copy = stand.Volume(number + 1000) with { InstanceId = null, Slot = null, Source = new SnapshotSource(volume.Id, stand.Snapshot(number)) };
            var taken = volume with { Snapshots = [new DesiredSnapshot(stand.Snapshot(number), VolumeDesire.Present)] };
            var put = taken with { Snapshots = [taken.Snapshots![0] with { Taken = true }], Restore = new SnapshotRestore(stand.Snapshot(number), 1) };
            DesiredVolume[] gone = [put with { Desired = VolumeDesire.Deleted, Snapshots = [put.Snapshots![0] with { Desired = VolumeDesire.Deleted }] }, copy with { Desired = VolumeDesire.Deleted }];
            isKilled = await StepAsync(() => stand.SettleAsync(volume));
            await stand.DiskAsync(volume, null, $"write -P 1 0 64k", "read -P 0 64k 64k");
            isKilled |= await StepAsync(() => stand.SettleAsync(taken));
            await stand.DiskAsync(volume, null, $"write -P 2 0 64k");
            isKilled |= await StepAsync(() => stand.SettleAsync(put, copy));
            await stand.DiskAsync(put, null, "read -P 1 0 64k", "write -P 3 0 64k");
            await stand.DiskAsync(copy, null, "read -P 1 0 64k");
            await stand.DiskAsync(put, stand.Snapshot(number), "read -P 1 0 64k");
            isKilled |= await StepAsync(() => stand.SettleAsync(gone));
            Assert.False((await stand.SeeAsync(gone[0])).Traces);
            Assert.False((await stand.SeeAsync(gone[1])).Traces);
            await Wait.ForAsync("all of it to go", async () =>
            {
                await (await stand.AgentAsync()).Blocks.LookAsync(default);
                return (await stand.NamesAsync()).Length == 0;
            }, TimeSpan.FromSeconds(20));
        }
        Assert.InRange(number, 4, 400);

        async Task<bool> StepAsync(Func<Task> act)
        {
            var killed = await stand.KilledAsync(number, act);
            await act();
            return killed;
        }
    }

    [Fact]
    public async Task Who_had_a_volume_of_Ceph_before_is_cut_off_when_another_host_gets_it()
    {
        await using var first = await BlockStand.MakeAsync(BlockStand.Rbd);
        await using var second = await BlockStand.MakeAsync(BlockStand.Rbd, first);
        Assert.Equal(first.Store, second.Store);
        var before = first.Volume(1);
        await first.StartGuestAsync(before);
        await first.GuestAsync(before, "write -P 1 0 64k");
        var after = before with { Incarnation = 2 };
        await second.StartGuestAsync(after);
        await second.GuestAsync(after, "read -P 1 0 64k", "write -P 2 0 64k");
        // Its process lives, and what it sends is written nowhere.
        await first.GuestAsync(before, "write -P 3 0 64k");
        await second.GuestAsync(after, "read -P 2 0 64k");
        var volumes = (await first.AgentAsync()).Volumes;
        Assert.Equal(2, (await first.SeeAsync(before)).Granted);
        foreach (var act in new Func<Task>[] { () => volumes.OpenAsync(before, null, 0x5000_1234, default), () => volumes.PrepareAsync(before, default), () => volumes.GrowAsync(before with { SizeGib = 2 }, null, default), () => volumes.RemoveAsync(before, default) })
            Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(act)).Reason);
        await first.KillGuestAsync();
        await second.GuestAsync(after, "write -P 4 64k 64k", "read -P 4 64k 64k", "read -P 2 0 64k");
    }

    [Fact]
    public async Task What_cannot_be_had_there_is_refused_with_a_word_of_its_own()
    {
        await using var stand = await BlockStand.MakeAsync(BlockStand.LvmThin);
        var volumes = (await stand.AgentAsync()).Volumes;
        var secret = stand.Volume(1) with { Encryption = new VolumeEncryption("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=") };
        Assert.Equal("encryption-unsupported", (await Assert.ThrowsAsync<HypervisorException>(() => volumes.MakeAsync(secret, null, default))).Reason);
        Assert.False(volumes.MakesImages(stand.Volume(1)));
        Assert.True(volumes.MakesImages(stand.Volume(1) with { Store = stand.OwnStore }));
        Assert.Empty(await stand.NamesAsync());
    }
}
