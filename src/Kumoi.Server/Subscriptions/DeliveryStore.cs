using System.Globalization;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Subscriptions;

/// <summary>What servers read and write of subscriptions while they deliver. All that is written is written by the holder of the lease only.</summary>
public sealed class DeliveryStore(Database database, EventLog events, ServerRegistry registry, IEnumerable<IDeliverySource> sources, TimeProvider clock)
{
    /// <summary>What a killed server was delivering waits so long for another one. Shorter than a try takes, two would deliver the same.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    // Below so many transactions behind, looking for news costs nothing.
    private const int BehindMin = 1000;

    public const string Fields =
        "s.id, s.name, s.account_id, s.scope, s.kind, s.url, s.exchange, s.content, s.actions, s.sealed_secret, s.sealed_former, s.former_until, s.position_xid::text, s.position_id, s.failures, s.failing_since, coalesce(s.holder, '')";

    private readonly string _waiting = string.Join(" OR ", sources.Select(source => $"s.content = '{source.Content}' AND {source.Waiting}"));

    public static Delivery Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.TextOrNull(6), row.GetString(7), row.Texts(8), row.IsDBNull(9) ? null : row.GetFieldValue<byte[]>(9),
        row.IsDBNull(10) ? null : row.GetFieldValue<byte[]>(10), row.TimeOrNull(11), new EventPosition(ulong.Parse(row.GetString(12), CultureInfo.InvariantCulture), row.GetString(13)), row.GetInt32(14), row.TimeOrNull(15), row.GetString(16));

    /// <summary>Takes the lease of those that have something waiting, are due, and are nobody's: those first that were served the longest ago.</summary>
    /// <param name="state"><c>active</c> or <c>failing</c>.</param>
    public Task<List<Delivery>> ClaimAsync(string state, int most, CancellationToken cancel) => database.QueryAsync(
        $"""
        WITH due AS (
            SELECT s.id FROM subscriptions s WHERE s.state = $1 AND s.next_try_at <= $2 AND (s.lease_until IS NULL OR s.lease_until < clock_timestamp()) AND ({_waiting})
            ORDER BY s.next_try_at, s.id LIMIT $3 FOR UPDATE OF s SKIP LOCKED)
        UPDATE subscriptions s SET holder = $4 || '/' || gen_random_uuid(), lease_until = clock_timestamp() + make_interval(secs => $5) FROM due WHERE s.id = due.id RETURNING {Fields}
        """, Read, cancel, state, clock.GetUtcNow(), most, registry.Id, Lease.TotalSeconds);

    /// <summary>The receiver has confirmed all up to this position. Null if the lease is somebody else's, or the subscription has changed: then what is read of it counts no more.</summary>
    /// <param name="delivered">Things that were confirmed; 0 if there was none that is wanted.</param>
    public Task<Delivery?> AdvanceAsync(Delivery delivery, EventPosition position, int delivered, CancellationToken cancel) => database.FindAsync(
        $"""
        UPDATE subscriptions s SET position_xid = $3::text::xid8, position_id = $4, delivered = delivered + $5::integer, last_delivered_at = CASE WHEN $5 > 0 THEN $6 ELSE last_delivered_at END,
            state = CASE WHEN $5 > 0 THEN 'active' ELSE state END, failures = CASE WHEN $5 > 0 THEN 0 ELSE failures END, failing_since = CASE WHEN $5 > 0 THEN NULL ELSE failing_since END, last_error = CASE WHEN $5 > 0 THEN NULL ELSE last_error END,
            next_try_at = $6, lease_until = clock_timestamp() + make_interval(secs => $7)
        WHERE s.id = $1 AND s.holder = $2 RETURNING {Fields}
        """, Read, cancel, delivery.Id, delivery.Holder, position.Transaction.ToString(CultureInfo.InvariantCulture), position.Id, delivered, clock.GetUtcNow(), Lease.TotalSeconds);

    public Task ReleaseAsync(Delivery delivery, CancellationToken cancel) =>
        database.ExecuteAsync("UPDATE subscriptions SET holder = NULL, lease_until = NULL WHERE id = $1 AND holder = $2", cancel, delivery.Id, delivery.Holder);

    /// <summary>Notes a try that failed, and lets go until the next one.</summary>
    public Task FailAsync(Delivery delivery, string message, TimeSpan wait, CancellationToken cancel) => database.ExecuteAsync(
        """
        UPDATE subscriptions SET state = 'failing', failures = failures + 1, failing_since = coalesce(failing_since, $4), last_error = $3, next_try_at = $5, holder = NULL, lease_until = NULL WHERE id = $1 AND holder = $2
        """, cancel, delivery.Id, delivery.Holder, message, clock.GetUtcNow(), clock.GetUtcNow() + wait);

    /// <summary>Ends it until somebody resumes it, and says so in the log of its account.</summary>
    public Task DisableAsync(Delivery delivery, string message, string reason, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var disabled = await transaction.ExecuteAsync(
            """
            UPDATE subscriptions SET state = 'disabled', reason = $4, failures = failures + 1, failing_since = coalesce(failing_since, $5), last_error = $3, holder = NULL, lease_until = NULL WHERE id = $1 AND holder = $2
            """, cancel, delivery.Id, delivery.Holder, message, reason, clock.GetUtcNow());
        if (disabled == 1) await events.WriteAsync(transaction, delivery.AccountId, EventActor.System, "subscription.disable", new Subject("subscription", delivery.Id, delivery.Name), cancel, reason);
        return new Done();
    }, cancel);

    /// <summary>Moves those on that nothing waits for and that are far behind, or each look would pass over all that is not theirs.</summary>
    public Task SkipAsync(CancellationToken cancel) => database.ExecuteAsync(
        $"""
        UPDATE subscriptions s SET position_xid = pg_snapshot_xmin(pg_current_snapshot()), position_id = ''
        WHERE s.state = 'active' AND s.holder IS NULL AND pg_snapshot_xmin(pg_current_snapshot())::text::numeric - s.position_xid::text::numeric > $1 AND NOT ({_waiting})
        """, cancel, BehindMin);
}
