using System.Globalization;
using System.Net;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Events;

/// <param name="Resource">Id or name.</param>
/// <param name="Actions">Patterns; none: all.</param>
/// <param name="Actor">Id or name.</param>
public sealed record EventFilter(string? Resource, string? ResourceType, IReadOnlyList<string> Actions, string? Actor, string? RequestId, DateTimeOffset? Since, DateTimeOffset? Until);

/// <summary>Where a follower is: after this transaction's event of this id.</summary>
public readonly record struct EventPosition(ulong Transaction, string Id)
{
    /// <summary>The later of the two.</summary>
    public EventPosition Or(EventPosition other) => other.Transaction > Transaction || other.Transaction == Transaction && string.CompareOrdinal(other.Id, Id) > 0 ? other : this;
}

/// <summary>Where a reader of a list is: behind the event of this id, which is of this time.</summary>
public sealed record EventPlace(DateTimeOffset At, string Id);

/// <summary>Reads the universal log: of one account, or of the whole cloud where the account is null.</summary>
public sealed class EventStore(Database database)
{
    // Ids have their time in them, which is the server's a moment after the event's.
    private static readonly TimeSpan IdAwayMax = TimeSpan.FromMinutes(5);

    // Behind a time, transactions may have written later than others that began after them; none takes so long.
    private const int TransactionMinutesMax = 10;

    private const string Columns_ =
        """
        SELECT id, at, account_id, actor_kind, actor_id, actor_name, source_address, request_id, action, resource_type, resource_id, resource_name, message,
               changes::text, xid::text FROM events
        """;

    private static Event Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.Time(1), row.GetString(2), new Actor(row.GetString(3), row.TextOrNull(4), row.TextOrNull(5)),
        row.IsDBNull(6) ? null : row.GetFieldValue<IPAddress>(6).ToString(), row.TextOrNull(7), row.GetString(8), new EventResource(row.GetString(9), row.GetString(10), row.GetString(11)),
        row.TextOrNull(12), row.IsDBNull(13) ? null : JsonDocument.Parse(row.GetString(13)).RootElement);

    // Said apart, so that the plan of the one is not the other's.
    private static string Of(string? accountId) => accountId is null ? "$1::text IS NULL" : "account_id = $1";

    /// <summary>So many events behind a place, or from the beginning.</summary>
    public Task<List<Event>> ListAsync(string? accountId, EventFilter filter, EventPlace? behind, bool newestFirst, int most, CancellationToken cancel)
    {
        // The log of an account lies in the order of ids, that of all in the order of times.
        var (key, place, order) = accountId is null ? ("(at, id)", "($11::timestamptz, $9)", "at {0}, id {0}") : ("id", "$9", "id {0}");
        var sql = Columns_ + $"""
             WHERE {Of(accountId)} AND ($2::text IS NULL OR resource_id = $2 OR resource_name = $2) AND ($3::text IS NULL OR resource_type = $3) AND ($4::text[] IS NULL OR action LIKE ANY ($4))
               AND ($5::text IS NULL OR actor_id = $5 OR actor_name = $5) AND ($6::text IS NULL OR request_id = $6) AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
               AND ($9::text IS NULL OR {key} {(newestFirst ? '<' : '>')} {place}) ORDER BY {string.Format(CultureInfo.InvariantCulture, order, newestFirst ? "DESC" : "ASC")} LIMIT $10
            """;
        object?[] values =
        [
            Columns.Text(accountId), Columns.Text(filter.Resource), Columns.Text(filter.ResourceType), Columns.TextArray(ActionPatterns.Likes(filter.Actions)), Columns.Text(filter.Actor), Columns.Text(filter.RequestId),
            Columns.TimeValue(filter.Since), Columns.TimeValue(filter.Until), Columns.Text(behind?.Id), most,
        ];
        return database.QueryAsync(sql, Read, cancel, accountId is null ? [.. values, Columns.TimeValue(behind?.At)] : values);
    }

    /// <summary>The place of an event that was listed before; null if there is none of this id.</summary>
    public Task<EventPlace?> PlaceAsync(string id, CancellationToken cancel) => database.FindAsync(
        "SELECT at, id FROM events WHERE id = $1 AND at BETWEEN $2::timestamptz - $3::interval AND $2::timestamptz + $3::interval", row => (EventPlace?)new EventPlace(row.Time(0), row.GetString(1)), cancel, id, Ids.TimeOf(id), IdAwayMax);

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
        return await EndAsync(database, cancel);
    }

    /// <summary>Everything of transactions that are over; those still running are yet to be told.</summary>
    public static Task<EventPosition> EndAsync(IQueries queries, CancellationToken cancel) =>
        queries.FindAsync("SELECT pg_snapshot_xmin(pg_current_snapshot())::text", row => Position(row.GetString(0), ""), cancel);

    /// <summary>The position before all events from this time on: a few from before it may be behind it, none from after it is passed over.</summary>
    public static async Task<EventPosition> BeforeAsync(IQueries queries, DateTimeOffset time, CancellationToken cancel) => await queries.FindAsync(
        """
        WITH first AS (SELECT at FROM events WHERE at >= $1 ORDER BY at, id LIMIT 1)
        SELECT e.xid::text FROM events e, first f WHERE e.at BETWEEN f.at AND f.at + make_interval(mins => $2) ORDER BY e.xid LIMIT 1
        """, row => (EventPosition?)Position(row.GetString(0), ""), cancel, time, TransactionMinutesMax) ?? await EndAsync(queries, cancel);

    // With the table's name: xid alone would be the column of the answer, which is text, and puts 10 before 9.
    /// <summary>What has come since, up to the oldest transaction still running: a row that commits late is not passed over.</summary>
    /// <param name="actions">Patterns; none: all.</param>
    public Task<List<(EventPosition At, Event Event)>> FollowAsync(string? accountId, IReadOnlyList<string> actions, EventPosition after, int most, CancellationToken cancel) => database.QueryAsync(
        Columns_ + $"""
         WHERE {Of(accountId)} AND ($5::text[] IS NULL OR action LIKE ANY ($5)) AND (xid, id) > ($2::text::xid8, $3) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY events.xid, events.id LIMIT $4
        """, row => (Position(row.GetString(14), row.GetString(0)), Read(row)), cancel, Columns.Text(accountId), after.Transaction.ToString(CultureInfo.InvariantCulture), after.Id, most, Columns.TextArray(ActionPatterns.Likes(actions)));

    private static EventPosition Position(string transaction, string id) => new(ulong.Parse(transaction, CultureInfo.InvariantCulture), id);
}
