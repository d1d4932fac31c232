using System.Diagnostics;
using System.Globalization;
using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Server.Placement;
using Npgsql;

namespace Kumoi.Benchmarks.Scale;

/// <summary>The cloud that is measured at scale: as <c>kumoi up</c> starts it, but for its agent, which would have real guests.</summary>
public sealed class ScaleCloud(LocalCloud cloud) : IAsyncDisposable
{
    private NpgsqlDataSource? _database;
    private IReadOnlyDictionary<string, int> _pids = new Dictionary<string, int>();

    public LocalCloud Cloud => cloud;

    public int Server => _pids["server"];

    private NpgsqlDataSource Database => _database ?? throw new InvalidOperationException("The cloud is not up.");

    public async Task UpAsync()
    {
        // A local cloud's own range is too small; no packet is ever sent to these, as the cloud has no agent.
        var ranges = Path.Combine(cloud.State, "ranges");
        if (!File.Exists(ranges))
        {
            Directory.CreateDirectory(cloud.State);
            await File.WriteAllTextAsync(ranges, "100.64.0.0/13 198.19.240.0/20\n");
        }
        await cloud.KumoiAsync("up");
        _pids = await cloud.PidsAsync();
        await EndAsync("agent");
        if (_database is not null) await _database.DisposeAsync();
        _database = NpgsqlDataSource.Create(await cloud.ConnectionStringAsync());
    }

    /// <summary>Ends the server at once, starts it again, and waits until every simulated host has reported since. Seconds from the end of the one to the last report.</summary>
    public async Task<(double Ready, double Fresh)> RestartAsync(int hosts, TimeSpan limit)
    {
        var before = await NumberAsync("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
        var begin = Stopwatch.GetTimestamp();
        await EndAsync("server");
        await UpAsync();
        var ready = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        while (await NumberAsync($"SELECT count(*) FROM hosts WHERE heard_at > to_timestamp({before} / 1000000.0) AND state = 'up'") < hosts)
        {
            if (Stopwatch.GetElapsedTime(begin) > limit) throw new TimeoutException($"Not all hosts came back in {limit}.");
            await Task.Delay(250);
        }
        return (ready, Stopwatch.GetElapsedTime(begin).TotalSeconds);
    }

    public async Task<int> InstancesAsync() => (int)await NumberAsync("SELECT count(*) FROM instances WHERE terminated_at IS NULL");

    /// <summary>Waits until hosts have done everything asked of them.</summary>
    public async Task SettleAsync(TimeSpan limit)
    {
        for (var begin = Stopwatch.GetTimestamp(); await NumberAsync("SELECT count(*) FROM instances WHERE state = 'pending'") > 0; await Task.Delay(1000))
            if (Stopwatch.GetElapsedTime(begin) > limit) throw new TimeoutException($"Instances are still pending after {limit}.");
    }

    /// <summary>Brings the planner's statistics up to date, as PostgreSQL does by itself some time after tables have grown.</summary>
    public async Task AnalyseAsync()
    {
        await using var analyse = Database.CreateCommand("ANALYZE");
        await analyse.ExecuteNonQueryAsync();
    }

    /// <summary>The hosts as placement sees them.</summary>
    public async Task<HostView[]> HostViewsAsync()
    {
        await using var command = Database.CreateCommand(
            "SELECT id, name, zone_id, state, schedulable, vcpus, memory_mib, disk_gib, allocated_vcpus, allocated_memory_mib, allocated_disk_gib FROM hosts WHERE hypervisor = 'simulated'");
        await using var row = await command.ExecuteReaderAsync();
        var hosts = new List<HostView>();
        while (await row.ReadAsync())
            hosts.Add(new HostView(
                row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4),
                new Capacity(row.GetInt32(5), row.GetInt32(6), row.GetInt32(7)), new Capacity(row.GetInt32(8), row.GetInt32(9), row.GetInt32(10))));
        return [.. hosts];
    }

    /// <summary>Seconds of processor time that server and PostgreSQL have taken.</summary>
    public double CpuSeconds() => ProcessFiles.CpuSeconds(Server) + ProcessFiles.CpuSecondsWithChildren(_pids["postgres"]);

    private async Task EndAsync(string role)
    {
        if (!_pids.TryGetValue(role, out var pid)) return;
        await Programs.SayAsync("kill", "-KILL", pid.ToString(CultureInfo.InvariantCulture));
        while ((await cloud.PidsAsync()).ContainsKey(role)) await Task.Delay(20);
    }

    private async Task<long> NumberAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
    }
}
