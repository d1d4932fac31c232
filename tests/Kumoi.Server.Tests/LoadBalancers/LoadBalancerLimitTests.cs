using Kumoi.Api;
using Kumoi.Server.LoadBalancers;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Kumoi.Server.Tests.LoadBalancers.LoadBalancerTests;

namespace Kumoi.Server.Tests.LoadBalancers;

/// <summary>What load balancers may cost the hosts of their network, and what they may not take from others.</summary>
public sealed class LoadBalancerLimitTests
{
    [Fact]
    public async Task A_udp_port_of_a_public_address_is_a_listeners_or_a_vpn_gateways()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 5000, protocol = "udp" }, new { port = 443, protocol = "tcp" } }, members = new[] { new { instance = "a" } } });
        var address = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        var vpn = new { name = "v", network = "default", address = address.Address, port = 5000 };
        async Task RefusedAsync(string code, HttpMethod method, string path, object body) => Assert.Equal(code, (await scene.Tenant.FailAsync(409, method, path, body)).Code);
        // The gateway first.
        await scene.Tenant.PostAsync<Vpn>("/vpns", vpn);
        var associate = $"/floating-addresses/{address.Id}/associate";
        await RefusedAsync("port-of-vpn", HttpMethod.Post, associate, new { loadBalancer = "lb1" });
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/lb1/listeners/udp:5000", new { port = 5001 });
        await scene.Tenant.PostAsync<FloatingAddress>(associate, new { loadBalancer = "lb1" });
        await RefusedAsync("port-of-vpn", HttpMethod.Put, "/load-balancers/lb1/listeners/udp:5001", new { port = 5000 });
        await RefusedAsync("port-of-vpn", HttpMethod.Post, "/load-balancers/lb1/listeners", new { port = 5000, protocol = "udp" });
        Assert.Equal([443, 5001], (await scene.Tenant.GetAsync<LoadBalancer>("/load-balancers/lb1")).Listeners.Select(listener => listener.Port));
        await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/lb1/listeners", new { port = 5000, protocol = "tcp" });
        // The listener first.
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/vpns/v")) { }
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/lb1/listeners/udp:5001", new { port = 5002 });
        await RefusedAsync("port-of-balancer", HttpMethod.Post, "/vpns", new { name = "v", network = "default", address = address.Address, port = 5002 });
        await scene.Tenant.PostAsync<Vpn>("/vpns", vpn);
    }

    [Fact]
    public async Task Hosts_bear_only_so_much_of_a_networks_load_balancers()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        object[] Members(int count, int first = 1) => [.. Enumerable.Range(first, count).Select(port => new { instance = "a", port })];
        object Listener(int port, object[] members, int interval = 300) => new { port, members, healthCheck = new { intervalSeconds = interval } };
        async Task RefusedAsync(string field, string rule, HttpMethod method, string path, object body)
        {
            var problem = await scene.Tenant.FailAsync(400, method, path, body);
            Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
        }
        // 500 questions in a second.
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "fast", network = "default", listeners = Enumerable.Range(1, 5).Select(port => Listener(port, Members(100), 1)) });
        await RefusedAsync("healthCheck.intervalSeconds", "network-checks-at-most", HttpMethod.Post, "/load-balancers/fast/listeners", Listener(6, Members(1)));
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/fast/listeners/1", new { healthCheck = new { intervalSeconds = 300 } });
        await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/fast/listeners", Listener(6, Members(100), 2));
        await RefusedAsync("healthCheck.intervalSeconds", "network-checks-at-most", HttpMethod.Put, "/load-balancers/fast/listeners/6", new { healthCheck = new { intervalSeconds = 1 } });
        await RefusedAsync("listeners", "network-checks-at-most", HttpMethod.Post, "/load-balancers", new { name = "x", network = "default", listeners = new[] { Listener(1, Members(100), 1) } });
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/fast/listeners/6", new { healthCheck = new { protocol = "none" } });
        // 2,000 members.
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "large", network = "default", listeners = Enumerable.Range(1, 14).Select(port => Listener(port, Members(port == 14 ? 99 : 100))) });
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers/large/members", new { instance = "a", port = 1000, listener = "14" });
        await RefusedAsync("members", "network-members-at-most", HttpMethod.Post, "/load-balancers/large/listeners", Listener(15, Members(1)));
        await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/large/listeners", Listener(15, []));
        await RefusedAsync("listener", "network-members-at-most", HttpMethod.Post, "/load-balancers/large/members", new { instance = "a", port = 1000, listener = "15" });
        // What is too much already may be changed, and not grow.
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE load_balancer_listeners SET health_interval_seconds = 1, health_timeout_seconds = 1 WHERE port < 15", default);
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/large/listeners/1", new { idleSeconds = 60 });
        await RefusedAsync("healthCheck.intervalSeconds", "network-checks-at-most", HttpMethod.Put, "/load-balancers/fast/listeners/6", new { healthCheck = new { protocol = "tcp" } });
    }

    [Fact]
    public async Task Hosts_bear_only_so_many_certificates_of_a_network()
    {
        await using var scene = await Scene.StartAsync();
        var good = Certificates.Good;
        var long_ = string.Concat(Enumerable.Repeat(good.Chain.Trim() + "\n", 10));
        object Listener(int port) => new { protocol = "tls", port, certificate = long_, privateKey = good.Key };
        await scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", network = "default", listeners = new[] { Listener(443) } });
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        var size = await database.FindAsync("SELECT octet_length(certificate) + octet_length(encrypted_key) FROM load_balancer_listeners", row => row.GetInt32(0), default);
        await database.ExecuteAsync("UPDATE load_balancer_listeners SET certificate = certificate || repeat(' ', $1)", default, LoadBalancerRules.NetworkCertificatesMax - size - (size / 2));
        var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/load-balancers/lb1/listeners", Listener(444));
        Assert.Equal(("certificate", "network-certificates-at-most"), (refused.Errors![0].Field, refused.Errors[0].Rule));
        await scene.Tenant.PutAsync<LoadBalancerListener>("/load-balancers/lb1/listeners/443", new { certificate = long_, privateKey = good.Key });
        await scene.Tenant.PostAsync<LoadBalancerListener>("/load-balancers/lb1/listeners", Listener(444));
    }

    [Fact]
    public async Task A_load_balancer_waits_for_hosts_without_holding_its_members()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        var made = Task.FromResult<LoadBalancer>(null!);
        await database.TransactionAsync<Kumoi.Server.Platform.Done>(async transaction =>
        {
            await transaction.QueryAsync("SELECT id FROM hosts FOR NO KEY UPDATE", row => row.GetString(0), default);
            made = scene.Tenant.PostAsync<LoadBalancer>("/load-balancers", new { name = "lb1", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "a" } } });
            await Wait.UntilAsync(async () => await database.FindAsync("SELECT count(*)::int FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%hosts%'", row => row.GetInt32(0), default) == 1);
            Assert.Single(await transaction.QueryAsync("SELECT id FROM interfaces FOR NO KEY UPDATE NOWAIT", row => row.GetString(0), default));
            return new Kumoi.Server.Platform.Done();
        }, default);
        Assert.Single((await made).Listeners[0].Members);
    }
}
