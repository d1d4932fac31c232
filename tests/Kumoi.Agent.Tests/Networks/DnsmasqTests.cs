using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

public sealed class DnsmasqTests
{
    [Fact]
    public void Command_line_and_files_are_as_reviewed()
    {
        var intent = RulesetTests.Intent(RulesetTests.Document());
        Golden.Check("dnsmasq", string.Join('\n', [.. DnsmasqCommand.Build(intent, "/run/kumoi-abcd12/n/x", ["192.0.2.53"]), "-- hosts", DnsmasqCommand.Hosts(intent), "-- names", DnsmasqCommand.Names(intent)]));
    }

    [Fact]
    public void Only_resolvers_that_a_namespace_can_reach_are_used() =>
        Assert.Equal(["192.0.2.1", "192.0.2.2"], Resolvers.Parse(["# a comment", "nameserver 127.0.0.53", "nameserver\t192.0.2.1", "nameserver 192.0.2.2 ", "nameserver ::1", "search example.org", "nameserver"]));

    [Fact]
    public void Names_that_are_no_labels_do_not_reach_the_files()
    {
        var hostile = Samples.Instance(11, "running") with { Hostname = "a b\n10.0.0.1 gateway" };
        var intent = RulesetTests.Intent(Samples.Document(1, null, [], hostile));
        Assert.Equal("52:54:00:00:00:0b,10.0.0.11,i-19a3f2b4c5d6e000b\n", DnsmasqCommand.Hosts(intent));
        Assert.Equal("", DnsmasqCommand.Names(intent));
    }
}
