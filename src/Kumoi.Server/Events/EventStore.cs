using System.Globalization;
using System.Net;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Events;

public sealed record EventFilter(string? Resource, string? Action, DateTimeOffset? Since, DateTimeOffset? Until);

/// <summary>Where a follower is: after this transaction's event of this id.</summary>
public readonly record struct EventPosition(ulong Transaction, string Id);

/// <summary>Reads the universal log.</summary>
public sealed class EventStore(Database database)
{
    // So many at a time for a follower that has fallen behind.
    private const int FollowMax = 500;

    private const string Columns_ =
        """
        SELECT id, at, account_id, actor_kind, actor_id, actor_name, source_address, request_id, action, resource_type, resource_id, resource_name, message,
               changes::text, xid::text FROM events
        """;

    private static Event Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.Time(1), row.GetString(2), new Actor(row.GetString(3), row.TextOrNull(4), row.TextOrNull(5)),
        row.IsDBNull(6) ? null : row.GetFieldValue<IPAddress>(6).ToString(), row.TextOrNull(7), row.GetString(8), new EventResource(row.GetString(9), row.GetString(10), row.GetString(11)),
        row.TextOrNull(12), row.IsDBNull(13) ? null : JsonDocument.Parse(row.GetString(13)).RootElement);

    public Task<List<Event>> ListAsync(string accountId, EventFilter filter, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Columns_ + """
         WHERE account_id = $1 AND ($2 = '' OR id < $2) AND ($4::text IS NULL OR resource_id = $4 OR resource_name = $4) AND ($5::text IS NULL OR action = $5)
           AND ($6::timestamptz IS NULL OR at >= $6) AND ($7::timestamptz IS NULL OR at < $7) ORDER BY id DESC LIMIT $3
        """, Read, cancel, accountId, page.After, page.Limit + 1, Columns.Text(filter.Resource), Columns.Text(filter.Action), Columns.TimeValue(filter.Since), Columns.TimeValue(filter.Until));

    /// <summary>Some of an account's events, in no order; those that the log keeps no longer are missing.</summary>
    public Task<List<Event>> FindAsync(string accountId, IEnumerable<string> ids, CancellationToken cancel) =>
        database.QueryAsync(Columns_ + " WHERE account_id = $1 AND id = ANY($2)", Read, cancel, accountId, Columns.Texts(ids));

    /// <summary>The last events of one resource, newest first, whoever's it is: the caller has made sure who may see it.</summary>
    public Task<List<Event>> LatestAsync(string resourceId, int most, CancellationToken cancel) =>
        database.QueryAsync(Columns_ + " WHERE resource_id = $1 ORDER BY id DESC LIMIT $2", Read, cancel, resourceId, most);

    /// <summary>The position of an event seen before, or the end of the log.</summary>
    public async Task<EventPosition> PositionAsync(string? lastId, CancellationToken cancel)
    {
        if (!string.IsNullOrEmpty(lastId)
            && await database.FindAsync("SELECT xid::text, id FROM events WHERE id = $1", row => (EventPosition?)Position(row.GetString(0), row.GetString(1)), cancel, lastId) is { } known)
            return known;
        // Everything of transactions that are over; those still running are yet to be told.
        return await database.FindAsync("SELECT pg_snapshot_xmin(pg_current_snapshot())::text", row => Position(row.GetString(0), ""), cancel);
    }

    /// <summary>What has come since, up to the oldest transaction still running: a row that commits late is not passed over.</summary>
    public Task<List<(EventPosition At, Event Event)>> FollowAsync(string accountId, EventPosition after, CancellationToken cancel) => database.QueryAsync(
        Columns_ + """
         WHERE account_id = $1 AND (xid, id) > ($2::text::xid8, $3) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT $4
        """, row => (Position(row.GetString(14), row.GetString(0)), Read(row)), cancel, accountId, after.Transaction.ToString(CultureInfo.InvariantCulture), after.Id, FollowMax);

    private static EventPosition Position(string transaction, string id) => new(ulong.Parse(transaction, CultureInfo.InvariantCulture), id);
}

/// <summary>Makes the log's monthly partitions ahead of time, so that old months can be dropped or moved as a whole.</summary>
public sealed class EventPartitions(Database database, TimeProvider clock, ILogger<EventPartitions> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(6), clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await EnsureAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                EventLogMessages.PartitionFailed(log, e);
            }
        }
    }

    /// <summary>This month's and the next one's partition. Run before the first event is written, so that the rest partition stays empty.</summary>
    public async Task EnsureAsync(CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var month = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        foreach (var start in new[] { month, month.AddMonths(1) })
            await database.ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
                $"CREATE TABLE IF NOT EXISTS events_{start:yyyy_MM} PARTITION OF events FOR VALUES FROM ('{start:yyyy-MM-dd}+00') TO ('{start.AddMonths(1):yyyy-MM-dd}+00')"), cancel);
    }
}

internal static partial class EventLogMessages
{
    [LoggerMessage(1001, LogLevel.Warning, "The next month's partition of the event log could not be made; events go to the rest partition until it can.")]
    public static partial void PartitionFailed(ILogger logger, Exception exception);
}
