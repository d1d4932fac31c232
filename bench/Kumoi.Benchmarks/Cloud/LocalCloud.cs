using System.Text.Json;
using Kumoi.Api;

namespace Kumoi.Benchmarks.Cloud;

/// <summary>A cloud of this machine, made and used by <c>./kumoi</c> as anyone would.</summary>
/// <param name="tree">The source tree.</param>
/// <param name="state">Its state directory.</param>
/// <param name="port">Port of its API.</param>
public sealed class LocalCloud(string tree, string state, int port)
{
    private readonly Dictionary<string, string> _environment = new() { ["KUMOI_STATE"] = state, ["KUMOI_PORT"] = $"{port}", ["LANG"] = "C.UTF-8", ["LC_ALL"] = "" };

    public string State => state;

    public Uri Url => new($"http://127.0.0.1:{port}");

    public Uri AgentUrl => new($"https://127.0.0.1:{port + 1}");

    public Task<string> KumoiAsync(params string[] arguments) => Programs.SayAsync(Path.Combine(tree, "kumoi"), arguments, _environment);

    /// <summary>A command of somebody who is logged in.</summary>
    public Task<string> KumoiAsAsync(string token, params string[] arguments) =>
        Programs.SayAsync(Path.Combine(tree, "kumoi"), arguments, new Dictionary<string, string>(_environment) { ["KUMOI_URL"] = Url.ToString(), ["KUMOI_TOKEN"] = token });

    /// <summary>The process of each role: <c>postgres</c> (the one the others descend from), <c>server</c>, <c>agent</c>.</summary>
    public async Task<IReadOnlyDictionary<string, int>> PidsAsync()
    {
        using var status = JsonDocument.Parse(await KumoiAsync("status", "--output", "json"));
        return status.RootElement.GetProperty("processes").EnumerateArray().ToDictionary(p => p.GetProperty("role").GetString()!, p => p.GetProperty("pid").GetInt32());
    }

    public async Task<string> AdminPasswordAsync() => (await File.ReadAllTextAsync(Path.Combine(state, "secrets/admin-password"))).Trim();

    public async Task<string> LoginAsync(string user, string password)
    {
        using var anonymous = Client(null);
        return (await anonymous.PostAsync<Login, TokenCreated>("tokens", new Login(user, password))).Token;
    }

    /// <summary>A client with connections of its own.</summary>
    public KumoiClient Client(string? token) => new(Url, token, "en");

    /// <summary>The cloud's own database, as its server connects to it.</summary>
    public async Task<string> ConnectionStringAsync()
    {
        const string option = "unix_socket_directories=";
        var arguments = ProcessFiles.Arguments((await PidsAsync())["postgres"]);
        return new Npgsql.NpgsqlConnectionStringBuilder
        {
            Host = arguments.First(argument => argument.StartsWith(option, StringComparison.Ordinal))[option.Length..], Username = "kumoi", Database = "kumoi",
            Password = (await File.ReadAllTextAsync(Path.Combine(state, "server/database-password"))).Trim(), MaxAutoPrepare = 10, AutoPrepareMinUsages = 2,
        }.ConnectionString;
    }
}
