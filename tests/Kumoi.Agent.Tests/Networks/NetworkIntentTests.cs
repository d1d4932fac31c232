using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: what does not have its proper form never becomes a command, a rule or a file. Method: documents of a server that has gone bad.</summary>
public sealed class NetworkIntentTests
{
    private const string Other = "net-19a3f2b4c5d6e7f99", Evil = "10.0.0.5\nlink delete lo";

    private static NetworkIntent Read(DesiredNetwork network, params IReadOnlyList<DesiredNetwork> others) =>
        NetworkIntents.Read(Shared.Document([network, .. others], [], Shared.Instance(11, Shared.Interface(11))), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;

    [Fact]
    public void Hosts_and_their_guests_have_addresses()
    {
        var intent = Read(Shared.Network(
            new NetworkHost("172.31.0.2", ["10.0.0.5", Evil, "10.0.0.6/24", "fd00:1::5%eth0", "FD00:1::0006", "0x0a.0.0.7", ""]), new NetworkHost("fe80::1", ["10.0.0.8"]), new NetworkHost(Evil, ["10.0.0.9"]),
            new NetworkHost("172.31.0.1", ["10.0.0.11"]), new NetworkHost("172.31.0.2", ["10.0.0.10"])));
        var host = Assert.Single(intent.Remotes);
        Assert.Equal("172.31.0.2", host.Address);
        Assert.Equal(["10.0.0.10", "10.0.0.5", "fd00:1::6"], host.Guests);
        Assert.Equal(("02:00:ac:1f:00:02", "fe80::ac1f:2"), (host.Mac, host.NextHop));
    }

    [Fact]
    public void A_host_without_an_ipv4_address_has_no_overlay()
    {
        var document = Shared.Document([Shared.Network(new NetworkHost("172.31.0.2", ["10.0.0.5"]))], []);
        var intent = NetworkIntents.Read(document, Samples.Network, "abcd12", "2001:db8::1", _ => false)!;
        Assert.Empty(intent.Remotes);
        Assert.False(intent.NeedsOverlay);
    }

    [Fact]
    public void Links_are_between_networks_of_the_document_that_both_name_and_to_ranges_elsewhere()
    {
        var back = new DesiredLink(Samples.Network, ["10.0.0.0/24"]);
        var other = new DesiredNetwork(Other, "other", 8, "198.19.0.8", "other.internal", [], [], Links: [back], Hosts: [new NetworkHost("172.31.0.9", [])]);
        var network = Shared.Network() with
        {
            Links =
            [
                new DesiredLink(Other, ["10.8.0.0/24", "10.0.0.0/16", "169.254.0.0/16", "0.0.0.0/0", "::/0", "10.9.0.0/24; flush ruleset", "10.9.0.1/24", "fd00:8::/64", "fe80::/64"]),
                new DesiredLink("net-00000000000000abc", ["10.10.0.0/24"]), new DesiredLink(Samples.Network, ["10.11.0.0/24"]), new DesiredLink("net-1\n", []),
            ],
        };
        var link = Assert.Single(Read(network, other).Links);
        Assert.Equal(["10.8.0.0/24", "fd00:8::/64"], link.Cidrs);
        Assert.Equal(("kumoi-abcd12-19a3f2b4c5d6e7f99", "r8", true), (link.Namespace, link.Device, link.Spans));
        Assert.Empty(Read(network, other with { Links = null }).Links);
        Assert.Empty(Read(network, other with { Vni = 0 }).Links);
    }

    [Fact]
    public void Routes_and_gateways_have_addresses_and_do_not_take_what_is_others()
    {
        var network = Shared.Network() with
        {
            Routes =
            [
                new DesiredRoute("172.20.0.0/16", "10.0.0.11"), new DesiredRoute("0.0.0.0/0", "10.0.0.11"), new DesiredRoute("10.0.0.128/25", "10.0.0.11"), new DesiredRoute("172.21.0.0/16", Evil),
                new DesiredRoute("fd00:9::/64", "10.0.0.11"), new DesiredRoute("fd00:9::/64", "fd00:1::11"), new DesiredRoute("172.20.0.0/16", "10.0.0.12"),
            ],
            Gateways =
            [
                new DesiredGateway("198.51.100.1", "172.31.0.1", true,
                    [new DesiredForward("tcp", 80, "10.0.0.11", 8080), new DesiredForward("tcp", 80, "10.0.0.12", 8080), new DesiredForward("sctp", 80, "10.0.0.11", 80), new DesiredForward("tcp", 0, "10.0.0.11", 80), new DesiredForward("udp", 53, Evil, 53)]),
                new DesiredGateway("fd00::1", "172.31.0.1", true, []), new DesiredGateway("198.51.100.2", Evil, true, []),
            ],
        };
        var intent = Read(network);
        Assert.Equal(["172.20.0.0/16 10.0.0.11", "fd00:9::/64 fd00:1::11"], intent.Routes.Select(route => $"{route.Destination} {route.Via}"));
        Assert.Equal(new DesiredForward("tcp", 80, "10.0.0.11", 8080), Assert.Single(Assert.Single(intent.Gateways).Forwards));
        Assert.Single(intent.OwnGateways);
    }

    [Fact]
    public void Subnets_interfaces_and_numbers_have_their_form()
    {
        var subnet = new DesiredSubnet(Samples.Subnet, "10.0.0.0/24", "10.0.0.1", ["192.0.2.53", "fd00::53", Evil], [new(42, "10.0.0.4"), new(66, "boot.example"), new(67, "a\\n"), new(0, "x"), new(255, "x"), new(43, "a\"b"), new(44, "x\n3,1.2.3.4")]);
        var intent = Read(Shared.Network() with
        {
            Mtu = 99, SearchDomains = ["a.example", "b example", "c\n"],
            Subnets = [subnet, subnet with { Cidr = "fd00:1::/48", Gateway = "fd00:1::1" }, subnet with { Cidr = "10.1.0.0/24", Gateway = "fd00::1" }, subnet with { Cidr = "0.0.0.0/0" }],
        });
        var read = Assert.Single(intent.Subnets);
        Assert.Equal(["192.0.2.53"], read.DnsServers);
        Assert.Equal([42, 66], read.Options.Select(option => option.Code));
        Assert.Equal(1500, intent.Mtu);
        Assert.Equal(["a.example"], intent.SearchDomains);
        Assert.Equal(9000, Read(Shared.Network() with { Mtu = 9000 }).Mtu);

        var wanted = Shared.Interface(11) with { Further = [new(Shared.Ipv6Subnet, "fd00:1::11", true), new(Shared.Ipv6Subnet, Evil, true)], Allowed = ["172.20.0.0/16", "0.0.0.0/0", Evil, "::/0"], RateMbps = -3 };
        var port = Assert.Single(NetworkIntents.Read(Shared.Document([Shared.Network()], [], Shared.Instance(11, wanted)), Samples.Network, "abcd12", "172.31.0.1", _ => false)!.Ports);
        Assert.Equal(["10.0.0.11", "fd00:1::11"], port.Addresses.Select(address => address.Text));
        Assert.Equal(["172.20.0.0/16"], port.Allowed);
        Assert.Null(port.RateMbps);
    }

    [Fact]
    public void A_rule_that_names_nobody_lets_nobody_in()
    {
        var wanted = Shared.Interface(11, Samples.Group);
        var group = Shared.Group(Samples.Group, [Samples.Ingress("tcp", 80, 80, null, null), Samples.Ingress("tcp", 81, 81, "::/0", null)], wanted);
        var text = NetworkRuleset.Build(NetworkIntents.Read(Shared.Document([Shared.Network()], [group], Shared.Instance(11, wanted)), Samples.Network, "abcd12", "172.31.0.1", _ => false)!).Replacement();
        Assert.DoesNotContain("dport 80 accept comment", text, StringComparison.Ordinal);
        Assert.Contains("meta nfproto ipv6 tcp dport 81 accept", text, StringComparison.Ordinal);
    }
}
