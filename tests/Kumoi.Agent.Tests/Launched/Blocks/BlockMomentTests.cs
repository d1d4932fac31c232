using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>Goal: snapshots of a group are of one moment for all of its volumes, whoever finds what an agent that was killed has left. Method: after the kill the guest writes on; what it wrote then is in all of them, or in none.</summary>
[Collection("places")]
public sealed class BlockMomentTests
{
    private static bool IsNote(string what, string verb) => what.StartsWith(verb + " ", StringComparison.Ordinal) && what.Contains("/moments", StringComparison.Ordinal);

    [Fact]
    public async Task Two_that_find_a_note_at_once_follow_it_both()
    {
        await using var stand = await BlockStand.MakeAsync(BlockStand.LvmThin);
        DesiredVolume[] volumes = [stand.Volume(1), stand.Volume(2)], wanted = Wanted(stand, volumes);
        await WriteAsync(stand, volumes, 1);
        Assert.True(await stand.KilledAsync(what => IsNote(what, "flush"), () => stand.SettleAsync(wanted)));
        await WriteOnAsync(stand, volumes);
        await stand.KillGuestAsync();
        var driver = (await stand.AgentAsync()).Volumes;
        await Task.WhenAll(wanted.Select(volume => driver.TidyAsync(volume, null, default)));
        await stand.SettleAsync(wanted);
        Assert.All(await HoldsAsync(stand, wanted), Assert.False);
        var moments = await Task.WhenAll(wanted.Select(async volume => Assert.Single((await stand.SeeAsync(volume)).Snapshots.Taken).TakenAt));
        Assert.Equal(moments[0], moments[1]);
        Assert.Empty(Directory.GetFiles(Path.Combine(stand.Machine.Options.Paths.Stores, "moments")));
    }

    /// <param name="verb">At what of the note the agent is killed.</param>
    /// <param name="nth">For which time.</param>
    [Theory]
    [InlineData("flush", 1)]
    [InlineData("write", 2)]
    [InlineData("flush", 2)]
    public async Task Volumes_of_directories_are_of_the_same_moment_when_the_guest_ends_before_an_agent_comes_back(string verb, int nth)
    {
        await using var stand = await BlockStand.MakeAsync(BlockStand.LvmThin);
        DesiredVolume[] volumes = [stand.Volume(1), stand.Volume(2), stand.Volume(3) with { Store = stand.OwnStore }], wanted = Wanted(stand, volumes);
        await WriteAsync(stand, volumes, 1);
        Assert.True(await stand.KilledAsync(what => IsNote(what, verb) && --nth == 0, () => stand.SettleAsync(wanted)));
        await WriteOnAsync(stand, volumes);
        await stand.KillGuestAsync();
        await stand.SettleAsync(wanted);
        Assert.Single((await HoldsAsync(stand, wanted)).Distinct());
    }

    [Theory]
    [InlineData("flush")]
    [InlineData("run rados")]
    [InlineData("run rbd")]
    public async Task Another_host_that_gets_volumes_of_Ceph_goes_by_the_note_of_the_one_before(string where)
    {
        await using var first = await BlockStand.MakeAsync(BlockStand.Rbd);
        await using var second = await BlockStand.MakeAsync(BlockStand.Rbd, first);
        DesiredVolume[] volumes = [first.Volume(1), first.Volume(2)], wanted = Wanted(first, volumes);
        await WriteAsync(first, volumes, 1);
        // Before the note is in the pool, and before the first and the third change when it is.
        var (isNoted, after) = (false, where == "run rbd" ? 5 : 1);
        Assert.True(await first.KilledAsync(what => where == "flush" ? IsNote(what, where) : (isNoted |= IsNote(what, "flush")) && what == where && (where == "run rados" ? after-- < 1 : --after == 0), () => first.SettleAsync(wanted)));
        await WriteOnAsync(first, volumes);
        await first.KillGuestAsync();
        DesiredVolume[] moved = [.. wanted.Select(volume => volume with { Incarnation = 2 })];
        await second.SettleAsync(moved);
        Assert.Single((await HoldsAsync(second, moved)).Distinct());
        Assert.Empty(await second.Tool.NotesAsync(default));
    }

    [Theory]
    [InlineData(BlockStand.LvmThin, "run lvcreate", 2)]
    [InlineData(BlockStand.Zfs, "run zfs", 2)]
    [InlineData(BlockStand.Rbd, "run rbd", 2)]
    public async Task The_guests_processors_stand_still_while_the_tools_make_points(string kind, string tool, int count)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        DesiredVolume[] volumes = [stand.Volume(1), stand.Volume(2)], wanted = Wanted(stand, volumes);
        await WriteAsync(stand, volumes, 1);
        var qmp = (await stand.AgentAsync()).Blocks.LinkOf(volumes[0])!.Qmp;
        var seen = new List<(string What, string Status)>();
        FaultPoints.Reached.Value = what =>
        {
            // QEMU itself is asked, at each command and file that the agent is about to run and write.
            if (!what.StartsWith("run ", StringComparison.Ordinal) && !what.StartsWith("write ", StringComparison.Ordinal)) return;
            var status = Task.Run(() => qmp.AskAsync("query-status", null, answer => answer.GetProperty("status").GetString()!, default)).GetAwaiter().GetResult();
            lock (seen) seen.Add((what, status));
        };
        try
        {
            await stand.SettleAsync(wanted);
        }
        finally
        {
            FaultPoints.Reached.Value = null;
        }
        var noted = seen.FindIndex(one => IsNote(one.What, "write"));
        Assert.InRange(noted, 1, seen.Count);
        Assert.Equal("paused", seen[noted].Status);
        var points = seen[..noted].Where(one => one.What == tool).TakeLast(count).ToArray();
        Assert.Equal(Enumerable.Repeat((tool, "paused"), count), points);
        Assert.Equal(RunState.Running, (await stand.GuestAsync())!.State);
    }

    private static DesiredVolume[] Wanted(BlockStand stand, DesiredVolume[] volumes) => [.. volumes.Select((volume, index) => volume with { Snapshots = [new DesiredSnapshot(stand.Snapshot(index + 1), VolumeDesire.Present, "g-1")] })];

    private static async Task WriteAsync(BlockStand stand, DesiredVolume[] volumes, byte value)
    {
        await stand.StartGuestAsync(volumes);
        foreach (var volume in volumes) await stand.GuestAsync(volume, $"write -P {value} 0 64k", "flush");
    }

    private static async Task WriteOnAsync(BlockStand stand, DesiredVolume[] volumes)
    {
        foreach (var volume in volumes)
        {
            await Wait.ForAsync("the guest to be found", async () =>
            {
                await stand.GuestAsync();
                return (await stand.AgentAsync()).Blocks.LinkOf(volume) is not null;
            }, TimeSpan.FromSeconds(20));
            await stand.GuestAsync(volume, "write -P 200 0 64k", "flush");
        }
    }

    /// <summary>Whether each snapshot holds what was written after the kill.</summary>
    private static async Task<bool[]> HoldsAsync(BlockStand stand, DesiredVolume[] wanted)
    {
        var holds = new List<bool>();
        foreach (var volume in wanted) holds.Add(await stand.WrittenAsync(volume, volume.Snapshots![0].Id, 200) > 0);
        return [.. holds];
    }
}
