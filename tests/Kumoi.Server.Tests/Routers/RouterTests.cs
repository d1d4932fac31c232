using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Routers;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Routers;

public sealed class RouterTests
{
    private static Task<Network> NetworkAsync(TestClient client, string name, params string[] ranges) =>
        client.PostAsync<Network>("/networks", new { name, subnets = ranges.Select(cidr => new { cidr }) });

    private static Task<Instance> LaunchAsync(TestClient client, string name, string network) =>
        client.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny", network, floating = false });

    [Fact]
    public async Task A_router_lets_networks_reach_each_other_and_hosts_carry_both()
    {
        await using var scene = await Scene.StartAsync();
        var (n1, n2) = (await NetworkAsync(scene.Tenant, "n1", "10.1.0.0/24", "fd00:1::/64"), await NetworkAsync(scene.Tenant, "n2", "10.2.0.0/24"));
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2") with { Address = "10.99.0.2" });
        await LaunchAsync(scene.Tenant, "a", "n1");
        var before = (await scene.Host.AskAsync(-1, 0, new Dictionary<string, long>(), default))!;
        var home = before.Document!.Instances.Count == 1 ? scene.Host : other;
        var revision = (await home.DesiredAsync(-1))!.Revision;
        var router = await scene.Tenant.PostAsync<Router>("/routers", new { name = "r", networks = new[] { "n1", "n2" } });
        Assert.Equal(["n1", "n2"], router.Networks.Select(n => n.Name));
        var b = await LaunchAsync(scene.Tenant, "b", "n2");
        var told = (await home.AskAsync(revision, 0, new Dictionary<string, long>(), default))!;
        Assert.Equal([n1.Id, n2.Id], told.Document!.Networks.Select(n => n.Id));
        Assert.Equal([(n2.Id, "10.2.0.0/24")], told.Document.Networks[0].Links!.Select(l => (l.NetworkId, Assert.Single(l.Cidrs))));
        Assert.Equal([n1.Id], told.Document.Networks[1].Links!.Select(l => l.NetworkId));
        // Who is in the linked network, too.
        Assert.Contains(b.Interfaces[0].Address, told.Peers.Single(p => p.NetworkId == n2.Id).Hosts!.SelectMany(h => h.Guests));
        var trace = await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "a", to = "b", protocol = "tcp", port = 80 });
        Assert.True(trace.Passes, string.Join('\n', trace.Steps.Select(s => s.Message)));
        Assert.Equal("default", trace.Steps[^1].Group!.Name);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/networks/{n2.Id}")).Code);
        await scene.Tenant.PutAsync<Router>("/routers/r", new { detach = new[] { "n2" } });
        Assert.Empty((await home.DesiredAsync())!.Networks.Single(n => n.Id == n1.Id).Links!);
    }

    [Fact]
    public async Task Overlapping_ranges_are_not_joined_by_whatever_way()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "n1", "10.1.0.0/24");
        await NetworkAsync(scene.Tenant, "n2", "10.1.0.0/25");
        await NetworkAsync(scene.Tenant, "n3", "10.3.0.0/24");
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/routers", new { name = "r", networks = new[] { "n1", "n2" } });
        Assert.Equal(("networks[0]", "overlaps-linked"), (refused.Errors![0].Field, refused.Errors[0].Rule));
        await scene.Tenant.PostAsync<Router>("/routers", new { name = "r1", networks = new[] { "n1", "n3" } });
        // n3 would reach both.
        Assert.Equal("overlaps-linked", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/routers", new { name = "r2", networks = new[] { "n2", "n3" } })).Errors![0].Rule);
        Assert.Equal("overlaps-linked", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/subnets", new { network = "n3", cidr = "10.1.0.128/26" })).Errors![0].Rule);
        await scene.Tenant.PostAsync<Subnet>("/subnets", new { network = "n3", cidr = "10.4.0.0/24" });
        Assert.Equal("no-such", (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/routers/r1", new { attach = new[] { "nothing" } })).Errors![0].Rule);
    }

    [Fact]
    public async Task A_peering_needs_the_consent_of_the_other_account_and_ends_by_either()
    {
        await using var scene = await Scene.StartAsync();
        var friend = await scene.Cloud.TenantAsync("friend");
        await NetworkAsync(scene.Tenant, "mine", "10.1.0.0/24");
        var theirs = await NetworkAsync(friend, "theirs", "10.2.0.0/24");
        await LaunchAsync(scene.Tenant, "a", "mine");
        await LaunchAsync(friend, "b", "theirs");
        var asked = await scene.Tenant.PostAsync<Peering>("/peerings", new { network = "mine", with = "friend/theirs" });
        Assert.Equal("pending", asked.State);
        Assert.All((await scene.Host.DesiredAsync())!.Networks, network => Assert.Empty(network.Links!));
        Assert.Equal("peering-not-yours", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/peerings/{asked.Id}/accept")).Code);
        Assert.Equal("peering-exists", (await friend.FailAsync(409, HttpMethod.Post, "/peerings", new { network = "theirs", with = asked.Network.Id })).Code);
        Assert.Equal("active", (await friend.PostAsync<Peering>($"/peerings/{asked.Id}/accept")).State);
        Assert.All((await scene.Host.DesiredAsync())!.Networks, network => Assert.Single(network.Links!));
        var trace = await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "a", to = "10.2.0.2", protocol = "tcp", port = 80 });
        Assert.Null(trace.Steps[^1].Rule);
        Assert.False(trace.Passes);
        await friend.PutAsync<SecurityGroup>("/security-groups/default/rules", new { add = new[] { new { protocol = "tcp", fromPort = 80, group = "acme/default" } } });
        Assert.True((await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "a", to = "10.2.0.2", protocol = "tcp", port = 80 })).Passes);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, $"/peerings/{asked.Id}")) { }
        Assert.All((await scene.Host.DesiredAsync())!.Networks, network => Assert.Empty(network.Links!));
        await NetworkAsync(scene.Tenant, "same", "10.2.0.0/25");
        var overlapping = await scene.Tenant.PostAsync<Peering>("/peerings", new { network = "same", with = theirs.Id });
        Assert.Equal("overlaps-linked", (await friend.FailAsync(400, HttpMethod.Post, $"/peerings/{overlapping.Id}/accept")).Errors![0].Rule);
        using var rejected = await friend.SendAsync(HttpMethod.Post, $"/peerings/{overlapping.Id}/reject");
        Assert.Equal(204, (int)rejected.StatusCode);
        await scene.Tenant.FailAsync(404, HttpMethod.Get, $"/peerings/{overlapping.Id}");
    }

    [Fact]
    public async Task A_route_leads_a_range_to_a_guest_that_may_then_send_from_it()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "n1", "10.1.0.0/24");
        await NetworkAsync(scene.Tenant, "n2", "10.2.0.0/24");
        var a = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", floating = false, interfaces = new[] { new { network = "n1" }, new { network = "n2" } } });
        var route = await scene.Tenant.PostAsync<NetworkRoute>("/networks/n1/routes", new { destination = "172.16.0.0/16", via = a.Interfaces[0].Address });
        var document = (await scene.Host.DesiredAsync())!;
        Assert.Equal([new DesiredRoute("172.16.0.0/16", a.Interfaces[0].Address)], document.Networks.Single(n => n.Name == "n1").Routes!);
        Assert.Equal(["172.16.0.0/16"], document.Instances[0].Interfaces[0].Allowed!);
        Assert.Empty(document.Instances[0].Interfaces[1].Allowed!);
        foreach (var (network, destination, via, field, rule) in new[]
        {
            ("n1", "172.16.0.0/16", a.Interfaces[0].Address, "destination", "route-exists"), ("n2", "172.16.5.0/24", a.Interfaces[1].Address, "destination", "route-loop"),
            ("n1", "10.1.0.0/16", "10.1.0.2", "via", "via-in-destination"), ("n1", "10.1.0.128/25", "10.1.0.2", "destination", "overlaps-subnet"), ("n1", "192.168.0.0/16", "10.2.0.2", "via", "not-in-subnets"),
            ("n1", "192.168.0.0/16", "10.1.0.77", "via", "nobodys-address"), ("n1", "192.168.0.0/16", "fd00::1", "via", "via-other-family"), ("n1", "0.0.0.0/0", "10.1.0.2", "destination", "prefix-between"),
            ("n1", "169.254.0.0/16", "10.1.0.2", "destination", "never-sent-from"), ("n1", "192.168.0.1/16", "10.1.0.2", "destination", "cidr"),
        })
        {
            var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, $"/networks/{network}/routes", new { destination, via });
            Assert.Contains(refused.Errors!, error => error.Field == field && error.Rule == rule);
        }
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, $"/networks/n1/routes/{route.Id}")) { }
        Assert.Empty((await scene.Host.DesiredAsync())!.Instances[0].Interfaces[0].Allowed!);
    }

    [Fact]
    public async Task A_public_address_serves_a_network_on_one_of_its_hosts_until_that_is_down()
    {
        await using var scene = await Scene.StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2") with { Address = "10.99.0.2" });
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Address = "10.99.0.1" });
        var first = await LaunchAsync(scene.Tenant, "a", "default");
        var second = await LaunchAsync(scene.Tenant, "b", "default");
        Assert.NotEqual(first.Host.Name, second.Host.Name);
        var address = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        var forward = await scene.Tenant.PostAsync<PortForward>("/port-forwards", new { address = address.Address, protocol = "tcp", port = 8080, instance = "a", targetPort = 80 });
        Assert.Equal("port-forwarded", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/port-forwards", new { address = address.Address, protocol = "tcp", port = 8080, instance = "b" })).Code);
        await scene.Tenant.PutAsync<Network>("/networks/default", new { sourceAddress = address.Address });
        Assert.Equal(address.Address, (await scene.Tenant.GetAsync<Network>("/networks/default")).SourceAddress);
        Assert.Equal("default", (await scene.Tenant.GetAsync<FloatingAddress>($"/floating-addresses/{address.Id}")).Network!.Name);
        Assert.Equal("address-serves-network", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { instance = "b" })).Code);
        Assert.Equal("address-serves-network", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/floating-addresses/{address.Id}")).Code);

        async Task<DesiredGateway> ToldAsync(FakeHost host) => Assert.Single(Assert.Single((await host.DesiredAsync())!.Networks).Gateways!);
        var told = await ToldAsync(scene.Host);
        Assert.Equal((address.Address, true), (told.Address, told.IsSource));
        Assert.Equal([new DesiredForward("tcp", 8080, first.Interfaces[0].Address, 80)], told.Forwards);
        Assert.Equal(told.Host, (await ToldAsync(other)).Host);
        // Silent is not down: nobody takes the address from a host that may answer for it still.
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        var controller = scene.Cloud.Services.GetRequiredService<GatewayController>();
        await database.ExecuteAsync("UPDATE hosts SET state = 'unreachable' WHERE address = $1", default, told.Host);
        await controller.LookAsync(default);
        Assert.Equal(told.Host, (await ToldAsync(other)).Host);
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now() WHERE address = $1", default, told.Host);
        await controller.LookAsync(default);
        Assert.NotEqual(told.Host, (await ToldAsync(other)).Host);
        Assert.Contains("network.move-gateway", (await scene.Tenant.GetAsync<Page<Event>>("/events")).Items.Select(e => e.Action));

        await scene.Tenant.PutAsync<Network>("/networks/default", new { sourceAddress = "none" });
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, $"/port-forwards/{forward.Id}")) { }
        Assert.Null((await scene.Tenant.GetAsync<FloatingAddress>($"/floating-addresses/{address.Id}")).Network);
    }

    [Fact]
    public async Task A_forward_goes_with_its_guest()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        await LaunchAsync(scene.Tenant, "b", "default");
        var address = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        await scene.Tenant.PostAsync<PortForward>("/port-forwards", new { address = address.Address, protocol = "udp", port = 53, instance = "a" });
        await scene.Tenant.DeleteAsync<Instance>("/instances/a");
        await scene.Host.ObeyAsync();
        Assert.Empty((await scene.Tenant.GetAsync<Page<PortForward>>("/port-forwards")).Items);
        Assert.Empty(Assert.Single(Assert.Single((await scene.Host.DesiredAsync())!.Networks).Gateways!).Forwards);
    }
}
