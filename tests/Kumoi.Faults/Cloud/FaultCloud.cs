using System.Diagnostics;
using System.Net.Http.Headers;
using Kumoi.Api;
using Kumoi.Testing;
using Npgsql;

namespace Kumoi.Faults.Cloud;

/// <summary>
/// A whole control plane of real processes: PostgreSQL, some servers on it, and simulated hosts that speak the real protocol. Heartbeats
/// come every second, so that the limits of silence (unreachable, lease, down) are three, six and nine seconds.
/// </summary>
internal sealed class FaultCloud : IAsyncDisposable
{
    private const string AdminPassword = "admin-password";

    private readonly List<OwnProcess> _hosts = [];
    private string _database = "";

    private FaultCloud(PostgresServer postgres) => Postgres = postgres;

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("kumoi-faults-").FullName;

    public PostgresServer Postgres { get; }

    public List<ServerProcess> Servers { get; } = [];

    public IReadOnlyList<OwnProcess> Hosts => _hosts;

    public NpgsqlDataSource Database { get; private set; } = null!;

    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "kumoi.dll");

    /// <param name="database">Connection string; null makes a database on the cloud's own PostgreSQL.</param>
    /// <param name="image">The bytes of the image that instances start from; null: an empty disk.</param>
    public static async Task<FaultCloud> StartAsync(int servers, int hosts, PostgresServer? postgres = null, string? database = null, string agentAddress = "127.0.0.1", string? config = null, byte[]? image = null)
    {
        var cloud = new FaultCloud(postgres ?? await PostgresServer.StartAsync());
        File.SetUnixFileMode(cloud.Directory, File.GetUnixFileMode(cloud.Directory) | UnixFileMode.OtherExecute);
        cloud._database = database ?? await cloud.Postgres.CreateDatabaseAsync();
        cloud.Database = Server.Platform.Postgres.Sources.Open(new NpgsqlConnectionStringBuilder(cloud._database) { MaxPoolSize = 4, Timeout = 5 });
        await File.WriteAllTextAsync(Path.Combine(cloud.Directory, "admin-password"), AdminPassword);
        for (var i = 0; i < servers; i++) await cloud.AddServerAsync(agentAddress);
        await cloud.SeedAsync(image ?? Qcow2.Good());
        if (hosts > 0) await cloud.AddHostsAsync("a", hosts, config);
        return cloud;
    }

    public async Task<ServerProcess> AddServerAsync(string agentAddress = "127.0.0.1")
    {
        var (api, agent) = (TestCloud.FreePort(), TestCloud.FreePort());
        var name = $"server-{Servers.Count + 1}";
        var process = new OwnProcess(name, Directory,
        [
            "dotnet", Program, "server", "--database", _database, "--listen", $"127.0.0.1:{api}", "--agent-listen", $"{agentAddress}:{agent}", "--agent-url", $"https://{agentAddress}:{agent}",
            "--master-key", Path.Combine(Directory, "master.key"), "--images", Path.Combine(Directory, "images"), "--admin-password-file", Path.Combine(Directory, "admin-password"),
            "--heartbeat-seconds", "1", "--webhook-allow", "127.0.0.0/8", "--webhook-http",
        ]);
        var server = new ServerProcess(process, new Uri($"http://127.0.0.1:{api}"));
        Servers.Add(server);
        process.Start();
        await server.ReadyAsync();
        return server;
    }

    /// <summary>More simulated hosts, in a process of their own: it is as a rack of machines.</summary>
    /// <param name="prefix">A command before the program, such as one that enters a namespace.</param>
    public async Task<OwnProcess> AddHostsAsync(string name, int count, string? config = null, IReadOnlyList<string>? prefix = null)
    {
        var admin = await AdminAsync();
        var token = Path.Combine(Directory, $"token-{name}");
        await File.WriteAllTextAsync(token, (await admin.PostAsync<JoinToken>("/hosts/join-tokens", new { uses = count })).Token);
        if (config is not null) await File.WriteAllTextAsync(Path.Combine(Directory, $"{name}.yaml"), config);
        var process = new OwnProcess($"hosts-{name}", Directory,
        [
            .. prefix ?? [], "dotnet", Program, "simulate", "--hosts", $"{count}", "--name-prefix", $"{name}-", "--state", Path.Combine(Directory, $"hosts-{name}"), "--join-token-file", token,
            .. config is null ? Array.Empty<string>() : ["--config", Path.Combine(Directory, $"{name}.yaml")],
        ]);
        _hosts.Add(process);
        process.Start();
        await UntilAsync($"{count} hosts {name} are up", TimeSpan.FromSeconds(60), async () => (await HostsAsync()).Count(h => h.State == "up" && h.Name.StartsWith(name + "-", StringComparison.Ordinal)) == count);
        return process;
    }

    /// <summary>One host with an agent of its own.</summary>
    /// <param name="options">Further words of its command line.</param>
    public async Task<OwnProcess> AddAgentAsync(string name, IReadOnlyList<string> prefix, IReadOnlyList<string> options)
    {
        var token = Path.Combine(Directory, $"token-{name}");
        await File.WriteAllTextAsync(token, (await (await AdminAsync()).PostAsync<JoinToken>("/hosts/join-tokens", new { })).Token);
        var process = new OwnProcess($"agent-{name}", Directory, [.. prefix, "dotnet", Program, "agent", "--name", name, "--join-token-file", token, .. options]);
        _hosts.Add(process);
        process.Start();
        await UntilAsync($"host {name} is up", TimeSpan.FromSeconds(60), async () => (await HostsAsync()).Any(h => h.State == "up" && h.Name == name), () => File.ReadAllTextAsync(process.Log));
        return process;
    }

    public async Task<IReadOnlyList<Host>> HostsAsync() => (await (await AdminAsync()).GetAsync<Page<Host>>("/hosts?limit=1000")).Items;

    /// <summary>A public image, and the tenant that works.</summary>
    private async Task SeedAsync(byte[] bytes)
    {
        var admin = await AdminAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(bytes));
        using var made = await admin.SendAsync(HttpMethod.Post, "/accounts", new { name = "acme" });
        made.EnsureSuccessStatusCode();
        await admin.PostAsync<User>("/users", new { name = "worker", password = "tenant-password", role = "admin", account = "acme" });
        Token = (await Client(Servers[0].Url, null).PostAsync<TokenCreated>("/tokens", new { user = "worker", password = "tenant-password" })).Token;
    }

    public string Token { get; private set; } = "";

    private string? _adminToken;

    /// <summary>An operator at the first server that lives.</summary>
    public async Task<TestClient> AdminAsync()
    {
        var url = Servers.First(s => s.Process.Lives).Url;
        _adminToken ??= (await Client(url, null).PostAsync<TokenCreated>("/tokens", new { user = "admin", password = AdminPassword })).Token;
        return Client(url, _adminToken);
    }

    public static TestClient Client(Uri url, string? token)
    {
        var http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(30) };
        if (token is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new TestClient(http);
    }

    public static async Task UntilAsync(string what, TimeSpan limit, Func<Task<bool>> look, Func<Task<string>>? tell = null)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                if (await look()) return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or InvalidOperationException && watch.Elapsed < limit)
            {
                // Not yet.
            }
            if (watch.Elapsed > limit) throw new TimeoutException($"Not within {limit.TotalSeconds} s: {what}. {(tell is null ? "" : await tell())}");
            await Task.Delay(100);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _hosts) process.Dispose();
        foreach (var server in Servers) server.Process.Dispose();
        await Database.DisposeAsync();
        await Postgres.DisposeAsync();
        if (Environment.GetEnvironmentVariable("KUMOI_KEEP_FAULTS") is null) System.IO.Directory.Delete(Directory, recursive: true);
    }
}

/// <summary>One server process and where its API is.</summary>
internal sealed record ServerProcess(OwnProcess Process, Uri Url)
{
    public async Task ReadyAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        await FaultCloud.UntilAsync($"{Url} is ready", TimeSpan.FromMinutes(3), async () =>
        {
            using var answer = await http.GetAsync(new Uri(Url, "/readyz"));
            return answer.IsSuccessStatusCode;
        }, () => File.Exists(Process.Log) ? File.ReadAllTextAsync(Process.Log) : Task.FromResult(""));
    }
}
