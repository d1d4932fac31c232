using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Networks;

/// <summary>Which addresses of a subnet are given out: reserved and excluded ones, and a part of it.</summary>
public sealed class SubnetSpaceTests
{
    [Fact]
    public async Task Reserved_addresses_go_to_those_who_name_them_and_excluded_ones_to_nobody()
    {
        await using var scene = await Scene.StartAsync(65_536);
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "lab", subnets = new[] { new { cidr = "10.1.0.0/28", reserved = new[] { "10.1.0.2" }, excluded = new[] { "10.1.0.3-10.1.0.11" } } } });
        var subnet = (await scene.Tenant.GetAsync<Network>("/networks/lab")).Subnets[0];
        // Of 16: the network's, the gateway's and the broadcast address, one reserved, nine excluded.
        Assert.Equal(3, subnet.FreeAddresses);
        Assert.Equal(["10.1.0.2"], subnet.Reserved!);
        Assert.Equal(["10.1.0.3-10.1.0.11"], subnet.Excluded!);
        Task<Instance> Launch(string name, string? address = null) =>
            scene.Tenant.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny", interfaces = new[] { new { network = "lab", address } } });
        Assert.Equal("10.1.0.12", (await Launch("a")).Interfaces[0].Address);
        Assert.Equal("10.1.0.2", (await Launch("b", "10.1.0.2")).Interfaces[0].Address);
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "small", image = "tiny", interfaces = new[] { new { network = "lab", address = "10.1.0.5" } } });
        Assert.Equal(("interfaces[0].address", "address-excluded"), (refused.Errors![0].Field, refused.Errors[0].Rule));
        Assert.Equal(2, (await scene.Tenant.GetAsync<Subnet>($"/subnets/{subnet.Id}")).FreeAddresses);
        await Launch("c");
        await Launch("d");
        Assert.Equal("addresses-exhausted", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "e", flavor = "small", image = "tiny", network = "lab" })).Code);
        // What was excluded may be had again, and what somebody has stays theirs.
        var changed = await scene.Tenant.PutAsync<Subnet>($"/subnets/{subnet.Id}", new { excluded = new[] { "10.1.0.4-10.1.0.13" }, reserved = Array.Empty<string>() });
        Assert.Empty(changed.Reserved!);
        Assert.Equal("10.1.0.3", (await Launch("e")).Interfaces[0].Address);
        Assert.Equal(0, (await scene.Tenant.GetAsync<Subnet>($"/subnets/{subnet.Id}")).FreeAddresses);
        var secondary = await scene.Tenant.FailAsync(400, HttpMethod.Put, $"/interfaces/{(await scene.Tenant.GetAsync<Instance>("/instances/a")).Interfaces[0].Id}", new { secondaryAddresses = new[] { "10.1.0.9" } });
        Assert.Equal(("secondaryAddresses[0]", "address-excluded"), (secondary.Errors![0].Field, secondary.Errors[0].Rule));
    }

    [Fact]
    public async Task Addresses_beside_the_part_are_nobodys_and_the_part_may_change()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "lab", subnets = new[] { new { cidr = "10.1.0.0/16", range = "10.1.200.7-10.1.200.8" } } });
        var subnet = (await scene.Tenant.GetAsync<Network>("/networks/lab")).Subnets[0];
        Assert.Equal(2, subnet.FreeAddresses);
        Assert.Equal("10.1.200.7", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", network = "lab" })).Interfaces[0].Address);
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "small", image = "tiny", interfaces = new[] { new { network = "lab", address = "10.1.0.5" } } });
        Assert.Equal("outside-range", refused.Errors![0].Rule);
        Assert.Null((await scene.Tenant.PutAsync<Subnet>($"/subnets/{subnet.Id}", new { range = "all" })).Range);
        Assert.Equal("10.1.0.5", (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "b", flavor = "small", image = "tiny", interfaces = new[] { new { network = "lab", address = "10.1.0.5" } } })).Interfaces[0].Address);
    }

    [Theory]
    [InlineData("10.1.0.9-10.1.0.4", "address-span")]
    [InlineData("10.1.0.4/30", "address-span")]
    [InlineData("10.1.0.4-fd00::1", "address-span")]
    [InlineData("10.2.0.4", "not-in-subnet")]
    [InlineData("10.1.0.4-10.1.9.4", "not-in-subnet")]
    public async Task What_is_no_part_of_a_subnet_is_refused_by_field(string text, string rule)
    {
        await using var scene = await Scene.StartAsync();
        var made = await scene.Tenant.PostAsync<Subnet>("/subnets", new { network = "default", cidr = "10.1.0.0/24" });
        foreach (var (body, field) in new (object, string)[] { (new { range = text }, "range"), (new { reserved = new[] { text } }, "reserved[0]"), (new { excluded = new[] { text } }, "excluded[0]") })
        {
            var problem = await scene.Tenant.FailAsync(400, HttpMethod.Put, $"/subnets/{made.Id}", body);
            Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
        }
    }

    [Fact]
    public void Each_address_counts_once_however_often_it_is_kept_back()
    {
        var range = IPNetwork.Parse("10.0.0.0/24");
        AddressSpan Span(string text) => AddressSpan.Read(text)!.Value;
        SubnetSpace Space(string gateway, string? part, params string[] excluded) => new(IPAddress.Parse(gateway), part is null ? null : Span(part), [], [.. excluded.Select(Span)]);
        Assert.Equal(253, Space("10.0.0.1", null).Size(range));
        Assert.Equal(252, Space("10.0.0.254", null).Size(range));
        Assert.Equal(243, Space("10.0.0.1", null, "10.0.0.5-10.0.0.14", "10.0.0.8", "10.0.0.9-10.0.0.14").Size(range));
        Assert.Equal(9, Space("10.0.0.100", "10.0.0.100-10.0.0.109").Size(range));
        Assert.Equal(0, Space("10.0.0.1", "10.0.0.4-10.0.0.5", "10.0.0.1-10.0.0.200").Size(range));
    }

    [Theory]
    [InlineData("fd00::ffff:0:0:1-fd00::ffff:0:0:9", new string[0], "fd00::ffff:0:0:1", 9)]
    [InlineData("fd00::4000:0-fd00::4000:1", new[] { "fd00::4000:0" }, "fd00::4000:1", 1)]
    [InlineData(null, new[] { "fd00::-fd00::7fff:0" }, "fd00::7fff:1", 65_534)]
    [InlineData(null, new[] { "fd00::-fd00::7fff:fff0", "fd00::7fff:fff1-fd00::ffff:0:0:0" }, null, 0)]
    public async Task However_large_the_range_what_is_not_given_out_is_jumped_over(string? part, string[] excluded, string? address, long free)
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "lab", subnets = new[] { new { cidr = "fd00::/64", range = part, excluded } } });
        Assert.Equal(free, (await scene.Tenant.GetAsync<Network>("/networks/lab")).Subnets[0].FreeAddresses);
        var launch = new { name = "a", flavor = "small", image = "tiny", network = "lab" };
        if (address is null) Assert.Equal("addresses-exhausted", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", launch)).Code);
        else Assert.Equal(address, (await scene.Tenant.PostAsync<Instance>("/instances", launch)).Interfaces[0].Address);
    }

    [Fact]
    public void What_was_found_free_goes_round_behind_the_last_proposed()
    {
        var allocator = new AddressAllocator();
        var range = IPNetwork.Parse("10.0.0.0/24");
        List<AddressSpan> given = [AddressSpan.Read("10.0.0.4-10.0.0.5")!.Value, AddressSpan.Read("10.0.0.9-10.0.0.11")!.Value];
        Assert.Equal(["10.0.0.2", "10.0.0.3", "10.0.0.4"], allocator.Propose("s", range, 3).Select(address => address.ToString()));
        allocator.Learn("s", range, given, new HashSet<IPAddress> { IPAddress.Parse("10.0.0.10") });
        Assert.Equal(["10.0.0.5", "10.0.0.9", "10.0.0.11", "10.0.0.4"], allocator.Propose("s", range, 9).Select(address => address.ToString()));
    }
}
