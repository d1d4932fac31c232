using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: servers hear of members' health at once, and of every listener in full reports; and what a host lacks is said.</summary>
public sealed class BalancerReportTests
{
    [Fact]
    public async Task Health_is_told_at_once_and_everything_in_full_reports()
    {
        await using var machine = new Machine("simulated");
        var server = new MemoryServer();
        // Members are asked from a namespace that is not there: none works.
        var unasked = Balanced.Of("tcp", 81, Balanced.Member(12)) with { Id = "lsn-19a3f2b4c5d6e7fb1", Health = Balanced.Check with { Protocol = "none" } };
        server.Set(Shared.Document([Shared.Network().With(Balanced.Of("tcp", 80, Balanced.Member(11), Balanced.Member(12)), unasked)], []));
        HostFacts Facts() => new("host1", "127.0.0.1", "1", "simulated", "simulated", "For a test.", 4, 4096, 100, "boot", null);
        var edges = AgentEdges.Simulated(machine.Options, machine.Hardware, new SimulatedFaults(), Facts, _ => Task.FromResult<Agent.Control.IServerLink>(server), TimeProvider.System) with
        {
            Balancing = new Balancing(machine.Options, new Commands(TimeProvider.System), new Random(1), TimeProvider.System, Machine.Log),
        };
        await using var agent = new HostAgent(machine.Options, edges, 1, TimeProvider.System, Machine.Log);
        using var stop = new CancellationTokenSource();
        var running = agent.RunAsync(stop.Token);
        await Wait.ForAsync(
            "the change", () => server.Reports.Any(report => !report.Full && report.Listeners is [{ Id: Balanced.Listener } listener] && listener.Members.All(member => member is { Health: BackendHealth.Unhealthy, Reason: "the check failed" })),
            TimeSpan.FromSeconds(10));
        await Wait.ForAsync(
            "a full report", () => server.Reports.Any(report => report is { Full: true, Listeners: [{ Id: Balanced.Listener }, { Id: "lsn-19a3f2b4c5d6e7fb1", Members: [{ Health: BackendHealth.Healthy }] }] }),
            TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task A_host_without_haproxy_says_so()
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-haproxy").FullName;
        try
        {
            var document = Shared.Document([Shared.Network().With(Balanced.Of("http", 80, Balanced.Member(11)))], []);
            var intent = Agent.Networks.NetworkIntents.Read(document, Samples.Network, "abc1", "172.31.0.1", _ => false)!;
            var without = new Haproxy(new Commands(TimeProvider.System), [directory], TimeProvider.System);
            Assert.Contains("install the package haproxy", (await without.EnsureAsync(intent, directory, default)).Lacking, StringComparison.Ordinal);
            // Networks that do not need it have nothing to complain of.
            document = Shared.Document([Shared.Network().With(Balanced.Of("tcp", 80, Balanced.Member(11)))], []);
            Assert.Equal(HaproxySight.Right, await without.EnsureAsync(Agent.Networks.NetworkIntents.Read(document, Samples.Network, "abc1", "172.31.0.1", _ => false)!, directory, default));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task A_network_that_cannot_be_looked_at_keeps_no_other_from_it()
    {
        await using var machine = new Machine("simulated");
        await using var balancing = new Balancing(machine.Options, new Commands(TimeProvider.System), new Random(1), TimeProvider.System, Machine.Log);
        using var stop = new CancellationTokenSource();
        for (var number = 0; number < 8; number++)
        {
            var id = FormattableString.Invariant($"net-19a3f2b4c5d6e7f8{number}");
            var network = (Shared.Network() with { Id = id }).With(Balanced.Of("http", 80, Balanced.Member(11)) with { Id = FormattableString.Invariant($"lsn-19a3f2b4c5d6e7fb{number}") });
            var intent = Agent.Networks.NetworkIntents.Read(Shared.Document([network], []), id, machine.Options.Tag, "172.31.0.1", _ => false)!;
            await balancing.TakeAsync(intent, default);
            var listener = Assert.Single(intent.Balancers[0].Listeners);
            var up = FormattableString.Invariant($"{HaproxyConfiguration.BackendOf(listener)},{HaproxyConfiguration.ServerOf(listener.Members[0])},UP,L4OK\n");
            // All but one tell the same server twice, which no haproxy does.
            Answer(Haproxy.SocketIn(Path.Combine(machine.Options.Paths.Networks, ObjectNames.Namespace(machine.Options.Tag, id))), $"# pxname,svname,status,check_status\n{up}{(number == 3 ? "" : up)}", stop.Token);
        }
        await balancing.LookAsync(default);
        await stop.CancelAsync();
        Assert.Equal(["lsn-19a3f2b4c5d6e7fb3"], balancing.Observed(null).Where(listener => listener.Members[0].Health == BackendHealth.Healthy).Select(listener => listener.Id));
    }

    private static void Answer(string path, string statistics, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listening.Bind(new UnixDomainSocketEndPoint(path));
        listening.Listen();
        _ = Balanced.AcceptAsync(listening, async socket =>
        {
            var buffer = new byte[100];
            var read = await socket.ReceiveAsync(buffer);
            await socket.SendAsync(Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(buffer, 0, read).StartsWith("show info", StringComparison.Ordinal) ? "Pid: 1\n" : statistics));
        });
        stop.Register(listening.Dispose);
    }
}
