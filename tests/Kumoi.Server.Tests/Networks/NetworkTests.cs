using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Networks;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Networks;

public sealed class NetworkTests
{
    [Fact]
    public async Task A_network_of_both_families_gives_one_address_of_each_and_hosts_are_told_all_of_it()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { UnderlayMtu = 1450, Address = "10.99.0.1" });
        var made = await scene.Tenant.PostAsync<Network>("/networks", new
        {
            name = "lab", subnets = new object[] { new { cidr = "10.1.0.0/24", dhcpOptions = new[] { new { code = 42, value = "10.1.0.5" } } }, new { cidr = "fd00:1::/64", dnsServers = new[] { "fd00:1::53" } } },
            outside = "none", searchDomains = new[] { "lab.example" }, domain = "lab.example",
        });
        Assert.Equal((1400, "none", "lab.example"), (made.Mtu, made.Outside, made.Domain));
        var instance = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", network = "lab" });
        var face = Assert.Single(instance.Interfaces);
        Assert.Equal(("10.1.0.2", "fd00:1::2", null), (face.Address, face.Address6, face.FloatingAddress));

        var answer = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        var network = Assert.Single(answer.Document!.Networks);
        Assert.Equal((1400, "none", "lab.example"), (network.Mtu, network.Outside, network.Domain));
        Assert.Equal(["lab.example"], network.SearchDomains!);
        Assert.Equal(["fd00:1::1", "10.1.0.1"], network.Subnets.OrderByDescending(s => s.Cidr, StringComparer.Ordinal).Select(s => s.Gateway));
        Assert.Equal([new DesiredDhcpOption(42, "10.1.0.5")], network.Subnets.Single(s => s.Cidr == "10.1.0.0/24").Options!);
        var told = Assert.Single(Assert.Single(answer.Document.Instances).Interfaces);
        Assert.Equal([new DesiredAddress(face.Subnet6!.Id, "fd00:1::2", true)], told.Further!);
        var peers = Assert.Single(answer.Peers);
        Assert.Equal(["10.1.0.2", "fd00:1::2"], peers.Names.Where(n => n.Name == "a").Select(n => n.Address).Order(StringComparer.Ordinal));
        Assert.Equal(["10.1.0.2", "fd00:1::2"], Assert.Single(peers.Groups).Addresses.Order(StringComparer.Ordinal));
        var host = Assert.Single(peers.Hosts!);
        Assert.Equal("10.99.0.1", host.Address);
        Assert.Equal(["10.1.0.2", "fd00:1::2"], host.Guests.Order(StringComparer.Ordinal));
        Assert.All(answer.Document.SecurityGroups.SelectMany(g => g.Rules), rule => Assert.StartsWith("sgr-", rule.Id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_network_of_IPv6_alone_has_it_as_the_first_address()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "six", subnets = new[] { new { cidr = "fd00:6::/64" } } });
        var instance = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", interfaces = new[] { new { network = "six", address6 = "fd00:6::a" } } });
        Assert.Equal(("fd00:6::a", null, null), (instance.Interfaces[0].Address, instance.Interfaces[0].Address6, instance.Interfaces[0].FloatingAddress));
    }

    [Fact]
    public async Task A_change_of_a_network_reaches_its_hosts()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("a");
        var before = (await scene.Host.DesiredAsync())!;
        await scene.Tenant.PutAsync<Network>("/networks/default", new { mtu = 1400, outside = "none", dnsServers = new[] { "10.0.0.53", "fd00::53" }, searchDomains = new[] { "x.example" } });
        var after = Assert.Single((await scene.Host.DesiredAsync(before.Revision))!.Networks);
        Assert.Equal((1400, "none"), (after.Mtu, after.Outside));
        Assert.Equal(["10.0.0.53"], Assert.Single(after.Subnets).DnsServers);
        await scene.Tenant.PostAsync<Subnet>("/subnets", new { network = "default", cidr = "fd00:2::/64" });
        Assert.Equal(2, Assert.Single((await scene.Host.DesiredAsync(before.Revision))!.Networks).Subnets.Count);
        Assert.Equal(1500, (await scene.Tenant.PutAsync<Network>("/networks/default", new { mtu = 0 })).Mtu);
    }

    [Theory]
    [InlineData("10.1.0.0/24", "10.1.0.128/25", "subnets[1].cidr", "overlaps")]
    [InlineData("fd00::/64", "fd00::/64", "subnets[1].cidr", "overlaps")]
    [InlineData("fd00::/48", "10.0.0.0/24", "subnets[0].cidr", "prefix-64")]
    [InlineData("fe80::/64", "10.0.0.0/24", "subnets[0].cidr", "reserved-range")]
    [InlineData("10.1.0.1/24", "10.0.0.0/24", "subnets[0].cidr", "cidr")]
    [InlineData("10.1/16", "10.0.0.0/24", "subnets[0].cidr", "cidr")]
    [InlineData("10.0.0.0/8", "10.0.0.0/24", "subnets[0].cidr", "prefix-between")]
    [InlineData("224.0.0.0/24", "10.0.0.0/24", "subnets[0].cidr", "reserved-range")]
    public async Task Subnets_that_cannot_be_are_refused_by_field_and_rule(string first, string second, string field, string rule)
    {
        await using var scene = await Scene.StartAsync();
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/networks", new { name = "bad", subnets = new[] { new { cidr = first }, new { cidr = second } } });
        Assert.Contains(refused.Errors!, error => error.Field == field && error.Rule == rule);
    }

    [Fact]
    public async Task A_host_that_gets_a_guest_of_a_moved_instance_is_told_to_the_others()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("a");
        var before = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Address = "10.99.0.7" });
        var after = (await scene.Host.AskAsync(before.Document!.Revision, 20, before.Peers.ToDictionary(p => p.NetworkId, p => p.Revision), default))!;
        Assert.Equal("10.99.0.7", Assert.Single(Assert.Single(after.Peers).Hosts!).Address);
    }

    [Theory]
    [InlineData("10.0.0.0/28", 14, "10.0.0.14")]
    [InlineData("fd00::/64", 65536, "fd00::1:0")]
    public void Addresses_of_both_families_are_counted_from_the_first(string range, long offset, string address) =>
        Assert.Equal(IPAddress.Parse(address), AddressRange.At(IPNetwork.Parse(range), offset));

    [Theory]
    [InlineData("10.0.0.0", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("10.0.0.15", true)]
    [InlineData("10.0.0.2", false)]
    [InlineData("10.0.0.14", false)]
    public void The_networks_own_addresses_are_nobodys(string address, bool reserved) =>
        Assert.Equal(reserved, AddressRange.IsReserved(IPNetwork.Parse("10.0.0.0/28"), IPAddress.Parse(address)));
}
