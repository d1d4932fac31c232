using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Testing;

/// <summary>A control plane in this process, over a real database of its own: what tests of the API talk to.</summary>
public sealed class TestCloud : IAsyncDisposable
{
    public const string AdminPassword = "admin-password";

    private static readonly SemaphoreSlim TemplateGate = new(1, 1);
    private static string? _template;
    private readonly string _directory;

    private TestCloud(WebApplication app, string directory, ServerOptions options)
    {
        (App, _directory, Options) = (app, directory, options);
        Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First(a => a.StartsWith("http://", StringComparison.Ordinal));
        AgentUrl = new Uri(options.AgentUrl);
    }

    public WebApplication App { get; }

    public ServerOptions Options { get; }

    public string Url { get; }

    public Uri AgentUrl { get; }

    public IServiceProvider Services => App.Services;

    public static async Task<TestCloud> StartAsync(Func<ServerOptions, ServerOptions>? configure = null)
    {
        var postgres = await PostgresServer.SharedAsync();
        var directory = Directory.CreateTempSubdirectory("kumoi-cloud-").FullName;
        // Images are checked by an unprivileged process, which must get through to them.
        File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.OtherExecute);
        await File.WriteAllTextAsync(Path.Combine(directory, "admin-password"), AdminPassword);
        await TemplateGate.WaitAsync();
        try
        {
            if (_template is null)
            {
                _template = await postgres.CreateDatabaseAsync();
                var source = Npgsql.NpgsqlDataSource.Create(_template + ";Pooling=false");
                await new Server.Platform.Postgres.Migrator(source, Server.Platform.Postgres.Migration.Compiled, TimeProvider.System).MigrateAsync(default);
                await source.DisposeAsync();
            }
        }
        finally
        {
            TemplateGate.Release();
        }
        var database = await postgres.CreateDatabaseAsync(new Npgsql.NpgsqlConnectionStringBuilder(_template).Database);
        var (api, agent) = (FreePort(), FreePort());
        var options = new ServerOptions(
            database, new IPEndPoint(IPAddress.Loopback, api), new IPEndPoint(IPAddress.Loopback, agent), $"https://127.0.0.1:{agent}", Path.Combine(directory, "master.key"),
            Path.Combine(directory, "images"), null, Path.Combine(directory, "admin-password"), ServerOptions.FloatingRangeDefault, ServerOptions.UplinkRangeDefault, 8,
            ServerOptions.ImageBytesMaxDefault);
        if (configure is not null) options = configure(options);
        var app = await ServerProgram.BuildAsync(options, TimeProvider.System, default);
        await app.StartAsync();
        return new TestCloud(app, directory, options);
    }

    /// <summary>A client that is logged in.</summary>
    public async Task<TestClient> LoginAsync(string user = "admin", string password = AdminPassword)
    {
        var client = Anonymous();
        var created = await client.PostAsync<TokenCreated>("/tokens", new { user, password });
        client.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", created.Token);
        return client;
    }

    /// <summary>A new account with one user of a role, logged in.</summary>
    public async Task<TestClient> TenantAsync(string account, string role = "admin")
    {
        var admin = await LoginAsync();
        await admin.SendAsync(HttpMethod.Post, "/accounts", new { name = account });
        await admin.PostAsync<User>("/users", new { name = $"{account}-{role}", password = "tenant-password", role, account });
        return await LoginAsync($"{account}-{role}", "tenant-password");
    }

    public TestClient Anonymous() => new(new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromMinutes(6) });

    public static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        var database = Services.GetRequiredService<Server.Platform.Postgres.Database>();
        await App.StopAsync();
        await App.DisposeAsync();
        // Its connections would stay for minutes, and all tests share one PostgreSQL.
        await database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>Calls the API as a test wants: typed when it should succeed, raw when the answer itself is looked at.</summary>
public sealed class TestClient(HttpClient http)
{
    public HttpClient Http => http;

    public Task<T> GetAsync<T>(string path) => ReadAsync<T>(HttpMethod.Get, path, null);

    public Task<T> PostAsync<T>(string path, object? body = null) => ReadAsync<T>(HttpMethod.Post, path, body);

    public Task<T> PutAsync<T>(string path, object? body = null) => ReadAsync<T>(HttpMethod.Put, path, body);

    public Task<T> DeleteAsync<T>(string path) => ReadAsync<T>(HttpMethod.Delete, path, null);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path);
        if (body is HttpContent content) request.Content = content;
        else if (body is not null) request.Content = JsonContent.Create(body);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request);
    }

    /// <summary>The problem document of a call that must fail with this status.</summary>
    public async Task<Problem> FailAsync(int status, HttpMethod method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(method, path, body, headers);
        var text = await response.Content.ReadAsStringAsync();
        if ((int)response.StatusCode != status || response.Content.Headers.ContentType?.MediaType != "application/problem+json")
            throw new InvalidOperationException($"{method} {path} answered {(int)response.StatusCode} {response.Content.Headers.ContentType}, not {status}: {text}");
        return JsonSerializer.Deserialize(text, ApiJson.Default.Problem)!;
    }

    private async Task<T> ReadAsync<T>(HttpMethod method, string path, object? body)
    {
        using var response = await SendAsync(method, path, body);
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{method} {path} answered {(int)response.StatusCode}: {text}");
        return (T)JsonSerializer.Deserialize(text, ApiJson.Default.GetTypeInfo(typeof(T))!)!;
    }
}
