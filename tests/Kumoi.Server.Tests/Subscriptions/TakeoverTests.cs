using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Subscriptions;
using Kumoi.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.Subscriptions;

/// <summary>Goal: one server at a time serves a subscription, and another takes over what a dead or held one leaves. Method: two servers over one database.</summary>
public sealed class TakeoverTests
{
    private static Task<TestCloud> SecondAsync(TestCloud first) => TestCloud.StartAsync(options => DeliveryScene.Open(first.Options) with { Listen = options.Listen, AgentListen = options.AgentListen, AgentUrl = options.AgentUrl });

    [Fact]
    public async Task Two_servers_tell_each_event_once()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await using var second = await SecondAsync(scene.Cloud);
        await scene.SubscribeAsync("hook", "network.create");
        string[] names = [.. Enumerable.Range(0, 60).Select(i => $"n{i}")];
        await scene.MakeAsync(names);
        await scene.ToldAsync(names);
        await Wait.UntilAsync(async () => (await scene.ShowAsync()).Delivered == names.Length, what: "all are confirmed");
        Assert.Equal(names, scene.Told());
    }

    [Fact]
    public async Task What_a_held_server_was_telling_another_tells_again_and_what_the_first_learns_late_counts_no_more()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await scene.SubscribeAsync("hook", "network.create");
        var held = new TaskCompletionSource();
        scene.Sink.Answer = _ => held.Task;
        await scene.MakeAsync("a");
        await scene.ToldAsync("a");
        var lease = await HolderAsync(scene);
        Assert.StartsWith(scene.Cloud.Services.GetRequiredService<ServerRegistry>().Id, lease, StringComparison.Ordinal);
        // The first has its request under way, and its lease ends.
        scene.Sink.Answer = _ => Task.CompletedTask;
        await using var second = await SecondAsync(scene.Cloud);
        await scene.ExecuteAsync("UPDATE subscriptions SET lease_until = clock_timestamp() - interval '1 second'");
        await scene.MakeAsync("b");
        await Wait.UntilAsync(async () => (await scene.ShowAsync()).Delivered == 2, what: "both are confirmed");
        held.SetResult();
        await scene.MakeAsync("c");
        await scene.ToldAsync("a", "b", "c");
        await Wait.UntilAsync(async () => (await scene.ShowAsync()).Delivered == 3, what: "the third is confirmed");
        // The first one's request, and those that were confirmed.
        Assert.Equal(["a", "a", "b", "c"], scene.Told());
        Assert.Equal(3, scene.Sink.Events.Select(e => e.Id).Distinct().Count());
    }

    [Fact]
    public async Task A_server_that_ends_leaves_its_subscriptions_to_others_at_once()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var second = await SecondAsync(scene.Cloud);
        await scene.SubscribeAsync("hook", "network.create");
        var held = new TaskCompletionSource();
        scene.Sink.Answer = _ => held.Task;
        await scene.MakeAsync("a");
        await scene.ToldAsync("a");
        var first = await HolderAsync(scene);
        scene.Sink.Answer = _ => Task.CompletedTask;
        var isSecond = first.StartsWith(second.Services.GetRequiredService<ServerRegistry>().Id, StringComparison.Ordinal);
        if (isSecond) await second.DisposeAsync();
        else await scene.Cloud.Services.GetRequiredService<DeliveryLoop>().StopAsync(default);
        await Wait.UntilAsync(async () => await CountAsync(scene) == 1, (int)DeliveryStore.Lease.TotalSeconds / 2, "it is delivered before the lease would have ended");
        if (!isSecond) await second.DisposeAsync();
    }

    [Fact]
    public async Task A_change_counts_at_once_for_those_who_deliver()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await using var other = await WebhookSink.StartAsync();
        await scene.SubscribeAsync("hook", "network.create");
        var held = new TaskCompletionSource();
        scene.Sink.Answer = _ => held.Task;
        await scene.MakeAsync("a");
        await scene.ToldAsync("a");
        await scene.Tenant.PutAsync<Subscription>("/subscriptions/hook", new { url = other.Url });
        await Wait.UntilAsync(() => Task.FromResult(other.Events.Any(e => e.Resource.Name == "a")), what: "the new address is told of what the old one has not confirmed");
        held.SetResult();
    }

    [Fact]
    public async Task What_others_do_moves_a_quiet_subscription_on()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await scene.SubscribeAsync("hook", "never.happens");
        await using var source = NpgsqlDataSource.Create(scene.Cloud.Options.ConnectionString);
        await using var position = source.CreateCommand("SELECT position_xid::text::bigint FROM subscriptions");
        var before = (long)(await position.ExecuteScalarAsync())!;
        await using (var others = source.CreateCommand("DO $$ BEGIN FOR i IN 1..1500 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")) await others.ExecuteNonQueryAsync();
        await Wait.UntilAsync(async () =>
        {
            await scene.Cloud.Services.GetRequiredService<DeliveryStore>().SkipAsync(default);
            return (long)(await position.ExecuteScalarAsync())! > before + 1000;
        }, what: "it is moved on");
        Assert.Empty(scene.Sink.Requests);
        Assert.Equal(0, (await scene.ShowAsync()).Delivered);
    }

    private static async Task<int> CountAsync(DeliveryScene scene)
    {
        await using var source = NpgsqlDataSource.Create(scene.Cloud.Options.ConnectionString);
        return (int)(long)(await source.CreateCommand("SELECT delivered FROM subscriptions").ExecuteScalarAsync())!;
    }

    private static async Task<string> HolderAsync(DeliveryScene scene)
    {
        await using var source = NpgsqlDataSource.Create(scene.Cloud.Options.ConnectionString);
        return (string)(await source.CreateCommand("SELECT holder FROM subscriptions").ExecuteScalarAsync())!;
    }
}
