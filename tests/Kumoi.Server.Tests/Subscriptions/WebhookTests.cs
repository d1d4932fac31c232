using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform.Webhooks;
using Kumoi.Server.Subscriptions;
using Kumoi.Testing;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Kumoi.Server.Tests.Subscriptions;

/// <summary>Goal: a receiver is told of everything that it asked for, in order and signed, whatever happens to it. Method: a real web server that answers as a test likes.</summary>
public sealed class WebhookTests
{
    [Fact]
    public async Task What_happens_is_told_in_order_and_signed_and_confirmed()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var made = await scene.SubscribeAsync();
        Assert.StartsWith("whsec_", made.Secret, StringComparison.Ordinal);
        string[] names = [.. Enumerable.Range(0, 20).Select(i => $"n{i}")];
        await scene.MakeAsync(names);
        await scene.ToldAsync(names);
        Assert.Equal(names, scene.Told());
        Assert.All(scene.Sink.Requests, request => Assert.True(request.IsSignedWith(made.Secret!)));
        Assert.All(scene.Sink.Requests, request => Assert.StartsWith("msg_", request.Id, StringComparison.Ordinal));
        Assert.Equal(made.Subscription.Id, scene.Sink.Requests.First().Json.GetProperty("data").GetProperty("subscription").GetProperty("id").GetString());
        await Wait.UntilAsync(async () => (await scene.ShowAsync()).Delivered >= names.Length, what: "what was confirmed is counted");
        var shown = await scene.ShowAsync();
        Assert.Equal(("active", 0, null, true), (shown.State, shown.Failures, shown.LastError, shown.LastDeliveredAt is not null));
        // The event says the same as the log.
        var listed = (await scene.Tenant.GetAsync<Page<Event>>("/events?action=network.create&limit=1")).Items[0];
        Assert.Equal(listed.Id, scene.Sink.Events.Single(e => e.Resource.Name == names[^1]).Id);
    }

    [Fact]
    public async Task Only_actions_that_were_asked_for_and_only_of_the_account()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var stranger = await scene.Cloud.TenantAsync("stranger");
        await scene.SubscribeAsync("hook", "network.*", "*.delete");
        await stranger.PostAsync<Network>("/networks", new { name = "theirs" });
        await scene.Tenant.PostAsync<SecurityGroup>("/security-groups", new { name = "group" });
        await scene.MakeAsync("mine");
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/security-groups/group"))
        {
        }
        await scene.MakeAsync("last");
        await scene.ToldAsync("mine", "last");
        Assert.Equal(["network.create", "security-group.delete", "network.create"], scene.Sink.Events.Select(e => e.Action));
    }

    [Fact]
    public async Task An_operator_hears_of_all_accounts()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var admin = await scene.Cloud.LoginAsync();
        await admin.PostAsync<SubscriptionSecret>("/subscriptions", new { name = "all", kind = "webhook", url = scene.Sink.Url, scope = "cloud" });
        await scene.MakeAsync("mine");
        await scene.ToldAsync("mine");
        // Whoever is no operator neither makes such a one nor touches it.
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Post, "/subscriptions", new { name = "all", kind = "webhook", url = scene.Sink.Url, scope = "cloud" })).Code);
        await admin.PostAsync<User>("/users", new { name = "helper", password = "tenant-password", role = "reader" });
        var own = await admin.GetAsync<Account>("/accounts/operator");
        await admin.PutAsync<Membership>($"/members/helper", new { role = "member" });
        var member = await scene.Cloud.LoginAsync("helper", "tenant-password");
        Assert.Equal("all", Assert.Single((await member.GetAsync<Page<Subscription>>("/subscriptions")).Items).Name);
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[] { (HttpMethod.Put, "", new { enabled = false }), (HttpMethod.Delete, "", null), (HttpMethod.Post, "/test", null), (HttpMethod.Post, "/resume", new { }), (HttpMethod.Post, "/rotate-secret", new { }) })
            Assert.Equal("forbidden", (await member.FailAsync(403, method, "/subscriptions/all" + path, body)).Code);
        Assert.Equal(own.Id, (await admin.GetAsync<Subscription>("/subscriptions/all")).Account.Id);
    }

    [Fact]
    public async Task A_receiver_that_fails_is_asked_again_and_misses_nothing()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await scene.SubscribeAsync();
        var failures = 0;
        scene.Sink.Answer = async http =>
        {
            http.Response.StatusCode = Interlocked.Increment(ref failures) <= 2 ? 500 : 200;
            await http.Response.WriteAsync("out of\u0007 order " + new string('x', 5000));
        };
        await scene.MakeAsync("a");
        await scene.StateAsync("failing");
        var failing = await scene.ShowAsync();
        Assert.StartsWith("The receiver answered 500. out of  order xxx", failing.LastError, StringComparison.Ordinal);
        Assert.True(failing.LastError!.Length < 300, "only the beginning of an answer is kept");
        Assert.NotNull(failing.NextTryAt);
        await scene.MakeAsync("b");
        await scene.StateAsync("active");
        await scene.ToldAsync("a", "b");
        Assert.Null((await scene.ShowAsync()).LastError);
        // One that is the same has the same id; one that has more in it has another.
        Assert.Equal(scene.Sink.Requests.Select(r => string.Concat(r.Events.Select(e => e.Id))).Distinct().Count(), scene.Sink.Requests.Select(r => r.Id).Distinct().Count());
    }

    [Fact]
    public async Task Redirects_are_not_followed()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await using var elsewhere = await WebhookSink.StartAsync();
        await scene.SubscribeAsync();
        scene.Sink.Answer = http =>
        {
            http.Response.Redirect(elsewhere.Url, permanent: true, preserveMethod: true);
            return Task.CompletedTask;
        };
        await scene.MakeAsync("a");
        await scene.StateAsync("failing");
        Assert.Contains("Redirects are not followed", (await scene.ShowAsync()).LastError, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task Gone_disables_at_once_and_it_goes_on_from_where_it_stopped()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await scene.SubscribeAsync("hook", "network.create");
        scene.Sink.Answer = http =>
        {
            http.Response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await scene.MakeAsync("a");
        await scene.StateAsync("disabled");
        Assert.Contains("410", (await scene.ShowAsync()).Reason, StringComparison.Ordinal);
        var said = Assert.Single((await scene.Tenant.GetAsync<Page<Event>>("/events?action=subscription.disable")).Items);
        Assert.Equal(("system", "hook"), (said.Actor.Kind, said.Resource.Name));
        Assert.Contains("410", said.Message, StringComparison.Ordinal);
        await scene.MakeAsync("b");
        scene.Sink.Requests.Clear();
        scene.Sink.Answer = _ => Task.CompletedTask;
        var resumed = await scene.Tenant.PostAsync<Subscription>("/subscriptions/hook/resume", new { });
        Assert.Equal(("active", ""), (resumed.State, resumed.Reason));
        await scene.ToldAsync("a", "b");
        Assert.Equal(["a", "b"], scene.Told());
    }

    [Fact]
    public async Task After_three_days_of_failures_it_is_disabled()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await scene.SubscribeAsync();
        scene.Sink.Answer = http =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        await scene.MakeAsync("a");
        await scene.StateAsync("failing");
        await scene.ExecuteAsync("UPDATE subscriptions SET failing_since = failing_since - interval '3 days', next_try_at = now() - interval '1 second', holder = NULL, lease_until = NULL");
        await scene.StateAsync("disabled");
        Assert.StartsWith("It has failed for 3 days", (await scene.ShowAsync()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_goes_on_from_now_or_from_a_time()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await scene.SubscribeAsync("hook", "network.create");
        await scene.MakeAsync("a", "b");
        await scene.ToldAsync("a", "b");
        var second = scene.Sink.Events.Single(e => e.Resource.Name == "b").At;
        await scene.Tenant.PutAsync<Subscription>("/subscriptions/hook", new { enabled = false });
        await scene.MakeAsync("missed");
        await scene.Tenant.PostAsync<Subscription>("/subscriptions/hook/resume", new { from = "now" });
        await scene.MakeAsync("c");
        await scene.ToldAsync("c");
        Assert.DoesNotContain("missed", scene.Told());
        scene.Sink.Requests.Clear();
        await scene.Tenant.PostAsync<Subscription>("/subscriptions/hook/resume", new { from = second.ToString("O") });
        await scene.ToldAsync("b", "missed", "c");
        Assert.Equal("resume-from", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/subscriptions/hook/resume", new { from = "yesterday" })).Errors![0].Rule);
    }

    [Fact]
    public async Task A_new_secret_signs_with_the_former_one_for_a_while()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var first = (await scene.SubscribeAsync()).Secret!;
        var second = (await scene.Tenant.PostAsync<SubscriptionSecret>("/subscriptions/hook/rotate-secret", new { })).Secret!;
        Assert.NotNull((await scene.ShowAsync()).FormerSecretUntil);
        await scene.MakeAsync("a");
        await scene.ToldAsync("a");
        Assert.True(scene.Sink.Requests.Last().IsSignedWith(first) && scene.Sink.Requests.Last().IsSignedWith(second), "both secrets sign");
        await scene.ExecuteAsync("UPDATE subscriptions SET former_until = now() - interval '1 second'");
        await scene.MakeAsync("b");
        await scene.ToldAsync("b");
        Assert.True(scene.Sink.Requests.Last().IsSignedWith(second) && !scene.Sink.Requests.Last().IsSignedWith(first), "the former one's time is over");
        var third = (await scene.Tenant.PostAsync<SubscriptionSecret>("/subscriptions/hook/rotate-secret", new { keepFormerHours = 0 })).Secret!;
        await scene.MakeAsync("c");
        await scene.ToldAsync("c");
        Assert.True(scene.Sink.Requests.Last().IsSignedWith(third) && !scene.Sink.Requests.Last().IsSignedWith(second), "the former one is good no more");
    }

    [Fact]
    public async Task A_test_is_sent_now_and_tells_what_came_of_it()
    {
        await using var scene = await DeliveryScene.StartAsync();
        var made = await scene.SubscribeAsync();
        Assert.Equal(new SubscriptionTest(true, 204, null), await scene.Tenant.PostAsync<SubscriptionTest>("/subscriptions/hook/test"));
        var ping = scene.Sink.Requests.Single(r => r.Json.GetProperty("type").GetString() == "ping");
        Assert.True(ping.IsSignedWith(made.Secret!));
        scene.Sink.Answer = async http =>
        {
            http.Response.StatusCode = 401;
            await http.Response.WriteAsync("who are you");
        };
        Assert.Equal(new SubscriptionTest(false, 401, "The receiver answered 401. who are you"), await scene.Tenant.PostAsync<SubscriptionTest>("/subscriptions/hook/test"));
        await using (var tls = await WebhookSink.StartAsync(tls: true))
        {
            await scene.Tenant.PutAsync<Subscription>("/subscriptions/hook", new { url = tls.Url });
            Assert.Contains("certificate is not trusted", (await scene.Tenant.PostAsync<SubscriptionTest>("/subscriptions/hook/test")).Message, StringComparison.Ordinal);
            Assert.Empty(tls.Requests);
        }
        await scene.Tenant.PutAsync<Subscription>("/subscriptions/hook", new { url = $"http://127.0.0.1:{TestCloud.FreePort()}/" });
        Assert.StartsWith("The receiver could not be reached", (await scene.Tenant.PostAsync<SubscriptionTest>("/subscriptions/hook/test")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_hangs_holds_up_no_other()
    {
        await using var scene = await DeliveryScene.StartAsync();
        await using var hung = await WebhookSink.StartAsync();
        var release = new TaskCompletionSource();
        hung.Answer = _ => release.Task;
        for (var i = 0; i < 10; i++) await scene.Tenant.PostAsync<SubscriptionSecret>("/subscriptions", new { name = $"hung-{i}", kind = "webhook", url = hung.Url });
        await scene.SubscribeAsync();
        await scene.MakeAsync("a");
        await Wait.UntilAsync(() => Task.FromResult(hung.Requests.Count >= 10), what: "those that hang have their requests");
        await scene.MakeAsync("b");
        await scene.ToldAsync("a", "b");
        release.SetResult();
    }

    [Fact]
    public async Task The_inside_of_the_cloud_gets_no_requests()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        await using var sink = await WebhookSink.StartAsync(tls: true);
        Task<Problem> Refused(string url) => tenant.FailAsync(400, HttpMethod.Post, "/subscriptions", new { name = "hook", kind = "webhook", url });
        foreach (var url in (string[])["https://127.0.0.1/", "https://0x7f.1/", "https://2130706433/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "https://10.0.0.1/", "https://192.168.1.1/", "https://198.19.0.1/", "https://[fd00::1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/"])
            Assert.Equal("webhook-address", (await Refused(url)).Errors!.Single().Rule);
        foreach (var url in (string[])["http://example.org/", "https://user:secret@example.org/", "https://example.org/#a", "ftp://example.org/", "hook", "https://", "https://exa mple.org/"])
            Assert.Equal("webhook-url", (await Refused(url)).Errors!.Single().Rule);
        // A name is looked at when it is connected to.
        await tenant.PostAsync<SubscriptionSecret>("/subscriptions", new { name = "hook", kind = "webhook", url = $"https://localhost:{new Uri(sink.Url).Port}/" });
        var tried = await tenant.PostAsync<SubscriptionTest>("/subscriptions/hook/test");
        Assert.Equal((false, "The address is not one that webhooks may be sent to."), (tried.Delivered, tried.Message));
        Assert.Empty(sink.Requests);
    }

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("198.51.100.7", false)]
    [InlineData("203.0.113.1", true)]
    [InlineData("198.18.0.1", false)]
    [InlineData("10.7.0.1", true)]
    [InlineData("10.8.0.1", false)]
    [InlineData("::ffff:10.7.0.1", true)]
    public async Task Ranges_of_the_cloud_are_closed_and_those_that_are_allowed_are_open(string address, bool open)
    {
        await using var cloud = await TestCloud.StartAsync();
        Assert.Equal(open, new WebhookGate(cloud.Options with { FloatingRange = "198.51.100.0/24", WebhookAllow = ["10.7.0.0/16"] }).IsOpen(IPAddress.Parse(address)));
    }
}
