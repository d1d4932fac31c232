using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Mail;
using Kumoi.Server.Tests.Subscriptions;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Alerts;

/// <summary>Goal: programs are told of alerts as people are: few messages, each signed, none lost, and what comes twice known for one. Method: a real web server that answers as a test likes, and times of the test's own.</summary>
public sealed class WebhookContactTests
{
    private static async Task<DeliveryScene> SceneAsync()
    {
        var scene = await DeliveryScene.StartAsync();
        await scene.Cloud.LeadAlertsAsync();
        return scene;
    }

    private static async Task<(Contact Contact, string Secret)> VerifiedAsync(DeliveryScene scene)
    {
        var made = await scene.Tenant.PostAsync<Contact>("/contacts", new { name = "hook", kind = "webhook", address = scene.Sink.Url, language = "ja", intervalMinutes = 1 });
        await Wait.UntilAsync(() => Task.FromResult(!scene.Sink.Requests.IsEmpty), what: "the code has come");
        await scene.Tenant.PostAsync<Contact>("/contacts/hook/verify", new { code = scene.Sink.Requests.Last().Json.GetProperty("data").GetProperty("code").GetString() });
        scene.Sink.Requests.Clear();
        return (made, made.Secret!);
    }

    private static async Task RaiseAsync(DeliveryScene scene) => await (await scene.Cloud.LoginAsync()).PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["networks"] = 1 } });

    private static JsonElement Only(JsonElement message, string list) => Assert.Single(message.GetProperty("data").GetProperty(list).EnumerateArray());

    [Fact]
    public async Task A_webhook_gives_its_code_and_is_then_told_in_words_and_for_programs()
    {
        await using var scene = await SceneAsync();
        var made = await scene.Tenant.PostAsync<Contact>("/contacts", new { name = "hook", kind = "webhook", address = scene.Sink.Url, language = "ja" });
        Assert.Equal(("webhook", "pending", true), (made.Kind, made.State, made.Secret!.StartsWith("whsec_", StringComparison.Ordinal)));
        Assert.Null((await scene.Tenant.GetAsync<Contact>("/contacts/hook")).Secret);
        await Wait.UntilAsync(() => Task.FromResult(!scene.Sink.Requests.IsEmpty), what: "the code has come");
        await RaiseAsync(scene);
        var now = DateTimeOffset.UtcNow;
        await scene.Cloud.LookAsync(now);
        await scene.Cloud.LookAsync(now.AddMinutes(1));
        var code = Assert.Single(scene.Sink.Requests);
        Assert.True(code.IsSignedWith(made.Secret));
        Assert.Equal(("code", "hook", "acme"), (code.Json.GetProperty("type").GetString(), code.Json.GetProperty("data").GetProperty("contact").GetProperty("name").GetString(), code.Json.GetProperty("data").GetProperty("account").GetProperty("name").GetString()));
        Assert.Equal(code.Json.GetProperty("data").GetProperty("code").GetString(), AlertScene.CodeIn(code.Json.GetProperty("text").GetString()!));
        await scene.Tenant.PostAsync<Contact>("/contacts/hook/verify", new { code = code.Json.GetProperty("data").GetProperty("code").GetString() });

        await scene.Cloud.LookAsync(now.AddMinutes(2));
        var told = Assert.Single(scene.Sink.Requests.Skip(1));
        Assert.True(told.IsSignedWith(made.Secret));
        Assert.NotEqual(code.Id, told.Id);
        Assert.Equal(("alerts", 1), (told.Json.GetProperty("type").GetString(), told.Json.GetProperty("data").GetProperty("counts").GetProperty("fresh").GetInt32()));
        var alert = Only(told.Json, "fresh");
        Assert.Equal(("quota.near", "warning", "open"), (alert.GetProperty("kind").GetString(), alert.GetProperty("severity").GetString(), alert.GetProperty("state").GetString()));
        Assert.Equal((await scene.Tenant.GetAsync<Page<Alert>>("/alerts")).Items[0].Id, alert.GetProperty("id").GetString());
        Assert.Contains(alert.GetProperty("message").GetString()!, told.Json.GetProperty("text").GetString()!, StringComparison.Ordinal);
        Assert.Contains("警告", told.Json.GetProperty("text").GetString()!, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Array, told.Json.GetProperty("data").GetProperty("over").ValueKind);
        // Once is enough; and it hears of the end.
        for (var minutes = 3; minutes < 30; minutes += 3) await scene.Cloud.LookAsync(now.AddMinutes(minutes));
        Assert.Equal(2, scene.Sink.Requests.Count);
        await (await scene.Cloud.LoginAsync()).PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["networks"] = null } });
        for (var minutes = 30; minutes < 60; minutes += 3) await scene.Cloud.LookAsync(now.AddMinutes(minutes));
        Assert.Equal(3, scene.Sink.Requests.Count);
        Assert.Equal(alert.GetProperty("id").GetString(), Only(scene.Sink.Requests.Last().Json, "over").GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_message_that_is_not_taken_comes_again_as_the_same_one()
    {
        await using var scene = await SceneAsync();
        var (_, secret) = await VerifiedAsync(scene);
        scene.Sink.Answer = http =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        };
        await RaiseAsync(scene);
        var now = DateTimeOffset.UtcNow;
        await scene.Cloud.LookAsync(now.AddMinutes(1));
        await scene.Cloud.LookAsync(now.AddMinutes(2));
        Assert.Contains("503", (await scene.Tenant.GetAsync<Contact>("/contacts/hook")).LastError!, StringComparison.Ordinal);
        scene.Sink.Answer = _ => Task.CompletedTask;
        for (var minutes = 3; minutes < 70; minutes += 3) await scene.Cloud.LookAsync(now.AddMinutes(minutes));
        Assert.True(scene.Sink.Requests.Count > 1);
        Assert.All(scene.Sink.Requests, request => Assert.True(request.IsSignedWith(secret)));
        Assert.Single(scene.Sink.Requests.Select(request => (request.Id, Convert.ToBase64String(request.Body))).Distinct());
        Assert.Null((await scene.Tenant.GetAsync<Contact>("/contacts/hook")).LastError);
    }

    [Fact]
    public async Task What_a_killed_server_had_taken_waits_less_than_a_minute_and_is_sent_by_another()
    {
        await using var scene = await SceneAsync();
        await VerifiedAsync(scene);
        var gate = new TaskCompletionSource();
        scene.Sink.Answer = http => gate.Task.WaitAsync(http.RequestAborted);
        await RaiseAsync(scene);
        var now = DateTimeOffset.UtcNow;
        await scene.Cloud.LookAsync(now.AddMinutes(1));
        var look = scene.Cloud.LookAsync(now.AddMinutes(2));
        await Wait.UntilAsync(() => Task.FromResult(!scene.Sink.Requests.IsEmpty), what: "it is on its way");
        // Nobody else sends it meanwhile, and nobody would for longer if the sender were killed now.
        var database = scene.Cloud.Database();
        var mails = scene.Cloud.Services.GetRequiredService<MailStore>();
        Assert.Empty(await mails.TakeAsync(NewMail.Webhook, 20, TimeSpan.FromMinutes(1), now.AddMinutes(2), default));
        Assert.True(await database.FindAsync("SELECT taken_until < clock_timestamp() + interval '1 minute' FROM mails WHERE sent_at IS NULL", row => row.GetBoolean(0), default));
        await database.ExecuteAsync("UPDATE mails SET taken_until = clock_timestamp() WHERE sent_at IS NULL", default);
        var again = Assert.Single(await mails.TakeAsync(NewMail.Webhook, 20, TimeSpan.FromMinutes(1), now.AddMinutes(2), default));
        Assert.Equal((Assert.Single(scene.Sink.Requests).Id, 2), (again.Id, again.Attempts));
        gate.SetResult();
        await look;
    }

    [Fact]
    public async Task A_new_secret_signs_at_once_and_the_former_one_besides_for_as_long_as_was_asked()
    {
        await using var scene = await SceneAsync();
        var (_, first) = await VerifiedAsync(scene);
        var second = (await scene.Tenant.PostAsync<Contact>("/contacts/hook/rotate-secret", new { })).Secret!;
        Assert.Null((await scene.Tenant.GetAsync<Contact>("/contacts/hook")).Secret);
        await RaiseAsync(scene);
        var now = DateTimeOffset.UtcNow;
        for (var minutes = 1; minutes < 4; minutes++) await scene.Cloud.LookAsync(now.AddMinutes(minutes));
        var told = Assert.Single(scene.Sink.Requests);
        Assert.True(told.IsSignedWith(first) && told.IsSignedWith(second));
        var third = (await scene.Tenant.PostAsync<Contact>("/contacts/hook/rotate-secret", new { keepFormerHours = 0 })).Secret!;
        await (await scene.Cloud.LoginAsync()).PutAsync<Page<Quota>>("/accounts/acme/quotas", new { limits = new Dictionary<string, long?> { ["networks"] = null } });
        for (var minutes = 4; minutes < 30; minutes += 3) await scene.Cloud.LookAsync(now.AddMinutes(minutes));
        var over = scene.Sink.Requests.Last();
        Assert.Equal((2, true, false, false), (scene.Sink.Requests.Count, over.IsSignedWith(third), over.IsSignedWith(second), over.IsSignedWith(first)));
        Assert.Equal(2, (await scene.Tenant.GetAsync<Page<Event>>("/events?action=contact.rotate-secret")).Items.Count);
        Assert.Equal("keepFormerHours", Assert.Single((await scene.Tenant.FailAsync(400, HttpMethod.Post, "/contacts/hook/rotate-secret", new { keepFormerHours = 169 })).Errors!).Field);
    }

    [Fact]
    public async Task Who_wants_no_more_is_left_in_peace()
    {
        await using var scene = await SceneAsync();
        await VerifiedAsync(scene);
        scene.Sink.Answer = http =>
        {
            http.Response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await RaiseAsync(scene);
        var now = DateTimeOffset.UtcNow;
        for (var minutes = 1; minutes < 120; minutes += 3) await scene.Cloud.LookAsync(now.AddMinutes(minutes));
        Assert.Equal((3, "refused"), (scene.Sink.Requests.Count, (await scene.Tenant.GetAsync<Contact>("/contacts/hook")).State));
        Assert.Single((await scene.Tenant.GetAsync<Page<Event>>("/events?action=contact.refuse")).Items);
    }

    [Fact]
    public async Task Only_where_webhooks_may_go_and_needs_no_mail_server()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        foreach (var (address, rule) in new[] { ("http://example.net/", "webhook-url"), ("ops@example.net", "webhook-url"), ("https://user@example.net/", "webhook-url"), ("https://127.0.0.1/", "webhook-address"), ("https://169.254.169.254/latest", "webhook-address"), ("https://[::1]/", "webhook-address") })
        {
            var error = Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, "/contacts", new { name = "hook", kind = "webhook", address })).Errors!);
            Assert.Equal(("address", rule), (error.Field, error.Rule));
        }
        Assert.Equal("kind", Assert.Single((await tenant.FailAsync(400, HttpMethod.Post, "/contacts", new { name = "hook", kind = "pager", address = "1" })).Errors!).Field);
        var secret = (await tenant.PostAsync<Contact>("/contacts", new { name = "hook", kind = "webhook", address = "https://hooks.example.invalid/token" })).Secret!;
        var bytes = Convert.FromBase64String(secret["whsec_".Length..]);
        Assert.False(await cloud.Database().FindAsync("SELECT position($1 IN sealed_secret) > 0 FROM contacts", row => row.GetBoolean(0), default, bytes));
    }
}
