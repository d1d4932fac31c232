using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Kumoi.Server.Tests.LoadBalancers.LoadBalancerTests;

namespace Kumoi.Server.Tests.LoadBalancers;

/// <summary>What of load balancers nobody may see or have but those whose they are.</summary>
public sealed class LoadBalancerOwnershipTests
{
    [Fact]
    public async Task A_key_is_told_to_hosts_only_and_kept_encrypted()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        var good = Certificates.Good;
        using var response = await scene.Tenant.SendAsync(HttpMethod.Post, "/load-balancers",
            new { name = "lb1", listeners = new[] { new { protocol = "https", port = 443, certificate = good.Chain, privateKey = good.Key } }, members = new[] { new { instance = "a", port = 80 } } }, ("Idempotency-Key", "once"));
        var answer = await response.Content.ReadAsStringAsync();
        Assert.Equal(201, (int)response.StatusCode);
        var made = JsonSerializer.Deserialize(answer, ApiJson.Default.LoadBalancer)!;
        Assert.Equal(("CN=lb.example", "lb.example"), (made.Listeners[0].Certificate!.Subject, made.Listeners[0].Certificate!.Names[0]));
        var desired = (await ToldAsync(scene.Host)).Listeners[0];
        Assert.Equal(good.Chain.Trim(), desired.Certificate!.Trim());
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportFromPem(desired.Key);
        using var own = System.Security.Cryptography.ECDsa.Create();
        own.ImportFromPem(good.Key);
        Assert.Equal(own.ExportSubjectPublicKeyInfo(), key.ExportSubjectPublicKeyInfo());

        var secret = string.Concat(desired.Key!.Split('\n').Where(line => !line.StartsWith("-----", StringComparison.Ordinal)));
        Assert.DoesNotContain("PRIVATE", answer, StringComparison.Ordinal);
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        var row = Assert.Single(await database.QueryAsync("SELECT encrypted_key, certificate FROM load_balancer_listeners", r => (Key: r.GetFieldValue<byte[]>(0), Chain: r.GetString(1)), default));
        Assert.Equal(-1, row.Key.AsSpan().IndexOf(Convert.FromBase64String(secret).AsSpan()[^32..]));
        Assert.DoesNotContain("PRIVATE", row.Chain, StringComparison.Ordinal);
        foreach (var table in (string[])["events", "idempotency_keys", "load_balancer_listeners"])
            Assert.Equal(0, await database.FindAsync($"SELECT count(*)::int FROM {table} t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, 'PRIVATE KEY') > 0", r => r.GetInt32(0), default, secret[..40]));
        // Moved to another listener it cannot be read, and the rest of the document is as it was.
        var other = await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/lb1/listeners", new { protocol = "tls", port = 444, certificate = good.Chain, privateKey = good.Key });
        await database.ExecuteAsync("UPDATE load_balancer_listeners SET encrypted_key = (SELECT encrypted_key FROM load_balancer_listeners WHERE port = 443) WHERE id = $1", default, other.Id);
        Assert.Equal([443], (await ToldAsync(scene.Host)).Listeners.Select(listener => listener.Port));
        // A new one takes its place, and goes when TLS does.
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/lb1/listeners/444", new { certificate = good.Chain, privateKey = good.Key });
        Assert.Equal([443, 444], (await ToldAsync(scene.Host)).Listeners.Select(listener => listener.Port));
        Assert.Null((await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/lb1/listeners/444", new { protocol = "tcp" })).Certificate);
        Assert.Equal("required", (await scene.Tenant.FailAsync(400, HttpMethod.Put, "/load-balancers/lb1/listeners/444", new { protocol = "tls" })).Errors![0].Rule);
    }

    [Fact]
    public async Task Repeating_a_create_with_its_key_makes_one()
    {
        await using var scene = await Scene.StartAsync();
        async Task<string> CreateAsync()
        {
            using var response = await scene.Tenant.SendAsync(HttpMethod.Post, "/load-balancers", new { name = "lb1", network = "default", listeners = new[] { new { port = 80 } } }, ("Idempotency-Key", "k"));
            return JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(), ApiJson.Default.LoadBalancer)!.Id;
        }
        Assert.Equal(await CreateAsync(), await CreateAsync());
        Assert.Single((await scene.Tenant.GetAsync<Page<LoadBalancer>>("/load-balancers")).Items);
    }

    [Fact]
    public async Task The_end_of_an_account_ends_its_load_balancers()
    {
        await using var scene = await Scene.StartAsync();
        var made = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "default", listeners = new[] { new { port = 80 } } });
        using var gone = await scene.Admin.SendAsync(HttpMethod.Delete, "/accounts/acme");
        Assert.Equal(204, (int)gone.StatusCode);
        Assert.Equal(0, await scene.Cloud.Services.GetRequiredService<Database>().FindAsync("SELECT count(*)::int FROM load_balancers WHERE id = $1", r => r.GetInt32(0), default, made.Id));
    }

    [Fact]
    public async Task Another_accounts_networks_guests_and_load_balancers_are_nobodys()
    {
        await using var scene = await Scene.StartAsync();
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var a = await LaunchAsync(scene.Tenant, "a", "default");
        var made = await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "a" } } });
        var own = await stranger.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "default", listeners = new[] { new { port = 80 } } });
        Assert.Equal(own.Id, (await stranger.GetAsync<LoadBalancer>("/load-balancers/lb1")).Id);
        Assert.Equal("no-such", (await stranger.FailAsync(400, HttpMethod.Post, "/load-balancers", new { name = "x", network = made.Network.Id })).Errors![0].Rule);
        foreach (var member in new object[] { new { instance = a.Id }, new { @interface = a.Interfaces[0].Id } })
            Assert.Equal("no-such", (await stranger.FailAsync(400, HttpMethod.Post, "/load-balancers/lb1/members", member)).Errors![0].Rule);
        var address = await stranger.PostAsync<FloatingAddress>("/floating-addresses", new { });
        Assert.Equal("no-such", (await stranger.FailAsync(400, HttpMethod.Post, $"/floating-addresses/{address.Id}/associate", new { loadBalancer = made.Id })).Errors![0].Rule);
        // Nor by a listener or member of another one's.
        await stranger.FailAsync(404, HttpMethod.Put, $"/load-balancers/lb1/listeners/{made.Listeners[0].Id}", new { port = 81 });
        await stranger.FailAsync(404, HttpMethod.Put, $"/load-balancers/lb1/members/{made.Listeners[0].Members[0].Id}", new { weight = 0 });
        await stranger.FailAsync(404, HttpMethod.Delete, $"/load-balancers/lb1/members/a");
        await stranger.FailAsync(404, HttpMethod.Get, $"/explain/{made.Id}");
        Assert.Equal(1, (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners[0].Members[0].Weight);
    }

    [Fact]
    public async Task What_two_take_at_once_one_gets()
    {
        await using var scene = await Scene.StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            using var response = await scene.Tenant.SendAsync(HttpMethod.Post, "/load-balancers", new { name = $"lb{i}", network = "default", address = "10.0.0.99", listeners = new[] { new { port = 80 } } });
            return (int)response.StatusCode;
        }));
        Assert.Single(answers, 201);
        Assert.All(answers.Where(status => status != 201), status => Assert.Equal(400, status));
    }
}
