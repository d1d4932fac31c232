using Kumoi.Api;
using Kumoi.Cli.Client;
using Kumoi.Cli.Local;
using Xunit;

namespace Kumoi.Agent.Tests.Client;

/// <summary>Goal: rules and networks are said in one word, as scripts of Wakame-vdc have them.</summary>
public sealed class RuleTextTests
{
    [Theory]
    [InlineData("tcp:22,22,ip4:0.0.0.0/0", "tcp", 22, 22, "0.0.0.0/0", null)]
    [InlineData("tcp:22,22,ip4:0.0.0.0", "tcp", 22, 22, "0.0.0.0/0", null)]
    [InlineData("tcp:80,90,ip4:10.0.0.5", "tcp", 80, 90, "10.0.0.5/32", null)]
    [InlineData("icmp:-1,-1,ip4:0.0.0.0/0", "icmp", null, null, "0.0.0.0/0", null)]
    [InlineData("icmp:8,-1,ip4:0.0.0.0/0", "icmp", 8, null, "0.0.0.0/0", null)]
    [InlineData("udp:53,53,ip6:::/0", "udp", 53, 53, "::/0", null)]
    [InlineData("udp:53,53,ip6:fd00::5", "udp", 53, 53, "fd00::5/128", null)]
    [InlineData("tcp:80,80,sg-1a1fe842c555fab6a", "tcp", 80, 80, null, "sg-1a1fe842c555fab6a")]
    [InlineData("tcp:80,80,friend/clients", "tcp", 80, 80, null, "friend/clients")]
    [InlineData("any:ip4:10.0.0.0/8", "any", null, null, "10.0.0.0/8", null)]
    public void A_text_is_a_rule(string text, string protocol, int? from, int? to, string? cidr, string? group) =>
        Assert.Equal(new CreateSecurityGroupRule("ingress", protocol, from, to, cidr, group, "why"), RuleText.Read(text, egress: false, "why"));

    [Theory]
    [InlineData("22")]
    [InlineData("tcp:22")]
    [InlineData("gre:1,1,ip4:0.0.0.0/0")]
    [InlineData("tcp:a,b,ip4:0.0.0.0/0")]
    [InlineData("tcp:-5,22,ip4:0.0.0.0/0")]
    public void What_is_no_rule_is_none(string text) => Assert.Null(RuleText.Read(text, egress: false, null));

    [Theory]
    [InlineData("tcp", 22, 22, "0.0.0.0/0", "tcp:22,22,ip4:0.0.0.0/0")]
    [InlineData("icmp", null, null, "::/0", "icmp:-1,-1,ip6:::/0")]
    [InlineData("icmp", 8, null, "0.0.0.0/0", "icmp:8,-1,ip4:0.0.0.0/0")]
    [InlineData("any", null, null, null, "any:-1,-1,web")]
    public void A_rule_is_written_as_it_is_read(string protocol, int? from, int? to, string? cidr, string text)
    {
        var rule = new SecurityGroupRule("sgr-1", "ingress", protocol, from, to, cidr, cidr is null ? new Ref("sg-1", "web") : null, null);
        Assert.Equal(text, RuleText.Write(rule));
        Assert.True(RuleText.Is(rule, RuleText.Read(text, egress: false, null)!));
        Assert.False(RuleText.Is(rule, RuleText.Read(text, egress: true, null)!));
    }

    [Fact]
    public void A_network_of_a_launch_is_one_word()
    {
        var face = NetworkText.Read("lab,address=10.1.0.5,address6=fd00::5,subnet=a,security-group=web,security-group=db");
        Assert.Equal(("lab", "a", "10.1.0.5", "fd00::5"), (face.Network, face.Subnet, face.Address, face.Address6));
        Assert.Equal(["web", "db"], face.SecurityGroups!);
        Assert.Equal(new LaunchInterface("lab", null, null, null, null), NetworkText.Read("lab"));
        Assert.Throws<UserException>(() => NetworkText.Read("lab,adress=10.1.0.5"));
    }
}
