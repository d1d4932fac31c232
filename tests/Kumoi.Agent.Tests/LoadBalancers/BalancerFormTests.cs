using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: what is written for the kernel and for haproxy is what the record says, and nothing of a record gets where it has no business.</summary>
public sealed class BalancerFormTests
{
    private const string Proxied = "lsn-19a3f2b4c5d6e7fb1", Plain = "lsn-19a3f2b4c5d6e7fb2", Second = "net-19a3f2b4c5d6e7f99", SecondSubnet = "subnet-19a3f2b4c5d6e7f92";

    private static readonly DesiredListener
        Tcp = Balanced.Of("tcp", 80, Balanced.Member(11), Balanced.Member(12) with { Weight = 2 }, Balanced.Member6(13), Balanced.Member(14) with { Draining = true }) with { Health = Balanced.Check with { Protocol = "none" } },
        Http = Balanced.Of("http", 8080, Balanced.Member(11), Balanced.Member6(13), Balanced.Member(14) with { Draining = true }) with { Id = Proxied, Stickiness = "cookie", Health = new DesiredHealthCheck("http", "/up?a=%20", 9000, 5, 2, 3, 4) },
        Least = Balanced.Of("tcp", 90, Balanced.Member(11)) with { Id = Plain, Algorithm = "least-connections", SendsProxy = true };

    private static NetworkIntent Intent(params DesiredListener[] listeners)
    {
        var own = Shared.Interface(11, Samples.Group);
        var network = Shared.Network(new NetworkHost("172.31.0.1", ["10.0.0.11", "fd00:1::11"]), new NetworkHost("172.31.0.2", ["10.0.0.12", "fd00:1::13"])).With(listeners) with
        {
            Gateways = [new DesiredGateway("203.0.113.9", "172.31.0.1", false, [new DesiredForward("tcp", 8000, Balanced.Address, 80), new DesiredForward("tcp", 8001, Balanced.Address, 8080)])],
            Links = [new DesiredLink(Second, ["10.8.0.0/24"])],
        };
        var other = new DesiredNetwork(Second, "other", 8, "198.19.0.8", "other.internal", [new DesiredSubnet(SecondSubnet, "10.8.0.0/24", "10.8.0.1", [])], [],
            Links: [new DesiredLink(Samples.Network, ["10.0.0.0/24", "fd00:1::/64"])],
            LoadBalancers: [new DesiredLoadBalancer("lb-19a3f2b4c5d6e7fa1", ["10.8.0.50"], [Balanced.Of("udp", 53, new DesiredBackend("mbr-19a3f2b4c5d6e00ff", "10.8.0.9", 53, 1, false)) with { Id = "lsn-19a3f2b4c5d6e7fb9", Algorithm = "source", Health = Balanced.Check with { Protocol = "none" } }])]);
        var group = Shared.Group(Samples.Group, [Samples.EgressAll], own);
        return NetworkIntents.Read(Shared.Document([network, other], [group], Shared.Instance(11, own)), Samples.Network, "abc1", "172.31.0.1", _ => false)!;
    }

    [Fact]
    public void Rules_of_a_network_with_load_balancers_are_as_kept() => Golden.Check("balanced-network", NetworkRuleset.Build(Intent(Tcp, Http)).Replacement());

    [Fact]
    public void Configuration_of_haproxy_is_as_kept() =>
        Golden.Check("haproxy", HaproxyConfiguration.Build(Intent(Tcp, Http, Least), new HaproxyPlace("/run/kumoi-abc1/n/kumoi-abc1-19a3f2b4c5d6e7f80/h", 1_610_612_743)).Text!);

    [Fact]
    public void Weights_are_no_part_of_the_name_of_a_configuration_but_where_haproxy_takes_them_once()
    {
        string PathOf(DesiredListener listener) => HaproxyConfiguration.Build(Intent(listener), new HaproxyPlace("/h", 1)).Path;
        DesiredListener Weighed(DesiredListener listener) => listener with { Members = [listener.Members[0] with { Weight = 9 }, .. listener.Members.Skip(1).Select(member => member with { Draining = true })] };
        Assert.Equal(PathOf(Http), PathOf(Weighed(Http)));
        Assert.NotEqual(PathOf(Http), PathOf(Http with { IdleSeconds = 9 }));
        Assert.NotEqual(PathOf(Http with { Algorithm = "source" }), PathOf(Weighed(Http with { Algorithm = "source" })));
    }

    [Fact]
    public void A_check_to_an_ipv6_address_names_it_as_a_header_must()
    {
        var intent = Intent(Http);
        var text = HaproxyConfiguration.Build(intent with { Balancers = [intent.Balancers[0] with { Ipv4 = null }] }, new HaproxyPlace("/h", 1)).Text!;
        Assert.Contains(" hdr Host [fd00:1::50] ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_hosts_connections_have_a_zone_of_their_own()
    {
        RemoteHost[] hosts = [.. new[] { "10.2.0.5", "10.1.0.5", "10.1.0.0", "10.1.255.255", "10.1.0.7" }.Select(address => new RemoteHost(address, []))];
        var numbers = BalancerFilters.Numbers(hosts);
        Assert.Equal((5, 6, 7), (numbers["10.1.0.5"], numbers["10.2.0.5"], numbers["10.1.0.7"]));
        Assert.Equal(5, numbers.Values.Distinct().Count(number => number is > 0 and <= 65_535));
    }

    [Fact]
    public void A_change_of_health_is_one_chain()
    {
        var before = NetworkRuleset.Build(Judged(true));
        var after = NetworkRuleset.Build(Judged(false));
        Assert.True(after.KeepsChains(before));
        var lines = after.Change(before.Expected())!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(" lb_19a3f2b4c5d6e7fb0", line, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("10.0.0.11", StringComparison.Ordinal));

        NetworkIntent Judged(bool works)
        {
            var intent = Intent(Tcp, Http);
            var balancer = intent.Balancers[0];
            return intent with { Balancers = [balancer with { Listeners = [.. balancer.Listeners.Select(listener => listener with { Members = [.. listener.Members.Select(member => member.Address == "10.0.0.11" ? member with { Works = works } : member)] })] }] };
        }
    }

    [Fact]
    public void Rules_that_were_set_are_recognised()
    {
        var ruleset = NetworkRuleset.Build(Intent(Tcp, Http, Least));
        Assert.Null(ruleset.Change(ruleset.Expected()));
        var emptied = NetworkRuleset.Build(Intent()).Change(ruleset.Expected())!;
        Assert.Contains("delete counter inet kumoi n_19a3f2b4c5d6e7fb0_19a3f2b4c5d6e000b", emptied, StringComparison.Ordinal);
    }

    public static TheoryData<string> Hostile => ["ids", "paths", "addresses", "ports", "certificates", "others"];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Whatever_has_no_proper_form_is_left_out(string what)
    {
        var http = Http with { Stickiness = "none", Health = Balanced.Check with { Protocol = "http", Path = "/" } };
        DesiredBackend member = Balanced.Member(11);
        DesiredListener[] bad = what switch
        {
            "ids" => [http with { Id = "lsn-1\n  bind :1" }, http with { Id = "lsn-1 x" }, http with { Id = "../../x" }, http with { Id = "" }],
            "paths" => [.. new[] { "/a b", "/a\nbind", "/\"", "/'", "/a\\", "/$HOME", "/#", "a", "", "/é", "/a\r" }.Select(path => http with { Health = http.Health with { Path = path } })],
            "addresses" => [.. new[] { "10.0.0.11\n", "10.0.0.11 backup", "010.0.0.11", "10.9.0.1", "fd00:1::11%lo", "[fd00:1::1]", "x", "" }.Select(address => http with { Members = [member with { Address = address }] })],
            "ports" => [http with { Port = 0 }, http with { Port = 65_536 }, http with { Port = 53 }, http with { Health = http.Health with { Port = -1 } }, http with { Members = [member with { Port = 70_000 }] }, http with { Members = [member with { Weight = -1 }] }],
            "certificates" => [http with { Protocol = "https" }, http with { Protocol = "https", Certificate = "x", Key = "y" }, http with { Protocol = "https", Certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", Key = "bind :1" }],
            _ => [http with { Protocol = "http\n" }, http with { Algorithm = "x" }, http with { IdleSeconds = 0 }, http with { Health = http.Health with { TimeoutSeconds = 0 } }, http with { Health = http.Health with { Fall = 100 } }, http with { Health = http.Health with { Protocol = "lua" } }],
        };
        Assert.All(bad, listener =>
        {
            var intent = Intent(listener);
            Assert.True(intent.Balancers[0].Listeners is [] or [{ Members: [] }]);
            if (intent.Balancers[0].Listeners is []) Assert.NotEmpty(intent.LeftOut);
        });
        Assert.Single(Intent(http).Balancers[0].Listeners);
    }

    [Fact]
    public void A_load_balancer_outside_its_network_is_none() =>
        Assert.Empty(NetworkIntents.Read(
            Shared.Document([Shared.Network() with { LoadBalancers = [new DesiredLoadBalancer(Balanced.Balancer, ["8.8.8.8", "127.0.0.1"], [Tcp]), new DesiredLoadBalancer("x y", [Balanced.Address], [Tcp])] }], []),
            Samples.Network, "abc1", "172.31.0.1", _ => false)!.Balancers);
}
