using System.Net.Http.Json;
using System.Text.Json;
using Kumoi.Benchmarks.Cloud;

namespace Kumoi.Benchmarks.Storage;

/// <summary>A cloud of two hosts from <c>./kumoi quickstart</c>, with a guest on each, and a login of its own.</summary>
public sealed class StorageCloud : IAsyncDisposable
{
    private readonly string _program, _home;
    private readonly Dictionary<string, string> _environment;

    private StorageCloud(string tree, string home, int port)
    {
        (_program, _home) = (Path.Combine(tree, "kumoi"), home);
        _environment = new() { ["KUMOI_STATE"] = State, ["KUMOI_PORT"] = $"{port}", ["HOME"] = home, ["XDG_CONFIG_HOME"] = "", ["LANG"] = "C.UTF-8", ["LC_ALL"] = "" };
    }

    /// <summary>Names of the guests: the second is on another host than the first.</summary>
    public const string Here = "near", There = "far";

    public string State => Path.Combine(_home, "state");

    public static async Task<StorageCloud> MakeAsync(string tree)
    {
        var home = Directory.CreateTempSubdirectory("kumoi-bench-").FullName;
        File.SetUnixFileMode(home, File.GetUnixFileMode(home) | UnixFileMode.OtherExecute);
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var cloud = new StorageCloud(tree, home, port);
        try
        {
            await cloud.KumoiAsync("quickstart", "--yes", "--hosts", "2");
            await cloud.KumoiAsync("instance", "delete", "first", "--wait");
            await cloud.KumoiAsync("placement-group", "create", "apart", "--policy", "anti-affinity");
            foreach (var name in (string[])[Here, There]) await cloud.KumoiAsync("instance", "create", name, "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--placement-group", "apart", "--wait");
            foreach (var name in (string[])[Here, There]) await cloud.InGuestAsync(name, "true");
            return cloud;
        }
        catch
        {
            await cloud.DisposeAsync();
            throw;
        }
    }

    public Task<string> KumoiAsync(params string[] arguments) => Programs.SayAsync(_program, arguments, _environment);

    /// <summary>As the operator, whose login nobody keeps.</summary>
    public async Task<string> OperatorAsync(params string[] arguments)
    {
        var url = $"http://127.0.0.1:{_environment["KUMOI_PORT"]}";
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        var password = (await File.ReadAllTextAsync(Path.Combine(State, "secrets/admin-password"))).Trim();
        var token = await (await http.PostAsJsonAsync("/api/v1/tokens", new { user = "admin", password })).Content.ReadFromJsonAsync<JsonElement>();
        return await Programs.SayAsync(_program, arguments, new Dictionary<string, string>(_environment) { ["KUMOI_URL"] = url, ["KUMOI_TOKEN"] = token.GetProperty("token").GetString()! });
    }

    public async Task<JsonElement> JsonAsync(params string[] arguments) => JsonDocument.Parse(await KumoiAsync([.. arguments, "--output", "json"])).RootElement;

    /// <summary>What a shell in a guest says.</summary>
    public Task<string> InGuestAsync(string instance, string script) => KumoiAsync("instance", "ssh", instance, "--", "sh", "-c", script);

    /// <summary>The guest's name of a volume's disk.</summary>
    public async Task<string> DeviceAsync(string instance, string volume)
    {
        var serial = (await JsonAsync("volume", "show", volume)).GetProperty("serial").GetString();
        return "/dev/" + (await InGuestAsync(instance, $"for i in 1 2 3 4 5 6 7 8 9; do grep -l {serial} /sys/block/vd*/serial && break; sleep 0.2; done | cut -d/ -f4")).Trim();
    }

    public async Task DetachAsync(string volume)
    {
        await KumoiAsync("volume", "detach", volume, "--wait");
    }

    /// <summary>The layer of a volume that guests write to.</summary>
    public string FileOf(string volumeId) =>
        Directory.EnumerateFiles(State, "*.qcow2", SearchOption.AllDirectories).Where(path => path.Contains("/" + volumeId + "/", StringComparison.Ordinal)).OrderByDescending(path => path, StringComparer.Ordinal).First();

    public async ValueTask DisposeAsync()
    {
        await KumoiAsync("destroy", "--yes");
        Directory.Delete(_home, recursive: true);
    }
}
