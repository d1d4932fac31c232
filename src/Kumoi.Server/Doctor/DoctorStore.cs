using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Quotas;

namespace Kumoi.Server.Doctor;

/// <summary>A host whose counters differ from its instances.</summary>
public sealed record WrongCounters(string Host, Capacity Recorded, int RecordedInstances, Capacity Real, int RealInstances);

/// <summary>A store as its hosts tell it, and what is recorded to be promised of it beside the sizes of its volumes; 0 for a host's own, which the host's counters have.</summary>
public sealed record StoreHealth(string Id, string Pool, string Hosts, int CapacityGib, int UsedGib, int WarnPercent, long RecordedGib, long RealGib);

/// <summary>A host as its reports tell it.</summary>
public sealed record HostHealth(string Name, string State, long SilentSeconds, string AgentVersion, int Strays, IReadOnlyList<Condition> Conditions);

/// <summary>An instance with an error that has stood since a time.</summary>
public sealed record StandingCondition(string Instance, string Reason, DateTimeOffset Since);

/// <summary>What PostgreSQL says of itself.</summary>
public sealed record DatabaseHealth(IReadOnlyDictionary<string, string> Settings, long SizeBytes, long Connections, DateTimeOffset Clock, IReadOnlyList<(string Table, long Dead, long Live)> DeadTuples);

/// <summary>Compares records with each other, and reads what the database says of itself. Every statement reads one moment, so that changes under way are no findings.</summary>
public sealed class DoctorStore(Database database)
{
    // What is wrong in more places than this is wrong everywhere; a longer list helps nobody.
    public const int RowsMax = 50;

    public Task<List<(string Scope, string Resource, long Counted, long Real)>> QuotaDriftAsync(CancellationToken cancel) => QuotaStore.DriftAsync(database, cancel);

    public Task<List<WrongCounters>> CountersAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT h.name, h.allocated_vcpus, h.allocated_memory_mib, h.allocated_disk_gib, h.instances, coalesce(s.vcpus, 0)::int, coalesce(s.memory, 0)::int, (coalesce(s.disk, 0) + coalesce(w.disk, 0))::int, coalesce(s.instances, 0)::int
        FROM hosts h LEFT JOIN (SELECT v.host_id, sum(v.size_gib) AS disk FROM volumes v JOIN stores t ON t.id = v.store_id WHERE t.own AND v.deleted_at IS NULL GROUP BY v.host_id) w ON w.host_id = h.id
        LEFT JOIN (SELECT host_id, sum(vcpus) AS vcpus, sum(memory_mib) AS memory, sum(CASE WHEN root_volume THEN 0 ELSE disk_gib END) AS disk, count(*) AS instances FROM instances WHERE terminated_at IS NULL GROUP BY host_id) s ON s.host_id = h.id
        WHERE (h.allocated_vcpus, h.allocated_memory_mib, h.allocated_disk_gib, h.instances) IS DISTINCT FROM (coalesce(s.vcpus, 0), coalesce(s.memory, 0), coalesce(s.disk, 0) + coalesce(w.disk, 0), coalesce(s.instances, 0))
        ORDER BY h.name LIMIT $1
        """, r => new WrongCounters(r.GetString(0), new Capacity(r.GetInt32(1), r.GetInt32(2), r.GetInt32(3)), r.GetInt32(4), new Capacity(r.GetInt32(5), r.GetInt32(6), r.GetInt32(7)), r.GetInt32(8)), cancel, RowsMax);

    public Task<List<StoreHealth>> StoresAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT s.id, p.name, coalesce((SELECT string_agg(h.name, ', ' ORDER BY h.name) FROM store_hosts x JOIN hosts h ON h.id = x.host_id WHERE x.store_id = s.id), ''), s.capacity_gib, s.used_gib, p.warn_percent,
               CASE WHEN s.own THEN 0 ELSE s.allocated_gib END, CASE WHEN s.own THEN 0 ELSE coalesce((SELECT sum(v.size_gib) FROM volumes v WHERE v.store_id = s.id AND v.deleted_at IS NULL), 0) END
        FROM stores s JOIN pools p ON p.id = s.pool_id ORDER BY p.name, s.id
        """, r => new StoreHealth(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3), r.GetInt32(4), r.GetInt32(5), r.GetInt64(6), r.GetInt64(7)), cancel);

    /// <summary>Volumes whose number of snapshots is recorded otherwise than there are.</summary>
    public Task<List<(string Volume, int Recorded, int Real)>> SnapshotsAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT v.id, v.snapshots, coalesce(s.count, 0)::int FROM volumes v LEFT JOIN (SELECT volume_id, count(*) AS count FROM snapshots GROUP BY volume_id) s ON s.volume_id = v.id
        WHERE v.snapshots <> coalesce(s.count, 0) ORDER BY v.id LIMIT $1
        """, r => (r.GetString(0), r.GetInt32(1), r.GetInt32(2)), cancel, RowsMax);

    /// <summary>Schedules whose next backup was due before, or whose last one is still not made.</summary>
    public Task<List<(string Name, DateTimeOffset Since)>> BackupSchedulesAsync(DateTimeOffset before, CancellationToken cancel) => database.QueryAsync(
        """
        SELECT s.name, least(s.next_at, b.slot) FROM backup_schedules s LEFT JOIN LATERAL (SELECT min(b.slot) AS slot FROM backups b WHERE b.schedule_id = s.id AND b.state IN ('creating', 'failed') AND b.created_at < $1) b ON true
        WHERE s.enabled AND (s.next_at < $1 OR b.slot IS NOT NULL) ORDER BY s.id LIMIT $2
        """, r => (r.GetString(0), r.Time(1)), cancel, before, RowsMax);

    public Task<List<(string Store, string Place, int CapacityGib, int UsedGib)>> BackupPlacesAsync(CancellationToken cancel) => database.QueryAsync(
        "SELECT s.name, p.id, p.capacity_gib, p.used_gib FROM backup_places p JOIN backup_stores s ON s.id = p.store_id WHERE p.used_gib::bigint * 100 >= p.capacity_gib::bigint * s.warn_percent AND p.capacity_gib > 0 ORDER BY p.id LIMIT $1",
        r => (r.GetString(0), r.GetString(1), r.GetInt32(2), r.GetInt32(3)), cancel, RowsMax);

    /// <summary>Addresses that nobody can have any more, and instances that have none.</summary>
    public Task<List<(string Code, string Instance, string Address)>> AddressesAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT 'address-kept', v.name, host(i.address) FROM interfaces i JOIN instances v ON v.id = i.instance_id WHERE i.released_at IS NULL AND v.terminated_at IS NOT NULL
        UNION ALL SELECT 'floating-kept', v.name, host(f.address) FROM floating_addresses f JOIN interfaces i ON i.id = f.interface_id JOIN instances v ON v.id = i.instance_id WHERE i.released_at IS NOT NULL
        UNION ALL SELECT 'no-interface', v.name, '-' FROM instances v WHERE v.terminated_at IS NULL AND NOT EXISTS (SELECT 1 FROM interfaces i WHERE i.instance_id = v.id AND i.released_at IS NULL)
        ORDER BY 1, 2 LIMIT $1
        """, r => (r.GetString(0), r.GetString(1), r.GetString(2)), cancel, RowsMax);

    public Task<List<HostHealth>> HostsAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT h.name, h.state, extract(epoch FROM clock_timestamp() - h.heard_at)::bigint, h.agent_version, cardinality(h.strays), (h.conditions || coalesce(p.conditions || p.notices, '[]'))::text
        FROM hosts h LEFT JOIN host_power p ON p.host_id = h.id ORDER BY h.name
        """,
        r => new HostHealth(r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetString(3), r.GetInt32(4), r.Conditions(5)), cancel);

    /// <summary>Instances on hosts whose pools are not for their accounts.</summary>
    public Task<List<(string Pool, string Host, string Account, int Instances)>> ForeignInstancesAsync(CancellationToken cancel) => database.QueryAsync(
        """
        SELECT p.name, h.name, a.name, count(*)::int FROM host_pools p JOIN hosts h ON h.host_pool_id = p.id JOIN instances v ON v.host_id = h.id AND v.terminated_at IS NULL JOIN accounts a ON a.id = v.account_id
        WHERE NOT p.all_accounts AND NOT EXISTS (SELECT 1 FROM host_pool_accounts x WHERE x.host_pool_id = p.id AND x.account_id = v.account_id)
        GROUP BY p.id, h.id, a.id ORDER BY p.name, h.name, a.name LIMIT $1
        """, r => (r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3)), cancel, RowsMax);

    /// <summary>Drivers of power controllers, and how many hosts have one of each.</summary>
    public Task<List<(string Driver, int Hosts)>> PowerDriversAsync(CancellationToken cancel) =>
        database.QueryAsync("SELECT driver, count(*)::int FROM host_power GROUP BY driver ORDER BY driver", r => (r.GetString(0), r.GetInt32(1)), cancel);

    public Task<List<StandingCondition>> ConditionsAsync(TimeSpan age, CancellationToken cancel) => database.QueryAsync(
        """
        SELECT v.name, c ->> 'reason', (c ->> 'since')::timestamptz FROM instances v CROSS JOIN LATERAL jsonb_array_elements(v.conditions || v.notices) c
        WHERE v.terminated_at IS NULL AND (v.conditions <> '[]' OR v.notices <> '[]') AND (c ->> 'since')::timestamptz < clock_timestamp() - $2 ORDER BY 3 LIMIT $1
        """, r => new StandingCondition(r.GetString(0), r.GetString(1), r.Time(2)), cancel, RowsMax, age);

    /// <summary>Living servers, this one among them, and the versions they have.</summary>
    public Task<List<(string Name, string Version)>> ServersAsync(CancellationToken cancel) => database.QueryAsync(
        "SELECT name, version FROM servers WHERE seen_at > clock_timestamp() - interval '15 seconds' ORDER BY name", r => (r.GetString(0), r.GetString(1)), cancel);

    public async Task<long> EventsOutsideMonthsAsync(CancellationToken cancel) => await database.FindAsync("SELECT count(*) FROM (SELECT 1 FROM events_rest LIMIT 1000) e", r => r.GetInt64(0), cancel);

    public Task<List<(string Id, string Name)>> AvailableImagesAsync(CancellationToken cancel) => database.QueryAsync(
        "SELECT id, name FROM images WHERE state = 'available' AND deleted_at IS NULL ORDER BY id", r => (r.GetString(0), r.GetString(1)), cancel);

    public async Task<DatabaseHealth> DatabaseAsync(CancellationToken cancel)
    {
        var settings = await database.QueryAsync(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'max_connections', 'server_version')", r => (r.GetString(0), r.GetString(1)), cancel);
        var dead = await database.QueryAsync(
            "SELECT relname::text, n_dead_tup, n_live_tup FROM pg_stat_user_tables ORDER BY n_dead_tup DESC LIMIT 5", r => (r.GetString(0), r.GetInt64(1), r.GetInt64(2)), cancel);
        var (size, connections, clock) = await database.FindAsync(
            "SELECT pg_database_size(current_database()), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), clock_timestamp()",
            r => (r.GetInt64(0), r.GetInt64(1), r.Time(2)), cancel);
        return new DatabaseHealth(settings.ToDictionary(s => s.Item1, s => s.Item2), size, connections, clock, dead);
    }
}
