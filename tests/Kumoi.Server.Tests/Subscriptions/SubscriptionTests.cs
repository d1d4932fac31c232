using Kumoi.Api;
using Kumoi.Server.Platform.Webhooks;
using Kumoi.Server.Subscriptions;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Subscriptions;

public sealed class SubscriptionTests
{
    [Fact]
    public async Task Wrong_ones_are_refused_with_all_that_is_wrong()
    {
        await using var scene = await DeliveryScene.StartAsync();
        async Task<string[]> RulesAsync(TestClient client, object body) => [.. (await client.FailAsync(400, HttpMethod.Post, "/subscriptions", body)).Errors!.Select(e => $"{e.Field} {e.Rule}").Order(StringComparer.Ordinal)];
        Assert.Equal(["actions action-pattern", "content one-of", "exchange only-with-protocol", "name required", "password only-with-protocol", "scope one-of"],
            await RulesAsync(scene.Tenant, new { name = "", kind = "webhook", url = scene.Sink.Url, exchange = "x", password = "p", content = "records", actions = new[] { "Instance.%" }, scope = "domain" }));
        Assert.Contains("kind one-of", await RulesAsync(scene.Tenant, new { name = "a", kind = "fax", url = scene.Sink.Url }));
        Assert.Equal(["password required"], await RulesAsync(scene.Tenant, new { name = "a", kind = "amqp", url = "amqp://user@127.0.0.1/" }));
        foreach (var url in (string[])["amqp://127.0.0.1/", "amqp://user:secret@127.0.0.1/", "amqp://user@127.0.0.1/a/b", "amqp://user@127.0.0.1/?heartbeat=0", "https://user@127.0.0.1/"])
            Assert.Equal(["url amqp-url"], await RulesAsync(scene.Tenant, new { name = "a", kind = "amqp", url, password = "p" }));
        foreach (var exchange in (string[])["", "amq.topic", "a b", new string('x', 128)])
            Assert.Equal(["exchange exchange-name"], await RulesAsync(scene.Tenant, new { name = "a", kind = "amqp", url = "amqp://user@127.0.0.1/", password = "p", exchange }));
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Post, "/subscriptions", new { name = "a", kind = "amqp", url = "amqp://user@127.0.0.1/", password = "p" })).Code);
        await scene.SubscribeAsync("one");
        await scene.SubscribeAsync("two");
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/subscriptions", new { name = "one", kind = "webhook", url = scene.Sink.Url })).Code);
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/subscriptions/two", new { name = "one" })).Code);
    }

    [Fact]
    public async Task Its_life_is_in_the_log_and_no_secret_is_told_twice()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var made = await scene.SubscribeAsync();
        await scene.Tenant.PutAsync<Subscription>("/subscriptions/hook", new { name = "other", actions = new[] { "network.*" } });
        await scene.Tenant.PutAsync<Subscription>("/subscriptions/other", new { });
        Assert.Equal("disabled", (await scene.Tenant.PutAsync<Subscription>("/subscriptions/other", new { enabled = false })).State);
        Assert.Equal("active", (await scene.Tenant.PutAsync<Subscription>("/subscriptions/other", new { enabled = true })).State);
        await scene.Tenant.PostAsync<SubscriptionSecret>("/subscriptions/other/rotate-secret", new { keepFormerHours = 1 });
        Assert.Equal("between", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/subscriptions/other/rotate-secret", new { keepFormerHours = 169 })).Errors![0].Rule);
        foreach (var path in (string[])["/subscriptions", "/subscriptions/other", "/events"])
            Assert.DoesNotContain(made.Secret!["whsec_".Length..], await (await scene.Tenant.SendAsync(HttpMethod.Get, path)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using (var gone = await scene.Tenant.SendAsync(HttpMethod.Delete, "/subscriptions/other")) Assert.Equal(204, (int)gone.StatusCode);
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/subscriptions/other")).Code);
        Assert.Equal(["delete", "rotate-secret", "resume", "disable", "update", "create"], (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={made.Subscription.Id}")).Items.Select(e => e.Action["subscription.".Length..]));
    }

    [Fact]
    public async Task There_are_not_too_many_of_an_account_and_they_go_with_it()
    {
        await using var scene = await DeliveryScene.StartAsync();
        for (var i = 0; i < 20; i++) await scene.SubscribeAsync($"hook-{i}");
        Assert.Equal("too-many-subscriptions", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/subscriptions", new { name = "more", kind = "webhook", url = scene.Sink.Url })).Code);
        var admin = await scene.Cloud.LoginAsync();
        using var gone = await admin.SendAsync(HttpMethod.Delete, "/accounts/acme");
        Assert.Equal(204, (int)gone.StatusCode);
    }

    [Fact]
    public void A_try_that_failed_is_repeated_until_patience_ends()
    {
        var now = DateTimeOffset.UnixEpoch.AddYears(60);
        var failed = new Sent(false, 500, "why");
        Assert.Null(DeliveryPlan.EndsBecause(new Sent(true, 200, null), now.AddDays(-9), now));
        Assert.Null(DeliveryPlan.EndsBecause(failed, null, now));
        Assert.Null(DeliveryPlan.EndsBecause(failed, now - DeliveryPlan.Patience + TimeSpan.FromSeconds(1), now));
        Assert.Equal("It has failed for 3 days: why", DeliveryPlan.EndsBecause(failed, now - DeliveryPlan.Patience, now));
        Assert.Equal("The receiver wants no more: why", DeliveryPlan.EndsBecause(failed with { IsFinal = true }, null, now));
    }

    [Fact]
    public void Signatures_are_those_of_the_standard()
    {
        // The example of the standard's reference libraries.
        var secret = Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookSignature.Of([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""u8));
    }
}
