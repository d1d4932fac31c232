using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Metering;

/// <summary>What is asked for: a time, and what it is told apart by.</summary>
/// <param name="By"><c>hour</c>, <c>day</c> or null: added up over the time.</param>
public sealed record UsageQuery(DateTimeOffset Since, DateTimeOffset Until, string? Meter, string? Resource, string? By, bool ByResource);

/// <summary>Every statement on spans and records of use.</summary>
public sealed class UsageStore(Database database)
{
    // More rows than this help nobody: the export has them all.
    public const int RowsMax = 10_000;

    // Traffic is told late by hosts that could not be reached for a while; each look adds it up again for so long.
    private static readonly TimeSpan TrafficLate = TimeSpan.FromHours(26);

    public async Task<DateTimeOffset> ComputedUntilAsync(CancellationToken cancel) => await database.FindAsync("SELECT computed_until FROM usage_progress", row => row.Time(0), cancel);

    /// <summary>How far use is computed, and how far it can be: hours that are over, and whose transactions and reports have come in. Whoever has it locked is alone in writing records.</summary>
    public static async Task<(DateTimeOffset Until, DateTimeOffset Over, DateTimeOffset? Changed)> ProgressAsync(Transaction transaction, TimeSpan late, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("SELECT 1 FROM usage_progress FOR UPDATE", cancel);
        return await transaction.FindAsync(
            """
            SELECT computed_until, date_trunc('hour', clock_timestamp() - make_interval(secs => $1), 'UTC'),
                   (SELECT min(at) FROM (SELECT min(begun_at) AS at FROM usage_spans WHERE begun_xid >= p.seen UNION ALL SELECT min(ended_at) FROM usage_spans WHERE ended_xid >= p.seen) c) FROM usage_progress p
            """, row => (row.Time(0), row.Time(1), row.TimeOrNull(2)), cancel, late.TotalSeconds);
    }

    /// <summary>All before has been computed, from what every transaction that is over had written.</summary>
    public static Task ReachedAsync(Transaction transaction, DateTimeOffset until, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE usage_progress SET computed_until = $1, seen = pg_snapshot_xmin(pg_current_snapshot())", cancel, until);

    /// <summary>Makes the month's partition; there is none that takes the rest, since it would have to be emptied first.</summary>
    public static Task PartitionAsync(Transaction transaction, DateTimeOffset hour, CancellationToken cancel)
    {
        var month = new DateTimeOffset(hour.Year, hour.Month, 1, 0, 0, 0, TimeSpan.Zero);
        return transaction.ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
            $"CREATE TABLE IF NOT EXISTS usage_records_{month:yyyy_MM} PARTITION OF usage_records FOR VALUES FROM ('{month:yyyy-MM-dd}+00') TO ('{month.AddMonths(1):yyyy-MM-dd}+00')"), cancel);
    }

    /// <summary>Writes the records of some whole hours as spans and traffic say; what is right already stays untouched.</summary>
    /// <returns>How many were not right.</returns>
    public static async Task<int> ComputeAsync(Transaction transaction, DateTimeOffset since, DateTimeOffset until, CancellationToken cancel) =>
        await WriteAsync(transaction, OfSpans, "meter NOT LIKE 'traffic.%'", since, until, cancel) + await ComputeTrafficAsync(transaction, since, until, cancel);

    /// <summary>The same for the traffic of recorded hours in which some may have come late.</summary>
    public static async Task<int> ComputeLateTrafficAsync(Transaction transaction, DateTimeOffset until, CancellationToken cancel)
    {
        // From the first hour that was recorded at all: those before have no partition.
        var since = await transaction.FindAsync("SELECT greatest($1, (SELECT min(hour) FROM usage_records))", row => row.Time(0), cancel, until - TrafficLate);
        return await ComputeTrafficAsync(transaction, since, until, cancel);
    }

    private static Task<int> ComputeTrafficAsync(Transaction transaction, DateTimeOffset since, DateTimeOffset until, CancellationToken cancel) => WriteAsync(transaction, OfTraffic, "meter LIKE 'traffic.%'", since, until, cancel);

    // What of each span lies in each hour.
    private const string OfSpans =
        """
        SELECT h.hour, s.account_id, s.meter, s.attribute, s.resource_type, s.resource_id, (array_agg(s.resource_name ORDER BY s.number DESC))[1] AS resource_name,
               round(sum(s.quantity * extract(epoch FROM least(s.ended_at, h.hour + interval '1 hour') - greatest(s.begun_at, h.hour)) / 3600), 9) AS quantity
        FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') AS h (hour)
        JOIN (SELECT * FROM usage_spans WHERE ended_at IS NULL AND begun_at < $2 UNION ALL SELECT * FROM usage_spans WHERE ended_at > $1 AND begun_at < $2) s
          ON s.begun_at < h.hour + interval '1 hour' AND (s.ended_at IS NULL OR s.ended_at > h.hour)
        GROUP BY h.hour, s.account_id, s.meter, s.attribute, s.resource_type, s.resource_id
        """;

    // Bytes of an instance's interfaces together. Its name is the last that a span has.
    private const string OfTraffic =
        """
        SELECT t.hour, t.account_id, d.meter, '' AS attribute, 'instance' AS resource_type, t.instance_id AS resource_id,
               coalesce((SELECT s.resource_name FROM usage_spans s WHERE s.resource_id = t.instance_id ORDER BY s.number DESC LIMIT 1), t.instance_id) AS resource_name, round(sum(d.bytes) / 1073741824, 9) AS quantity
        FROM interface_traffic_hours t, LATERAL (VALUES ('traffic.out', t.bytes_sent), ('traffic.in', t.bytes_received)) AS d (meter, bytes)
        WHERE t.hour >= $1 AND t.hour < $2 AND d.bytes > 0 GROUP BY t.hour, t.account_id, d.meter, t.instance_id
        """;

    private static async Task<int> WriteAsync(Transaction transaction, string source, string which, DateTimeOffset since, DateTimeOffset until, CancellationToken cancel) => await transaction.FindAsync(
        $"""
        WITH right_ones AS MATERIALIZED ({source}),
        wrong AS (DELETE FROM usage_records r WHERE r.hour >= $1 AND r.hour < $2 AND {which} AND NOT EXISTS (
            SELECT 1 FROM right_ones n WHERE (n.hour, n.account_id, n.meter, n.resource_id, n.attribute) = (r.hour, r.account_id, r.meter, r.resource_id, r.attribute)) RETURNING 1),
        written AS (INSERT INTO usage_records AS r (hour, account_id, meter, attribute, resource_type, resource_id, resource_name, quantity)
            SELECT hour, account_id, meter, attribute, resource_type, resource_id, resource_name, quantity FROM right_ones WHERE quantity > 0
            ON CONFLICT (hour, account_id, meter, resource_id, attribute) DO UPDATE SET quantity = excluded.quantity, resource_name = excluded.resource_name, xid = pg_current_xact_id()
            WHERE r.quantity <> excluded.quantity RETURNING 1)
        SELECT ((SELECT count(*) FROM wrong) + (SELECT count(*) FROM written))::int
        """, row => row.GetInt32(0), cancel, since, until);

    /// <summary>Hours of one meter, newest first for a list by hour; at most one more than <see cref="RowsMax"/>.</summary>
    public Task<List<UsageAmount>> ListAsync(string accountId, UsageQuery query, CancellationToken cancel)
    {
        var bucket = query.By is null ? "NULL::timestamptz" : query.By == "day" ? "date_trunc('day', hour, 'UTC')" : "hour";
        var resource = query.ByResource ? "resource_type, resource_id, (array_agg(resource_name ORDER BY hour DESC))[1]" : "NULL, NULL, NULL";
        return database.QueryAsync(
            $"""
            SELECT meter, attribute, sum(quantity)::numeric(26, 9), {bucket} AS bucket, {resource} FROM usage_records
            WHERE account_id = $1 AND hour >= $2 AND hour < $3 AND ($4::text IS NULL OR meter = $4) AND ($5::text IS NULL OR resource_id = $5 OR resource_name = $5)
            GROUP BY meter, attribute, bucket{(query.ByResource ? ", resource_type, resource_id" : "")} ORDER BY bucket DESC, meter, attribute{(query.ByResource ? ", resource_id" : "")} LIMIT $6
            """, row => new UsageAmount(row.GetString(0), row.GetString(1), Meters.Unit(row.GetString(0)), Plain(row.GetDecimal(2)), row.TimeOrNull(3), row.IsDBNull(5) ? null : new UsedResource(row.GetString(4), row.GetString(5), row.GetString(6))),
            cancel, accountId, query.Since, query.Until, Columns.Text(query.Meter), Columns.Text(query.Resource), RowsMax + 1);
    }

    /// <summary>All records of a time, in the order of their hours, as they come: never all in memory.</summary>
    public async IAsyncEnumerable<UsageRecord> ExportAsync(string accountId, UsageQuery query, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        await using var command = new NpgsqlCommand(
            """
            SELECT hour, account_id, meter, attribute, resource_type, resource_id, resource_name, quantity FROM usage_records
            WHERE account_id = $1 AND hour >= $2 AND hour < $3 AND ($4::text IS NULL OR meter = $4) AND ($5::text IS NULL OR resource_id = $5 OR resource_name = $5) ORDER BY hour, meter, resource_id, attribute
            """, connection);
        foreach (var value in new object[] { accountId, query.Since, query.Until, Columns.Text(query.Meter), Columns.Text(query.Resource) }) command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
            yield return new UsageRecord(row.Time(0), row.GetString(1), row.GetString(2), row.GetString(3), Meters.Unit(row.GetString(2)), row.GetString(4), row.GetString(5), row.GetString(6), Plain(row.GetDecimal(7)));
    }

    /// <summary>The spans of a resource, newest first, each with the events that began and ended it: those of the same transaction, or what was done to the resource last before.</summary>
    public Task<List<(UsageSpan Span, string? Begun, string? Ended)>> SpansAsync(string accountId, string resource, int most, CancellationToken cancel) => database.QueryAsync(
        """
        SELECT s.meter, s.attribute, s.quantity, s.begun_at, s.ended_at, b.id, e.id FROM usage_spans s
        LEFT JOIN LATERAL (SELECT id FROM events WHERE resource_id = s.resource_id AND account_id = s.account_id AND xid <= s.begun_xid ORDER BY xid DESC, id LIMIT 1) b ON true
        LEFT JOIN LATERAL (SELECT id FROM events WHERE resource_id = s.resource_id AND account_id = s.account_id AND xid <= s.ended_xid ORDER BY xid DESC, id LIMIT 1) e ON true
        WHERE s.account_id = $1 AND s.resource_id = $2 ORDER BY s.number DESC LIMIT $3
        """, row => (new UsageSpan(row.GetString(0), row.GetString(1), Meters.Unit(row.GetString(0)), Plain(row.GetDecimal(2)), row.Time(3), row.TimeOrNull(4), null, null), row.TextOrNull(5), row.TextOrNull(6)), cancel, accountId, resource, most);

    /// <summary>The resource of this id or name that used something last; null if the account has none.</summary>
    public Task<string?> ResourceAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(
        "SELECT resource_id FROM usage_spans WHERE account_id = $1 AND (resource_id = $2 OR resource_name = $2) ORDER BY resource_id = $2 DESC, number DESC LIMIT 1", row => (string?)row.GetString(0), cancel, accountId, key);

    /// <summary>Records of the last hours that are not what the spans say: there are none, unless somebody wrote past the program.</summary>
    public Task<int> WrongAsync(TimeSpan last, CancellationToken cancel) => database.FindAsync(
        $"""
        WITH bounds AS (SELECT computed_until FROM usage_progress),
        right_ones AS ({OfSpans.Replace("$1", "(SELECT computed_until - $1::interval FROM bounds)", StringComparison.Ordinal).Replace("$2", "(SELECT computed_until FROM bounds)", StringComparison.Ordinal)})
        SELECT count(*)::int FROM (SELECT hour, account_id, meter, attribute, resource_id, quantity FROM right_ones WHERE quantity > 0) n
        FULL JOIN (SELECT * FROM usage_records, bounds WHERE hour >= computed_until - $1::interval AND hour < computed_until AND meter NOT LIKE 'traffic.%') r USING (hour, account_id, meter, attribute, resource_id)
        WHERE n.quantity IS DISTINCT FROM r.quantity
        """, row => row.GetInt32(0), cancel, last);

    /// <summary>Resources that have something else than is noted: there are none, unless somebody wrote past the database's triggers.</summary>
    public Task<List<(string Resource, string Meter, decimal Noted, decimal Real)>> UnnotedAsync(int most, CancellationToken cancel) => database.QueryAsync(
        """
        SELECT resource_id, meter, coalesce(s.quantity, 0), coalesce(r.quantity, 0) FROM (SELECT resource_id, meter, quantity FROM usage_spans WHERE ended_at IS NULL) s
        FULL JOIN (SELECT t.id AS resource_id, m.* FROM instances t, metered(t) m WHERE t.terminated_at IS NULL
            UNION ALL SELECT t.id, m.* FROM volumes t, metered(t) m WHERE t.deleted_at IS NULL UNION ALL SELECT t.id, m.* FROM snapshots t, metered(t) m UNION ALL SELECT t.id, m.* FROM backups t, metered(t) m
            UNION ALL SELECT t.id, m.* FROM images t, metered(t) m WHERE t.deleted_at IS NULL UNION ALL SELECT t.id, m.* FROM floating_addresses t, metered(t) m UNION ALL SELECT t.id, m.* FROM networks t, metered(t) m
            UNION ALL SELECT t.id, m.* FROM routers t, metered(t) m UNION ALL SELECT t.id, m.* FROM load_balancers t, metered(t) m UNION ALL SELECT t.id, m.* FROM vpns t, metered(t) m) r USING (resource_id, meter)
        WHERE s.quantity IS DISTINCT FROM r.quantity ORDER BY 1, 2 LIMIT $1
        """, row => (row.GetString(0), row.GetString(1), Plain(row.GetDecimal(2)), Plain(row.GetDecimal(3))), cancel, most);

    /// <summary>Without the zeros that the column adds.</summary>
    public static decimal Plain(decimal quantity) => quantity / 1.000000000000000000000000000000m;
}
