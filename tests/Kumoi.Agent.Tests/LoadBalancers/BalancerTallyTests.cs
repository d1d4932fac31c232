using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: what is told of a listener is what passes by it, whoever counts, and whichever members come and go.</summary>
public sealed class BalancerTallyTests
{
    private const string Network = "net-1";

    private static readonly MemberIntent First = new("mbr-1", "10.0.0.11", 80, 1, false, true), Second = new("mbr-2", "10.0.0.12", 80, 1, false, true);

    private static readonly ListenerIntent
        Kernel = new("lsn-1", "tcp", 80, "round-robin", false, false, null, Balanced.Check, 60, [First, Second]),
        Proxied = Kernel with { Algorithm = "least-connections" };

    private readonly BalancerTallies _tallies = new(new ManualTime());

    private Counts Of(ListenerIntent listener) => _tallies.Sum(null).Of(listener).Counts;

    private void Take(MemberIntent member, long active, long connections, string source = "kernel") =>
        _tallies.TakeMember(Network, "lsn-1", member.Id, new Counts(active, connections, 10 * connections, 0), source, source == "kernel");

    [Fact]
    public void A_member_that_leaves_takes_its_open_connections_along_and_leaves_its_past()
    {
        Take(First, 0, 0);
        Take(Second, 0, 0);
        Take(First, 2, 5);
        Take(Second, 1, 3);
        Assert.Equal(new Counts(3, 8, 80, 0), Of(Kernel));
        var left = Kernel with { Members = [Second] };
        _tallies.Keep(Network, [left]);
        Assert.Equal(new Counts(1, 8, 80, 0), Of(left));
        // Back, and counted by a counter that begins anew.
        _tallies.Keep(Network, [Kernel]);
        Take(First, 1, 0);
        Take(First, 1, 2);
        Assert.Equal(new Counts(2, 10, 100, 0), Of(Kernel));
        Assert.Equal(new Counts(1, 2, 20, 0), _tallies.Sum(null).Of(Kernel, First).Counts);
    }

    [Fact]
    public void A_listener_that_changes_who_balances_it_is_counted_once()
    {
        Take(First, 0, 0);
        Take(First, 4, 10);
        _tallies.TakeListener(Network, "lsn-1", new Counts(0, 0, 0, 0), "pid");
        Take(First, 0, 0, "pid");
        _tallies.TakeListener(Network, "lsn-1", new Counts(1, 5, 50, 0), "pid");
        Take(First, 1, 5, "pid");
        Assert.Equal(new Counts(1, 15, 150, 0), Of(Proxied));
        Take(First, 2, 3);
        Assert.Equal(new Counts(2, 18, 180, 0), Of(Kernel));
        Assert.Equal(18, _tallies.Sum(null).Of(Kernel, First).Counts.Connections);
    }

    [Fact]
    public void Networks_are_added_and_only_what_is_wanted_is_summed()
    {
        Take(First, 1, 0);
        _tallies.TakeMember("net-2", "lsn-1", First.Id, new Counts(2, 0, 0, 0), "kernel", true);
        Assert.Equal(3, Of(Kernel).Active);
        Assert.Equal(0, _tallies.Sum(new HashSet<string> { "lsn-2" }).Of(Kernel).Counts.Active);
        _tallies.Keep("net-2", []);
        Assert.Equal(1, Of(Kernel).Active);
    }
}
