using System.Net.WebSockets;
using System.Text;
using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Http;

/// <summary>
/// Goal: what belongs to another account is reached through no door: not in its name, not by its consoles, not by what is followed or streamed. Method:
/// every route that the running server has, and real WebSockets. What its resources are asked for by their ids is in <see cref="RouteTests"/>.
/// </summary>
public sealed class DoorTests
{
    [Fact]
    public async Task Nobody_acts_for_an_account_that_is_not_theirs()
    {
        await using var cloud = await TestCloud.StartAsync();
        var acme = (await (await cloud.TenantAsync("acme")).GetAsync<Self>("/users/me")).Account;
        var stranger = await cloud.TenantAsync("stranger");
        // One who knows nothing of the other account beside the name, and one who owns a domain of their own.
        var admin = await cloud.LoginAsync();
        await admin.PostAsync<Domain>("/domains", new { name = "elsewhere" });
        await cloud.TenantAsync("reseller", "reader");
        await admin.PutAsync<Membership>("/domains/elsewhere/members/reseller-reader", new { role = "domain-administrator" });
        var reseller = await cloud.LoginAsync("reseller-reader", "tenant-password");
        var tried = 0;
        foreach (var route in cloud.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(r => r.RoutePattern.RawText!.StartsWith("/api", StringComparison.Ordinal) && r.Metadata.GetMetadata<RequiredPermission>()?.Permission is not null))
        {
            var method = new HttpMethod(route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]);
            var path = route.RoutePattern.RawText!["/api/v1".Length..].Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);
            foreach (var client in (TestClient[])[stranger, reseller])
                foreach (var name in (string[])[acme.Name, acme.Id]) Assert.Equal("not-found", (await client.FailAsync(404, method, path, null, ("Kumoi-Account", name))).Code);
            tried++;
        }
        Assert.True(tried > 150, $"only {tried} routes tried");
    }

    [Fact]
    public async Task A_console_is_opened_once_by_who_has_its_ticket_and_by_its_host_alone()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web");
        await scene.Host.ObeyAsync();
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        var stranger = await scene.Cloud.TenantAsync("stranger");
        foreach (var name in (string[])["web", instance.Id, "acme/web"]) await stranger.FailAsync(404, HttpMethod.Post, $"/instances/{Uri.EscapeDataString(name)}/console", new { kind = "serial" });
        var ticket = (await scene.Tenant.PostAsync<ConsoleOpened>($"/instances/{instance.Id}/console", new { kind = "serial" })).Path;
        foreach (var wrong in (string[])[ticket + "A", ticket[..^1], ticket[..ticket.LastIndexOf('/')] + "/x", ticket.ToUpperInvariant().Replace("/API/V1/CONSOLES", "/api/v1/consoles", StringComparison.Ordinal)]) await RefusedAsync(wrong);
        using var viewer = new ClientWebSocket();
        var coming = viewer.ConnectAsync(Viewer(ticket), default);
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        string? session = null;
        await Wait.UntilAsync(async () => (session = await database.FindAsync("SELECT id FROM console_sessions WHERE ticket_hash IS NULL AND instance_id = $1", row => row.GetString(0), default, instance.Id)) is not null, 30, "the ticket is used");
        // It is used up before the console has even answered.
        await RefusedAsync(ticket);
        using (var intruder = new ClientWebSocket()) await Assert.ThrowsAsync<WebSocketException>(() => intruder.ConnectAsync(Agent(session!), other.Http, default));
        using var agent = new ClientWebSocket();
        await agent.ConnectAsync(Agent(session!), scene.Host.Http, default);
        await coming;
        await agent.SendAsync("login:"u8.ToArray(), WebSocketMessageType.Binary, true, default);
        var buffer = new byte[100];
        var heard = await viewer.ReceiveAsync(buffer, default);
        Assert.Equal("login:", Encoding.UTF8.GetString(buffer, 0, heard.Count));
        // One that is over its time opens nothing.
        var late = (await scene.Tenant.PostAsync<ConsoleOpened>($"/instances/{instance.Id}/console", new { kind = "screen" })).Path;
        await database.ExecuteAsync("UPDATE console_sessions SET expires_at = expires_at - interval '61 seconds' WHERE ticket_hash IS NOT NULL", default);
        await RefusedAsync(late);

        Uri Viewer(string path) => new(scene.Cloud.Url.Replace("http", "ws", StringComparison.Ordinal) + path);
        Uri Agent(string id) => new(scene.Cloud.AgentUrl.ToString().Replace("https", "wss", StringComparison.Ordinal).TrimEnd('/') + "/agent/v1/consoles/" + id);
        async Task RefusedAsync(string path)
        {
            using var socket = new ClientWebSocket();
            socket.Options.CollectHttpResponseDetails = true;
            await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Viewer(path), default));
            Assert.Equal(404, (int)socket.HttpStatusCode);
        }
    }

    [Fact]
    public async Task Who_follows_the_log_hears_of_their_account_alone()
    {
        await using var cloud = await TestCloud.StartAsync();
        var owner = await cloud.TenantAsync("acme");
        var stranger = await cloud.TenantAsync("stranger");
        await owner.PostAsync<Router>("/routers", new { name = "before" });
        var seen = (await owner.GetAsync<Page<Event>>("/events")).Items[0].Id;
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events/stream") { Headers = { { "Last-Event-ID", seen } } };
        using var answer = await stranger.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        await owner.PostAsync<Router>("/routers", new { name = "theirs" });
        await stranger.PostAsync<Router>("/routers", new { name = "own" });
        var told = new List<string>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!told.Exists(line => line.Contains("\"own\"", StringComparison.Ordinal))) told.Add(await reader.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException("the stream ended"));
        Assert.DoesNotContain(told, line => line.Contains("theirs", StringComparison.Ordinal) || line.Contains("before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_route_that_answers_something_else_than_JSON_is_known_here()
    {
        await using var cloud = await TestCloud.StartAsync();
        var others = cloud.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(r => r.RoutePattern.RawText!.StartsWith("/api", StringComparison.Ordinal))
            .Where(r => r.Metadata.GetOrderedMetadata<IProducesResponseTypeMetadata>().Any(p => p.StatusCode is >= 200 and < 300 && p.ContentTypes.Any(type => !type.Contains("json", StringComparison.Ordinal))))
            .Select(r => r.Metadata.GetMetadata<IEndpointNameMetadata>()!.EndpointName).Order(StringComparer.Ordinal);
        // Each of them is an account's own by its path or by the caller, and a test tries it as a stranger.
        Assert.Equal(["DownloadImage", "ExportEvents", "ExportIssuedStatements", "ExportUsage", "FollowEvents", "GetIssuedStatementPage", "GetIssuedStatementTable", "GetStatementPage", "GetStatementTable", "ShowConsoleLog"], others);
    }
}
