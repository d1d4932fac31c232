using Kumoi.Agent.Control;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Simulated;

/// <summary>Several hosts of one process over real TLS. The test's server tells each the same document, as if it were the only one.</summary>
public sealed class SimulatedFleetTests : IDisposable
{
    private const int Hosts = 4;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("kumoi-fleet-").FullName;

    [Fact]
    public async Task Hosts_join_with_one_token_and_after_a_power_cut_start_their_guests_from_the_disks_they_have()
    {
        await using var server = await FakeServer.StartAsync();
        var instances = Enumerable.Range(1, 3).Select(number => Samples.Instance(number, "running")).ToArray();
        server.Set(Samples.Document(1, null, [], instances));
        var asked = new List<int>();
        var boots = new HashSet<string>();
        for (var run = 0; run < 2; run++)
        {
            server.Reports.Clear();
            using var trace = new StringWriter();
            await using (var running = new Running(server, _directory, SimulatedSettings.Perfect, asked, trace))
            {
                await Wait.ForAsync("all running", () => running.Fleet.Status() is { Joined: Hosts, Connected: Hosts, Running: Hosts * 3 }, Soon);
                await Wait.ForAsync("all told", () => Told(server).Count == Hosts, Soon);
            }
            foreach (var report in server.Reports) boots.Add(report.Facts.BootId);
            Assert.Equal(Hosts * 3, trace.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            // Made once: the second run finds them.
            Assert.Equal(Hosts * 3, File.ReadAllLines(Path.Combine(_directory, "disks")).Length);
        }
        Assert.Equal([Hosts], asked);
        Assert.Equal(Hosts * 2, boots.Count);
    }

    [Fact]
    public async Task Guests_come_to_run_and_to_an_end_whatever_fails_on_the_way()
    {
        await using var server = await FakeServer.StartAsync();
        var settings = SimulatedSettings.Perfect with
        {
            Times = new SimulatedTimes(Milliseconds(1, 20), Milliseconds(1, 20), Milliseconds(1, 50), Milliseconds(1, 20)),
            Errors = new SimulatedErrors(0.2, 0.2, 0.2, 0.2, 0.2, 0.2),
            Failures = new SimulatedFailures(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(10), Milliseconds(10, 100), TimeSpan.FromSeconds(10), 0),
            Network = new SimulatedNetworkFaults(Milliseconds(0, 10), 0.05, 0.05, 0.1),
            ClockSkew = Milliseconds(-2000, 2000),
        };
        var instances = Enumerable.Range(1, 3).Select(number => Samples.Instance(number, "running")).ToArray();
        server.Set(Samples.Document(1, null, [], instances));
        await using var running = new Running(server, null, settings, [], TextWriter.Null);
        await Wait.ForAsync("all told as running", () => Told(server).Count == Hosts, Soon);
        server.Reports.Clear();
        server.Set(Samples.Document(2, null, [], [.. instances.Select(one => one with { Desired = "terminated", Generation = 2 })]));
        await Wait.ForAsync("none left", () => running.Fleet.Status().Running == 0 && Told(server, PowerState.Absent).Count == Hosts, Soon);
        Assert.True(running.Fleet.Status().Failures > 0);
    }

    [Fact]
    public async Task A_token_that_is_not_taken_ends_all_of_them()
    {
        await using var server = await FakeServer.StartAsync();
        var wrong = (JoinTokenContent.Decode(server.Token)! with { Secret = "wrong" }).Encode();
        using var state = new SimulatedState(null);
        await using var fleet = new SimulatedFleet(SimulatedSettings.Perfect, Hosts, "sim-", 1000, state, (_, _) => Task.FromResult(wrong), null, TimeProvider.System);
        await Assert.ThrowsAsync<ServerRefusedException>(() => fleet.RunAsync(default));
        Assert.Equal(0, fleet.Status().Joined);
    }

    private static HashSet<string> Told(FakeServer server, string power = PowerState.Running) =>
        [.. server.Reports.Where(report => report.Full && report.Instances.Count == 3 && report.Instances.All(seen => seen.Power == power)).Select(report => report.Facts.Name)];

    private static TimeRange Milliseconds(int min, int max) => new(TimeSpan.FromMilliseconds(min), TimeSpan.FromMilliseconds(max));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly SimulatedState _state;
        private readonly Task _task;

        public Running(FakeServer server, string? directory, SimulatedSettings settings, List<int> asked, TextWriter trace)
        {
            _state = new SimulatedState(directory);
            Fleet = new SimulatedFleet(settings, Hosts, "sim-", 1000, _state, (uses, _) =>
            {
                asked.Add(uses);
                return Task.FromResult(server.Token);
            }, trace, TimeProvider.System);
            _task = Fleet.RunAsync(_stop.Token);
        }

        public SimulatedFleet Fleet { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _task;
            await Fleet.DisposeAsync();
            _state.Dispose();
            _stop.Dispose();
        }
    }
}
