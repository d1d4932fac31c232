using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

public sealed class RulesetTests
{
    private const string Tag = "abcd12", OtherGroup = "sg-19a3f2b4c5d6e7f99";

    internal static DesiredDocument Document()
    {
        DesiredRule[] rules =
        [
            Samples.Ingress("tcp", 22, 22, "0.0.0.0/0", null), Samples.Ingress("tcp", 8000, 8999, "192.0.2.0/24", null), Samples.Ingress("udp", null, null, null, OtherGroup),
            Samples.Ingress("icmp", 8, 0, "0.0.0.0/0", null), Samples.Ingress("icmp", null, null, "10.0.0.0/8", null), Samples.Ingress("any", null, null, null, Samples.Group),
            new DesiredRule("egress", "tcp", 443, 443, "0.0.0.0/0", null), new DesiredRule("egress", "udp", 53, 53, "10.0.0.1/32", null),
        ];
        var two = Samples.Instance(12, "running");
        two = two with { Interfaces = [two.Interfaces[0] with { FloatingAddress = null, SecurityGroupIds = [Samples.Group, OtherGroup] }] };
        var document = Samples.Document(1, null, rules, Samples.Instance(11, "running"), two);
        return document with { SecurityGroups = [.. document.SecurityGroups, new DesiredSecurityGroup(OtherGroup, [Samples.EgressAll], [new DesiredMember(Samples.Network, "10.0.0.12"), new DesiredMember("net-0000000000000000f", "10.0.0.99")])] };
    }

    internal static NetworkIntent Intent(DesiredDocument document) => NetworkIntents.Read(document, Samples.Network, Tag, "172.31.0.1", _ => false)!;

    [Fact]
    public void The_rules_of_a_network_are_as_reviewed() => Golden.Check("network", NetworkRuleset.Build(Intent(Document())).Replacement());

    [Fact]
    public void The_rules_of_a_network_without_guests_are_as_reviewed() => Golden.Check("empty-network", NetworkRuleset.Build(Intent(Samples.Document(1, null, []))).Replacement());

    [Fact]
    public void The_rules_of_the_host_are_as_reviewed() => Golden.Check("host", HostRuleset.Build(Tag, [Intent(Document())], null).Replacement());

    [Fact]
    public void A_change_of_members_changes_elements_only()
    {
        var before = NetworkRuleset.Build(Intent(Document()));
        var document = Document();
        var group = document.SecurityGroups[0];
        var after = NetworkRuleset.Build(Intent(document with { SecurityGroups = [group with { Members = [new DesiredMember(Samples.Network, "10.0.0.11"), new DesiredMember(Samples.Network, "10.0.0.200")] }, document.SecurityGroups[1]] }));
        Assert.Null(before.Change(before.Expected()));
        Assert.Equal(
            "delete element inet kumoi m_19a3f2b4c5d6e7f82 { 10.0.0.12 }\nadd element inet kumoi m_19a3f2b4c5d6e7f82 { 10.0.0.200 }\n", after.Change(before.Expected()));
        Assert.True(after.KeepsChains(before));
    }

    [Fact]
    public void What_has_not_its_proper_form_never_reaches_a_ruleset()
    {
        var bad = Samples.Instance(13, "running");
        var port = bad.Interfaces[0];
        DesiredInterface[] hostile =
        [
            port with { Id = "eni-1\" accept" }, port with { MacAddress = "52:54:00:00:00:01 accept" }, port with { Address = "10.0.0.1; flush ruleset" }, port with { Id = port.Id + "\n" },
            port with { FloatingAddress = "::1" },
        ];
        var document = Samples.Document(1, null, [Samples.Ingress("tcp", 99_999, 99_999, "0.0.0.0/0", null), Samples.Ingress("sctp", null, null, null, null), Samples.Ingress("tcp", 1, 2, "0.0.0.0/0 accept", null)],
            [.. hostile.Select(wanted => bad with { Interfaces = [wanted] })]);
        var intent = Intent(document);
        Assert.Empty(intent.Ports);
        Assert.DoesNotContain("99999", NetworkRuleset.Build(Intent(document)).Replacement(), StringComparison.Ordinal);
    }
}
