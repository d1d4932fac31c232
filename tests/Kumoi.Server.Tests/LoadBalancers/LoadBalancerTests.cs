using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.LoadBalancers;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.LoadBalancers;

/// <summary>The life of load balancers through the API, and what hosts are told of them.</summary>
public sealed class LoadBalancerTests
{
    private static Task<Network> NetworkAsync(TestClient client, string name, params string[] ranges) =>
        client.PostAsync<Network>("/networks", new { name, subnets = ranges.Select(cidr => new { cidr }) });

    internal static Task<Instance> LaunchAsync(TestClient client, string name, params string[] networks) =>
        client.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny", floating = false, interfaces = networks.Select(network => new { network }) });

    internal static async Task<DesiredLoadBalancer> ToldAsync(FakeHost host) =>
        Assert.Single((await host.DesiredAsync())!.Networks.SelectMany(network => network.LoadBalancers!));

    [Fact]
    public async Task One_is_made_of_a_port_and_members_in_their_network_and_its_hosts_are_told()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "lab", "10.1.0.0/24");
        var (a, b) = (await LaunchAsync(scene.Tenant, "a", "default", "lab"), await LaunchAsync(scene.Tenant, "b", "lab"));
        var before = (await scene.Host.DesiredAsync())!;
        Assert.All(before.Networks, network => Assert.Empty(network.LoadBalancers!));
        var made = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "a" }, new { instance = "b" } } });
        Assert.Equal(("lab", "10.1.0.4", null), (made.Network.Name, made.Address, made.Address6));
        var listener = Assert.Single(made.Listeners);
        Assert.Equal(("tcp", 80, "round-robin", "none", false, 300), (listener.Protocol, listener.Port, listener.Algorithm, listener.Stickiness, listener.ProxyProtocol, listener.IdleSeconds));
        Assert.Equal(new HealthCheck("tcp", null, null, 5, 3, 2, 2), listener.HealthCheck);
        Assert.Equal([("a", a.Interfaces[1].Address, 80, "unknown"), ("b", b.Interfaces[0].Address, 80, "unknown")], listener.Members.Select(m => (m.Instance.Name, m.Address, m.Port, m.Health)));

        var after = (await scene.Host.DesiredAsync(before.Revision))!;
        var told = Assert.Single(after.Networks.Single(network => network.Name == "lab").LoadBalancers!);
        Assert.Equal((made.Id, "10.1.0.4"), (told.Id, Assert.Single(told.Addresses)));
        var desired = Assert.Single(told.Listeners);
        Assert.Equal((listener.Id, "tcp", 80, null, null), (desired.Id, desired.Protocol, desired.Port, desired.Certificate, desired.Key));
        Assert.Equal(new DesiredHealthCheck("tcp", null, null, 5, 3, 2, 2), desired.Health);
        Assert.Equal(listener.Members.Select(m => new DesiredBackend(m.Id, m.Address, 80, 1, false)), desired.Members);
        Assert.Equal(made.Id, Assert.Single((await scene.Tenant.GetAsync<Page<LoadBalancer>>("/load-balancers")).Items).Id);
        // It holds its address, its subnet and its network.
        Assert.Equal("address-taken", (await scene.Tenant.FailAsync(400, HttpMethod.Put, $"/interfaces/{b.Interfaces[0].Id}", new { secondaryAddresses = new[] { "10.1.0.4" } })).Errors![0].Rule);
        Assert.Contains("lb1", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/subnets/{made.Subnet.Id}")).UsedBy!.Select(user => user.Name));
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/load-balancers", new { name = "lb1", network = "lab" })).Code);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/interfaces/{a.Interfaces[1].Id}")).Code);

        Assert.Equal("front", (await scene.Tenant.PutAsync<LoadBalancer>("/load-balancers/lb1", new { name = "front", description = "web" })).Name);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/load-balancers/front")) { }
        await scene.Tenant.FailAsync(404, HttpMethod.Get, $"/load-balancers/{made.Id}");
        Assert.All((await scene.Host.DesiredAsync(after.Revision))!.Networks, network => Assert.Empty(network.LoadBalancers!));
        // The address rests.
        Assert.NotEqual("10.1.0.4", (await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "next", network = "lab" })).Address);
        Assert.Equal(["load-balancer.create", "load-balancer.delete", "load-balancer.update", "load-balancer.create"],
            (await scene.Tenant.GetAsync<Page<Event>>("/events")).Items.Select(e => e.Action).Where(action => action.StartsWith("load-balancer", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_network_without_guests_is_kept_by_its_load_balancer_until_that_is_gone()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "empty", "10.1.0.0/24");
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "empty", address = "10.1.0.80" });
        var kept = await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/networks/empty");
        Assert.Equal(("in-use", "lb1"), (kept.Code, kept.UsedBy![0].Name));
        Assert.Equal("address-taken", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers", new { name = "lb2", network = "empty", address = "10.1.0.80" })).Errors![0].Rule);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/load-balancers/lb1")) { }
        using var gone = await scene.Tenant.SendAsync(HttpMethod.Delete, "/networks/empty");
        Assert.Equal(204, (int)gone.StatusCode);
    }

    [Fact]
    public async Task In_a_network_with_both_families_it_has_an_address_of_each_and_so_have_its_members()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "dual", "10.1.0.0/24", "fd00:1::/64");
        await NetworkAsync(scene.Tenant, "six", "fd00:6::/64");
        var (a, b) = (await LaunchAsync(scene.Tenant, "a", "dual"), await LaunchAsync(scene.Tenant, "b", "six"));
        var dual = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "dual", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "a" } } });
        var six = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "six", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "b" } } });
        Assert.StartsWith("fd00:1::", dual.Address6!, StringComparison.Ordinal);
        Assert.Null(six.Address6);
        var told = (await scene.Host.DesiredAsync())!.Networks.ToDictionary(network => network.Name, network => network.LoadBalancers!);
        Assert.Equal([dual.Address, dual.Address6!], Assert.Single(told["dual"]).Addresses);
        Assert.Equal((a.Interfaces[0].Address, a.Interfaces[0].Address6), (told["dual"][0].Listeners[0].Members[0].Address, told["dual"][0].Listeners[0].Members[0].Address6));
        Assert.Equal((six.Address, b.Interfaces[0].Address, null), (Assert.Single(Assert.Single(told["six"]).Addresses), told["six"][0].Listeners[0].Members[0].Address, told["six"][0].Listeners[0].Members[0].Address6));
        var address = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        Assert.Equal("balancer-no-ipv4", (await scene.Tenant.FailAsync(400, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { loadBalancer = "six" })).Errors![0].Rule);
    }

    [Fact]
    public async Task Listeners_are_added_changed_and_removed()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "default" });
        var dns = await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/lb1/listeners", new { protocol = "udp", port = 53, algorithm = "source", members = new[] { new { instance = "a", port = 5353, weight = 7 } } });
        Assert.Equal(("none", 5353, 7), (dns.HealthCheck.Protocol, dns.Members[0].Port, dns.Members[0].Weight));
        var web = await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/lb1/listeners", new
        {
            protocol = "http", port = 5380, stickiness = "cookie", proxyProtocol = true, idleSeconds = 60,
            healthCheck = new { protocol = "http", path = "/health?full=1", port = 8080, intervalSeconds = 2, rise = 1, fall = 3 },
        });
        Assert.Equal(new HealthCheck("http", "/health?full=1", 8080, 2, 2, 1, 3), web.HealthCheck);
        Assert.Equal("listener-port", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb1/listeners", new { protocol = "tls", port = 5380, certificate = Certificates.Good.Chain, privateKey = Certificates.Good.Key })).Errors![0].Rule);
        Assert.Equal("listener-port", (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/load-balancers/lb1/listeners/udp:53", new { protocol = "tcp", port = 5380 })).Errors![0].Rule);
        // A port alone means TCP's.
        var changed = await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/lb1/listeners/5380", new { port = 80, algorithm = "least-connections", healthCheck = new { port = 0 } });
        Assert.Equal((web.Id, 80, "least-connections", "cookie", true, 60), (changed.Id, changed.Port, changed.Algorithm, changed.Stickiness, changed.ProxyProtocol, changed.IdleSeconds));
        Assert.Equal(new HealthCheck("http", "/health?full=1", null, 2, 2, 1, 3), changed.HealthCheck);
        var desired = (await ToldAsync(scene.Host)).Listeners.Single(listener => listener.Id == web.Id);
        Assert.Equal(("http", 80, true, "cookie", "/health?full=1"), (desired.Protocol, desired.Port, desired.SendsProxy, desired.Stickiness, desired.Health.Path));
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/load-balancers/lb1/listeners/http:80")) { }
        Assert.Equal(dns.Id, Assert.Single((await ToldAsync(scene.Host)).Listeners).Id);
        await scene.Tenant.FailAsync(404, HttpMethod.Delete, "/load-balancers/lb1/listeners/80");
        Assert.Equal(["load-balancer.delete-listener", "load-balancer.update-listener", "load-balancer.add-listener", "load-balancer.add-listener"],
            (await scene.Tenant.GetAsync<Page<Event>>("/events")).Items.Select(e => e.Action).Where(action => action.EndsWith("listener", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Members_are_added_drained_weighed_and_removed()
    {
        await using var scene = await Scene.StartAsync();
        var (a, b) = (await LaunchAsync(scene.Tenant, "a", "default"), await LaunchAsync(scene.Tenant, "b", "default"));
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 }, new { port = 81 } }, members = new[] { new { instance = "a" } } });
        var added = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers/lb1/members", new { instance = "b", port = 8080, listener = "80" });
        Assert.Equal([["a:80", "b:8080"], ["a:81"]], added.Listeners.Select(listener => listener.Members.Select(m => $"{m.Instance.Name}:{m.Port}").ToArray()));
        Assert.Equal("member-already", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb1/members", new { instance = "a" })).Errors![0].Rule);
        var drained = await scene.Tenant.PutAsync<LoadBalancer>("/load-balancers/lb1/members/a", new { draining = true });
        Assert.Equal([true, false, true], drained.Listeners.SelectMany(listener => listener.Members).Select(m => m.Draining));
        Assert.Equal([true, false], (await ToldAsync(scene.Host)).Listeners[0].Members.Select(m => m.Draining));
        var weighed = await scene.Tenant.PutAsync<LoadBalancer>($"/load-balancers/lb1/members/{b.Interfaces[0].Id}:8080", new { weight = 0 });
        Assert.Equal([1, 0], weighed.Listeners[0].Members.Select(m => m.Weight));
        await scene.Tenant.PutAsync<LoadBalancer>("/load-balancers/lb1/members/a?listener=81", new { draining = false });
        Assert.Equal([[true, false], [false]], (await ToldAsync(scene.Host)).Listeners.Select(listener => listener.Members.Select(m => m.Draining).ToArray()));
        await scene.Tenant.FailAsync(404, HttpMethod.Put, "/load-balancers/lb1/members/a:82", new { draining = false });
        await scene.Tenant.FailAsync(404, HttpMethod.Put, "/load-balancers/lb1/members/a?listener=82", new { draining = false });
        // What is so already is no event.
        await scene.Tenant.PutAsync<LoadBalancer>("/load-balancers/lb1/members/a:80", new { draining = true });
        var left = await scene.Tenant.DeleteAsync<LoadBalancer>("/load-balancers/lb1/members/a");
        Assert.Equal([1, 0], left.Listeners.Select(listener => listener.Members.Count));
        var events = (await scene.Tenant.GetAsync<Page<Event>>("/events")).Items.Where(e => e.Action.EndsWith("-member", StringComparison.Ordinal)).Select(e => $"{e.Action} {e.Message}").ToArray();
        Assert.Equal(
        [
            "load-balancer.delete-member a:80, a:81.", "load-balancer.update-member a:81.", "load-balancer.update-member b:8080.", "load-balancer.update-member a:80, a:81.", "load-balancer.add-member b.",
        ], events);
        Assert.Equal(a.Id, (await scene.Tenant.GetAsync<Instance>("/instances/a")).Id);
    }

    [Fact]
    public async Task A_member_goes_with_its_guest()
    {
        await using var scene = await Scene.StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        async Task LaunchOnAsync(string name, string host)
        {
            using var response = await scene.Admin.SendAsync(HttpMethod.Post, "/instances", new { name, flavor = "small", image = "tiny", floating = false, host }, ("Kumoi-Account", "acme"));
            Assert.True(response.IsSuccessStatusCode);
        }
        await LaunchOnAsync("a", "host-1");
        await LaunchOnAsync("b", "host-2");
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "a" }, new { instance = "b" } } });
        var revision = (await scene.Host.DesiredAsync())!.Revision;
        await scene.Tenant.DeleteAsync<Instance>("/instances/b");
        await other.ObeyAsync();
        Assert.Equal(["a"], (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0].Members.Select(m => m.Instance.Name));
        // The other host hears of it.
        Assert.Single(Assert.Single((await scene.Host.DesiredAsync(revision))!.Networks[0].LoadBalancers!).Listeners[0].Members);
    }

    [Fact]
    public async Task Hosts_of_networks_that_are_linked_are_told_too()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "n1", "10.1.0.0/24");
        await NetworkAsync(scene.Tenant, "n2", "10.2.0.0/24");
        await scene.Tenant.PostAsync<Router>("/routers", new { name = "r", networks = new[] { "n1", "n2" } });
        await LaunchAsync(scene.Tenant, "client", "n2");
        var revision = (await scene.Host.DesiredAsync())!.Revision;
        var made = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "n1", listeners = new[] { new { port = 80 } } });
        var told = (await scene.Host.DesiredAsync(revision))!;
        Assert.Equal(made.Id, Assert.Single(told.Networks.Single(network => network.Name == "n1").LoadBalancers!).Id);
        var trace = await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "client", to = made.Address, protocol = "tcp", port = 80 });
        Assert.False(trace.Passes);
        Assert.Contains("lb1", trace.Steps[^1].Message, StringComparison.Ordinal);
        await LaunchAsync(scene.Tenant, "web", "n1");
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers/lb1/members", new { instance = "web" });
        trace = await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "client", to = "lb1", protocol = "tcp", port = 80 });
        Assert.True(trace.Passes, string.Join('\n', trace.Steps.Select(step => step.Message)));
        Assert.Contains("web:80", trace.Steps[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_public_address_leads_to_every_listener_by_one_host()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Address = "10.99.0.1" });
        await LaunchAsync(scene.Tenant, "a", "default");
        var made = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new object[] { new { port = 443 }, new { port = 53, protocol = "udp" } }, members = new[] { new { instance = "a" } } });
        var second = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb2", network = "default" });
        var address = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        Assert.Equal("one-target-only", (await scene.Tenant.FailAsync(400, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { loadBalancer = "lb1", instance = "a" })).Errors![0].Rule);
        var led = await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Address}/associate", new { loadBalancer = "lb1" });
        Assert.Equal(("lb1", "default"), (led.LoadBalancer!.Name, led.Network!.Name));
        Assert.Equal([address.Address], (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).FloatingAddresses);
        async Task<IReadOnlyList<DesiredGateway>> GatewaysAsync() => Assert.Single((await scene.Host.DesiredAsync())!.Networks).Gateways!;
        var gateway = Assert.Single(await GatewaysAsync());
        Assert.Equal((address.Address, "10.99.0.1", false), (gateway.Address, gateway.Host, gateway.IsSource));
        Assert.Equal([new DesiredForward("tcp", 443, made.Address, 443), new DesiredForward("udp", 53, made.Address, 53)], gateway.Forwards);
        var trace = await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "outside", to = address.Address, protocol = "tcp", port = 443 });
        Assert.True(trace.Passes, string.Join('\n', trace.Steps.Select(step => step.Message)));
        await scene.Tenant.PutAsync<LoadBalancer>("/load-balancers/lb1/members/a", new { draining = true });
        Assert.False((await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "outside", to = address.Address, protocol = "tcp", port = 443 })).Passes);
        await scene.Tenant.PutAsync<LoadBalancer>("/load-balancers/lb1/members/a", new { draining = false });

        // It leads to one thing.
        Assert.Equal("address-balanced", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/port-forwards", new { address = address.Address, protocol = "tcp", port = 22, instance = "a" })).Code);
        var elsewhere = await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { loadBalancer = "lb2" });
        Assert.Equal(("address-associated", "lb1"), (elsewhere.Code, elsewhere.UsedBy![0].Name));
        Assert.Equal("address-associated", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { instance = "a" })).Code);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/floating-addresses/{address.Id}")).Code);
        Assert.Equal("lb2", (await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Id}/associate", new { loadBalancer = "lb2", move = true })).LoadBalancer!.Name);
        Assert.Empty(Assert.Single(await GatewaysAsync()).Forwards);
        var guest = await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Id}/associate", new { instance = "a", move = true });
        Assert.Equal(("a", null, null), (guest.Instance!.Name, guest.LoadBalancer, guest.Network));
        Assert.Empty(await GatewaysAsync());
        Assert.Equal("address-associated", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { loadBalancer = "lb1" })).Code);
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Id}/associate", new { loadBalancer = "lb1", move = true });
        Assert.Null((await scene.Host.DesiredAsync())!.Instances[0].Interfaces[0].FloatingAddress);
        // It may be the network's own as well, and stays that when it leads to the load balancer no more.
        await scene.Tenant.PutAsync<Network>("/networks/default", new { sourceAddress = address.Address });
        var free = await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{address.Id}/disassociate");
        Assert.Equal((null, "default"), (free.LoadBalancer, free.Network!.Name));
        Assert.True(Assert.Single(await GatewaysAsync()).IsSource);
        await scene.Tenant.PutAsync<Network>("/networks/default", new { sourceAddress = "none" });
        await scene.Tenant.PostAsync<PortForward>("/port-forwards", new { address = address.Address, protocol = "tcp", port = 22, instance = "a" });
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { loadBalancer = "lb1" })).Code);
        // The end of a load balancer frees its address.
        var other = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        await scene.Tenant.PostAsync<FloatingAddress>($"/floating-addresses/{other.Id}/associate", new { loadBalancer = second.Id });
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/load-balancers/lb2")) { }
        Assert.Null((await scene.Tenant.GetAsync<FloatingAddress>($"/floating-addresses/{other.Id}")).Network);
        Assert.Equal([address.Address], (await GatewaysAsync()).Select(one => one.Address));
    }
}
