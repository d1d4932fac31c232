using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: the difference of two states does what differs and nothing else. Method: random networks, and one change at a time.</summary>
public sealed class LinkPlanTests
{
    private static readonly HashSet<string> None = [];

    private static LinkPlan Plan(NetworkIntent before, NetworkIntent after) => LinkPlan.Between(LinkState.Wanted(before, None), LinkState.Wanted(after, None), after, None);

    [Fact]
    public void What_is_right_is_not_touched()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var intent = RandomNetworks.Intent(new Random(seed));
            Assert.True(Plan(intent, intent).IsEmpty, $"Seed {seed}.");
        }
    }

    [Fact]
    public void A_guest_that_comes_up_on_another_host_is_one_route()
    {
        var before = NetworkIntents.Read(Shared.Document([Shared.Network(new("172.31.0.2", ["10.0.0.20"]), new("172.31.0.3", ["10.0.0.30"]))], [], Shared.Instance(11, Shared.Interface(11))), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;
        var after = before with { Remotes = [before.Remotes[0] with { Guests = ["10.0.0.20", "10.0.0.21"] }, before.Remotes[1]] };
        var plan = Plan(before, after);
        Assert.True(plan.KeepsDevices);
        Assert.Equal(["route replace 10.0.0.21/32 via inet6 fe80::ac1f:2 dev vx onlink"], plan.Inside);
        Assert.Empty(plan.Forwarding);
        Assert.Equal(["route delete 10.0.0.21/32"], Plan(after, before).Inside);

        // Its host is one neighbour and one entry of the forwarding table; the guest that moves there keeps a way at every moment.
        var moved = before with { Remotes = [before.Remotes[0], new RemoteHost("172.31.0.4", ["10.0.0.30"])] };
        plan = Plan(before, moved);
        Assert.Equal(
            ["neigh replace fe80::ac1f:4 dev vx lladdr 02:00:ac:1f:00:04 nud permanent", "route replace 10.0.0.30/32 via inet6 fe80::ac1f:4 dev vx onlink", "neigh delete fe80::ac1f:3 dev vx"], plan.Inside);
        Assert.Equal(["fdb replace 02:00:ac:1f:00:04 dev vx dst 172.31.0.4 self permanent", "fdb delete 02:00:ac:1f:00:03 dev vx dst 172.31.0.3 self"], plan.Forwarding);
    }

    [Fact]
    public void A_guest_that_is_here_is_here_whatever_is_said_of_others()
    {
        var intent = NetworkIntents.Read(Shared.Document([Shared.Network(new Api.Agent.NetworkHost("172.31.0.2", ["10.0.0.11"]))], [], Shared.Instance(11, Shared.Interface(11))), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;
        Assert.Equal($"dev {intent.Ports[0].Tap}", LinkState.Wanted(intent, None).Routes["10.0.0.11/32"]);
    }

    [Fact]
    public void What_no_record_explains_is_left_unless_its_instance_is_known_to_be_gone()
    {
        var with = NetworkIntents.Read(Shared.Document([Shared.Network()], [], Shared.Instance(11, Shared.Interface(11))), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;
        var without = with with { Ports = [] };
        Assert.True(Plan(with, without).IsEmpty);
        var tap = with.Ports[0].Tap;
        Assert.Equal([$"link delete {tap}"], LinkPlan.Between(LinkState.Wanted(with, None), LinkState.Wanted(without, None), without, new HashSet<string> { tap }).Surplus);
    }

    [Fact]
    public void Devices_that_are_half_made_or_another_hosts_are_made_anew()
    {
        var intent = NetworkIntents.Read(Shared.Document([Shared.Network(new Api.Agent.NetworkHost("172.31.0.2", ["10.0.0.20"]))], [], Shared.Instance(11, Shared.Interface(11))), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;
        var right = LinkState.Wanted(intent, None);
        var down = right with { Devices = right.Devices.ToDictionary(device => device.Key, device => device.Key == "uplink" ? device.Value with { Up = false } : device.Value) };
        var plan = LinkPlan.Between(down, right, intent, None);
        Assert.Equal(["link delete uplink"], plan.Outdated);
        Assert.Contains("addr add 198.19.0.7/32 dev uplink", plan.Inside);
        Assert.Contains("route replace 0.0.0.0/0 via 169.254.255.1 dev uplink onlink", plan.Inside);
        Assert.Equal(1, plan.Host.Count(line => line.StartsWith("route replace", StringComparison.Ordinal)));

        var moved = right with { Devices = right.Devices.ToDictionary(device => device.Key, device => device.Key == "vx" ? device.Value with { Mac = "02:00:00:00:00:01" } : device.Value) };
        plan = LinkPlan.Between(moved, right, intent, None);
        Assert.Equal(["link delete vx"], plan.Outdated);
        Assert.Contains("type vxlan id 7 local 172.31.0.1 dstport 4789 nolearning", Assert.Single(plan.Leading), StringComparison.Ordinal);
        Assert.Contains("route replace 10.0.0.20/32 via inet6 fe80::ac1f:2 dev vx onlink", plan.Inside);
        Assert.Single(plan.Forwarding);
    }
}
