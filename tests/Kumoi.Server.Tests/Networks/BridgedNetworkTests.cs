using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Recovery;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Networks;

/// <summary>Bridged networks and ranges of VLANs, through the API.</summary>
public sealed class BridgedNetworkTests
{
    private static readonly (string, string) ForAcme = ("Kumoi-Account", "acme");

    private static object Office(string name = "office", string? device = "br0", int? vlan = 120, string? dhcp = null) => new
    {
        name, segment = new { device, vlan, dhcp },
        subnets = new[] { new { cidr = "192.168.20.0/24", gateway = "192.168.20.254", range = "192.168.20.100-192.168.20.199" } },
    };

    private static async Task<Network> MadeAsync(Scene scene, object create)
    {
        using var answer = await scene.Admin.SendAsync(HttpMethod.Post, "/networks", create, ForAcme);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ApiJson.Default.Network)!;
    }

    private static Task<System.Net.HttpStatusCode> HasAsync(FakeHost host, string name, params string[] devices) =>
        host.ReportAsFactsAsync(FakeHost.Facts(name) with { SegmentDevices = devices, UnderlayMtu = 1450 });

    [Fact]
    public async Task Its_guests_run_where_its_device_is_and_the_host_is_told_of_the_segment()
    {
        await using var scene = await Scene.StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2") with { SegmentDevices = ["br0", "not a device"] });
        var network = await MadeAsync(scene, Office());
        Assert.Equal((new Segment("br0", 120, "host"), "none", 1500), (network.Segment, network.Outside, network.Mtu));
        var subnet = Assert.Single(network.Subnets);
        Assert.Equal(("192.168.20.254", "192.168.20.100-192.168.20.199", 100), (subnet.Gateway, subnet.Range, subnet.FreeAddresses));
        for (var i = 0; i < 3; i++)
        {
            var instance = await scene.Tenant.PostAsync<Instance>("/instances", new { name = $"a{i}", flavor = "small", image = "tiny", network = "office" });
            Assert.Equal(("host-2", $"192.168.20.{100 + i}", null), (instance.Host.Name, instance.Interfaces[0].Address, instance.Interfaces[0].FloatingAddress));
        }
        var told = Assert.Single((await other.DesiredAsync())!.Networks);
        Assert.Equal((new DesiredSegment("br0", 120), "192.168.20.254", 1500), (told.Segment, told.Subnets[0].Gateway, told.Mtu));
    }

    [Fact]
    public async Task Without_a_host_that_has_the_device_the_launch_says_so()
    {
        await using var scene = await Scene.StartAsync();
        await MadeAsync(scene, Office());
        var refused = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "a", flavor = "small", image = "tiny", network = "office" });
        Assert.Equal("segment-device", Assert.Single(refused.Reasons!).Filter);
        await HasAsync(scene.Host, "host-1", "br0");
        await HasAsync(scene.Host, "host-1", "br1");
        Assert.Equal("insufficient-capacity", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "a", flavor = "small", image = "tiny", network = "office" })).Code);
    }

    [Fact]
    public async Task A_guest_is_attached_only_where_its_host_has_the_device()
    {
        await using var scene = await Scene.StartAsync();
        await MadeAsync(scene, Office());
        await scene.LaunchAsync("a");
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/interfaces", new { instance = "a", network = "office" });
        Assert.Equal(("network", "host-without-segment"), (refused.Errors![0].Field, refused.Errors[0].Rule));
        await HasAsync(scene.Host, "host-1", "br0");
        Assert.Equal("192.168.20.100", (await scene.Tenant.PostAsync<Interface>("/interfaces", new { instance = "a", network = "office" })).Address);
    }

    [Fact]
    public async Task What_the_cloud_does_not_do_for_a_segment_is_refused_by_field()
    {
        await using var scene = await Scene.StartAsync();
        await HasAsync(scene.Host, "host-1", "br0");
        await MadeAsync(scene, Office());
        var address = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        async Task Refused(HttpMethod method, string path, object body, string field)
        {
            var problem = await scene.Tenant.FailAsync(400, method, path, body);
            Assert.Contains(problem.Errors!, error => (error.Field, error.Rule) == (field, "network-bridged"));
        }
        await Refused(HttpMethod.Post, "/vpns", new { name = "v", network = "office" }, "network");
        await Refused(HttpMethod.Post, "/instances", new { name = "x", flavor = "small", image = "tiny", network = "office", floating = true }, "floating");
        var instance = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", network = "office" });
        await Refused(HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { instance = "a" }, "instance");
        await Refused(HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { @interface = instance.Interfaces[0].Id }, "interface");
        await Refused(HttpMethod.Post, "/routers", new { name = "r", networks = new[] { "default", "office" } }, "networks[1]");
        await scene.Tenant.PostAsync<Router>("/routers", new { name = "r" });
        await Refused(HttpMethod.Put, "/routers/r", new { attach = new[] { "office" } }, "attach[0]");
        await Refused(HttpMethod.Post, "/peerings", new { network = "office", with = "operator/default" }, "network");
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var peer = await stranger.FailAsync(400, HttpMethod.Post, "/peerings", new { network = "default", with = "acme/office" });
        Assert.Equal(("with", "network-bridged"), (peer.Errors![0].Field, peer.Errors[0].Rule));
        await Refused(HttpMethod.Post, "/networks/office/routes", new { destination = "172.16.0.0/16", via = instance.Interfaces[0].Address }, "destination");
        await Refused(HttpMethod.Post, "/port-forwards", new { address = address.Address, protocol = "tcp", port = 80, instance = "a" }, "instance");
        await Refused(HttpMethod.Post, "/load-balancers", new { name = "lb", network = "office", listeners = new[] { new { port = 80 } } }, "network");
        await Refused(HttpMethod.Put, "/networks/office", new { outside = "nat" }, "outside");
        await Refused(HttpMethod.Put, "/networks/office", new { sourceAddress = address.Address }, "sourceAddress");
        var with = await scene.Admin.FailAsync(400, HttpMethod.Post, "/networks", new { name = "y", outside = "nat", segment = new { device = "br0" } });
        Assert.Equal(("outside", "network-bridged"), (with.Errors![0].Field, with.Errors[0].Rule));
    }

    [Fact]
    public async Task A_vlan_of_a_device_is_one_networks_and_so_are_frames_without_a_tag()
    {
        await using var scene = await Scene.StartAsync();
        await MadeAsync(scene, Office());
        async Task Refused(object create, string field, string rule)
        {
            var problem = await scene.Admin.FailAsync(400, HttpMethod.Post, "/networks", create);
            Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
        }
        await Refused(Office("again"), "segment.vlan", "vlan-taken");
        await MadeAsync(scene, Office("flat", vlan: null, dhcp: "external"));
        await Refused(Office("again", vlan: null), "segment.device", "device-taken");
        await MadeAsync(scene, Office("beside", vlan: 121));
        await MadeAsync(scene, Office("elsewhere", "br1"));
        await Refused(Office("x", "a device"), "segment.device", "device-name");
        await Refused(Office("x", vlan: 4095), "segment.vlan", "between");
        await Refused(Office("x", dhcp: "both"), "segment.dhcp", "one-of");
        await Refused(Office("x", device: null, vlan: null), "segment.device", "required");
        await Refused(new { name = "x", subnets = new[] { new { cidr = "10.7.0.0/24", gateway = "10.7.0.9" } } }, "subnets[0].gateway", "bridged-only");
        await Refused(new { name = "x", segment = new { device = "br7" }, subnets = new[] { new { cidr = "10.7.0.0/24", gateway = "10.8.0.9" } } }, "subnets[0].gateway", "not-in-subnet");
        await scene.Tenant.SendAsync(HttpMethod.Delete, "/networks/office");
        await MadeAsync(scene, Office("again"));
    }

    [Fact]
    public async Task Customers_make_their_own_in_the_vlans_they_are_given()
    {
        await using var scene = await Scene.StartAsync();
        async Task<FieldError> Refused(TestClient client, object create) => (await client.FailAsync(400, HttpMethod.Post, "/networks", create)).Errors![0];
        Assert.Equal("vlan-not-given", (await Refused(scene.Tenant, Office())).Rule);
        Assert.Equal(("segment.vlan", "required"), ((await Refused(scene.Tenant, Office(vlan: null))) is var flat ? (flat.Field, flat.Rule) : default));
        var range = await scene.Admin.PostAsync<VlanRange>("/vlan-ranges", new { account = "acme", device = "br0", vlans = "100-199" });
        Assert.Equal(("acme", 100, 199), (range.Account.Name, range.FirstVlan, range.LastVlan));
        // The device is the range's; another one is not the account's.
        var made = await scene.Tenant.PostAsync<Network>("/networks", Office(device: null));
        Assert.Equal(new Segment("br0", 120, "host"), made.Segment);
        Assert.Equal("vlan-not-given", (await Refused(scene.Tenant, Office("x", "br1", 130))).Rule);
        Assert.Equal("vlan-not-given", (await Refused(scene.Tenant, Office("x", vlan: 200))).Rule);
        Assert.Equal("vlan-taken", (await Refused(scene.Tenant, Office("x"))).Rule);
        await scene.Admin.PostAsync<VlanRange>("/vlan-ranges", new { account = "acme", device = "br1", vlans = "150" });
        Assert.Equal(("segment.device", "one-of"), ((await Refused(scene.Tenant, Office("x", null, 150))) is var which ? (which.Field, which.Rule) : default));
        // Another account neither has nor sees them.
        var stranger = await scene.Cloud.TenantAsync("stranger");
        Assert.Equal("vlan-not-given", (await Refused(stranger, Office("x", vlan: 130))).Rule);
        Assert.Empty((await stranger.GetAsync<Page<VlanRange>>("/vlan-ranges")).Items);
        Assert.Equal("not-found", (await stranger.FailAsync(404, HttpMethod.Get, $"/vlan-ranges/{range.Id}")).Code);
        foreach (var client in new[] { stranger, scene.Tenant })
        {
            Assert.Equal("forbidden", (await client.FailAsync(403, HttpMethod.Delete, $"/vlan-ranges/{range.Id}")).Code);
            Assert.Equal("forbidden", (await client.FailAsync(403, HttpMethod.Post, "/vlan-ranges", new { account = "stranger", device = "br0", vlans = "300" })).Code);
        }
        Assert.Equal(2, (await scene.Tenant.GetAsync<Page<VlanRange>>("/vlan-ranges")).Items.Count);
        Assert.Equal(2, (await scene.Admin.GetAsync<Page<VlanRange>>("/vlan-ranges")).Items.Count);
        Assert.Equal(range, await scene.Tenant.GetAsync<VlanRange>($"/vlan-ranges/{range.Id}"));
        // Taking it back leaves the network.
        using var gone = await scene.Admin.SendAsync(HttpMethod.Delete, $"/vlan-ranges/{range.Id}");
        Assert.True(gone.IsSuccessStatusCode);
        Assert.Equal("br0", (await scene.Tenant.GetAsync<Network>("/networks/office")).Segment!.Device);
        Assert.Equal("vlan-not-given", (await Refused(scene.Tenant, Office("x", vlan: 130))).Rule);
    }

    [Theory]
    [InlineData("acme", "br0", "0-10", "vlans", "vlans")]
    [InlineData("acme", "br0", "10-9", "vlans", "vlans")]
    [InlineData("acme", "br0", "1-4095", "vlans", "vlans")]
    [InlineData("acme", "br0", "x", "vlans", "vlans")]
    [InlineData("acme", "br 0", "5", "device", "device-name")]
    [InlineData("nobody", "br0", "5", "account", "no-such")]
    [InlineData("acme", "br0", "150-250", "vlans", "overlaps-vlans")]
    public async Task Ranges_of_vlans_that_cannot_be_are_refused_by_field(string account, string device, string vlans, string field, string rule)
    {
        await using var scene = await Scene.StartAsync();
        await scene.Admin.PostAsync<VlanRange>("/vlan-ranges", new { account = "acme", device = "br0", vlans = "100-199" });
        var problem = await scene.Admin.FailAsync(400, HttpMethod.Post, "/vlan-ranges", new { account, device, vlans });
        Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
    }

    [Fact]
    public async Task A_trace_knows_that_machines_of_the_segment_are_reached()
    {
        await using var scene = await Scene.StartAsync();
        await HasAsync(scene.Host, "host-1", "br0");
        await MadeAsync(scene, Office());
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "tiny", network = "office" });
        async Task<PacketTrace> Trace(string from, string to) => await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from, to, protocol = "tcp", port = 80 });
        Assert.True((await Trace("a", "192.168.20.7")).Passes);
        Assert.True((await Trace("a", "203.0.113.9")).Passes);
        Assert.False((await Trace("192.168.20.7", "a")).Passes);
        await scene.Tenant.PostAsync<SecurityGroupRule>("/security-groups/default/rules", new { protocol = "tcp", fromPort = 80, toPort = 80, cidr = "192.168.20.0/24" });
        Assert.True((await Trace("192.168.20.7", "a")).Passes);
        Assert.False((await Trace("192.168.21.7", "a")).Passes);
        Assert.False((await Trace("outside", "a")).Passes);
    }

    [Fact]
    public void A_lost_hosts_instance_moves_only_to_a_host_with_the_device()
    {
        var host = new Server.Placement.HostView("h-1", "one", "z", "down", true, new Capacity(8, 8192, 100), new Capacity(0, 0, 0), "shared");
        var (bare, fit) = (host with { Id = "h-2", Name = "two", State = "up" }, host with { Id = "h-3", Name = "three", State = "up", SegmentDevices = ["br0", "br1"] });
        var instance = new AffectedInstance("i-1", "a", "running", "restart", 0, "shared", true, new Capacity(1, 256, 1), "z", SegmentDevices: "br0,br1");
        Assert.Equal("three", Assert.Single(Assert.Single(RecoveryPlanner.Plan(host, [instance], [host, bare, fit])).Candidates).Name);
        Assert.Empty(Assert.Single(RecoveryPlanner.Plan(host, [instance], [host, bare])).Candidates);
    }
}
