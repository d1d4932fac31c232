using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Explanations;

/// <summary>Goal: whoever asks why something is as it is gets the true reason, and nobody gets another account's.</summary>
public sealed class ExplanationTests
{
    private static Task<Explanation> ExplainAsync(TestClient client, string key) => client.GetAsync<Explanation>("/explain/" + key);

    private static IEnumerable<string> Reasons(IReadOnlyList<Statement> statements) => statements.Select(s => s.Reason);

    private static async Task SilenceAsync(Scene scene, int seconds)
    {
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET heard_at = clock_timestamp() - make_interval(secs => $1) WHERE name = 'host-1'", default, (double)seconds);
        await scene.Cloud.Services.GetRequiredService<HostWatch>().LookAsync(TimeSpan.FromHours(1), default);
    }

    [Fact]
    public async Task An_instance_tells_what_it_waits_for_until_it_waits_for_nothing()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        var before = await ExplainAsync(scene.Tenant, "web-1");
        Assert.Equal(("instance", instance.Id, "pending"), (before.Resource.Type, before.Resource.Id, before.State));
        Assert.Equal(["desired-running"], Reasons(before.Desired));
        Assert.NotNull(before.Desired[0].Since);
        Assert.Contains("observed-absent", Reasons(before.Observed));
        Assert.Equal(["waits-host-works"], Reasons(before.WaitingFor));
        Assert.Contains("host-1", before.WaitingFor[0].Message, StringComparison.Ordinal);
        Assert.Equal(["recovery-not-marked", "recovery-own-disk"], Reasons(before.Recovery));
        Assert.Equal("instance.launch", before.Events.Single().Action);

        await scene.Host.ObeyAsync();
        var after = await ExplainAsync(scene.Tenant, instance.Id);
        Assert.Equal("running", after.State);
        Assert.Empty(after.WaitingFor);
        Assert.Equal("instance.running", after.Events[0].Action);
    }

    [Fact]
    public async Task An_error_of_the_host_is_told_in_the_callers_language_with_its_next_try()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        var desired = (await scene.Host.DesiredAsync())!.Instances.Single();
        var (since, next) = (DateTimeOffset.UnixEpoch.AddDays(20_000), DateTimeOffset.UnixEpoch.AddDays(20_001));
        await scene.Host.ReportAsync(new ObservedInstance(desired.Id, desired.Incarnation, 0, PowerState.Stopped, 0, null, [new Condition("Instance", "disk-full", "The host's disk is full.", since, next)]));
        scene.Tenant.Http.DefaultRequestHeaders.AcceptLanguage.ParseAdd("ja");
        var told = await ExplainAsync(scene.Tenant, instance.Id);
        Assert.Equal("waits-condition", told.WaitingFor.Single().Reason);
        Assert.Equal(("next-try", next), (told.Next[0].Reason, told.Next[0].At!.Value));
        Assert.Equal(("ホストのディスクが満杯です。", "The host's disk is full.", since), (told.Conditions.Single().Message, told.Conditions[0].Detail, told.Conditions[0].Since));
        Assert.Equal("実行すべき状態ですが、ゲストはまだ動いていません。", told.Summary);
    }

    [Fact]
    public async Task One_that_cannot_move_for_want_of_room_gets_the_reason_of_each_filter_as_it_is_now()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Storage = "nfs-1" });
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "small", image = "tiny", recovery = "restart" });
        using var small = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2", memoryMib: 64) with { Storage = "nfs-1" });
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-3"));
        await scene.Host.ObeyAsync();
        Assert.Equal(["recovery-marked", "recovery-no-room", "filter.storage", "filter.memory"], Reasons((await ExplainAsync(scene.Tenant, "web-1")).Recovery));

        await SilenceAsync(scene, 40);
        var unreachable = await ExplainAsync(scene.Tenant, "web-1");
        Assert.Equal("waits-host-unreachable", unreachable.WaitingFor[0].Reason);
        Assert.Equal("next-down-moves", unreachable.Next.Single(n => n.At > unreachable.ObservedAt).Reason);

        await SilenceAsync(scene, 95);
        var down = await ExplainAsync(scene.Tenant, "web-1");
        Assert.Equal(["waits-capacity", "filter.storage", "filter.memory"], Reasons(down.WaitingFor));
        Assert.Equal("1 host(s) do not have the storage that holds its disk", down.WaitingFor[1].Message);
    }

    [Fact]
    public async Task A_host_is_explained_to_operators_only()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        await SilenceAsync(scene, 40);
        var host = await ExplainAsync(scene.Admin, "host-1");
        Assert.Equal(("host", "unreachable"), (host.Resource.Type, host.State));
        Assert.Equal(["waits-host-unreachable"], Reasons(host.WaitingFor));
        Assert.True(host.Next.Single().At > host.ObservedAt);
        Assert.Contains("host.unreachable", host.Events.Select(e => e.Action));
        foreach (var key in (string[])["host-1", host.Resource.Id]) Assert.Equal("nothing-named", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/explain/" + key)).Code);
    }

    [Fact]
    public async Task Another_account_finds_nothing_and_an_operator_finds_it_by_its_id()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var image = await scene.Tenant.PostAsync<Image>("/images", new { name = "own" });
        var network = await scene.Tenant.GetAsync<Network>("/networks/default");
        foreach (var key in (string[])["web-1", instance.Id, "own", image.Id, network.Id])
            Assert.Equal("nothing-named", (await stranger.FailAsync(404, HttpMethod.Get, "/explain/" + key)).Code);
        foreach (var id in (string[])[instance.Id, image.Id, network.Id]) Assert.Equal(id, (await ExplainAsync(scene.Admin, id)).Resource.Id);
        Assert.Equal("nothing-named", (await scene.Admin.FailAsync(404, HttpMethod.Get, "/explain/web-1")).Code);
        // A public image is everybody's to use; what its account did with it is not.
        var shared = await ExplainAsync(stranger, "tiny");
        Assert.Equal("available", shared.State);
        Assert.Empty(shared.Events);
    }

    [Fact]
    public async Task Images_and_networks_tell_what_they_wait_for()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Image>("/images", new { name = "own" });
        Assert.Equal(["image-waits-upload"], Reasons((await ExplainAsync(scene.Tenant, "own")).WaitingFor));
        var network = await ExplainAsync(scene.Tenant, "default");
        Assert.Equal("network", network.Resource.Type);
        Assert.Contains("network-free", Reasons(network.Observed));
        // A name of two things is not guessed at.
        await scene.LaunchAsync("own");
        var problem = await scene.Tenant.FailAsync(409, HttpMethod.Get, "/explain/own");
        Assert.Equal(("ambiguous-name", 2), (problem.Code, problem.UsedBy!.Count));
    }
}
