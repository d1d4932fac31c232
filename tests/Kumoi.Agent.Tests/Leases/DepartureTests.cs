using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Leases;

/// <summary>
/// Goal: of an instance that was given to another host nothing runs here any more, nothing is left on the host itself, and the disk that the
/// other host has is as it was. Method: the whole agent on simulated hosts against servers in memory.
/// </summary>
public sealed class DepartureTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20), Second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();
    private readonly MemoryServer _server = new();

    [Theory]
    [InlineData(null)]
    [InlineData("st-1")]
    public async Task A_former_placement_is_ended_without_asking_and_told_back_and_strays_are_left(string? storage)
    {
        var host = new MemoryHost(_time, _server, new SimulatedDisks("disks", null), storage);
        DesiredInstance moved = Instance(1, storage), stray = Instance(2, storage), stays = Instance(3, storage);
        host.Faults.IgnoresButton = _ => true;
        await using (host.Start())
        {
            _server.Set(Samples.Document(1, null, [], moved, stray, stays));
            await UntilAsync("all running", () => new[] { moved, stray, stays }.All(host.Runs));
        }
        // A new agent, which has not seen the record of what moved.
        var former = new FormerInstance(moved.Id, 1);
        _server.Set(Samples.Document(2, null, [], stays) with { Former = [former] });
        await using var agent = host.Start();
        await UntilAsync("the word that nothing is left", () => _server.Reports.LastOrDefault() is { Full: true, DesiredRevision: 2 } report && report.Departed?.SequenceEqual([former]) == true);
        Assert.False(host.Runs(moved));
        Assert.Equal(storage is not null, host.Hardware.Disks.Has(moved.Id));
        Assert.True(host.Runs(stray));
        Assert.True(host.Runs(stays));
        Assert.Equal([stray.Id], _server.Reports.Last().Strays.Where(name => name.StartsWith("i-", StringComparison.Ordinal)));
        Assert.DoesNotContain(_server.Reports.Last().Instances, seen => seen.Id == moved.Id);
    }

    [Fact]
    public async Task Placed_here_again_it_is_started_anew_and_the_former_placement_told_as_over()
    {
        var host = new MemoryHost(_time, _server, new SimulatedDisks("disks", null), "st-1");
        var one = Instance(1, "st-1");
        await using var agent = host.Start();
        _server.Set(Samples.Document(1, null, [], one));
        await UntilAsync("running", () => host.Runs(one));
        _server.Set(Samples.Document(2, null, [], one with { Incarnation = 3, Generation = 2 }) with { Former = [new FormerInstance(one.Id, 1)] });
        await UntilAsync("the new placement", () => host.Process(one)?.Incarnation == 3);
        await UntilAsync("the report of both", () => _server.Reports.LastOrDefault() is { Departed: [{ Incarnation: 1 }] } && _server.Seen[one.Id] is { Incarnation: 3, Generation: 2, Power: PowerState.Running });
    }

    [Fact]
    public async Task On_shared_storage_the_new_host_waits_for_the_end_of_the_old_copy_and_the_old_host_gets_no_disk_again()
    {
        var other = new MemoryServer();
        var disks = new SimulatedDisks("disks", null);
        MemoryHost old = new(_time, _server, disks, "st-1"), next = new(_time, other, disks, "st-1");
        var one = Instance(1, "st-1");
        await using var oldAgent = old.Start();
        _server.Set(Samples.Document(1, null, [], one));
        await UntilAsync("running", () => old.Runs(one));

        // The servers believe the old host to be lost while it runs on.
        await using var nextAgent = next.Start();
        other.Set(Samples.Document(1, null, [], one with { Incarnation = 2 }));
        await UntilAsync("the condition", () => other.Seen.GetValueOrDefault(one.Id) is { Conditions: [{ Reason: "disk-in-use" }] });
        Assert.False(next.Runs(one));
        // It dies on the old host, whose agent, still with the old record, may not start it again.
        old.Hardware.End(one.Id, lost: true);
        await UntilAsync("the refusal", () => _server.Seen.GetValueOrDefault(one.Id) is { Conditions: [{ Reason: "fenced" }] });
        await UntilAsync("the new copy", () => next.Runs(one));
        Assert.False(old.Runs(one));

        _server.Set(Samples.Document(2, null, []) with { Former = [new FormerInstance(one.Id, 1)] });
        await UntilAsync("the word of the old host", () => _server.Reports.LastOrDefault() is { Departed: [{ Incarnation: 1 }] });
        Assert.True(next.Runs(one));
        other.Set(Samples.Document(2, null, [], one with { Incarnation = 2, Generation = 2, Desired = "terminated" }));
        await UntilAsync("its end", () => other.Seen[one.Id] is { Power: PowerState.Absent, Generation: 2 });
        Assert.False(disks.Has(one.Id));
    }

    [Fact]
    public async Task An_instance_on_another_storage_is_left_alone_and_its_condition_says_so()
    {
        var host = new MemoryHost(_time, _server, new SimulatedDisks("disks", null), "st-1");
        await using var agent = host.Start();
        _server.Set(Samples.Document(1, null, [], Instance(1, "st-2"), Instance(2, "st-1")));
        await UntilAsync("the other guest", () => host.Runs(Instance(2, "st-1")));
        await UntilAsync("the condition", () => _server.Seen.GetValueOrDefault(Samples.InstanceId(1)) is { Generation: 0, Conditions: [{ Reason: "storage-elsewhere" }] });
        Assert.False(host.Hardware.Disks.Has(Samples.InstanceId(1)));
    }

    private static DesiredInstance Instance(int number, string? storage) => Samples.Instance(number, "running") with { Storage = storage };

    private Task UntilAsync(string what, Func<bool> condition) => Wait.ForAsync(what, () =>
    {
        if (condition()) return true;
        _time.Advance(Second);
        return false;
    }, Soon);
}
