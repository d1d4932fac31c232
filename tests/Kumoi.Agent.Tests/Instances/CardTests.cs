using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>
/// Goal: the cards of a running guest become those of its record, and an interface that is taken away is told until nothing of it is left.
/// Method: the whole agent on a simulated host against a server in memory, under a clock that the test moves.
/// </summary>
public sealed class CardTests
{
    private static readonly DesiredInstance One = Samples.Instance(1, "running");
    private static readonly string First = One.Interfaces[0].Id, Second = "eni-19a3f2b4c5d6e0102";

    private readonly ManualTime _time = new();
    private readonly MemoryServer _server = new();
    private readonly MemoryHost _host;
    private DesiredInstance _record = One;
    private long _revision;

    public CardTests() => _host = new MemoryHost(_time, _server, new SimulatedDisks("host1", null), null);

    [Fact]
    public async Task An_interface_is_plugged_in_and_taken_out_while_the_guest_runs_on()
    {
        await using var agent = _host.Start();
        await SetAsync(First);
        var started = Process!.StartedAt;
        await SetAsync(First, Second);
        await SetAsync(First);
        // The first one may go too.
        await SetAsync(First, Second);
        await SetAsync(Second);
        await SetAsync();
        await SetAsync(First, Second);
        Assert.Equal(started, Process!.StartedAt);
    }

    [Fact]
    public async Task A_card_that_is_not_given_back_is_told_asked_for_again_and_outlives_the_agent()
    {
        _host.Faults.KeepsCards = _ => true;
        var agent = _host.Start();
        try
        {
            await SetAsync(First, Second);
            Want("running", First);
            await UntilAsync("the condition", () => Seen is { Conditions: [{ Type: "Interface", Reason: "card-not-released" }] });
            Assert.Equal([First, Second], Seen!.Interfaces);
            Assert.True(Seen.Generation < _record.Generation);
            await agent.DisposeAsync();
            _server.Seen.Clear();
            agent = _host.Start();
            await UntilAsync("the condition of the next agent", () => Seen is { Conditions: [{ Reason: "card-not-released" }], Interfaces: [_, _] });
            // A document that says nothing of it changes nothing.
            Want("running", First);
            await UntilAsync("the next condition", () => Seen is { Conditions.Count: 1, Interfaces: [_, _] });
            _host.Faults.KeepsCards = _ => false;
            await SettledAsync(First);
            Assert.Empty(Seen!.Conditions);
        }
        finally
        {
            await agent.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_card_that_is_not_given_back_is_gone_with_the_next_start()
    {
        _host.Faults.KeepsCards = _ => true;
        await using var agent = _host.Start();
        await SetAsync(First, Second);
        Want("running", First);
        await UntilAsync("the condition", () => Seen is { Conditions.Count: 1 });
        _record = _record with { BootEpoch = 2 };
        Want("running", First);
        await SettledAsync(First);
        Assert.Equal(2, Seen!.BootEpoch);
    }

    [Theory]
    [InlineData("stopped")]
    [InlineData("terminated")]
    public async Task Interfaces_of_a_guest_that_ends_go_without_being_asked_for(string desired)
    {
        _host.Faults.KeepsCards = _ => true;
        await using var agent = _host.Start();
        await SetAsync(First, Second);
        Want("running", First);
        await UntilAsync("the condition", () => Seen is { Conditions.Count: 1 });
        Want(desired, First);
        await UntilAsync("its end", () => Seen is { } seen && seen.Generation == _record.Generation);
        Assert.Equal(desired == "stopped" ? [First] : Array.Empty<string>(), Seen!.Interfaces);
    }

    [Fact]
    public async Task A_card_whose_plugging_fails_is_plugged_in_later()
    {
        await using var agent = _host.Start();
        await SetAsync(First);
        _host.Faults.Fault = (step, _) => step == "Plug" ? "No more of them." : null;
        Want("running", First, Second);
        await UntilAsync("the failure", () => Seen is { Conditions: [{ Message: "No more of them." }] });
        Assert.Single(Process!.Cards!);
        _host.Faults.Fault = (_, _) => null;
        await SettledAsync(First, Second);
        Assert.Empty(Seen!.Conditions);
    }

    [Fact]
    public void The_tap_of_an_interface_is_the_networks_business_only_when_the_guest_has_no_card_of_it()
    {
        var board = new PlugBoard();
        Assert.Null(board.HasCard("i-1", "eni-1"));
        board.Note("i-1", new GuestProcess(1, 1, RunState.Unknown, default, null, null));
        Assert.Null(board.HasCard("i-1", "eni-1"));
        board.Note("i-1", new GuestProcess(1, 1, RunState.Running, default, [new GuestCard("eni-1", false, true)], []));
        Assert.True(board.HasCard("i-1", "eni-1"));
        Assert.False(board.HasCard("i-1", "eni-2"));
        board.Plugging("i-1", ["eni-2"]);
        Assert.True(board.HasCard("i-1", "eni-2"));
        board.Note("i-1", new GuestProcess(1, 1, RunState.Running, default, [new GuestCard("nic0", true, true)], []));
        Assert.Null(board.HasCard("i-1", "eni-1"));
        board.Note("i-1", null);
        Assert.False(board.HasCard("i-1", "eni-1"));
    }

    private ObservedInstance? Seen => _server.Seen.GetValueOrDefault(One.Id);

    private GuestProcess? Process => _host.Process(One);

    private void Want(string desired, params string[] interfaces)
    {
        _record = _record with
        {
            Desired = desired, Generation = ++_revision,
            Interfaces = [.. interfaces.Select((id, index) => One.Interfaces[0] with { Id = id, Index = index, Address = $"10.0.0.{index + 1}" })],
        };
        _server.Set(Samples.Document(_revision, null, [], One) with { Instances = [_record] });
    }

    private Task SetAsync(params string[] interfaces)
    {
        Want("running", interfaces);
        return SettledAsync(interfaces);
    }

    private async Task SettledAsync(params string[] interfaces)
    {
        await UntilAsync($"the cards {string.Join(' ', interfaces)}; the last report is {Seen}", () =>
            Seen is { Power: PowerState.Running } seen && seen.Generation == _record.Generation && seen.Interfaces!.Order().SequenceEqual(interfaces.Order()));
        Assert.Equal(interfaces.Order(), Process!.Cards!.Select(card => card.Id));
    }

    private Task UntilAsync(string what, Func<bool> condition) => Wait.ForAsync(what, () =>
    {
        if (condition()) return true;
        _time.Advance(TimeSpan.FromSeconds(1));
        return false;
    }, TimeSpan.FromSeconds(20));
}
