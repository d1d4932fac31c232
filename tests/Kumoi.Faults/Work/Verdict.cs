using Kumoi.Api;
using Kumoi.Faults.Cloud;
using Npgsql;
using Xunit;

namespace Kumoi.Faults.Work;

/// <summary>What must be true after the faults are over, looked at from outside and in the records.</summary>
internal static class Verdict
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>All hosts are back: within a minute every instance is as it was asked to be, and nothing is lost, doubled or left.</summary>
    public static async Task HoldsAsync(FaultCloud cloud, Workload work)
    {
        var open = new List<string>();
        await FaultCloud.UntilAsync("every instance is as it was asked to be", Limit, async () =>
        {
            var records = await RecordsAsync(cloud);
            open = [.. work.Asked.Where(a => !records.TryGetValue(a.Value.Id, out var record) || !Settled(record, a.Value.Desired)).Select(a => $"{a.Key} {a.Value}: {records.GetValueOrDefault(a.Value.Id)}")];
            return open.Count == 0;
        }, () => Task.FromResult($"{open.Count} of {work.Asked.Count}: {string.Join("; ", open.Take(5))}"));
        // Each acknowledged create is one instance, and there is no other: nothing was lost, and nothing done twice.
        Assert.Equal(work.Asked.Values.Select(a => a.Id).Order(StringComparer.Ordinal), (await TextsAsync(cloud, "SELECT id FROM instances ORDER BY id")).Order(StringComparer.Ordinal));
        Assert.Equal(work.Asked.Count, (await TextsAsync(cloud, "SELECT DISTINCT name FROM instances")).Count);
        Assert.Empty(await TextsAsync(cloud, "SELECT v.id FROM instances v WHERE (SELECT count(*) FROM events e WHERE e.resource_id = v.id AND e.action = 'instance.launch') <> 1"));
        Assert.Empty(await TextsAsync(cloud,
            "SELECT v.id FROM instances v WHERE (SELECT count(*) FROM events e WHERE e.resource_id = v.id AND e.action = 'instance.terminated') <> CASE WHEN v.terminated_at IS NULL THEN 0 ELSE 1 END"));
        // What an instance started from goes after it, and its room with it.
        await FaultCloud.UntilAsync("no root volume is left of an instance that is not there", Limit, async () => (await TextsAsync(cloud, "SELECT id FROM volumes WHERE deleted_at IS NULL AND instance_id IS NULL")).Count == 0);
        Assert.Empty(await TextsAsync(cloud, "SELECT v.id FROM instances v WHERE v.terminated_at IS NULL AND v.root_volume AND (SELECT count(*) FROM volumes w WHERE w.instance_id = v.id AND w.slot = 0 AND w.host_id = v.host_id AND w.desired = 'present') <> 1"));
        Assert.Empty(await TextsAsync(cloud,
            """
            SELECT h.name FROM hosts h
            LEFT JOIN (SELECT host_id, count(*) AS n, sum(vcpus) AS c, sum(memory_mib) AS m, sum(CASE WHEN root_volume THEN 0 ELSE disk_gib END) AS d FROM instances WHERE terminated_at IS NULL GROUP BY 1) s ON s.host_id = h.id
            LEFT JOIN (SELECT v.host_id, sum(v.size_gib) AS d FROM volumes v JOIN stores t ON t.id = v.store_id WHERE t.own AND v.deleted_at IS NULL GROUP BY 1) w ON w.host_id = h.id
            WHERE (h.instances, h.allocated_vcpus, h.allocated_memory_mib, h.allocated_disk_gib) IS DISTINCT FROM (coalesce(s.n, 0), coalesce(s.c, 0), coalesce(s.m, 0), coalesce(s.d, 0) + coalesce(w.d, 0))
            """));
        Assert.Empty(await TextsAsync(cloud, "SELECT i.id FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE (i.released_at IS NULL) <> (v.terminated_at IS NULL)"));
        Assert.Empty(await TextsAsync(cloud, "SELECT host(f.address) FROM floating_addresses f JOIN interfaces i ON i.id = f.interface_id WHERE i.released_at IS NOT NULL"));
        Assert.Empty(await TextsAsync(cloud, "SELECT key FROM idempotency_keys WHERE response IS NULL"));
        await FaultCloud.UntilAsync("no host has strays", Limit, async () => (await cloud.HostsAsync()).All(h => h.Strays.Count == 0),
            async () => string.Join("; ", (await cloud.HostsAsync()).SelectMany(h => h.Strays.Select(stray => $"{h.Name}: {stray}"))));
        Assert.Equal(0, work.WithoutRetryAfter);
    }

    private sealed record Row(string State, long Generation, long Observed, string Conditions, string HostState);

    private static bool Settled(Row row, string desired) =>
        row.State == desired && (desired == "terminated" || row.Observed >= row.Generation);

    private static async Task<Dictionary<string, Row>> RecordsAsync(FaultCloud cloud)
    {
        await using var command = cloud.Database.CreateCommand(
            "SELECT v.id, v.state, v.generation, v.observed_generation, v.conditions::text || v.notices::text, h.state FROM instances v JOIN hosts h ON h.id = v.host_id");
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new Dictionary<string, Row>();
        while (await reader.ReadAsync()) rows[reader.GetString(0)] = new Row(reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetString(4), reader.GetString(5));
        return rows;
    }

    public static async Task<List<string>> TextsAsync(FaultCloud cloud, string sql)
    {
        await using var command = cloud.Database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var texts = new List<string>();
        while (await reader.ReadAsync()) texts.Add(reader.GetString(0));
        return texts;
    }

    /// <summary>Host events of a kind, such as alarms.</summary>
    public static Task<List<string>> HostEventsAsync(FaultCloud cloud, string action) =>
        TextsAsync(cloud, $"SELECT resource_name || ' ' || to_char(at, 'MI:SS.MS') || ' ' || message FROM events WHERE action = '{action}' ORDER BY id");
}
