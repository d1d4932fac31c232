using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Instances;

/// <summary>What of an instance is said at its launch beside the usual, and changed afterwards.</summary>
public sealed class InstanceChangeTests
{
    private static readonly ObservedStore Store = new("st-00000000000000001", "local", "directory", false, true, 20, 1, true);

    [Fact]
    public async Task A_protected_instance_is_not_terminated()
    {
        await using var scene = await Scene.StartAsync();
        var made = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "kept", flavor = "small", image = "tiny", terminationProtection = true, tags = new { role = "db" } });
        Assert.True(made.TerminationProtection);
        Assert.Equal("db", made.Tags["role"]);
        Assert.Equal("termination-protected", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/instances/kept")).Code);
        Assert.Equal("kept", Assert.Single((await scene.Tenant.GetAsync<Page<Instance>>("/instances?tag=role=db")).Items).Name);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Instance>>("/instances?tag=role=web")).Items);
        var changed = await scene.Tenant.PutAsync<Instance>("/instances/kept", new { terminationProtection = false, tags = new Dictionary<string, string?> { ["role"] = null, ["env"] = "試験" } });
        Assert.Equal((false, "試験", 1), (changed.TerminationProtection, changed.Tags["env"], changed.Tags.Count));
        await scene.Tenant.DeleteAsync<Instance>("/instances/kept");
    }

    [Fact]
    public async Task A_stopped_instance_gets_another_size_as_far_as_its_host_has_room()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 2048);
        await scene.LaunchAsync("web-1", "small");
        await scene.Host.ObeyAsync();
        Assert.Equal("instance-not-stopped", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/instances/web-1", new { flavor = "medium" })).Code);
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/stop");
        await scene.Host.ObeyAsync();
        async Task<Capacity> UsedAsync() => (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items[0].Allocated;
        var before = await UsedAsync();
        var changed = await scene.Tenant.PutAsync<Instance>("/instances/web-1", new { flavor = "medium" });
        Assert.Equal(("medium", 2, 1024), (changed.Flavor.Name, changed.Vcpus, changed.MemoryMib));
        var after = await UsedAsync();
        Assert.Equal((1, 768, 0), (after.Vcpus - before.Vcpus, after.MemoryMib - before.MemoryMib, after.DiskGib - before.DiskGib));
        Assert.Equal("insufficient-capacity", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/instances/web-1", new { flavor = "large" })).Code);
        Assert.Equal(after, await UsedAsync());
        Assert.Equal("no-such", (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/instances/web-1", new { flavor = "none" })).Errors![0].Rule);
        await scene.Host.ObeyAsync();
        await scene.Tenant.PostAsync<Instance>("/instances/web-1/start");
        Assert.Equal((2, 1024), (await scene.Host.DesiredAsync())!.Instances.Select(i => (i.Vcpus, i.MemoryMib)).Single());
        // What is given back at the end is what it has then.
        await scene.Host.ObeyAsync();
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Host.ObeyAsync();
        Assert.Equal((0, 0), ((await UsedAsync()).Vcpus, (await UsedAsync()).MemoryMib));
    }

    [Fact]
    public async Task Fewer_are_launched_if_enough_of_them_fit_and_none_otherwise()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 1024);
        var room = (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items[0].Capacity.MemoryMib / 256;
        Assert.Equal("insufficient-capacity", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { name = "many", flavor = "small", image = "tiny", count = 50, minCount = room + 1 })).Code);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items);
        var made = await scene.Tenant.PostAsync<Page<Instance>>("/instances", new { flavor = "small", image = "tiny", count = 50, minCount = 1 });
        Assert.Equal(room, made.Items.Count);
        // Without a name each is called by its id.
        Assert.All(made.Items, one => Assert.Equal(one.Id, one.Name));
        Assert.Equal(room * 256, (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items[0].Allocated.MemoryMib);
        Assert.Equal("between", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { flavor = "small", image = "tiny", count = 2, minCount = 3 })).Errors![0].Rule);
    }

    [Fact]
    public async Task Volumes_are_there_from_the_beginning_or_nothing_is()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportStoresAsync(Store);
        var made = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "db", flavor = "tiny", image = "tiny", volumeTags = new { of = "db" }, deleteRootVolume = false, volumes = new object[] { new { sizeGib = 2, slot = 5 }, new { sizeGib = 1, deleteOnTermination = false } } });
        var volumes = (await scene.Tenant.GetAsync<Page<Volume>>("/volumes?instance=db")).Items.OrderBy(v => v.Slot).ToList();
        Assert.Equal([0, 1, 5], volumes.Select(v => v.Slot!.Value));
        Assert.Equal([false, false, true], volumes.Select(v => v.DeleteOnTermination));
        Assert.All(volumes, v => Assert.Equal("db", v.Tags["of"]));
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        Assert.All((await scene.Tenant.GetAsync<Page<Volume>>("/volumes?instance=db")).Items, v => Assert.Equal("in-use", v.State));
        var used = (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items[0].Allocated;
        Assert.Equal("insufficient-storage", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", new { flavor = "tiny", image = "tiny", count = 2, volumes = new[] { new { sizeGib = 60 }, new { sizeGib = 30 } } })).Code);
        Assert.Equal(used, (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items[0].Allocated);
        foreach (var (wrong, rule) in (IReadOnlyList<(object, string)>)[(new[] { new { sizeGib = 0, slot = 1 } }, "between"), (new[] { new { sizeGib = 1, slot = 9 } }, "between"), (new[] { new { sizeGib = 1, slot = 2 }, new { sizeGib = 1, slot = 2 } }, "twice")])
            Assert.Equal(rule, (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { flavor = "tiny", image = "tiny", volumes = wrong })).Errors![0].Rule);
        Assert.Equal(1, made.Generation);
    }

    [Fact]
    public async Task Tags_of_all_kinds_are_given_changed_and_listed_by_id()
    {
        await using var scene = await Scene.StartAsync();
        var tags = new { env = "prod" };
        var ids = new List<string>
        {
            (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web", flavor = "tiny", image = "tiny", tags })).Id, (await scene.Tenant.PostAsync<KeyPairCreated>("/key-pairs", new { name = "k", tags })).Id,
            (await scene.Tenant.PostAsync<Image>("/images", new { name = "i", tags })).Id, (await scene.Tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "g", tags })).Id, (await scene.Tenant.PostAsync<Network>("/networks", new { name = "n", tags })).Id,
            (await scene.Tenant.PostAsync<Subnet>("/subnets", new { network = "n", cidr = "10.9.0.0/24", tags })).Id, (await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { tags })).Id,
            (await scene.Tenant.PostAsync<PlacementGroup>("/placement-groups", new { name = "p", policy = "affinity", tags })).Id, (await scene.Tenant.PostAsync<InternetGateway>("/internet-gateways", new { tags })).Id,
        };
        var listed = (await scene.Tenant.GetAsync<Page<TaggedResource>>("/tags?tag=env=prod")).Items;
        Assert.Equal(ids.Order(StringComparer.Ordinal), listed.Select(one => one.Resource.Id));
        Assert.Equal("instance", Assert.Single((await scene.Tenant.GetAsync<Page<TaggedResource>>("/tags?type=instance")).Items).Type);
        foreach (var id in ids)
            Assert.Equal("dev", (await scene.Tenant.PutAsync<TaggedResource>($"/tags/{id}", new { tags = new Dictionary<string, string?> { ["env"] = null, ["stage"] = "dev" } })).Tags.Single().Value);
        Assert.Contains("instance.tag", (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={ids[0]}")).Items.Select(e => e.Action));
        Assert.Equal("one-of", (await scene.Tenant.FailAsync(400, HttpMethod.Get, "/tags?type=rocket")).Errors![0].Rule);
        await scene.Tenant.FailAsync(404, HttpMethod.Get, "/tags/web");
    }

    [Fact]
    public async Task A_gateway_is_the_outside_of_the_network_that_it_is_attached_to()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Network>("/networks", new { name = "lab", outside = "none", range = "10.20.0.0/16", subnets = new[] { new { cidr = "10.20.1.0/24" } } });
        Assert.Equal("outside-network-range", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/subnets", new { network = "lab", cidr = "10.21.0.0/24" })).Errors![0].Rule);
        var gateway = await scene.Tenant.PostAsync<InternetGateway>("/internet-gateways", new { });
        Assert.Equal("network-has-outside", (await scene.Tenant.FailAsync(409, HttpMethod.Post, $"/internet-gateways/{gateway.Id}/attach", new { network = "default" })).Code);
        Assert.Equal("lab", (await scene.Tenant.PostAsync<InternetGateway>($"/internet-gateways/{gateway.Id}/attach", new { network = "lab" })).Network!.Name);
        Assert.Equal("lab", (await scene.Tenant.PostAsync<InternetGateway>($"/internet-gateways/{gateway.Id}/attach", new { network = "lab" })).Network!.Name);
        Assert.Equal("nat", (await scene.Tenant.GetAsync<Network>("/networks/lab")).Outside);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/internet-gateways/{gateway.Id}")).Code);
        Assert.Null((await scene.Tenant.PostAsync<InternetGateway>($"/internet-gateways/{gateway.Id}/detach")).Network);
        Assert.Equal("none", (await scene.Tenant.GetAsync<Network>("/networks/lab")).Outside);
        Assert.Equal(204, (int)(await scene.Tenant.SendAsync(HttpMethod.Delete, $"/internet-gateways/{gateway.Id}")).StatusCode);
    }
}
