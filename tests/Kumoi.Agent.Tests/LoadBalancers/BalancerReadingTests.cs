using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: weights, counts and health are reckoned right from what the kernel, haproxy and members say.</summary>
public sealed class BalancerReadingTests
{
    [Fact]
    public void Places_are_as_many_as_weights_say_and_spread_evenly()
    {
        Assert.Equal([0, 0, 1, 0, 2, 0, 0], Shares.Row([5, 1, 1]));
        Assert.Equal([0, 1], Shares.Row([100, 100]));
        Assert.Equal([1], Shares.Row([0, 7]));
        Assert.Empty(Shares.Row([0, 0]));
        Assert.Empty(Shares.Row([]));
        var many = Shares.Row([256, 255, 1]);
        Assert.InRange(many.Count, 3, Shares.PlacesMax + 3);
        Assert.Contains(2, many);
        Assert.Equal(many.Count(member => member == 0), many.Count(member => member == 1), 2.0);
    }

    [Fact]
    public void Health_turns_after_as_many_answers_as_asked_for()
    {
        var check = new DesiredHealthCheck("tcp", null, null, 1, 1, Rise: 2, Fall: 3);
        var (now, later) = (DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddHours(1));
        var state = HealthState.Unknown(now);
        Assert.False(state.Works);
        state = state.After(null, check, now);
        Assert.True(state.Works);
        state = state.After("refused", check, later).After("refused", check, later).After(null, check, later).After("refused", check, later).After("refused", check, later);
        Assert.True(state.Works);
        Assert.Equal(now, state.Since);
        state = state.After("refused", check, later);
        Assert.Equal((BackendHealth.Unhealthy, "refused", later), (state.Health, state.Reason, state.Since));
        Assert.False(state.After(null, check, later).Works);
        Assert.True(state.After(null, check, later).After(null, check, later).Works);
        Assert.Equal(BackendHealth.Unhealthy, HealthState.Unknown(now).After("refused", check, now).Health);
    }

    [Fact]
    public void Known_health_outlives_the_agent()
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-health").FullName;
        try
        {
            Assert.Empty(HealthFile.Read(directory));
            var state = new HealthState(BackendHealth.Unhealthy, "no answer in time", DateTimeOffset.UnixEpoch.AddMilliseconds(1234), 0);
            HealthFile.Write(directory, new Dictionary<(string, string), HealthState> { [("lsn-1", "mbr-1")] = state, [("lsn-1", "mbr-2")] = state with { Health = BackendHealth.Healthy, Reason = null }, [("lsn-1", "mbr-3")] = HealthState.Unknown(default) });
            var read = HealthFile.Read(directory);
            Assert.Equal(state, read[("lsn-1", "mbr-1")]);
            Assert.True(read[("lsn-1", "mbr-2")].Works);
            Assert.Equal(2, read.Count);
            File.WriteAllText(Path.Combine(directory, "health"), "nonsense\nlsn-1 mbr-1 healthy 99999999999999999999\n\n");
            Assert.Empty(HealthFile.Read(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n", null)]
    [InlineData("HTTP/1.0 399 x\r\n", null)]
    [InlineData("HTTP/1.1 404 Not Found\r\n", "it answers with status 404")]
    [InlineData("HTTP/1.1 199 x\r\n", "it answers with status 199")]
    [InlineData("HTTP/1.1 2x0 OK\r\n", "what it answers is not HTTP")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "what it answers is not HTTP")]
    [InlineData("", "what it answers is not HTTP")]
    public void An_answer_is_judged_by_its_status(string answer, string? reason) => Assert.Equal(reason, HttpQuestion.Judge(System.Text.Encoding.ASCII.GetBytes(answer)));

    [Fact]
    public void Counts_of_a_source_that_begins_anew_are_added()
    {
        var tally = new Tally(DateTimeOffset.UnixEpoch);
        tally.Take(new Counts(3, 100, 1000, 2000), "1");
        Assert.Equal(new Counts(3, 0, 0, 0), tally.Counts);
        tally.Take(new Counts(1, 110, 1500, 2000), "1");
        Assert.Equal(new Counts(1, 10, 500, 0), tally.Counts);
        tally.Take(new Counts(2, 112, 20, 30), "2");
        Assert.Equal(new Counts(2, 122, 520, 30), tally.Counts);
        tally.Take(new Counts(0, 1, 20, 30), "2");
        Assert.Equal(new Counts(0, 123, 520, 30), tally.Counts);
    }

    [Fact]
    public void Counts_of_the_kernel_are_those_of_each_member()
    {
        var (first, second) = (new MemberIntent("mbr-1", "10.0.0.11", 8080, 1, false, true), new MemberIntent("mbr-2", "10.0.0.12", 8080, 1, false, true));
        var listener = new ListenerIntent("lsn-f", "tcp", 80, "round-robin", false, false, null, Balanced.Check, 60, [first, second]);
        var balancer = new BalancerIntent("lb-1", "net-1", "10.0.0.50", null, [listener]);
        var json = """{"nftables": [{"metainfo": {}}, {"counter": {"name": "n_f_1", "packets": 7, "bytes": 420}}, {"counter": {"name": "i_f_1", "packets": 70, "bytes": 7000}}, {"counter": {"name": "o_f_1", "packets": 90, "bytes": 9000}}]}""";
        string[] connections =
        [
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=10.0.0.50 sport=40000 dport=80 src=10.0.0.11 dst=10.0.0.9 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2",
            "ipv4     2 tcp      6 431999 ESTABLISHED src=198.51.100.1 dst=203.0.113.9 sport=40000 dport=8000 src=10.0.0.11 dst=198.51.100.1 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2",
            "ipv4     2 tcp      6 100 TIME_WAIT src=10.0.0.9 dst=10.0.0.50 sport=40001 dport=80 src=10.0.0.11 dst=10.0.0.9 sport=8080 dport=40001 [ASSURED] mark=0 zone=0 use=2",
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=10.0.0.12 sport=40000 dport=8080 src=10.0.0.12 dst=10.0.0.9 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2",
            "ipv4     2 icmp     1 29 src=10.0.0.9 dst=10.0.0.50 type=8 code=0 id=1 src=10.0.0.50 dst=10.0.0.9 type=0 code=0 id=1 mark=0 use=1",
            "nonsense",
        ];
        var counts = BalancerCounts.Read([new BalancerDoor("10.0.0.50", 80, balancer, listener), new BalancerDoor("203.0.113.9", 8000, balancer, listener)], json, connections.Select(Connection.Parse).OfType<Connection>());
        Assert.Equal(new Counts(2, 7, 7000, 9000), counts[("lsn-f", "mbr-1")]);
        Assert.Equal(Counts.None, counts[("lsn-f", "mbr-2")]);
    }

    [Fact]
    public void Statistics_of_haproxy_are_read_by_their_names()
    {
        var lines = HaproxyStatistics.Read("""
            # pxname,svname,scur,stot,bin,bout,status,lastchg,check_status,check_code,check_desc,
            f_1,FRONTEND,2,9,100,200,OPEN,,,,,
            b_1,m_1,1,4,50,60,UP 1/2,7,L4OK,,"a, ""quoted"" text",
            b_1,m_2,0,0,0,0,DOWN,3,L7STS,503,x,
            b_1,m_3,0,0,0,0,UP,3,* INI,,x,
            b_1,m_4,0,0,0,0,no check,3,,,x,
            b_1,m_5,0,0,0,0,DOWN (agent),3,SOCKERR,,x,
            b_1,BACKEND,1,4,50,60,UP,7,,,,

            """);
        Assert.Equal(
            [
                ("FRONTEND", "healthy", null), ("m_1", "healthy", null), ("m_2", "unhealthy", "it answers with status 503"), ("m_3", "unknown", null), ("m_4", "healthy", null), ("m_5", "unhealthy", "the check failed"),
            ],
            lines.Select(line => (line.Name, line.Health, line.Reason)));
        Assert.Equal(new Counts(1, 4, 50, 60), lines[1].Counts);
        Assert.Equal(TimeSpan.FromSeconds(7), lines[1].Unchanged);
        Assert.Empty(HaproxyStatistics.Read(""));
        Assert.Empty(HaproxyStatistics.Read("Unknown command"));
    }
}
