using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>
/// Goal: guests of one network on two hosts reach what their rules allow and nothing else, wherever they are and whatever they claim.
/// Method: two drivers in two namespaces joined by an underlay, and packets from guests.
/// </summary>
public sealed class OverlayTests
{
    private static readonly DesiredRule[] Rules =
    [
        Samples.Ingress("tcp", 80, 80, null, Shared.Clients), Samples.Ingress("udp", 53, 53, "10.0.0.0/24", null), Samples.Ingress("udp", 53, 53, "fd00:1::/64", null),
        Samples.Ingress("icmp", null, null, null, Shared.Clients),
    ];

    private static readonly DesiredRule[] Everything = [Samples.EgressAll, new("egress", "any", null, null, "::/0", null)];

    [Fact]
    public async Task Guests_reach_what_rules_allow_on_the_same_and_on_the_other_host()
    {
        await using var hosts = await StandIns.StartAsync(2);
        var (one, two) = (hosts.All[0], hosts.All[1]);
        var client = Shared.Interface(11, Shared.Clients);
        var (near, far, stranger) = (Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group), Shared.Interface(14));
        // The stranger may send, and is in no group that others let in.
        stranger = stranger with { SecurityGroupIds = ["sg-19a3f2b4c5d6e7f85"] };
        var network = Shared.Network(Shared.HostOf(one, client, near), Shared.HostOf(two, far, stranger));
        DesiredSecurityGroup[] groups =
        [
            Shared.Group(Samples.Group, [.. Rules, .. Everything], near, far), Shared.Group(Shared.Clients, Everything, client), Shared.Group("sg-19a3f2b4c5d6e7f85", Everything, stranger),
        ];
        var (first, second) = (Shared.Document([network], groups, Shared.Instance(11, client), Shared.Instance(12, near)), Shared.Document([network], groups, Shared.Instance(13, far), Shared.Instance(14, stranger)));
        var a = await hosts.GuestAsync(one, client);
        var b = await hosts.GuestAsync(one, near);
        var c = await hosts.GuestAsync(two, far);
        var d = await hosts.GuestAsync(two, stranger);
        await StandIns.ApplyAsync(one, first);
        await StandIns.ApplyAsync(two, second);
        foreach (var server in new[] { b, c }) await hosts.ServeAsync(server.Namespace, 80, 81, 53, 54);

        var tries = new List<(string What, bool Expected, Task<bool> Seen)>();
        foreach (var server in new[] { b, c })
            foreach (var ipv6 in new[] { false, true })
                foreach (var from in new[] { a, d })
                    foreach (var (protocol, port, allowed) in new[] { ("tcp", 80, from == a), ("tcp", 81, false), ("udp", 53, true), ("udp", 54, false), ("icmp", 0, from == a) })
                        tries.Add(($"{from.Ipv4} → {server.Of(ipv6)} {protocol} {port}", allowed, StandIns.ReachesAsync(from.Namespace, protocol, server.Of(ipv6), port)));
        // Clients let nobody in; an address without a guest answers nothing.
        foreach (var ipv6 in new[] { false, true }) tries.Add(($"{c.Of(ipv6)} → {a.Of(ipv6)}", false, StandIns.ReachesAsync(c.Namespace, "icmp", a.Of(ipv6), 0)));
        foreach (var nobody in new[] { "10.0.0.99", "fd00:1::99" }) tries.Add(($"nobody {nobody}", false, StandIns.ReachesAsync(a.Namespace, "icmp", nobody, 0)));
        foreach (var t in tries) _ = await t.Seen;
        var wrong = tries.Where(t => t.Seen.Result != t.Expected).Select(t => $"{t.What}: expected {t.Expected}").ToArray();
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));

        await SpoofedAsync(hosts, a, b, c, stranger);
        await SecondLookDoesNothingAsync(hosts, one, first);
        await SecondLookDoesNothingAsync(hosts, two, second);
        await MembersJoinAndMoveAsync(hosts, one, two, first, second, d, c, stranger);
    }

    /// <summary>The client claims the address of another guest, and addresses of nobody.</summary>
    private static async Task SpoofedAsync(StandIns hosts, StandInGuest a, StandInGuest b, StandInGuest c, DesiredInterface stranger)
    {
        await hosts.IpAsync(a.Namespace, $"addr add {stranger.Address}/32 dev eth0", "addr add 10.0.0.77/32 dev eth0", "addr add fd00:1::77/128 dev eth0 nodad", "addr add 203.0.113.5/32 dev eth0");
        foreach (var target in new[] { b, c })
        {
            foreach (var claimed in new[] { stranger.Address, "10.0.0.77", "203.0.113.5" }) Assert.False(await StandIns.ReachesAsync(a.Namespace, "udp", target.Ipv4, 53, claimed), claimed);
            Assert.False(await StandIns.ReachesAsync(a.Namespace, "udp", target.Ipv6, 53, "fd00:1::77"));
            Assert.True(await StandIns.ReachesAsync(a.Namespace, "udp", target.Ipv6, 53, a.Ipv6));
        }
    }

    private static async Task SecondLookDoesNothingAsync(StandIns hosts, StandInHost host, DesiredDocument document)
    {
        using var links = new NetworkLinks(hosts.Commands, host.Namespace);
        foreach (var intent in StandIns.IntentsOf(host, document))
        {
            var seen = await links.SeeAsync(intent, default);
            var plan = LinkPlan.Between(seen, LinkState.Wanted(intent, seen.Devices.Keys.Where(LinkIntent.IsDevice).ToHashSet()), intent, new HashSet<string>());
            Assert.Empty(plan.Outdated.Concat(plan.Leading).Concat(plan.Taps).Concat(plan.Inside).Concat(plan.Forwarding).Concat(plan.Host).Concat(plan.Surplus));
        }
    }

    /// <summary>A guest joins a group on the other host, by the quick way; then another moves from one host to the other.</summary>
    private static async Task MembersJoinAndMoveAsync(StandIns hosts, StandInHost one, StandInHost two, DesiredDocument first, DesiredDocument second, StandInGuest d, StandInGuest c, DesiredInterface stranger)
    {
        Assert.False(await StandIns.ReachesAsync(d.Namespace, "tcp", c.Ipv4, 80));
        var joined = second with { SecurityGroups = [.. second.SecurityGroups.Select(group => group.Id == Shared.Clients ? group with { Members = [.. group.Members, new DesiredMember(Samples.Network, stranger.Address), new DesiredMember(Samples.Network, d.Ipv6)] } : group)] };
        Assert.True(await two.Driver.TryApplyPeersAsync(StandIns.IntentsOf(two, joined)[0], default));
        Assert.True(await StandIns.ReachesAsync(d.Namespace, "tcp", c.Ipv4, 80));
        Assert.True(await StandIns.ReachesAsync(d.Namespace, "tcp", c.Ipv6, 80));
        await SecondLookDoesNothingAsync(hosts, two, joined);

        // Guest 13 is started anew on the first host: there with its interface, here only as someone else's guest.
        var far = c.Wanted;
        var network = Shared.Network(Shared.HostOf(one, first.Instances.SelectMany(instance => instance.Interfaces).Append(far)), Shared.HostOf(two, stranger));
        var moved = await hosts.GuestAsync(one, far);
        await hosts.ServeAsync(moved.Namespace, 80);
        await hosts.IpAsync(two.Network(Samples.Network), $"link delete {ObjectNames.Tap(far.Id)}");
        await StandIns.ApplyAsync(one, first with { Networks = [network], Instances = [.. first.Instances, Shared.Instance(13, far)], SecurityGroups = joined.SecurityGroups });
        await StandIns.ApplyAsync(two, joined with { Networks = [network], Instances = [joined.Instances[1]] });
        Assert.Equal(stranger.Address, await StandIns.TcpAsync(d.Namespace, far.Address, 80));
        Assert.Equal(d.Ipv6, await StandIns.TcpAsync(d.Namespace, moved.Ipv6, 80));
    }
}
