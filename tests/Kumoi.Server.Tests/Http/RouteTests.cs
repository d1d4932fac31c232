using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;
using Kumoi.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Http;

/// <summary>Goal: no route without a permission, and none that another account can pass. Method: ask the running server for its routes and try each.</summary>
public sealed class RouteTests
{
    private static List<(string Method, string Path, RequiredPermission? Needed)> Routes(TestCloud cloud) => cloud.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Select(e => (e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0] ?? "ANY", e.RoutePattern.RawText!, e.Metadata.GetMetadata<RequiredPermission>())).ToList();

    [Fact]
    public async Task Every_route_states_its_permission_or_why_it_needs_none()
    {
        await using var cloud = await TestCloud.StartAsync();
        var routes = Routes(cloud);
        Assert.True(routes.Count > 60, $"only {routes.Count} routes");
        Assert.Empty(routes.Where(r => r.Needed is null).Select(r => r.Path));
        var open = routes.Where(r => r.Needed!.Permission is null && r.Path.StartsWith("/api", StringComparison.Ordinal)).Select(r => $"{r.Method} {r.Path}").Order();
        Assert.Equal(["GET /api/v1/consoles/{ticket}", "GET /api/v1/sign-in-providers", "GET /api/v1/sign-in-providers/{provider}", "POST /api/v1/tokens"], open);
    }

    [Fact]
    public async Task Without_a_token_every_route_answers_401_and_says_nothing_more()
    {
        await using var cloud = await TestCloud.StartAsync();
        var anonymous = cloud.Anonymous();
        foreach (var (method, path, needed) in Routes(cloud).Where(r => r.Path.StartsWith("/api", StringComparison.Ordinal) && r.Needed!.Permission is not null))
        {
            var plain = path["/api/v1".Length..].Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);
            Assert.Equal("unauthenticated", (await anonymous.FailAsync(401, new HttpMethod(method), plain)).Code);
            Assert.Equal("unauthenticated", (await anonymous.FailAsync(401, new HttpMethod(method), plain, null, ("Authorization", "Bearer kumoi_wrong"))).Code);
        }
    }

    [Fact]
    public async Task Roles_are_held_to_their_permissions()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        await admin.PostAsync<Domain>("/domains", new { name = "reseller" });
        var roles = (await admin.GetAsync<Page<Role>>("/roles")).Items.ToDictionary(r => r.Name, r => new PermissionSet(r.Permissions));
        var callers = new Dictionary<string, TestClient>();
        foreach (var role in (string[])["owner", "member", "billing", "reader"]) callers[role] = await cloud.TenantAsync("of-" + role, role);
        foreach (var (role, domain) in new[] { ("operator", "root"), ("domain-administrator", "reseller") })
        {
            await cloud.TenantAsync("of-" + role, "reader");
            await admin.PutAsync<Membership>($"/domains/{domain}/members/of-{role}-reader", new { role });
            callers[role] = await cloud.LoginAsync($"of-{role}-reader", "tenant-password");
        }
        foreach (var (method, path, needed) in Routes(cloud).Where(r => r.Path.StartsWith("/api", StringComparison.Ordinal) && r.Needed!.Permission is not null))
        {
            var plain = path["/api/v1".Length..].Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);
            if (plain is "/events/stream" or "/tokens/token") continue;
            var permission = needed!.Permission!.Value;
            foreach (var (role, client) in callers)
            {
                var inAccount = role is "operator" or "domain-administrator" ? roles["reader"] : roles[role];
                var allowed = permission.Reach switch
                {
                    Reach.Self => true,
                    // The operator's role holds in every account.
                    Reach.Account => inAccount.Allows(permission) || (role == "operator" && roles[role].Allows(permission)),
                    Reach.Domain => role is "operator" or "domain-administrator" && roles[role].Allows(permission),
                    _ => role == "operator" && roles[role].Allows(permission),
                };
                using var answer = await client.SendAsync(new HttpMethod(method), plain);
                Assert.True(((int)answer.StatusCode == 403) != allowed, $"{role} {method} {plain} ({permission}, {permission.Reach}): {(int)answer.StatusCode}");
            }
        }
    }

    [Fact]
    public async Task Each_permission_is_called_as_the_route_that_asks_for_it_and_somebody_decided_whether_members_have_it()
    {
        await using var cloud = await TestCloud.StartAsync();
        // What is the owner's alone to read or to change; anything else that an account has is a member's too.
        string[] owners = ["members:write", "roles:write", "users:write", "access-keys:write", "quotas:write", "statements:read", "tariffs:read"];
        var member = new PermissionSet((await (await cloud.LoginAsync()).GetAsync<Role>("/roles/member")).Permissions);
        foreach (var (method, path, needed) in Routes(cloud).Where(r => r.Path.StartsWith("/api", StringComparison.Ordinal) && r.Needed!.Permission is { Reach: not Reach.Self }))
        {
            var permission = needed!.Permission!.Value;
            var parts = path.Split('/');
            Assert.Contains(permission.Capability, parts);
            // Of a domain or an account, what is beneath it: its members, its quotas.
            if (permission.Reach != Reach.Domain) Assert.Equal(parts[3], permission.Capability);
            if (method == "GET") Assert.Equal("read", permission.Verb);
            if (permission.Reach == Reach.Account) Assert.True(member.Allows(permission) != owners.Contains(permission.ToString()), $"{permission} is neither a member's nor named here as an owner's");
        }
    }

    [Fact]
    public async Task What_belongs_to_another_account_does_not_exist()
    {
        await using var scene = await Scene.StartAsync();
        var owner = scene.Tenant;
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var instance = await scene.LaunchAsync("web-1");
        var balancer = await owner.PostAsync<LoadBalancer>("/load-balancers", new { name = "own", listeners = new[] { new { port = 80 } }, members = new[] { new { instance = "web-1" } } });
        var volume = await VolumeAsync();
        var ids = new Dictionary<string, string>
        {
            ["{instance}"] = instance.Id,
            ["{image}"] = (await owner.PostAsync<Image>("/images", new { name = "own" })).Id,
            ["{keyPair}"] = (await owner.PostAsync<KeyPairCreated>("/key-pairs", new { name = "own" })).Id,
            ["{placementGroup}"] = (await owner.PostAsync<PlacementGroup>("/placement-groups", new { name = "own", policy = "anti-affinity" })).Id,
            ["{network}"] = (await owner.GetAsync<Network>("/networks/default")).Id,
            ["{subnet}"] = (await owner.GetAsync<Page<Subnet>>("/subnets")).Items[0].Id,
            ["{group}"] = (await owner.GetAsync<SecurityGroup>("/security-groups/default")).Id,
            ["{rule}"] = (await owner.GetAsync<SecurityGroup>("/security-groups/default")).Rules[0].Id,
            ["{interface}"] = instance.Interfaces[0].Id,
            ["{router}"] = (await owner.PostAsync<Router>("/routers", new { name = "own" })).Id,
            ["{route}"] = (await owner.PostAsync<NetworkRoute>("/networks/default/routes", new { destination = "172.16.0.0/16", via = instance.Interfaces[0].Address })).Id,
            ["{portForward}"] = (await owner.PostAsync<PortForward>("/port-forwards", new { address = (await owner.PostAsync<FloatingAddress>("/floating-addresses", new { })).Address, protocol = "tcp", port = 80, instance = "web-1" })).Id,
            ["{peering}"] = (await owner.PostAsync<Peering>("/peerings", new { network = "default", with = "operator/default" })).Id,
            ["{vpn}"] = (await owner.PostAsync<Vpn>("/vpns", new { name = "own", network = "default" })).Id,
            ["{vpnClient}"] = (await owner.PostAsync<VpnClient>("/vpns/own/clients", new { name = "own" })).Id,
            ["{vpnSite}"] = (await owner.PostAsync<VpnSite>("/vpns/own/sites", new { name = "own", ranges = new[] { "192.168.10.0/24" } })).Id,
            ["{floatingAddress}"] = (await owner.PostAsync<FloatingAddress>("/floating-addresses", new { })).Id,
            ["{volume}"] = volume.Id,
            ["{snapshot}"] = (await SnapshotAsync()).Id,
            ["{backup}"] = (await BackupAsync()).Id,
            ["{backupSchedule}"] = (await owner.PostAsync<BackupSchedule>("/backup-schedules", new { name = "own", volume = "own", everyMinutes = 60, keep = 1 })).Id,
            ["{loadBalancer}"] = balancer.Id,
            ["{listener}"] = balancer.Listeners[0].Id,
            ["{member}"] = balancer.Listeners[0].Members[0].Id,
            ["{internetGateway}"] = (await owner.PostAsync<InternetGateway>("/internet-gateways", new { })).Id,
            ["{taggedResource}"] = (await owner.GetAsync<SecurityGroup>("/security-groups/default")).Id,
            ["{meteredResource}"] = instance.Id,
            ["{hostPool}"] = (await scene.Admin.PostAsync<HostPool>("/host-pools", new { name = "own", accounts = new[] { "acme" } })).Id,
            ["{subscription}"] = (await owner.PostAsync<SubscriptionSecret>("/subscriptions", new { name = "own", kind = "webhook", url = "https://hooks.example.org/", actions = new[] { "never.happens" } })).Subscription.Id,
            ["{accessKey}"] = (await owner.PostAsync<AccessKeyCreated>("/access-keys", new { })).Id,
            ["{alert}"] = await AlertAsync(),
            ["{contact}"] = await ContactAsync(),
            ["{user}"] = (await owner.GetAsync<User>("/users/me")).Id,
            ["{role}"] = (await owner.PostAsync<Role>("/roles", new { name = "own", permissions = new[] { "*:read" } })).Id,
            ["{token}"] = (await owner.GetAsync<Page<Token>>("/tokens")).Items[0].Id,
        };
        async Task<string> AlertAsync()
        {
            await scene.Cloud.Services.GetRequiredService<Server.Platform.Postgres.Database>().ExecuteAsync(
                "INSERT INTO alerts (id, account_id, kind, severity, resource_type, resource_id, resource_name, raised_at, last_seen_at) SELECT 'alt-00000000000000001', account_id, 'backup.failed', 'warning', 'backup', 'bk-1', 'own', now(), now() FROM instances WHERE id = $1", default, instance.Id);
            return "alt-00000000000000001";
        }
        async Task<string> ContactAsync()
        {
            // Made past the API, which would want a mail server.
            await scene.Cloud.Services.GetRequiredService<Server.Platform.Postgres.Database>().ExecuteAsync(
                "INSERT INTO contacts (id, account_id, name, address, minimum_severity, language, interval_minutes, created_at) SELECT 'ct-00000000000000001', account_id, 'own', 'own@example.net', 'warning', 'en', 5, now() FROM instances WHERE id = $1", default, instance.Id);
            return "ct-00000000000000001";
        }
        async Task<Volume> VolumeAsync()
        {
            await scene.Host.ReportStoresAsync(new Kumoi.Api.Agent.ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 1));
            return await owner.PostAsync<Volume>("/volumes", new { name = "own", sizeGib = 1 });
        }
        async Task<Snapshot> SnapshotAsync()
        {
            await owner.PostAsync<Volume>("/volumes/own/attach", new { instance = "web-1" });
            await scene.Host.ObeyWithVolumesAsync();
            return await owner.PostAsync<Snapshot>("/volumes/own/snapshots", new { name = "own" });
        }
        async Task<Backup> BackupAsync()
        {
            await scene.Host.ReportBackupPlacesAsync([new Kumoi.Api.Agent.ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 1)], new Kumoi.Api.Agent.ObservedBackupPlace("st-000000000000000b0", "backups", false, 100, 1));
            return await owner.PostAsync<Backup>("/volumes/own/backups", new { name = "own" });
        }
        var bodies = new Dictionary<string, object>
        {
            ["/alerts/{alert}/acknowledge"] = new { },
            ["PUT /contacts/{contact}"] = new { },
            ["/contacts/{contact}/verify"] = new { code = "x" },
            ["/contacts/{contact}/rotate-secret"] = new { },
            ["PUT /users/{user}"] = new { disabled = true },
            ["PUT /roles/{role}"] = new { description = "x" },
            ["PUT /subscriptions/{subscription}"] = new { enabled = false },
            ["/subscriptions/{subscription}/resume"] = new { },
            ["/subscriptions/{subscription}/rotate-secret"] = new { },
            ["PUT /instances/{instance}"] = new { terminationProtection = true },
            ["PUT /tags/{taggedResource}"] = new { tags = new { a = "b" } },
            ["/internet-gateways/{internetGateway}/attach"] = new { network = "default" },
            ["PUT /snapshots/{snapshot}"] = new { description = "x" },
            ["/volumes/{volume}/snapshots"] = new { name = "x" },
            ["/volumes/{volume}/backups"] = new { },
            ["/backups/{backup}/restore"] = new { name = "x" },
            ["/backup-schedules/{backupSchedule}"] = new { enabled = true },
            ["/volumes/{volume}/restore"] = new { snapshot = "own" },
            ["/volumes/{volume}/move"] = new { pool = "local" },
            ["/instances/{instance}/snapshots"] = new { name = "x" },
            ["/images/{image}"] = new { description = "x" },
            ["/volumes/{volume}"] = new { deleteOnTermination = true },
            ["/recoverable-volumes/{volume}/recover"] = new { name = "x" },
            ["/volumes/{volume}/attach"] = new { instance = "web-1" },
            ["/networks/{network}"] = new { mtu = 1400 },
            ["/subnets/{subnet}"] = new { range = "all" },
            ["/networks/{network}/routes"] = new { destination = "172.17.0.0/16", via = "10.0.0.2" },
            ["/routers/{router}"] = new { attach = Array.Empty<string>() },
            ["/interfaces/{interface}"] = new { allowedRanges = Array.Empty<string>() },
            ["/floating-addresses/{floatingAddress}/associate"] = new { instance = "web-1" },
            ["/load-balancers/{loadBalancer}"] = new { description = "x" },
            ["/load-balancers/{loadBalancer}/listeners"] = new { port = 81 },
            ["/load-balancers/{loadBalancer}/listeners/{listener}"] = new { port = 82 },
            ["/load-balancers/{loadBalancer}/members"] = new { instance = "web-1" },
            ["/load-balancers/{loadBalancer}/members/{member}"] = new { draining = true },
            ["/vpns/{vpn}/clients"] = new { name = "laptop" },
            ["/vpns/{vpn}/sites"] = new { name = "osaka", ranges = new[] { "192.168.20.0/24" } },
            ["/security-groups/{group}/rules"] = new { protocol = "tcp", fromPort = 22, cidr = "0.0.0.0/0" },
            ["PUT /security-groups/{group}/rules"] = new { remove = Array.Empty<string>() },
            ["/instances/{instance}/security-groups"] = new { securityGroups = Array.Empty<string>() },
            ["/instances/{instance}/recovery"] = new { recovery = "wait" },
            ["/instances/{instance}/console"] = new { kind = "serial" },
            ["/images/{image}/prefetch"] = new { },
            ["/instances/{instance}/cd"] = new { image = "own" },
        };
        var tried = 0;
        // What only operators may do is refused before anything is looked up.
        foreach (var (method, path, _) in Routes(scene.Cloud).Where(r => ids.Keys.Any(r.Path.Contains) && r.Path.StartsWith("/api", StringComparison.Ordinal) && r.Needed?.Permission is not { Reach: Reach.Cloud or Reach.Domain }
            // One's own account takes whom it likes as a member, which gives it nothing of theirs.
            && (r.Method, r.Path) != ("PUT", "/api/v1/members/{user}")))
        {
            var template = path["/api/v1".Length..];
            var plain = ids.Aggregate(template, (text, pair) => text.Replace(pair.Key, pair.Value, StringComparison.Ordinal));
            Assert.Equal("not-found", (await stranger.FailAsync(404, new HttpMethod(method), plain, bodies.GetValueOrDefault($"{method} {template}") ?? bodies.GetValueOrDefault(template))).Code);
            tried++;
        }
        Assert.True(tried >= 20, $"only {tried} routes tried");
        // Nothing of it is in a stranger's lists, nor usable by a stranger's launch.
        foreach (var path in (string[])["/instances", "/images?visibility=private", "/key-pairs", "/placement-groups", "/host-pools", "/networks", "/subnets", "/interfaces", "/floating-addresses", "/internet-gateways", "/tags", "/access-keys", "/subscriptions", "/routers", "/peerings", "/port-forwards", "/load-balancers", "/vpns", "/volumes", "/volumes?state=retained", "/snapshots", "/backups", "/backup-schedules", "/security-groups", "/users", "/roles", "/members", "/tokens", "/alerts", "/contacts", "/events"])
        {
            var listed = await (await stranger.SendAsync(HttpMethod.Get, path)).Content.ReadAsStringAsync();
            Assert.DoesNotContain(ids.Values, id => listed.Contains(id, StringComparison.Ordinal));
        }
        var refused = await stranger.FailAsync(400, HttpMethod.Post, "/instances",
            new { name = "x", flavor = "small", image = ids["{image}"], network = ids["{network}"], keyPair = ids["{keyPair}"], placementGroup = ids["{placementGroup}"], hostPool = ids["{hostPool}"], securityGroups = new[] { ids["{group}"] } });
        Assert.Equal(["hostPool", "image", "keyPair", "network", "placementGroup", "securityGroups[0]"], refused.Errors!.Select(e => e.Field).Order());
        Assert.Equal("not-found", (await stranger.FailAsync(404, HttpMethod.Get, "/instances", null, ("Kumoi-Account", "acme"))).Code);
        // An operator may act for another account.
        using var asOperator = await scene.Admin.SendAsync(HttpMethod.Get, $"/instances/{instance.Id}", null, ("Kumoi-Account", "acme"));
        Assert.True(asOperator.IsSuccessStatusCode);
    }

    [Fact]
    public async Task The_two_ports_serve_only_their_own_routes()
    {
        await using var cloud = await TestCloud.StartAsync();
        using var agent = FakeHost.Client(cloud, null);
        Assert.Equal(404, (int)(await agent.GetAsync("/api/v1/zones")).StatusCode);
        Assert.Equal(404, (int)(await agent.GetAsync("/readyz")).StatusCode);
        Assert.Equal(401, (int)(await agent.PostAsync("/agent/v1/desired", null)).StatusCode);
        using var api = new HttpClient { BaseAddress = new Uri(cloud.Url) };
        Assert.Equal(404, (int)(await api.GetAsync("/agent/v1/authority")).StatusCode);
        Assert.Equal("ok\n", await api.GetStringAsync("/healthz"));
        Assert.Equal("ready\n", await api.GetStringAsync("/readyz"));
    }
}
