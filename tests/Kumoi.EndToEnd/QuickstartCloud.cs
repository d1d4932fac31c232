using System.Net.Http.Json;
using System.Text.Json;
using Kumoi.Testing;
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Kumoi.EndToEnd;

/// <summary>A cloud made by `./kumoi quickstart` as a new user would, with state, home and ports of its own.</summary>
public class QuickstartCloud : IAsyncLifetime
{
    /// <summary>What quickstart is told beside.</summary>
    protected virtual string[] Options => [];

    public string Tree { get; } = FindTree();

    public string State { get; } = Path.Combine(Directory.CreateTempSubdirectory("kumoi-e2e-").FullName, "state");

    public int Port { get; } = TestCloud.FreePort();

    /// <summary>What names this cloud's objects on the machine.</summary>
    public string Tag => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(State)))[..6];

    public IReadOnlyList<string> Before { get; private set; } = [];

    public string Quickstart { get; private set; } = "";

    public Dictionary<string, string> Environment { get; private set; } = [];

    public virtual async ValueTask InitializeAsync()
    {
        var home = Path.GetDirectoryName(State)!;
        File.SetUnixFileMode(home, File.GetUnixFileMode(home) | UnixFileMode.OtherExecute);
        Environment = new() { ["KUMOI_STATE"] = State, ["KUMOI_PORT"] = $"{Port}", ["HOME"] = home, ["XDG_CONFIG_HOME"] = "", ["LANG"] = "C.UTF-8", ["LC_ALL"] = "", ["NUGET_PACKAGES"] = NugetPackages(), ["npm_config_cache"] = "/tmp/kumoi-npm-cache" };
        Before = await Machine.StockAsync(State, Tag);
        var ran = await Machine.RunAsync(Path.Combine(Tree, "kumoi"), ["quickstart", "--yes", .. Options], Environment, seconds: 1200);
        if (ran.Code != 0) throw new InvalidOperationException($"quickstart ended with {ran.Code}\n{ran.Output}\n{ran.Error}\n{Logs()}");
        Quickstart = ran.Output;
    }

    private static string NugetPackages() => System.Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget/packages");

    public Task<Ran> KumoiAsync(params string[] arguments) => Machine.RunAsync(Path.Combine(Tree, "kumoi"), arguments, Environment);

    public async Task<JsonElement> JsonAsync(params string[] arguments) => JsonDocument.Parse((await KumoiAsync([.. arguments, "--output", "json"])).Ok).RootElement;

    /// <summary>The same as the operator, whose login nobody keeps.</summary>
    public async Task<Ran> OperatorKumoiAsync(params string[] arguments) =>
        await Machine.RunAsync(Path.Combine(Tree, "kumoi"), arguments, new Dictionary<string, string>(Environment) { ["KUMOI_URL"] = Url.ToString(), ["KUMOI_TOKEN"] = await OperatorTokenAsync() });

    /// <summary>A token of the operator's.</summary>
    protected async Task<string> OperatorTokenAsync()
    {
        using var http = new HttpClient { BaseAddress = Url };
        var password = (await File.ReadAllTextAsync(Path.Combine(State, "secrets/admin-password"))).Trim();
        var token = await (await http.PostAsJsonAsync("/api/v1/tokens", new { user = "admin", password })).Content.ReadFromJsonAsync<JsonElement>();
        return token.GetProperty("token").GetString()!;
    }

    protected Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>A command in a guest.</summary>
    public Task<Ran> InGuestAsync(string instance, params string[] command) => KumoiAsync(["instance", "ssh", instance, "--", .. command]);

    public async Task<int> PidAsync(string role) => (await JsonAsync("status")).GetProperty("processes").EnumerateArray().Single(p => p.GetProperty("role").GetString() == role).GetProperty("pid").GetInt32();

    public async Task<string> StateAsync(string instance) => (await JsonAsync("instance", "show", instance)).GetProperty("state").GetString()!;

    public async Task<string[]> ActionsAsync(string instanceId) =>
        [.. (await JsonAsync("event", "list", "--resource", instanceId)).EnumerateArray().Select(e => e.GetProperty("action").GetString()!).Reverse()];

    /// <summary>The QEMU process of an instance.</summary>
    public static int Qemu(string instanceId) => Machine.Processes(instanceId).Single(p => p.Command.StartsWith("qemu-system-x86_64", StringComparison.Ordinal)).Id;

    public string Logs() => !Directory.Exists(Path.Combine(State, "logs")) ? "no logs"
        : string.Join('\n', Directory.GetFiles(Path.Combine(State, "logs"), "*.log").Order(StringComparer.Ordinal).SelectMany(f => File.ReadAllLines(f).TakeLast(20).Prepend("== " + f)));

    /// <summary>The top of the source tree.</summary>
    public static string FindTree()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Kumoi.slnx"))) directory = directory.Parent!;
        return directory.FullName;
    }

    /// <summary>Whatever a failed test has left; the last test looks that `destroy` leaves nothing.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        await KumoiAsync("destroy", "--yes");
        Directory.Delete(Path.GetDirectoryName(State)!, recursive: true);
        GC.SuppressFinalize(this);
    }
}
