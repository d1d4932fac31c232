using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Routers;
using Kumoi.Server.Vpns;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Vpns;

public sealed class VpnTests
{
    private static Task<Network> NetworkAsync(TestClient client, string name, params string[] ranges) =>
        client.PostAsync<Network>("/networks", new { name, subnets = ranges.Select(cidr => new { cidr }) });

    private static Task<Instance> LaunchAsync(TestClient client, string name, string network) =>
        client.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny", network, floating = false });

    private static string Key() => VpnKeys.New().PublicKey;

    private static async Task<DesiredVpn> ToldAsync(FakeHost host, string network = "lab") => (await host.DesiredAsync())!.Networks.Single(n => n.Name == network).Vpn!;

    [Fact]
    public async Task A_client_gets_a_profile_with_which_the_gateway_knows_it()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "lab", "10.1.0.0/24", "fd00:1::/64");
        await LaunchAsync(scene.Tenant, "a", "lab");
        var vpn = await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "lab", clients = new[] { "10.99.0.0/24", "fd00:99::/64" } });
        Assert.Equal(("lab", 51820, "pending", 0), (vpn.Network.Name, vpn.Port, vpn.State, vpn.ClientCount));
        var made = await scene.Tenant.PostAsync<VpnClient>("/vpns/v1/clients", new { name = "laptop" });
        Assert.Equal(["10.99.0.2", "fd00:99::2"], made.Addresses);
        var lines = made.Profile!.Split('\n');
        var secret = Assert.Single(lines, line => line.StartsWith("PrivateKey = ", StringComparison.Ordinal))["PrivateKey = ".Length..];
        Assert.Equal(made.PublicKey, Convert.ToBase64String(X25519.PublicKey(Convert.FromBase64String(secret))));
        foreach (var line in (string[])["Address = 10.99.0.2/32, fd00:99::2/128", "DNS = 10.1.0.1, fd00:1::1, lab.internal", "MTU = 1420", $"PublicKey = {vpn.PublicKey}", $"Endpoint = {vpn.Address}:51820", "AllowedIPs = 10.1.0.0/24, fd00:1::/64", "PersistentKeepalive = 25"])
            Assert.Contains(line, lines);

        // Nobody has the private key any more, and who brings one gets none.
        var shown = await scene.Tenant.GetAsync<VpnClient>("/vpns/v1/clients/laptop");
        Assert.DoesNotContain(secret, shown.Profile!, StringComparison.Ordinal);
        Assert.Null(Assert.Single((await scene.Tenant.GetAsync<Page<VpnClient>>("/vpns/v1/clients")).Items).Profile);
        var own = Key();
        Assert.DoesNotContain("\nPrivateKey", (await scene.Tenant.PostAsync<VpnClient>("/vpns/v1/clients", new { name = "phone", publicKey = own })).Profile!, StringComparison.Ordinal);

        var told = await ToldAsync(scene.Host);
        Assert.Equal((vpn.Id, vpn.Address, 51820), (told.Id, told.Address, told.Port));
        Assert.Equal(vpn.PublicKey, Convert.ToBase64String(X25519.PublicKey(Convert.FromBase64String(told.PrivateKey!))));
        Assert.Equal([made.PublicKey, own], told.Peers!.Select(peer => peer.PublicKey));
        Assert.Equal(["10.99.0.2/32", "fd00:99::2/128"], told.Peers![0].Ranges);
        Assert.Equal(["10.99.0.0/24", "fd00:99::/64"], told.Ranges);
        Assert.Equal(vpn.Address, Assert.Single((await scene.Host.DesiredAsync())!.Networks.Single(n => n.Name == "lab").Gateways!).Address);

        // Who is removed is gone at once, and its address is not the next one's.
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/vpns/v1/clients/laptop")) { }
        Assert.Equal([own], (await ToldAsync(scene.Host)).Peers!.Select(peer => peer.PublicKey));
        Assert.Equal("10.99.0.4", (await scene.Tenant.PostAsync<VpnClient>("/vpns/v1/clients", new { name = "laptop" })).Addresses[0]);
        Assert.Equal(["vpn.add-client", "vpn.add-client", "vpn.add-client", "vpn.create", "vpn.remove-client"],
            (await scene.Tenant.GetAsync<Page<Event>>("/events")).Items.Select(e => e.Action).Where(action => action.StartsWith("vpn.", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task A_repeat_of_a_create_makes_nobody_else_and_answers_no_other_key()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default" });
        async Task<VpnClient> CreateAsync()
        {
            using var answer = await scene.Tenant.SendAsync(HttpMethod.Post, "/vpns/v1/clients", new { name = "laptop" }, ("Idempotency-Key", "one"));
            return System.Text.Json.JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), ApiJson.Default.VpnClient)!;
        }
        var (first, again) = (await CreateAsync(), await CreateAsync());
        Assert.Equal(first.Id, again.Id);
        Assert.Contains("\nPrivateKey = ", first.Profile!, StringComparison.Ordinal);
        Assert.DoesNotContain("\nPrivateKey = ", again.Profile!, StringComparison.Ordinal);
        // The private key is nowhere in the database.
        var secret = first.Profile!.Split('\n').Single(line => line.StartsWith("PrivateKey = ", StringComparison.Ordinal))["PrivateKey = ".Length..];
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        Assert.Equal(0, await database.FindAsync("SELECT count(*)::int FROM idempotency_keys WHERE response::text LIKE '%' || $1 || '%'", row => row.GetInt32(0), default, secret));
    }

    [Fact]
    public async Task A_site_has_ranges_of_its_own_and_a_secret_if_it_is_asked_for()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "lab", "10.1.0.0/24");
        await LaunchAsync(scene.Tenant, "a", "lab");
        var vpn = await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "lab" });
        var (theirs, secret) = (Key(), VpnKeys.NewPreshared());
        var made = await scene.Tenant.PostAsync<VpnSite>("/vpns/v1/sites", new { name = "osaka", publicKey = theirs, ranges = new[] { "192.168.10.0/24", "192.168.11.0/24" }, endpoint = "203.0.113.9:51821", presharedKey = "generate" });
        var shared = made.Profile!.Split('\n').Single(line => line.StartsWith("PresharedKey = ", StringComparison.Ordinal))["PresharedKey = ".Length..];
        Assert.Contains("ListenPort = 51821", made.Profile, StringComparison.Ordinal);
        Assert.Contains("AllowedIPs = 10.1.0.0/24\n", made.Profile, StringComparison.Ordinal);
        Assert.DoesNotContain("\nPrivateKey = ", made.Profile, StringComparison.Ordinal);
        var shown = await scene.Tenant.GetAsync<VpnSite>($"/vpns/{vpn.Id}/sites/{made.Id}");
        Assert.True(shown.HasPresharedKey);
        Assert.DoesNotContain(shared, shown.Profile!, StringComparison.Ordinal);
        await scene.Tenant.PostAsync<VpnSite>("/vpns/v1/sites", new { name = "kobe", ranges = new[] { "192.168.20.0/24" }, presharedKey = secret });
        var told = await ToldAsync(scene.Host);
        Assert.Equal(["10.99.0.0/24", "192.168.10.0/24", "192.168.11.0/24", "192.168.20.0/24"], told.Ranges);
        Assert.Equal((theirs, shared, "203.0.113.9:51821"), (told.Peers![0].PublicKey, told.Peers[0].PresharedKey, told.Peers[0].Endpoint));
        Assert.Equal(["192.168.10.0/24", "192.168.11.0/24"], told.Peers[0].Ranges);
        Assert.Equal(secret, told.Peers[1].PresharedKey);
        Assert.True((await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "a", to = "192.168.10.5", protocol = "tcp", port = 80 })).Passes);
        var refused = await scene.Tenant.PostAsync<PacketTrace>("/networks/trace", new { from = "10.99.0.2", to = "a", protocol = "tcp", port = 80 });
        Assert.False(refused.Passes);
        Assert.Contains("v1", refused.Steps[1].Message, StringComparison.Ordinal);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/vpns/v1/sites/osaka")) { }
        Assert.Equal(["10.99.0.0/24", "192.168.20.0/24"], (await ToldAsync(scene.Host)).Ranges);
        // What it led to is free again.
        await scene.Tenant.PostAsync<Subnet>("/subnets", new { network = "lab", cidr = "192.168.10.0/24" });
    }

    [Fact]
    public async Task Ranges_keys_and_names_that_cannot_be_are_refused_by_field()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "lab", "10.1.0.0/24");
        await NetworkAsync(scene.Tenant, "near", "10.2.0.0/24");
        await scene.Tenant.PostAsync<Router>("/routers", new { name = "r", networks = new[] { "lab", "near" } });
        var a = await LaunchAsync(scene.Tenant, "a", "lab");
        await scene.Tenant.PostAsync<NetworkRoute>("/networks/lab/routes", new { destination = "172.16.0.0/16", via = a.Interfaces[0].Address });

        async Task RefusedAsync(string path, object body, string field, string rule)
        {
            var refused = await scene.Tenant.FailAsync(400, HttpMethod.Post, path, body);
            Assert.Contains(refused.Errors!, error => error.Field == field && error.Rule == rule);
        }
        foreach (var (clients, field, rule) in new (string[], string, string)[]
        {
            (["10.1.0.128/25"], "clients[0]", "overlaps-subnet"), (["10.2.0.0/25"], "clients[0]", "overlaps-linked-range"), (["172.16.5.0/24"], "clients[0]", "overlaps-route"), (["10.0.0.0/15"], "clients[0]", "prefix-between"),
            (["10.99.0.0/31"], "clients[0]", "prefix-between"), (["10.99.0.1/24"], "clients[0]", "cidr"), (["169.254.1.0/24"], "clients[0]", "never-sent-from"), (["10.98.0.0/24", "10.99.0.0/24"], "clients[1]", "client-ranges"),
            (["fd00:9::/48"], "clients[0]", "prefix-between"), ([], "clients", "client-ranges"), (["198.18.0.0/16"], "clients[0]", "contains-gateway"),
        }) await RefusedAsync("/vpns", new { name = "v1", network = "lab", clients }, field, rule);
        await RefusedAsync("/vpns", new { name = "v1", network = "nothing" }, "network", "no-such");
        await RefusedAsync("/vpns", new { name = "v1", network = "lab", port = 0 }, "port", "between");
        await RefusedAsync("/vpns", new { name = "v1", network = "lab", address = "203.0.113.1" }, "address", "no-such");
        Assert.Empty((await scene.Tenant.GetAsync<Page<FloatingAddress>>("/floating-addresses")).Items);

        var vpn = await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "lab" });
        var taken = Key();
        await scene.Tenant.PostAsync<VpnSite>("/vpns/v1/sites", new { name = "osaka", publicKey = taken, ranges = new[] { "192.168.10.0/24" } });
        foreach (var (ranges, field, rule) in new (string[], string, string)[]
        {
            (["10.1.0.0/25"], "ranges[0]", "overlaps-subnet"), (["10.2.0.0/16"], "ranges[0]", "overlaps-linked-range"), (["192.168.20.0/24", "172.16.0.0/24"], "ranges[1]", "overlaps-route"), (["192.168.10.128/25"], "ranges[0]", "overlaps-vpn"),
            (["10.99.0.64/26"], "ranges[0]", "overlaps-vpn"), (["0.0.0.0/0"], "ranges[0]", "prefix-between"), (["192.168.20.0/24", "192.168.20.0/25"], "ranges[1]", "overlaps-own"), ([], "ranges", "required"), (["x"], "ranges[0]", "cidr"),
            ([vpn.Address + "/32"], "ranges[0]", "contains-gateway"),
        }) await RefusedAsync("/vpns/v1/sites", new { name = "kobe", ranges }, field, rule);
        foreach (var (endpoint, rule) in new[] { ("example.com:51820", "vpn-endpoint"), ("203.0.113.9", "vpn-endpoint"), ("127.0.0.1:51820", "vpn-endpoint"), ("203.0.113.9:0", "vpn-endpoint"), ("203.0.113.9:99999", "vpn-endpoint"), ("10.1.0.5:51820", "endpoint-inside"), ("192.168.20.5:51820", "endpoint-inside") })
            await RefusedAsync("/vpns/v1/sites", new { name = "kobe", ranges = new[] { "192.168.20.0/24" }, endpoint }, "endpoint", rule);
        await RefusedAsync("/vpns/v1/sites", new { name = "kobe", ranges = new[] { "192.168.20.0/24" }, presharedKey = "x" }, "presharedKey", "preshared-key");
        await RefusedAsync("/vpns/v1/clients", new { name = "laptop", publicKey = "x" }, "publicKey", "wireguard-key");
        await RefusedAsync("/vpns/v1/clients", new { name = "laptop", publicKey = taken }, "publicKey", "key-taken");
        await RefusedAsync("/vpns/v1/clients", new { name = "laptop", publicKey = vpn.PublicKey }, "publicKey", "key-taken");
        await RefusedAsync("/vpns/v1/clients", new { name = "" }, "name", "required");
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/vpns/v1/sites", new { name = "osaka", ranges = new[] { "192.168.20.0/24" } })).Code);
        Assert.Equal("network-has-vpn", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/vpns", new { name = "v2", network = "lab" })).Code);
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/vpns", new { name = "v1", network = "near" })).Code);

        // Nobody else takes what it leads to.
        await RefusedAsync("/subnets", new { network = "lab", cidr = "192.168.10.0/25" }, "cidr", "overlaps-vpn");
        await RefusedAsync("/subnets", new { network = "near", cidr = "192.168.10.0/25" }, "cidr", "overlaps-linked");
        await RefusedAsync("/networks/lab/routes", new { destination = "10.99.0.0/25", via = a.Interfaces[0].Address }, "destination", "overlaps-vpn");
        Assert.Equal("port-of-vpn", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/port-forwards", new { address = vpn.Address, protocol = "udp", port = 51820, instance = "a" })).Code);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/networks/lab")).Code);
        Assert.Equal("address-serves-network", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, $"/floating-addresses/{vpn.Address}")).Code);
    }

    [Fact]
    public async Task A_small_range_has_an_end_and_numbers_come_back()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default", clients = new[] { "10.99.0.0/29" } });
        for (var i = 2; i <= 6; i++) Assert.Equal($"10.99.0.{i}", (await scene.Tenant.PostAsync<VpnClient>("/vpns/v1/clients", new { name = $"c{i}" })).Addresses[0]);
        Assert.Equal("vpn-full", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/vpns/v1/clients", new { name = "late" })).Code);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/vpns/v1/clients/c3")) { }
        Assert.Equal("10.99.0.3", (await scene.Tenant.PostAsync<VpnClient>("/vpns/v1/clients", new { name = "late" })).Addresses[0]);
    }

    [Fact]
    public async Task Only_the_host_that_is_the_gateway_has_the_keys_and_is_believed()
    {
        await using var scene = await Scene.StartAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2") with { Address = "10.99.0.2" });
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Address = "10.99.0.1" });
        await LaunchAsync(scene.Tenant, "a", "default");
        await LaunchAsync(scene.Tenant, "b", "default");
        var vpn = await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default" });
        var client = await scene.Tenant.PostAsync<VpnClient>("/vpns/v1/clients", new { name = "laptop" });
        var (one, two) = (await ToldAsync(scene.Host, "default"), await ToldAsync(other, "default"));
        Assert.Equal((one.Host, one.Ranges[0]), (two.Host, two.Ranges[0]));
        var (gateway, plain, home, away) = one.PrivateKey is null ? (two, one, other, scene.Host) : (one, two, scene.Host, other);
        Assert.Equal((null, null), (plain.PrivateKey, plain.Peers));
        Assert.NotNull(gateway.PrivateKey);

        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        ObservedVpn Seen(string? problem, long bytes) => new(vpn.Id, problem, [new ObservedVpnPeer(client.Id, at, "203.0.113.77:4444", bytes, 2 * bytes)]);
        await away.ReportVpnsAsync(Seen("lies", 99));
        Assert.Equal("pending", (await scene.Tenant.GetAsync<Vpn>("/vpns/v1")).State);
        Assert.Null((await scene.Tenant.GetAsync<VpnClient>("/vpns/v1/clients/laptop")).HandshakeAt);
        await home.ReportVpnsAsync(Seen(null, 10));
        Assert.Equal("up", (await scene.Tenant.GetAsync<Vpn>("/vpns/v1")).State);
        var heard = await scene.Tenant.GetAsync<VpnClient>("/vpns/v1/clients/laptop");
        Assert.Equal((at, "203.0.113.77:4444", 10L, 20L), (heard.HandshakeAt!.Value, heard.Endpoint, heard.BytesIn, heard.BytesOut));
        await home.ReportVpnsAsync(Seen("The host has no WireGuard.", 10));
        Assert.Equal(("failed", "The host has no WireGuard."), await scene.Tenant.GetAsync<Vpn>("/vpns/v1") is var failed ? (failed.State, failed.Problem) : default);

        // It moves with its address when the host is down, and has the same key there.
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now() WHERE address = $1", default, gateway.Host);
        await scene.Cloud.Services.GetRequiredService<GatewayController>().LookAsync(default);
        var moved = await ToldAsync(away, "default");
        Assert.Equal((gateway.PrivateKey, gateway.Address), (moved.PrivateKey, moved.Address));
        Assert.NotEqual(gateway.Host, moved.Host);
        Assert.Equal("pending", (await scene.Tenant.GetAsync<Vpn>("/vpns/v1")).State);
        await database.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = now()", default);
        await scene.Cloud.Services.GetRequiredService<GatewayController>().LookAsync(default);
    }

    [Fact]
    public async Task An_address_that_was_taken_for_a_gateway_goes_with_it_and_one_that_was_given_stays()
    {
        await using var scene = await Scene.StartAsync();
        await LaunchAsync(scene.Tenant, "a", "default");
        await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default" });
        Assert.Single((await scene.Tenant.GetAsync<Page<FloatingAddress>>("/floating-addresses")).Items);
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, "/vpns/v1")) { }
        Assert.Empty((await scene.Tenant.GetAsync<Page<FloatingAddress>>("/floating-addresses")).Items);
        Assert.Null(Assert.Single((await scene.Host.DesiredAsync())!.Networks).Vpn);

        var kept = await scene.Tenant.PostAsync<FloatingAddress>("/floating-addresses", new { });
        await scene.Tenant.PostAsync<PortForward>("/port-forwards", new { address = kept.Address, protocol = "udp", port = 51820, instance = "a" });
        Assert.Equal("port-forwarded", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/vpns", new { name = "v1", network = "default", address = kept.Address })).Code);
        var vpn = await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default", address = kept.Address, port = 443 });
        Assert.Equal((kept.Address, 443), (vpn.Address, vpn.Port));
        using (await scene.Tenant.SendAsync(HttpMethod.Delete, $"/vpns/{vpn.Id}")) { }
        Assert.Equal("default", (await scene.Tenant.GetAsync<FloatingAddress>($"/floating-addresses/{kept.Id}")).Network!.Name);

        // An account goes with all of it.
        await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default", address = kept.Address, port = 443 });
        await scene.Tenant.PostAsync<VpnSite>("/vpns/v1/sites", new { name = "osaka", ranges = new[] { "192.168.10.0/24" } });
        await scene.Tenant.DeleteAsync<Instance>("/instances/a");
        await scene.Host.ObeyAsync();
        using var gone = await scene.Admin.SendAsync(HttpMethod.Delete, "/accounts/acme");
        Assert.Equal(204, (int)gone.StatusCode);
    }

    [Fact]
    public async Task Clients_have_addresses_of_families_that_the_network_has()
    {
        await using var scene = await Scene.StartAsync();
        await NetworkAsync(scene.Tenant, "six", "fd00:6::/64");
        await NetworkAsync(scene.Tenant, "four", "10.4.0.0/24");
        async Task RefusedAsync(object create, string field, string rule)
        {
            var problem = await scene.Tenant.FailAsync(400, HttpMethod.Post, "/vpns", create);
            Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
        }
        await RefusedAsync(new { name = "v6", network = "six" }, "clients", "clients-required");
        await RefusedAsync(new { name = "v6", network = "six", clients = new[] { "10.99.0.0/24" } }, "clients[0]", "clients-without-ipv4");
        await RefusedAsync(new { name = "v4", network = "four", clients = new[] { "10.99.0.0/24", "fd00:99::/64" } }, "clients[1]", "clients-without-ipv6");
        await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v6", network = "six", clients = new[] { "fd00:99::/64" } });
        Assert.Contains("AllowedIPs = fd00:6::/64", (await scene.Tenant.PostAsync<VpnClient>("/vpns/v6/clients", new { name = "laptop" })).Profile!.Split('\n'));
    }

    [Fact]
    public async Task A_new_address_of_the_gateways_host_is_told_to_the_others()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(FakeHost.Facts("host-1") with { Address = "10.99.0.1" });
        using var second = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2") with { Address = "10.99.0.2" });
        foreach (var name in (string[])["host-1", "host-2"])
            using (await scene.Admin.SendAsync(HttpMethod.Post, "/instances", new { name = "on-" + name, flavor = "small", image = "tiny", floating = false, host = name }, ("Kumoi-Account", "acme"))) { }
        await scene.Tenant.PostAsync<Vpn>("/vpns", new { name = "v1", network = "default" });
        var (own, other, facts) = ((await scene.Host.DesiredAsync())!.Networks[0].Vpn!, (await second.DesiredAsync())!, FakeHost.Facts("host-1"));
        Assert.Equal(own.Host, other.Networks[0].Vpn!.Host);
        var (moved, stays) = own.Host == "10.99.0.1" ? (scene.Host, second) : (second, scene.Host);
        var before = (await stays.DesiredAsync())!.Revision;
        await moved.ReportAsFactsAsync((moved == second ? FakeHost.Facts("host-2") : facts) with { Address = "10.99.0.9" });
        var told = (await stays.DesiredAsync(before))!.Networks[0];
        Assert.Equal(("10.99.0.9", "10.99.0.9"), (told.Vpn!.Host, Assert.Single(told.Gateways!).Host));
    }
}
