using System.Net;
using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Http;

public sealed class RequestTests
{
    [Fact]
    public async Task Every_broken_rule_is_named_at_once_in_the_callers_language()
    {
        await using var scene = await Scene.StartAsync();
        var problem = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = " x", flavour = "small", image = 5, count = 0 });
        Assert.Equal(["flavor required", "flavour unknown-field", "image wrong-type"], problem.Errors!.Select(e => $"{e.Field} {e.Rule}").Order());
        problem = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = " x", flavor = "small", image = "tiny", count = 0, userData = new string('x', 65537) });
        Assert.Equal(["count between", "name name-characters", "userData too-many-bytes"], problem.Errors!.Select(e => $"{e.Field} {e.Rule}").Order());
        problem = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "x", flavor = "no", image = "no", keyPair = "no", network = "no", zone = "no", securityGroups = new[] { "default", "no" } }, ("Accept-Language", "ja-JP, en;q=0.5"));
        Assert.Equal(["flavor", "image", "keyPair", "network", "securityGroups[1]", "zone"], problem.Errors!.Select(e => e.Field).Order());
        Assert.Equal("フレーバー no は存在しません", problem.Errors!.Single(e => e.Field == "flavor").Message);
        Assert.Equal("リクエストに誤りがあります。", problem.Title);
    }

    [Theory]
    [InlineData("{", 400, "not-json")]
    [InlineData("[]", 400, "invalid-request")]
    [InlineData("{\"name\":\"a\",\"name\":\"b\"}", 400, "not-json")]
    [InlineData("{\"name\":\"a\\u0000b\"}", 400, "invalid-request")]
    [InlineData("{\"name\":\"\\ud800\"}", 400, "invalid-request")]
    [InlineData("{\"name\":\"net-19a3f2b4c5d6e7f80\"}", 400, "invalid-request")]
    public async Task Broken_bodies_get_a_clear_answer(string body, int status, string code)
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var problem = await tenant.FailAsync(status, HttpMethod.Post, "/networks", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(code, problem.Code);
    }

    [Fact]
    public async Task Null_is_no_value_of_a_field_that_is_required()
    {
        await using var cloud = await TestCloud.StartAsync();
        var problem = await (await cloud.LoginAsync()).FailAsync(400, HttpMethod.Post, "/zones", new StringContent("{\"name\":null}", Encoding.UTF8, "application/json"));
        Assert.Equal(("name", "required"), (Assert.Single(problem.Errors!).Field, problem.Errors![0].Rule));
    }

    [Theory]
    [InlineData("{\"securityGroups\":[null]}", "securityGroups[0] required")]
    [InlineData("{\"securityGroups\":[\"a\\u0000\"]}", "securityGroups[0] no-nul")]
    [InlineData("{\"securityGroups\":[\"\\ud800\"]}", "securityGroups[0] wrong-type")]
    public async Task Entries_that_are_none_and_texts_that_cannot_be_kept_are_named(string body, string broken)
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web");
        var problem = await scene.Tenant.FailAsync(400, HttpMethod.Put, "/instances/web/security-groups", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal([broken], problem.Errors!.Select(e => $"{e.Field} {e.Rule}"));
    }

    [Fact]
    public async Task Other_content_types_bodies_too_large_and_unknown_paths_are_problems_too()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        Assert.Equal("json-required", (await tenant.FailAsync(415, HttpMethod.Post, "/networks", new StringContent("name=a"))).Code);
        Assert.Equal("body-too-large", (await tenant.FailAsync(413, HttpMethod.Post, "/networks", new StringContent(new string(' ', 600_000), Encoding.UTF8, "application/json"))).Code);
        Assert.Equal("no-such-route", (await tenant.FailAsync(404, HttpMethod.Get, "/nothing")).Code);
        Assert.Equal("no-such-method", (await tenant.FailAsync(405, HttpMethod.Patch, "/networks")).Code);
        Assert.Equal("invalid-request", (await tenant.FailAsync(400, HttpMethod.Get, "/instances?name=%00")).Code);
    }

    [Fact]
    public async Task A_repeat_with_the_same_key_gets_the_first_answer_and_makes_nothing()
    {
        await using var scene = await Scene.StartAsync();
        var body = new { name = "web", flavor = "tiny", image = "tiny", count = 2 };
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var response = await scene.Tenant.SendAsync(HttpMethod.Post, "/instances", body, ("Idempotency-Key", "once"));
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            return await response.Content.ReadAsStringAsync();
        }));
        var ids = answers.Select(a => string.Join(",", JsonDocument.Parse(a).RootElement.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()))).Distinct().ToList();
        Assert.Single(ids);
        Assert.Equal(2, (await scene.Tenant.GetAsync<Page<Instance>>("/instances")).Items.Count);
        var events = await scene.Tenant.GetAsync<Page<Event>>("/events?action=instance.launch");
        Assert.Equal(2, events.Items.Count);
        Assert.Equal("idempotency-key-reused", (await scene.Tenant.FailAsync(422, HttpMethod.Post, "/instances", body with { name = "other" }, ("Idempotency-Key", "once"))).Code);
        // A failed create leaves its key free.
        await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", body with { image = "no" }, ("Idempotency-Key", "twice"));
        using var second = await scene.Tenant.SendAsync(HttpMethod.Post, "/instances", body with { name = "second" }, ("Idempotency-Key", "twice"));
        Assert.Equal(HttpStatusCode.Created, second.StatusCode);
    }

    [Fact]
    public async Task Pages_follow_each_other_without_gap_or_repeat()
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        for (var i = 0; i < 25; i++) await tenant.PostAsync<KeyPairCreated>("/key-pairs", new { name = $"k{i}", publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me" });
        var seen = new List<string>();
        for (string? cursor = null, first = "x"; first is not null;)
        {
            var page = await tenant.GetAsync<Page<KeyPair>>("/key-pairs?limit=10" + (cursor is null ? "" : "&cursor=" + cursor));
            seen.AddRange(page.Items.Select(k => k.Name));
            first = cursor = page.Next;
        }
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"k{i}").Order(), seen.Order());
        Assert.Equal("cursor", (await tenant.FailAsync(400, HttpMethod.Get, "/key-pairs?cursor=abc")).Errors![0].Field);
        Assert.Equal("limit", (await tenant.FailAsync(400, HttpMethod.Get, "/key-pairs?limit=1001")).Errors![0].Field);
    }

    [Theory]
    [InlineData("東京リージョンの網")]
    [InlineData("emoji 🌥️👩‍💻 net")]
    [InlineData("Ünïcode")]
    public async Task Names_of_any_script_come_back_as_they_went_in(string name)
    {
        await using var cloud = await TestCloud.StartAsync();
        var tenant = await cloud.TenantAsync("acme");
        var made = await tenant.PostAsync<Network>("/networks", new { name, subnets = new[] { new { cidr = "10.9.0.0/24" } } });
        Assert.Equal(name.Normalize(), (await tenant.GetAsync<Network>("/networks/" + Uri.EscapeDataString(name))).Name);
        Assert.Equal("name-taken", (await tenant.FailAsync(409, HttpMethod.Post, "/networks", new { name = name.Normalize(NormalizationForm.FormD) })).Code);
        using var raw = await tenant.SendAsync(HttpMethod.Get, "/networks/" + made.Id);
        using var document = JsonDocument.Parse(await raw.Content.ReadAsStringAsync());
        Assert.Equal(name.Normalize(), document.RootElement.GetProperty("name").GetString());
    }
}
