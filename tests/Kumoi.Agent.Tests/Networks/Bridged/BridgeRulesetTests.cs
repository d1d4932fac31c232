using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Bridged;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

public sealed class BridgeRulesetTests
{
    private static NetworkIntent Intent(bool external)
    {
        var (a, b) = (Shared.Interface(11, Samples.Group) with { Allowed = ["10.0.9.0/24", "fd00:1:0:0:99::/80"] }, Shared.Interface(12, Samples.Group));
        var document = Shared.Document(
            [SegmentStand.Network(external)], [Shared.Group(Samples.Group, [Samples.Ingress("tcp", 22, 22, "0.0.0.0/0", null), Samples.Ingress("any", null, null, null, Samples.Group), Samples.EgressAll], a, b)],
            Shared.Instance(11, a), Shared.Instance(12, b with { FloatingAddress = "198.51.100.7" }));
        return NetworkIntents.Read(document, Samples.Network, "abcd12", "172.31.0.1", _ => false)!;
    }

    [Fact]
    public void The_rules_of_a_bridged_network_are_as_reviewed()
    {
        var intent = Intent(external: false);
        Golden.Check("bridged", BridgeRuleset.Build(intent, intent.Segment!).Replacement() + BridgedRuleset.Build(intent, intent.Segment!).Replacement());
    }

    [Fact]
    public void The_rules_of_one_with_a_dhcp_server_of_its_own_are_as_reviewed()
    {
        var intent = Intent(external: true);
        Golden.Check("bridged-external-dhcp", BridgeRuleset.Build(intent, intent.Segment!).Replacement() + BridgedRuleset.Build(intent, intent.Segment!).Replacement());
    }

    [Fact]
    public void Its_dhcp_server_is_as_reviewed()
    {
        var intent = Intent(external: false);
        Golden.Check("bridged-dnsmasq", string.Join('\n', [.. DnsmasqCommand.Build(intent, "/run/n", ["9.9.9.9"]), "", DnsmasqCommand.Options(intent), DnsmasqCommand.Hosts(intent)]));
    }

    [Fact]
    public void Numbers_of_ports_stay_whoever_comes_and_goes_and_never_meet()
    {
        var port = Intent(external: false).Ports[0];
        var ports = Enumerable.Range(0, 5000).Select(i => port with { Tap = FormattableString.Invariant($"t{i:x14}") }).ToArray();
        var all = BridgeRuleset.Numbers(ports);
        Assert.Equal(5000, all.Values.Distinct().Count());
        Assert.DoesNotContain(all.Values, number => number < 16 || number >= BridgeRuleset.PassedMark);
        var some = BridgeRuleset.Numbers(ports[1000..3000].Reverse());
        Assert.All(some, number => Assert.Equal(all[number.Key], number.Value));
    }

    [Fact]
    public void A_bridged_network_has_no_part_in_the_hosts_table_and_no_floating_address()
    {
        var intent = Intent(external: false);
        Assert.All(HostRuleset.Build("abcd12", [intent], null).Sets, set => Assert.Empty(set.Elements));
        Assert.All(intent.Ports, port => Assert.Null(port.FloatingAddress));
    }
}
