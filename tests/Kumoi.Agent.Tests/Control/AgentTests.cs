using System.Collections.Concurrent;
using Kumoi.Agent.Control;
using Kumoi.Agent.Hosts;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Control;

/// <summary>The whole agent over real TLS against a server of the test's own, with guests that are simulated.</summary>
public sealed class AgentTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly Accelerator None = new("simulated", "For a test.");

    [Fact]
    public async Task Follows_the_document_though_every_step_fails_once_and_is_adopted_after_a_restart()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        var failed = new ConcurrentDictionary<string, byte>();
        var faults = new SimulatedFaults { Fault = (step, id) => failed.TryAdd($"{step} {id}", 0) ? "It fails once." : null };
        var instances = Enumerable.Range(1, 20).Select(number => Samples.Instance(number, "running")).ToArray();
        server.Set(Samples.Document(1, null, [], instances));
        await using (var run = Run(machine, server, faults))
            await Wait.ForAsync("all running", () => instances.All(one => server.Seen.GetValueOrDefault(one.Id) is { Power: PowerState.Running, Generation: 1, Conditions.Count: 0 }), Soon);
        var started = server.Seen.ToDictionary(seen => seen.Key, seen => seen.Value.StartedAt);

        server.Reports.Clear();
        await using (var run = Run(machine, server, faults))
        {
            await Wait.ForAsync("a full report", () => server.LastReport is { Full: true } report && report.Instances.Count == 20, Soon);
            Assert.All(server.LastReport!.Instances, seen => Assert.Equal(started[seen.Id], seen.StartedAt));
            var gone = instances.Select((one, index) => one with { Generation = 2, Desired = index % 3 == 0 ? "terminated" : index % 3 == 1 ? "stopped" : "running", BootEpoch = 2 }).ToArray();
            server.Set(Samples.Document(2, null, [], gone));
            await Wait.ForAsync("all as recorded", () => gone.All(one => server.Seen[one.Id] is { Generation: 2 } seen && seen.Power == (one.Desired == "terminated" ? PowerState.Absent : one.Desired)), Soon);
            Assert.All(gone.Where(one => one.Desired == "running"), one => Assert.Equal(2, server.Seen[one.Id].BootEpoch));
        }
        Assert.Contains(failed.Keys, step => step.StartsWith("Kill", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_is_told_as_a_condition_with_the_next_try_and_withdrawn_when_it_is_over()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        var broken = true;
        var faults = new SimulatedFaults { Fault = (step, _) => broken && step == "Start" ? "The host's disk is full." : null };
        var one = Samples.Instance(1, "running");
        server.Set(Samples.Document(1, null, [], one));
        await using var run = Run(machine, server, faults);
        await Wait.ForAsync("the condition", () => server.Seen.GetValueOrDefault(one.Id) is { Generation: 0, Conditions: [{ Message: "The host's disk is full." }] }, Soon);
        broken = false;
        await Wait.ForAsync("its end", () => server.Seen[one.Id] is { Generation: 1, Power: PowerState.Running, Conditions.Count: 0 }, Soon);
    }

    [Fact]
    public async Task What_no_record_explains_is_told_as_a_stray_and_left()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        var (one, two) = (Samples.Instance(1, "running"), Samples.Instance(2, "running"));
        server.Set(Samples.Document(1, null, [], one, two));
        await using (Run(machine, server, new SimulatedFaults()))
            await Wait.ForAsync("both running", () => server.Seen.Values.Count(seen => seen.Power == PowerState.Running) == 2, Soon);
        server.Set(Samples.Document(2, null, [], one));
        await using var again = Run(machine, server, new SimulatedFaults());
        await Wait.ForAsync("the stray", () => server.LastReport is { Full: true, DesiredRevision: 2 } report && report.Strays.Contains(two.Id), Soon);
        Assert.Equal(RunState.Running, machine.Hardware.Look(two.Id).Process!.State);
    }

    [Fact]
    public async Task Guests_run_on_while_the_server_is_away_and_are_told_when_it_is_back()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        var one = Samples.Instance(1, "running");
        server.Set(Samples.Document(1, null, [], one));
        await using var run = Run(machine, server, new SimulatedFaults());
        await Wait.ForAsync("running", () => server.Seen.GetValueOrDefault(one.Id) is { Power: PowerState.Running }, Soon);
        server.Away = true;
        server.Set(Samples.Document(2, null, [], one with { Desired = "terminated", Generation = 2 }));
        server.Away = false;
        await Wait.ForAsync("gone", () => server.Seen[one.Id] is { Power: PowerState.Absent, Generation: 2 }, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not_trusted_and_a_wrong_secret_is_refused()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        var token = JoinTokenContent.Decode(server.Token)!;
        foreach (var bad in new[] { token with { Ca = new string('0', 64) }, token with { Secret = "wrong" } })
            Assert.Equal(AgentProgram.Refused, await AgentProgram.RunAsync(machine.Options with { JoinToken = bad.Encode() }, TimeProvider.System, Machine.Log, default));
        Assert.Null(Identity.Load(machine.Options.Paths));
        Assert.Equal(AgentProgram.Unusable, await AgentProgram.RunAsync(machine.Options with { Tag = "../x" }, TimeProvider.System, Machine.Log, default));
    }

    [Fact]
    public async Task A_join_that_met_another_one_is_repeated()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        server.Set(Samples.Document(1, null, []));
        server.JoinsThatMeet = 2;
        await using (Run(machine, server, new SimulatedFaults())) await Wait.ForAsync("a report", () => server.LastReport is { Full: true }, Soon);
        Assert.True(server.JoinsThatMeet < 0);
    }

    [Fact]
    public async Task The_identity_is_readable_by_root_alone()
    {
        await using var machine = new Machine("simulated");
        await using var server = await FakeServer.StartAsync();
        server.Set(Samples.Document(1, null, []));
        await using (Run(machine, server, new SimulatedFaults())) await Wait.ForAsync("a report", () => server.LastReport is { Full: true }, Soon);
        Assert.Equal(AgentModes.PrivateFile, File.GetUnixFileMode(Path.Combine(machine.Options.Paths.Identity, "identity.json")));
        Assert.Equal(AgentModes.PrivateDirectory, File.GetUnixFileMode(machine.Options.Paths.Identity));
    }

    private static Running Run(Machine machine, FakeServer server, SimulatedFaults faults) => new(machine.Options with { JoinToken = server.Token }, machine.Hardware, faults);

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly HostAgent _agent;
        private readonly Task _task;

        public Running(AgentOptions options, SimulatedMachine hardware, SimulatedFaults faults)
        {
            HostFacts Facts() => HostFactsReader.Read(options, None, null, ExportWays.All);
            DurableFiles.MakeDirectory(options.Paths.State, AgentModes.Passable);
            _agent = new HostAgent(options, AgentEdges.Simulated(
                options, hardware, faults, Facts, cancel => HostLink.ConnectAsync(options, Facts, null, new Random(1), TimeProvider.System, Machine.Log, cancel),
                TimeProvider.System), 1, TimeProvider.System, Machine.Log);
            _task = _agent.RunAsync(_stop.Token);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            try
            {
                await _task;
            }
            catch (OperationCanceledException)
            {
                // As asked.
            }
            await _agent.DisposeAsync();
            _stop.Dispose();
        }
    }
}
