using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Vpn;

public sealed class VpnTests
{
    private const string Key = VpnPacketTests.PublicKey, Other = "1lBtXp6ybAnS3TxMGnAyfMKSURJzCOwc/bbR69Ffg2w=", Public = "198.51.100.1";

    private static DesiredVpn Wanted(params IReadOnlyList<DesiredVpnPeer> peers) => new(VpnPacketTests.Id, Public, 443, "172.31.0.1", ["10.99.0.0/24", "192.168.10.0/24"], VpnPacketTests.PrivateKey, peers);

    private static NetworkIntent Intent(DesiredVpn vpn, string own = "172.31.0.1") => NetworkIntents.Read(
        Shared.Document([Shared.Network(new NetworkHost("172.31.0.2", ["10.0.0.12"])) with { Vpn = vpn, Gateways = [new DesiredGateway(Public, "172.31.0.1", false, [])] }], [], Shared.Instance(11, Shared.Interface(11))),
        Samples.Network, "abcd12", own, _ => false)!;

    [Fact]
    public void The_rules_of_a_gateways_host_are_as_reviewed() => Golden.Check("vpn", NetworkRuleset.Build(Intent(Wanted())).Replacement());

    [Fact]
    public void Clients_reach_load_balancers_whoever_balances()
    {
        var network = Shared.Network() with { Vpn = Wanted(), Gateways = [new DesiredGateway(Public, "172.31.0.1", false, [])] };
        var balancer = new DesiredLoadBalancer(LoadBalancers.Balanced.Balancer, ["10.0.0.50"], [LoadBalancers.Balanced.Of("http", 80, LoadBalancers.Balanced.Member(11))]);
        var intent = NetworkIntents.Read(Shared.Document([network with { LoadBalancers = [balancer] }], [], Shared.Instance(11, Shared.Interface(11))), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;
        var input = NetworkRuleset.Build(intent).Chains.Single(chain => chain.Name == "input").Rules.ToList();
        var accepted = input.IndexOf("iifname \"wabcd12-7\" ip daddr . tcp dport { 10.0.0.50 . 80 } accept");
        Assert.InRange(accepted, 0, input.IndexOf("iifname \"wabcd12-7\" drop"));
        Assert.InRange(input.IndexOf("iifname \"wabcd12-7\" ip daddr { 10.0.0.50 } meta l4proto tcp reject with tcp reset"), accepted, input.IndexOf("iifname \"wabcd12-7\" drop"));
    }

    [Fact]
    public void Other_hosts_send_to_the_gateways_and_it_to_its_device()
    {
        var (here, there) = (Intent(Wanted()), Intent(Wanted() with { PrivateKey = null, Peers = null }, "172.31.0.2"));
        Assert.Equal("wabcd12-7", here.OwnVpn!.Device);
        Assert.Null(there.OwnVpn);
        Assert.Equal("dev wabcd12-7", LinkState.Wanted(here, new HashSet<string> { "wabcd12-7" }).Routes["192.168.10.0/24"]);
        Assert.Equal("unreachable", LinkState.Wanted(here, new HashSet<string>()).Routes["192.168.10.0/24"]);
        Assert.Equal("via fe80::ac1f:1 dev vx", LinkState.Wanted(there, new HashSet<string>()).Routes["10.99.0.0/24"]);
        Assert.DoesNotContain("wabcd12", NetworkRuleset.Build(there).Replacement(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_not_its_proper_form_is_nobodys()
    {
        Assert.Null(Intent(Wanted() with { Address = "198.51.100.2" }).Vpn);
        Assert.Null(Intent(Wanted() with { Host = "172.31.0.2" }).Vpn);
        Assert.Null(Intent(Wanted() with { Port = 0 }).Vpn);
        Assert.Null(Intent(Wanted() with { Id = "vpn-1\n" }).Vpn);
        var good = new DesiredVpnPeer("vpc-1", Key, null, null, ["10.99.0.2/32"]);
        var vpn = Intent(Wanted(
            good with { Ranges = ["10.99.0.2/32", "10.0.0.11/32", "0.0.0.0/0", "10.99.0.0/16", "x"] }, good with { Id = "vpc-2" }, good with { PublicKey = Other + "\nEndpoint = 1.2.3.4:5" }, good with { PublicKey = Other, PresharedKey = "x" },
            good with { PublicKey = Other, Endpoint = "example.com:5" }, good with { PublicKey = Other, Endpoint = "1.2.3.4:0" }) with { Ranges = ["10.99.0.0/24", "10.0.0.0/16", "0.0.0.0/0", "169.254.0.0/16", "10.98.0.1/24"], PrivateKey = "x" }).Vpn!;
        Assert.Equal(["10.99.0.0/24"], vpn.Ranges);
        Assert.Equal(["10.99.0.2/32"], Assert.Single(vpn.Peers).Ranges);
        Assert.Null(vpn.PrivateKey);
    }

    [Fact]
    public void A_device_is_told_only_what_differs()
    {
        var vpn = Intent(Wanted(new DesiredVpnPeer("vpc-1", Key, null, null, ["10.99.0.2/32"]), new DesiredVpnPeer("vps-1", Other, VpnPacketTests.PrivateKey, "203.0.113.9:51821", ["192.168.10.0/24"]))).Vpn!;
        string[] right =
        [
            $"{vpn.PrivateKey}\t{Key}\t51820\t0x1", $"{Key}\t(none)\t203.0.113.77:4444\t10.99.0.2/32\t1767323045\t10\t20\toff", $"{Other}\t{VpnPacketTests.PrivateKey}\t203.0.113.10:9\t192.168.10.0/24\t0\t0\t0\t25",
        ];
        WireGuardSight Seen(params string[] lines) => WireGuardSight.Read(string.Join('\n', lines) + "\n")!;
        Assert.True(WireGuardConfiguration.Holds(vpn, Seen(right)));
        foreach (var (line, from, to) in new[]
        {
            (0, "51820", "0"), (0, "0x1", "off"), (0, vpn.PrivateKey!, "(none)"), (1, "10.99.0.2/32", "10.99.0.2/32,10.0.0.77/32"), (1, "10.99.0.2/32", "(none)"), (1, "(none)", VpnPacketTests.PrivateKey), (1, "off", "25"),
            (1, Key, "AMJhUOvnR1lpk41ulb30JMX+xyYuUPUIxygapgrC3XA="), (2, "203.0.113.10:9", "(none)"), (2, VpnPacketTests.PrivateKey, "(none)"),
        }) Assert.False(WireGuardConfiguration.Holds(vpn, Seen([.. right.Select((text, i) => i == line ? text.Replace(from, to, StringComparison.Ordinal) : text)])), to);
        Assert.False(WireGuardConfiguration.Holds(vpn, Seen(right[..2])));
        Assert.Null(WireGuardSight.Read("nonsense"));
        var heard = Assert.Single(WireGuardConfiguration.Heard(vpn, Seen(right)));
        Assert.Equal(("vpc-1", 1767323045L, "203.0.113.77:4444", 10L, 20L), (heard.Id, heard.HandshakeAt.ToUnixTimeSeconds(), heard.Endpoint, heard.BytesIn, heard.BytesOut));
        Assert.Equal(
            $"""
            [Interface]
            PrivateKey = {vpn.PrivateKey}
            ListenPort = 51820
            FwMark = 0x1
            [Peer]
            PublicKey = {Other}
            PresharedKey = {VpnPacketTests.PrivateKey}
            Endpoint = 203.0.113.9:51821
            PersistentKeepalive = 25
            AllowedIPs = 192.168.10.0/24
            [Peer]
            PublicKey = {Key}
            AllowedIPs = 10.99.0.2/32

            """, WireGuardConfiguration.Text(vpn));
    }

    [Fact]
    public void Servers_are_told_what_is_news_and_in_full_reports_all()
    {
        var clock = new ManualTime();
        var sights = new VpnSights(clock);
        ObservedVpn Seen(string? problem, long at, long bytes) => new(VpnPacketTests.Id, problem, [new ObservedVpnPeer("vpc-1", DateTimeOffset.FromUnixTimeSeconds(at), "203.0.113.77:4444", bytes, bytes)]);
        Assert.Null(sights.Tell(all: true));
        sights.Take("ns", Seen(null, 100, 10));
        Assert.Equal(10, Assert.Single(sights.Tell(all: false)!).Peers[0].BytesIn);
        sights.Take("ns", Seen(null, 100, 11));
        Assert.Null(sights.Tell(all: false));
        Assert.Equal(11, Assert.Single(sights.Tell(all: true)!).Peers[0].BytesIn);
        sights.Take("ns", Seen(null, 220, 11));
        Assert.NotNull(sights.Tell(all: false));
        Assert.Empty(sights.Conditions);
        sights.Take("ns", Seen("The host has no WireGuard.", 220, 11));
        var since = Assert.Single(sights.Conditions).Since;
        Assert.NotNull(sights.Tell(all: false));
        clock.Advance(TimeSpan.FromMinutes(1));
        sights.Take("ns", Seen("The host has no WireGuard.", 220, 12));
        Assert.Equal((since, "vpn-failed"), (Assert.Single(sights.Conditions).Since, sights.Conditions[0].Reason));
        sights.Take("ns", null);
        Assert.Empty(sights.Conditions);
    }
}
