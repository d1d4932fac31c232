using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks.Tracing;
using Xunit;

namespace Kumoi.Server.Tests.Networks;

/// <summary>Goal: a trace says what hosts' filters do. Method: a small cloud of records, by table.</summary>
public sealed class TracerTests
{
    private static readonly TraceNetwork
        One = new("net-1", "one", false, [IPNetwork.Parse("10.1.0.0/24"), IPNetwork.Parse("fd00:1::/64")], new Dictionary<string, string> { ["net-2"] = "r1" },
            [new(IPNetwork.Parse("172.16.0.0/16"), IPAddress.Parse("10.1.0.2"), "eni-b")], null,
            [new(IPNetwork.Parse("10.99.0.0/24"), "v1", null), new(IPNetwork.Parse("192.168.10.0/24"), "v1", "osaka")]),
        Two = new("net-2", "two", true, [IPNetwork.Parse("10.2.0.0/24")], new Dictionary<string, string> { ["net-1"] = "r1" }, [], null),
        Three = new("net-3", "three", false, [IPNetwork.Parse("10.1.0.0/24")], new Dictionary<string, string>(), [], IPAddress.Parse("203.0.113.9"));

    private static readonly TraceInterface
        A = Face("eni-a", "a", "net-1", null, ["sg-web"], "10.1.0.1", "fd00:1::a"), B = Face("eni-b", "b", "net-1", "203.0.113.5", ["sg-web", "sg-db"], "10.1.0.2", "fd00:1::b"),
        C = Face("eni-c", "c", "net-2", null, ["sg-db"], "10.2.0.3"), D = Face("eni-d", "d", "net-3", null, ["sg-open"], "10.1.0.4"), Alone = Face("eni-e", "e", "net-1", null, [], "10.1.0.5");

    private static TraceInterface Face(string id, string name, string network, string? floating, string[] groups, params string[] addresses) =>
        new(id, name, network, [.. addresses.Select(IPAddress.Parse)], floating is null ? null : IPAddress.Parse(floating), groups, false);

    private static SecurityGroup Group(string name, params SecurityGroupRule[] rules) => new("sg-" + name, name, "", rules, default);

    private static SecurityGroupRule Rule(string id, string direction, string protocol, int? from, int? to, string source) =>
        new(id, direction, protocol, from, to, source.StartsWith("sg-", StringComparison.Ordinal) ? null : source, source.StartsWith("sg-", StringComparison.Ordinal) ? new Ref(source, source[3..]) : null, null);

    private static readonly Dictionary<string, SecurityGroup> Groups = new[]
    {
        Group("web", Rule("r-out", "egress", "any", null, null, "0.0.0.0/0"), Rule("r-80", "ingress", "tcp", 80, 80, "0.0.0.0/0"), Rule("r-6", "ingress", "tcp", 80, 80, "fd00::/8"), Rule("r-out6", "egress", "any", null, null, "::/0")),
        Group("db", Rule("r-sql", "ingress", "tcp", 5000, 5999, "sg-web"), Rule("r-ping", "ingress", "icmp", 8, null, "10.1.0.0/16"), Rule("r-db-out", "egress", "tcp", 80, 80, "10.1.0.0/24")),
        Group("open", Rule("r-all", "ingress", "any", null, null, "0.0.0.0/0"), Rule("r-open-out", "egress", "any", null, null, "0.0.0.0/0")),
    }.ToDictionary(group => group.Id);

    private static readonly TraceBalancer[] Balancers =
    [
        new("lb", "net-1", [IPAddress.Parse("10.1.0.50"), IPAddress.Parse("fd00:1::50")], [IPAddress.Parse("203.0.113.50")], [
            new("http", "tcp", 80, true, [new("eni-b", "b", 8080, true)]), new("tcp", "tcp", 5000, true, [new("eni-b", "b", 8080, true)]), new("tcp", "tcp", 5001, false, [new("eni-b", "b", 8080, true), new("eni-a", "a", 1, false)]),
            new("http", "tcp", 82, true, [new("eni-b", "b", 8080, false)]), new("udp", "udp", 53, false, []),
        ], false),
        new("theirs", "net-2", [IPAddress.Parse("10.2.0.50")], [], [new("tcp", "tcp", 80, false, [])], true),
    ];

    private static TraceEnd End(string text) => text switch
    {
        "a" => new(text, null, A), "b" => new(text, null, B), "c" => new(text, null, C), "d" => new(text, null, D), "e" => new(text, null, Alone), "outside" => new(text, null, null),
        "203.0.113.5" => new(text, IPAddress.Parse(text), B), "fd00:1::b" => new(text, IPAddress.Parse(text), B), _ => new(text, IPAddress.Parse(text), null),
    };

    private static IReadOnlyList<TraceFinding> Trace(string from, string to, string protocol, int? port) => Tracer.Trace(new TraceFacts(
        End(from), End(to), protocol, port, new[] { One, Two, Three }.ToDictionary(n => n.Id), Groups, [new TraceForward(IPAddress.Parse("203.0.113.9"), "tcp", 8080, D, 80)], Balancers, IPNetwork.Parse("198.19.0.0/16")));

    [Theory]
    [InlineData("a", "b", "tcp", 80, true, "r-out r-80")]
    [InlineData("a", "b", "tcp", 5432, true, "r-out r-sql")]
    [InlineData("a", "b", "tcp", 22, false, "r-out ingress-none")]
    [InlineData("a", "b", "tcp", null, false, "r-out ingress-none")]
    [InlineData("a", "b", "icmp", 8, true, "r-out r-ping")]
    [InlineData("a", "b", "icmp", 13, false, "r-out ingress-none")]
    [InlineData("a", "b", "udp", 80, false, "r-out ingress-none")]
    [InlineData("a", "fd00:1::b", "tcp", 80, true, "r-out6 r-6")]
    [InlineData("a", "c", "tcp", 5432, true, "r-out r-sql")]
    [InlineData("c", "a", "tcp", 80, true, "r-db-out r-80")]
    [InlineData("c", "a", "tcp", 81, false, "egress-none ingress-none")]
    [InlineData("a", "d", "tcp", 80, false, "not-linked")]
    [InlineData("c", "outside", "tcp", 80, false, "isolated")]
    [InlineData("a", "10.99.0.2", "tcp", 443, true, "to-vpn-client r-out")]
    [InlineData("a", "192.168.10.9", "udp", 53, true, "to-vpn-site r-out")]
    [InlineData("10.99.0.2", "a", "tcp", 80, true, "from-vpn-client r-80")]
    [InlineData("192.168.10.9", "b", "tcp", 22, false, "from-vpn-site ingress-none")]
    [InlineData("10.99.0.2", "fd00:1::b", "tcp", 80, false, "no-common-family")]
    [InlineData("10.99.0.2", "c", "tcp", 80, false, "no-public-address")]
    [InlineData("10.99.0.2", "203.0.113.5", "tcp", 80, true, "floating r-80")]
    [InlineData("c", "192.168.10.9", "tcp", 80, false, "isolated")]
    [InlineData("a", "outside", "tcp", 443, true, "leaves-shared r-out")]
    [InlineData("b", "outside", "tcp", 443, true, "leaves-floating r-out")]
    [InlineData("d", "outside", "udp", 53, true, "leaves-source r-open-out")]
    [InlineData("outside", "b", "tcp", 80, true, "floating r-80")]
    [InlineData("outside", "b", "tcp", 5432, false, "floating ingress-none")]
    [InlineData("outside", "203.0.113.5", "tcp", 80, true, "floating r-80")]
    [InlineData("outside", "c", "tcp", 80, false, "no-public-address")]
    [InlineData("outside", "203.0.113.9", "tcp", 8080, true, "forwarded r-all")]
    [InlineData("d", "203.0.113.5", "tcp", 80, true, "leaves-source floating r-open-out r-80")]
    [InlineData("d", "b", "tcp", 5432, false, "leaves-source floating r-open-out ingress-none")]
    [InlineData("a", "172.16.5.5", "tcp", 22, true, "route r-out")]
    [InlineData("a", "10.1.0.99", "tcp", 22, false, "no-holder")]
    [InlineData("a", "10.2.0.99", "tcp", 22, false, "no-holder")]
    [InlineData("a", "a", "tcp", 22, false, "same-interface")]
    [InlineData("e", "b", "tcp", 80, false, "no-group r-80")]
    [InlineData("d", "fd00:1::b", "tcp", 80, false, "not-linked")]
    [InlineData("outside", "fd00:1::b", "tcp", 80, false, "no-public-address")]
    [InlineData("a", "2001:db8::1", "tcp", 80, false, "no-way-v6")]
    [InlineData("outside", "8.8.8.8", "tcp", 80, false, "nobody")]
    [InlineData("a", "10.1.0.50", "tcp", 80, true, "balancer r-out")]
    [InlineData("c", "10.1.0.50", "tcp", 80, true, "balancer r-db-out")]
    [InlineData("c", "10.1.0.50", "tcp", 5000, false, "balancer egress-none")]
    [InlineData("c", "10.1.0.50", "tcp", 5001, true, "balancer")]
    [InlineData("e", "10.1.0.50", "tcp", 80, false, "balancer no-group")]
    [InlineData("e", "203.0.113.50", "tcp", 5001, false, "leaves-shared balancer-public balancer no-group")]
    [InlineData("a", "10.1.0.50", "tcp", 82, false, "balancer-all-drained")]
    [InlineData("c", "fd00:1::50", "tcp", 80, false, "no-address-of-family")]
    [InlineData("a", "10.1.0.50", "tcp", 81, false, "balancer-no-listener")]
    [InlineData("a", "10.1.0.50", "icmp", 8, false, "balancer-no-listener")]
    [InlineData("a", "10.1.0.50", "udp", 53, false, "balancer-no-members")]
    [InlineData("a", "10.2.0.50", "tcp", 80, true, "balancer-foreign")]
    [InlineData("a", "203.0.113.50", "tcp", 80, true, "leaves-shared balancer-public balancer r-out")]
    [InlineData("c", "203.0.113.50", "tcp", 80, false, "isolated")]
    [InlineData("d", "10.1.0.50", "tcp", 80, false, "no-holder")]
    [InlineData("outside", "203.0.113.50", "tcp", 80, true, "balancer-public balancer")]
    [InlineData("outside", "10.1.0.50", "tcp", 80, false, "balancer-inside")]
    [InlineData("10.1.0.50", "b", "tcp", 8080, true, "balancer-to-member")]
    [InlineData("10.1.0.50", "b", "tcp", 22, false, "balancer-to-others")]
    [InlineData("10.1.0.50", "203.0.113.5", "tcp", 80, false, "balancer-to-others")]
    public void A_packet_meets_the_rules_of_its_way(string from, string to, string protocol, int? port, bool passes, string said)
    {
        var findings = Trace(from, to, protocol, port);
        Assert.Equal(said, string.Join(' ', findings.Where(f => f.Code is not ("from" or "from-outside" or "from-address" or "same-network" or "linked")).Select(f => f.Rule?.Id ?? f.Code)));
        Assert.Equal(passes, findings.All(f => f.Passes));
    }

    [Fact]
    public void Of_another_accounts_interface_only_the_outcome_is_told()
    {
        var facts = new TraceFacts(End("a"), new TraceEnd("c", null, C with { IsForeign = true }), "tcp", 5432, new[] { One, Two }.ToDictionary(n => n.Id), Groups, [], [], IPNetwork.Parse("198.19.0.0/16"));
        var last = Tracer.Trace(facts)[^1];
        Assert.Equal(("foreign-passes", true, null, null), (last.Code, last.Passes, last.Rule, last.Group));
        last = Tracer.Trace(facts with { Port = 22 })[^1];
        Assert.Equal(("foreign-stops", false), (last.Code, last.Passes));
    }
}
