using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Instances;

/// <summary>How the metadata service answers an instance: said at launch, changed while it runs, and told to its host.</summary>
public sealed class InstanceMetadataTests
{
    private static (string, string, int, string) Of(Instance instance) => (instance.MetadataEndpoint, instance.MetadataTokens, instance.MetadataHopLimit, instance.MetadataTags);

    private static async Task<DesiredInstance> ToldAsync(Scene scene, string id) => (await scene.Host.DesiredAsync())!.Instances.Single(one => one.Id == id);

    private static async Task<long> RevisionAsync(Scene scene) => (await scene.Host.DesiredAsync())!.Revision;

    [Fact]
    public async Task Each_instance_of_a_launch_has_the_options_that_were_asked_for_and_the_others_the_usual_ones()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<PlacementGroup>("/placement-groups", new { name = "near", policy = "affinity" });
        var usual = await scene.LaunchAsync("usual", "tiny");
        var asked = (await scene.Tenant.PostAsync<Page<Instance>>("/instances", new { name = "asked", flavor = "tiny", image = "tiny", count = 2, placementGroup = "near", metadataTokens = "required", metadataHopLimit = 2, metadataTags = "enabled", tags = new { role = "web" } })).Items;
        var closed = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "closed", flavor = "tiny", image = "tiny", metadataEndpoint = "disabled" });
        Assert.Equal(("enabled", "optional", 1, "disabled"), Of(usual));
        Assert.Equal(("disabled", "optional", 1, "disabled"), Of(closed));
        Assert.All(asked, one => Assert.Equal(("enabled", "required", 2, "enabled"), Of(one)));
        foreach (var one in (Instance[])[usual, closed, .. asked]) Assert.Equal(Of(one), Of(await scene.Tenant.GetAsync<Instance>($"/instances/{one.Id}")));
        Assert.Equal(new DesiredMetadata(true, false, 1, null), (await ToldAsync(scene, usual.Id)).Metadata);
        Assert.Equal(new DesiredMetadata(false, false, 1, null), (await ToldAsync(scene, closed.Id)).Metadata);
        var told = await ToldAsync(scene, asked[1].Id);
        Assert.Equal(new DesiredMetadata(true, true, 2, null), told.Metadata! with { Tags = null });
        Assert.Equal(new Dictionary<string, string> { ["role"] = "web" }, told.Metadata!.Tags);
        var zone = (await scene.Tenant.GetAsync<Page<Zone>>("/zones")).Items.Single();
        Assert.Equal(("kumoi", zone.Id, "near"), (told.Labels.Region, told.Labels.ZoneId, told.Labels.PlacementGroup));
        Assert.Null((await ToldAsync(scene, usual.Id)).Labels.PlacementGroup);
    }

    [Fact]
    public async Task A_running_instance_gets_other_options_at_once_and_keeps_them()
    {
        await using var scene = await Scene.StartAsync();
        var made = await scene.LaunchAsync("web", "tiny");
        await scene.Host.ObeyAsync();
        var before = await RevisionAsync(scene);
        var changed = await scene.Tenant.PutAsync<Instance>("/instances/web", new { metadataTokens = "required", metadataHopLimit = 64 });
        Assert.Equal(("enabled", "required", 64, "disabled"), Of(changed));
        Assert.Equal((made.BootEpoch, made.Generation + 1, "running"), (changed.BootEpoch, changed.Generation, changed.State));
        Assert.True(changed.ObservedGeneration < changed.Generation);
        Assert.True(await RevisionAsync(scene) > before);
        Assert.Equal(new DesiredMetadata(true, true, 64, null), (await ToldAsync(scene, made.Id)).Metadata);
        await scene.Host.ObeyAsync();
        var after = await scene.Tenant.GetAsync<Instance>("/instances/web");
        Assert.Equal(after.Generation, after.ObservedGeneration);
        // What is asked for already changes nothing, and what is not said stays.
        Assert.Equal(after.Generation, (await scene.Tenant.PutAsync<Instance>("/instances/web", new { metadataTokens = "required" })).Generation);
        Assert.Equal(("disabled", "required", 64, "disabled"), Of(await scene.Tenant.PutAsync<Instance>("/instances/web", new { metadataEndpoint = "disabled" })));
        await scene.Tenant.PostAsync<Instance>("/instances/web/stop");
        await scene.Host.ObeyAsync();
        await scene.Tenant.PostAsync<Instance>("/instances/web/start");
        await scene.Host.ObeyAsync();
        Assert.Equal(("disabled", "required", 64, "disabled"), Of(await scene.Tenant.GetAsync<Instance>("/instances/web")));
        Assert.Equal(3, (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={made.Id}")).Items.Count(e => e.Action == "instance.update"));
    }

    [Fact]
    public async Task Tags_are_told_to_hosts_whose_guests_may_read_them_whoever_changes_them()
    {
        await using var scene = await Scene.StartAsync();
        var (open, closed) = (await scene.Tenant.PostAsync<Instance>("/instances", new { name = "open", flavor = "tiny", image = "tiny", metadataTags = "enabled" }), await scene.LaunchAsync("closed", "tiny"));
        var network = (await scene.Tenant.GetAsync<Page<Network>>("/networks")).Items.Single().Id;
        Assert.Empty((await ToldAsync(scene, open.Id)).Metadata!.Tags!);
        foreach (var (path, tag) in (IReadOnlyList<(string, string)>)[($"/instances/{open.Id}", "a"), ($"/tags/{open.Id}", "b")])
        {
            var before = await RevisionAsync(scene);
            await scene.Tenant.SendAsync(HttpMethod.Put, path, new { tags = new Dictionary<string, string> { [tag] = "1" } });
            Assert.True(await RevisionAsync(scene) > before);
            Assert.Contains(tag, (await ToldAsync(scene, open.Id)).Metadata!.Tags!);
        }
        var told = await RevisionAsync(scene);
        foreach (var path in (string[])[$"/instances/{closed.Id}", $"/tags/{closed.Id}", $"/tags/{network}"]) await scene.Tenant.SendAsync(HttpMethod.Put, path, new { tags = new { c = "1" } });
        // What is so already is no news.
        await scene.Tenant.SendAsync(HttpMethod.Put, $"/tags/{open.Id}", new { tags = new { b = "1" } });
        Assert.Equal(told, await RevisionAsync(scene));
        Assert.Null((await ToldAsync(scene, closed.Id)).Metadata!.Tags);
        await scene.Tenant.PutAsync<Instance>($"/instances/{open.Id}", new { metadataTags = "disabled" });
        Assert.Null((await ToldAsync(scene, open.Id)).Metadata!.Tags);
    }

    [Fact]
    public async Task Wrong_options_and_those_of_others_are_refused()
    {
        await using var scene = await Scene.StartAsync();
        var made = await scene.LaunchAsync("web", "tiny");
        foreach (var (field, value, rule) in (IReadOnlyList<(string, object, string)>)
        [
            ("metadataTokens", "maybe", "one-of"), ("metadataTokens", "", "one-of"), ("metadataTokens", "Required", "one-of"), ("metadataEndpoint", "on", "one-of"), ("metadataTags", "true", "one-of"), ("metadataHopLimit", 0, "between"),
            ("metadataHopLimit", 65, "between"), ("metadataHopLimit", -1, "between"), ("metadataHopLimit", "2", "wrong-type"), ("metadataTags", true, "wrong-type"),
        ])
        {
            var launch = new Dictionary<string, object> { ["name"] = "other", ["flavor"] = "tiny", ["image"] = "tiny", [field] = value };
            Assert.Equal((field, rule), (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", launch)).Errors!.Select(error => (error.Field, error.Rule)).Single());
            Assert.Equal((field, rule), (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/instances/web", new Dictionary<string, object> { [field] = value })).Errors!.Select(error => (error.Field, error.Rule)).Single());
        }
        var stranger = await scene.Cloud.TenantAsync("other");
        await stranger.FailAsync(404, HttpMethod.Put, $"/instances/{made.Id}", new { metadataTokens = "required" });
        await scene.Tenant.DeleteAsync<Instance>("/instances/web");
        Assert.Equal("being-terminated", (await scene.Tenant.FailAsync(409, HttpMethod.Put, $"/instances/{made.Id}", new { metadataTokens = "required" })).Code);
        Assert.Equal(("enabled", "optional", 1, "disabled"), Of(await scene.Tenant.GetAsync<Instance>($"/instances/{made.Id}")));
    }
}
