using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>What looking costs, and who is cut off.</summary>
[Collection("places")]
public sealed class BlockLookTests(ITestOutputHelper output)
{
    private const int Volumes = 20;

    /// <param name="count">Commands of a round in which the store and its twenty volumes are looked at.</param>
    [Theory]
    [InlineData(BlockStand.LvmThin, 3)]
    [InlineData(BlockStand.Zfs, 3)]
    [InlineData(BlockStand.Rbd, 63)]
    public async Task A_place_is_asked_once_in_a_round_for_all_of_its_volumes(string kind, int count)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        DesiredVolume[] volumes = [.. Enumerable.Range(1, Volumes).Select(number => stand.Volume(number) with { InstanceId = null, Slot = null })];
        foreach (var volume in volumes)
        {
            await stand.Tool.CreateAsync(BlockNames.Disk(volume.Id, 0), 1 << 30, default);
            await stand.Tool.MarkAsync(BlockNames.Disk(volume.Id, 0), BlockNames.Head, "0", default);
        }
        var driver = (await stand.AgentAsync()).Volumes;
        async Task RoundAsync()
        {
            await driver.LookAsync(default);
            foreach (var sight in await Task.WhenAll(volumes.Select(volume => driver.ObserveAsync(volume, default)))) Assert.Equal(1L << 30, sight.SizeBytes);
        }
        // What is asked only when something has changed; they were made past the driver, which may remember the place as it was.
        await Wait.ForAsync("all of them are seen", async () => (await Task.WhenAll(volumes.Select(volume => driver.ObserveAsync(volume, default)))).All(sight => sight.SizeBytes == 1L << 30), TimeSpan.FromSeconds(20));
        await RoundAsync();
        var run = new ConcurrentBag<string>();
        FaultPoints.Reached.Value = what =>
        {
            if (what.StartsWith("run ", StringComparison.Ordinal)) run.Add(what);
        };
        // Until nothing is remembered of the round before.
        await Wait.ForAsync("a round of its own", async () =>
        {
            run.Clear();
            try
            {
                await RoundAsync();
            }
            catch (HypervisorException e) when (e.Reason == Stores.Away)
            {
                // On a busy machine a place may answer too late once.
                return false;
            }
            Assert.InRange(run.Count, 1, count);
            return run.Count == count;
        }, TimeSpan.FromSeconds(60));
        FaultPoints.Reached.Value = null;
        output.WriteLine(string.Join(", ", run.GroupBy(what => what).Select(one => $"{one.Key}: {one.Count()}")));
        if (kind == BlockStand.Rbd) foreach (var volume in volumes) await stand.Tool.RemoveAsync(BlockNames.Disk(volume.Id, 0), default);
    }

    [Fact]
    public async Task A_guest_that_starts_neither_cuts_off_nor_waits_for_who_reads_a_snapshot_of_its_volume()
    {
        await using var stand = await BlockStand.MakeAsync(BlockStand.Rbd);
        var volume = stand.Volume(1) with { Snapshots = [new DesiredSnapshot(stand.Snapshot(1), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        var blocks = (await stand.AgentAsync()).Blocks;
        var taken = (await blocks.FindAsync(volume, stand.Snapshot(1), default))!;
        var node = await blocks.LendAsync(volume, taken, 0, default);
        // It reads before and after the start, as one process.
        node.Options["user"] = "kumoi";
        using var stop = new CancellationTokenSource();
        var (go, said) = (Path.Combine(stand.Machine.State, "go"), "");
        var reader = new Commands(TimeProvider.System).WatchAsync("bash", ["-c", "(echo 'read -P 0 0 64k'; while [ ! -e \"$1\" ]; do sleep 0.05; done; echo 'read -P 0 100M 64k') | qemu-io -r \"$0\"", "json:" + node.Options.ToJsonString(), go], [], _ => { }, text => said += text, stop.Token);
        await Wait.ForAsync("the reader to be at it", () => said.Contains("read 65536/65536", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
        Assert.False((await stand.SeeAsync(volume)).InUse);
        await stand.StartGuestAsync(volume);
        await stand.GuestAsync(volume, "write -P 5 0 64k", "read -P 5 0 64k");
        await File.WriteAllTextAsync(go, "");
        Assert.Equal(0, (await reader).ExitCode);
        Assert.Contains("read 65536/65536 bytes at offset 104857600", said, StringComparison.Ordinal);
        await blocks.TakeBackAsync(volume, taken);
        Assert.DoesNotContain(await stand.NamesAsync(), name => name.StartsWith("lent-", StringComparison.Ordinal));
        Assert.True((await stand.SeeAsync(volume)).InUse);
    }

    [Fact]
    public async Task Who_lost_the_lock_of_a_grant_changes_nothing_any_more()
    {
        await using var stand = await BlockStand.MakeAsync(BlockStand.Rbd);
        var volume = stand.Volume(1) with { InstanceId = null, Slot = null };
        await stand.SettleAsync(volume);
        var name = BlockNames.Disk(volume.Id, 0);
        // A slow one, of another host than that of the agent; and one of that host, by whom its lock is ended as that of one that was killed.
        await stand.Tool.HoldAsync(volume.Id, 1, async held =>
        {
            await stand.Tool.HoldAsync(volume.Id, 2, _ => Task.CompletedTask, default);
            foreach (var act in new Func<Task>[] { () => held.MarkAsync(name, "x", "1", default), () => held.RenameAsync(name, name + "9", default), () => held.CreateAsync(name + "8", 1 << 20, default), () => held.RemoveAsync(name, default), () => held.ForgetAsync(volume.Id, default) })
                Assert.Equal("storage-busy", (await Assert.ThrowsAsync<HypervisorException>(act)).Reason);
        }, default);
        Assert.Equal([name], (await stand.NamesAsync()).Where(one => one.StartsWith("vol-", StringComparison.Ordinal)));
        Assert.Equal(2, await stand.Tool.GrantedAsync(volume.Id, default));
    }

    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    [InlineData(BlockStand.Rbd)]
    public async Task A_point_that_an_agent_which_was_killed_had_lent_is_taken_back(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        var volume = stand.Volume(1) with { InstanceId = null, Slot = null, Snapshots = [new DesiredSnapshot(stand.Snapshot(1), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        var blocks = (await stand.AgentAsync()).Blocks;
        await blocks.LendAsync(volume, (await blocks.FindAsync(volume, stand.Snapshot(1), default))!, 0x5000_0001, default);
        var tool = kind == BlockStand.Rbd ? stand.ToolOf(BlockNames.HostWord(stand.Machine.Options)) : stand.Tool;
        Assert.Single(tool.LentOf(await tool.SurveyAsync(default)), lent => lent.Point == stand.Snapshot(1));
        await stand.EndAgentAsync();
        await stand.AgentAsync();
        await Wait.ForAsync("it to be taken back", async () => tool.LentOf(await tool.SurveyAsync(default)).All(lent => lent.Point != stand.Snapshot(1)), TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    public async Task A_volume_that_is_given_to_another_host_grows_there_too_when_an_agent_was_cut_off_in_between(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        var volume = stand.Volume(1) with { InstanceId = null, Slot = null, Export = new VolumeExport(VolumeProtocols.Nbd, "i-19a3f2b4c5d6e7f80", 1, new string('a', 64)) };
        await stand.SettleAsync(volume);
        var agent = await stand.AgentAsync();
        // The place had it grown, and the process was not told.
        await stand.Tool.GrowAsync(BlockNames.Disk(volume.Id, 0), 2L << 30, default);
        await stand.SettleAsync(volume with { SizeGib = 2 });
        var given = await agent.Blocks.LinkOf(volume)!.Qmp.AskAsync("query-named-block-nodes", null, nodes => nodes.EnumerateArray()
            .Single(node => node.GetProperty("node-name").GetString() == Kumoi.Agent.Instances.Qemu.DriveParts.Throttle + volume.Id).GetProperty("image").GetProperty("virtual-size").GetInt64(), default);
        Assert.Equal(2L << 30, given);
        await stand.SettleAsync(volume with { SizeGib = 2, Export = null });
    }
}
