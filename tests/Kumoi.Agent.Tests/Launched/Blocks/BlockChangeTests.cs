using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>Changes of places, whoever waits for them.</summary>
[Collection("places")]
public sealed class BlockChangeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_command_that_changes_something_runs_to_its_end_and_the_next_one_of_another_agent_waits_for_that()
    {
        await using var machine = new Machine("qemu");
        var (begun, go, ended) = (Path.Combine(machine.State, "begun"), Path.Combine(machine.State, "go"), Path.Combine(machine.State, "ended"));
        BlockChanges before = new(new Commands(TimeProvider.System), machine.Options.Paths), after = new(new Commands(TimeProvider.System), machine.Options.Paths);
        using var stop = new CancellationTokenSource();
        var cut = before.TryAsync("a", "bash", ["-c", $"touch {begun}; while [ ! -e {go} ]; do sleep 0.02; done; echo words; touch {ended}"], Patience, stop.Token);
        await Wait.ForAsync("the change to be begun", () => Task.FromResult(File.Exists(begun)), Patience);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cut);
        var next = after.TryAsync("a", "test", ["-e", ended], Patience, default);
        // Of another place it does not wait.
        Assert.Equal(1, (await after.TryAsync("b", "test", ["-e", ended], Patience, default)).ExitCode);
        Assert.False(next.IsCompleted);
        await File.WriteAllTextAsync(go, "");
        Assert.Equal(0, (await next).ExitCode);
    }

    [Fact]
    public async Task A_change_that_takes_longer_than_anybody_waits_runs_on()
    {
        await using var machine = new Machine("qemu");
        var (go, ended) = (Path.Combine(machine.State, "go"), Path.Combine(machine.State, "ended"));
        var changes = new BlockChanges(new Commands(TimeProvider.System), machine.Options.Paths);
        var late = await Assert.ThrowsAsync<CommandFailedException>(() => changes.TryAsync("a", "bash", ["-c", $"while [ ! -e {go} ]; do sleep 0.02; done; touch {ended}"], TimeSpan.FromMilliseconds(1), default));
        Assert.Contains("it runs on", late.Message, StringComparison.Ordinal);
        var next = changes.TryAsync("a", "bash", ["-c", $"test -e {ended} && echo seen; echo why >&2; exit 3"], Patience, default);
        await File.WriteAllTextAsync(go, "");
        Assert.Equal(new CommandResult(3, "seen\n", "why\n"), await next);
    }

    [Theory]
    [InlineData(BlockStand.LvmThin)]
    [InlineData(BlockStand.Zfs)]
    public async Task A_tool_that_an_agent_left_behind_has_its_change_done_before_the_next_agent_makes_one(string kind)
    {
        await using var stand = await BlockStand.MakeAsync(kind);
        var volume = stand.Volume(1) with { InstanceId = null, Slot = null };
        await File.WriteAllTextAsync(stand.PlaceFile("hold"), "");
        using var stop = new CancellationTokenSource();
        var cut = (await stand.AgentAsync()).Volumes.MakeAsync(volume, null, stop.Token);
        await Wait.ForAsync("the tool to be at it", () => Task.FromResult(File.Exists(stand.PlaceFile("held"))), Patience);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cut);
        await stand.EndAgentAsync();
        var next = stand.Tool.CreateAsync(stand.Id(2) + ".0", 1 << 20, default);
        File.Delete(stand.PlaceFile("hold"));
        await next;
        // What was begun was made before, and is nothing without its mark.
        Assert.Equal([stand.Id(1) + ".0", stand.Id(2) + ".0"], await stand.NamesAsync());
        await stand.SettleAsync(volume);
    }

    [Fact]
    public async Task A_logical_volume_that_was_left_suspended_goes_on()
    {
        await using var stand = await BlockStand.MakeAsync(BlockStand.LvmThin);
        await stand.SettleAsync(stand.Volume(1) with { InstanceId = null, Slot = null });
        var suspended = stand.PlaceFile($"lvm/vg/{stand.Id(1)}.0.suspended");
        await File.WriteAllTextAsync(suspended, "");
        Assert.Empty((await (await stand.AgentAsync()).Blocks.LookAsync(default)).Missed);
        Assert.False(File.Exists(suspended));
    }
}
