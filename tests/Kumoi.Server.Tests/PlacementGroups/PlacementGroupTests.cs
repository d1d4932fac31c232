using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.PlacementGroups;

/// <summary>Goal: instances of a group are where its policy says, whoever launches them and however many at once.</summary>
public sealed class PlacementGroupTests
{
    private static async Task MoreHostsAsync(Scene scene, int upTo, int memoryMib = 8192)
    {
        for (var i = 2; i <= upTo; i++)
        {
            using var host = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts($"host-{i}", memoryMib: memoryMib));
        }
    }

    private static Task<PlacementGroup> MakeAsync(Scene scene, string policy, string name = "web") => scene.Tenant.PostAsync<PlacementGroup>("/placement-groups", new { name, policy });

    private static object Launch(string name, string group = "web", int? count = null, string flavor = "tiny") => new { name, flavor, image = "tiny", placementGroup = group, count };

    private static Task<Instance> LaunchAsync(Scene scene, string name, string group = "web") => scene.Tenant.PostAsync<Instance>("/instances", Launch(name, group));

    private static async Task<string[]> HostsAsync(Scene scene, string group = "web") =>
        [.. (await scene.Tenant.GetAsync<Page<Instance>>($"/instances?placementGroup={group}")).Items.Select(i => i.Host.Name).Order()];

    [Fact]
    public async Task A_group_is_made_shown_refused_while_in_use_and_removed_after()
    {
        await using var scene = await Scene.StartAsync();
        var group = await MakeAsync(scene, "anti-affinity");
        Assert.Equal(("web", "anti-affinity", 0), (group.Name, group.Policy, group.Instances));
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/placement-groups", new { name = "web", policy = "affinity" })).Code);
        var broken = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/placement-groups", new { name = "i-19a3f2b4c5d6e7f80", policy = "spread" });
        Assert.Equal(["name name-is-id", "policy one-of"], broken.Errors!.Select(e => $"{e.Field} {e.Rule}"));

        var instance = await LaunchAsync(scene, "web-1", group.Id);
        Assert.Equal(new Ref(group.Id, "web"), instance.PlacementGroup);
        Assert.Equal(new Ref(group.Id, "web"), (await scene.Tenant.GetAsync<Instance>("/instances/web-1")).PlacementGroup);
        Assert.Null((await scene.LaunchAsync("alone")).PlacementGroup);
        Assert.Equal(1, (await scene.Tenant.GetAsync<PlacementGroup>("/placement-groups/web")).Instances);
        Assert.Equal(instance.Id, (await scene.Tenant.GetAsync<Page<Instance>>("/instances?placementGroup=web")).Items.Single().Id);
        var used = await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/placement-groups/web");
        Assert.Equal(("in-use", instance.Id), (used.Code, used.UsedBy!.Single().Id));

        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/placement-groups/web");
        await scene.Host.ObeyAsync();
        using var gone = await scene.Tenant.SendAsync(HttpMethod.Delete, "/placement-groups/web");
        Assert.Equal(204, (int)gone.StatusCode);
        Assert.Null((await scene.Tenant.GetAsync<Instance>($"/instances/{instance.Id}")).PlacementGroup);
        Assert.Empty((await scene.Tenant.GetAsync<Page<PlacementGroup>>("/placement-groups")).Items);
        Assert.Equal(["placement-group.delete", "placement-group.create"], (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={group.Id}")).Items.Select(e => e.Action));
    }

    [Fact]
    public async Task Launches_at_once_on_two_servers_never_break_a_hard_policy()
    {
        await using var scene = await Scene.StartAsync();
        // A second server over the same database: what one of them remembers of the hosts does not know what the other does.
        await using var second = await TestCloud.StartAsync(options => options with { ConnectionString = scene.Cloud.Options.ConnectionString, MasterKeyFile = scene.Cloud.Options.MasterKeyFile });
        var other = await second.LoginAsync("acme-admin", "tenant-password");
        await MoreHostsAsync(scene, 5);
        await MakeAsync(scene, "anti-affinity");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            using var response = await (i % 2 == 0 ? scene.Tenant : other).SendAsync(HttpMethod.Post, "/instances", Launch($"web-{i}"));
            return ((int)response.StatusCode, Text: await response.Content.ReadAsStringAsync());
        }));
        Assert.Equal(5, answers.Count(a => a.Item1 == 201));
        Assert.All(answers.Where(a => a.Item1 != 201), answer =>
        {
            Assert.Equal(409, answer.Item1);
            Assert.Contains("insufficient-capacity", answer.Text, StringComparison.Ordinal);
            Assert.Contains("5 host(s) have an instance of the anti-affinity group web already", answer.Text, StringComparison.Ordinal);
        });
        Assert.Equal(["host-1", "host-2", "host-3", "host-4", "host-5"], await HostsAsync(scene));
        await MakeAsync(scene, "affinity", "near");
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? scene.Tenant : other).PostAsync<Instance>("/instances", Launch($"near-{i}", "near"))));
        var near = await HostsAsync(scene, "near");
        Assert.Equal((10, 1), (near.Length, near.Distinct().Count()));
        // What was refused took nothing.
        foreach (var host in (await scene.Admin.GetAsync<Page<Host>>("/hosts")).Items) Assert.Equal(host.Name == near[0] ? (11, 11 * 128) : (1, 128), (host.Instances, host.Allocated.MemoryMib));
    }

    [Fact]
    public async Task Several_at_once_into_an_anti_affinity_group_get_a_host_each_or_none_is_launched()
    {
        await using var scene = await Scene.StartAsync();
        await MoreHostsAsync(scene, 4);
        await MakeAsync(scene, "anti-affinity");
        await scene.Tenant.PostAsync<Page<Instance>>("/instances", Launch("web", count: 3));
        Assert.Equal(3, (await HostsAsync(scene)).Distinct().Count());
        var problem = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", Launch("more", count: 2), ("Accept-Language", "ja"));
        Assert.Equal(("anti-affinity", 4, "4 台のホストには、アンチアフィニティグループ web のインスタンスがすでにあります"), (problem.Reasons!.Single().Filter, problem.Reasons![0].Hosts, problem.Reasons[0].Message));
        await LaunchAsync(scene, "last");
        Assert.Equal(["host-1", "host-2", "host-3", "host-4"], await HostsAsync(scene));
    }

    [Fact]
    public async Task An_affinity_group_is_on_one_host_which_must_have_room_for_all_launched_at_once()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 1024);
        await MoreHostsAsync(scene, 3, memoryMib: 512);
        await MakeAsync(scene, "affinity");
        var problem = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", Launch("big", count: 9));
        Assert.Equal(["memory"], problem.Reasons!.Select(r => r.Filter));
        Assert.Empty(await HostsAsync(scene));
        await scene.Tenant.PostAsync<Page<Instance>>("/instances", Launch("web", count: 5));
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => LaunchAsync(scene, $"more-{i}")));
        Assert.Equal(["host-1"], (await HostsAsync(scene)).Distinct());
        var full = await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances", Launch("ninth"));
        Assert.Equal(["affinity 2", "memory 1"], full.Reasons!.Select(r => $"{r.Filter} {r.Hosts}"));
        Assert.Equal("2 host(s) are not the one that has the instances of the affinity group web", full.Reasons![0].Message);
    }

    [Fact]
    public async Task Soft_policies_are_held_as_far_as_there_is_room()
    {
        await using var scene = await Scene.StartAsync(memoryMib: 384);
        await MoreHostsAsync(scene, 3, memoryMib: 384);
        await MakeAsync(scene, "soft-anti-affinity", "apart");
        await scene.Tenant.PostAsync<Page<Instance>>("/instances", Launch("apart", "apart", count: 4));
        Assert.Equal([1, 1, 2], (await HostsAsync(scene, "apart")).GroupBy(host => host).Select(host => host.Count()).Order());
        await MakeAsync(scene, "soft-affinity", "near");
        foreach (var i in Enumerable.Range(1, 3)) await LaunchAsync(scene, $"near-{i}", "near");
        Assert.Equal([1, 2], (await HostsAsync(scene, "near")).GroupBy(host => host).Select(host => host.Count()).Order());
    }

    [Fact]
    public async Task A_group_of_the_same_name_in_another_account_is_another_group()
    {
        await using var scene = await Scene.StartAsync();
        var group = await MakeAsync(scene, "anti-affinity");
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var refused = await stranger.FailAsync(400, HttpMethod.Post, "/instances", Launch("x", group.Id));
        Assert.Equal(("placementGroup", "no-such"), (refused.Errors!.Single().Field, refused.Errors![0].Rule));
        Assert.Equal("there is no placement group web", (await stranger.FailAsync(400, HttpMethod.Post, "/instances", Launch("x"))).Errors!.Single().Message);
        await stranger.PostAsync<PlacementGroup>("/placement-groups", new { name = "web", policy = "anti-affinity" });
        await LaunchAsync(scene, "mine");
        Assert.Equal("host-1", (await stranger.PostAsync<Instance>("/instances", Launch("theirs"))).Host.Name);
        Assert.Equal(1, (await scene.Tenant.GetAsync<PlacementGroup>("/placement-groups/web")).Instances);
        await stranger.DeleteAsync<Instance>("/instances/theirs");
        await scene.Host.ObeyAsync();
        using var gone = await scene.Admin.SendAsync(HttpMethod.Delete, "/accounts/stranger");
        Assert.Equal(204, (int)gone.StatusCode);
        Assert.Equal(1, (await scene.Tenant.GetAsync<PlacementGroup>("/placement-groups/web")).Instances);
    }

    [Theory]
    [InlineData("anti-affinity", "UPDATE instances SET host_id = (SELECT host_id FROM instances WHERE name = 'a') WHERE name = 'b'", PostgresErrorCodes.UniqueViolation)]
    [InlineData("affinity", "UPDATE instances SET host_id = (SELECT id FROM hosts WHERE id <> host_id LIMIT 1) WHERE name = 'b'", PostgresErrorCodes.ExclusionViolation)]
    [InlineData("affinity", "DELETE FROM placement_groups", PostgresErrorCodes.ForeignKeyViolation)]
    [InlineData("soft-affinity", "UPDATE placement_groups SET policy = 'affinity'", PostgresErrorCodes.ForeignKeyViolation)]
    public async Task The_database_itself_refuses_what_the_policy_forbids(string policy, string sql, string error)
    {
        await using var scene = await Scene.StartAsync();
        await MoreHostsAsync(scene, 2);
        await MakeAsync(scene, policy);
        await LaunchAsync(scene, "a");
        await LaunchAsync(scene, "b");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync(sql, default));
        Assert.Equal(error, refused.SqlState);
    }
}
