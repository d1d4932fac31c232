using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Subscriptions;

/// <summary>What people read and write of subscriptions. A change ends the lease: whoever delivers meanwhile finds that nothing of it counts any more.</summary>
public static class SubscriptionStore
{
    private const string Select =
        """
        SELECT s.id, s.name, a.id, a.name, s.scope, s.kind, s.url, s.exchange, s.content, s.actions, s.state, s.reason, s.failures, s.failing_since, CASE WHEN s.state = 'failing' THEN s.next_try_at END, s.last_error, s.last_delivered_at, s.delivered,
               s.former_until, s.created_at
        FROM subscriptions s JOIN accounts a ON a.id = s.account_id WHERE s.account_id = $1
        """;

    private static Subscription Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5), row.GetString(6), row.TextOrNull(7), row.GetString(8), row.Texts(9), row.GetString(10), row.GetString(11), row.GetInt32(12),
        row.TimeOrNull(13), row.TimeOrNull(14), row.TextOrNull(15), row.TimeOrNull(16), row.GetInt64(17), row.TimeOrNull(18), row.Time(19));

    public static Task<List<Subscription>> ListAsync(IQueries queries, string accountId, string after, int most, CancellationToken cancel) =>
        queries.QueryAsync(Select + " AND s.id > $2 ORDER BY s.id LIMIT $3", Read, cancel, accountId, after, most);

    public static Task<Subscription?> FindAsync(IQueries queries, string accountId, string key, CancellationToken cancel, string lockAs = "") =>
        queries.FindAsync(Select + " AND (s.id = $2 OR s.name = $2) " + lockAs, Read, cancel, accountId, key);

    public static Task<Delivery?> DeliveryAsync(IQueries queries, string id, CancellationToken cancel) =>
        queries.FindAsync($"SELECT {DeliveryStore.Fields} FROM subscriptions s WHERE s.id = $1", DeliveryStore.Read, cancel, id);

    public static Task<int> CountAsync(IQueries queries, string accountId, CancellationToken cancel) =>
        queries.FindAsync("SELECT count(*)::int FROM subscriptions WHERE account_id = $1", row => row.GetInt32(0), cancel, accountId);

    /// <returns>False if the name is taken.</returns>
    public static async Task<bool> InsertAsync(Transaction transaction, Delivery made, DateTimeOffset now, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        INSERT INTO subscriptions (id, account_id, name, scope, kind, url, exchange, content, actions, sealed_secret, created_at, state, position_xid, position_id, next_try_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'active', $12::text::xid8, $13, $11) ON CONFLICT (account_id, name) DO NOTHING
        """, cancel, made.Id, made.AccountId, made.Name, made.Scope, made.Kind, made.Url, Columns.Text(made.Exchange), made.Content, Columns.Texts(made.Actions), Columns.Bytes(made.SealedSecret), now,
        made.Position.Transaction.ToString(CultureInfo.InvariantCulture), made.Position.Id) == 1;

    public static Task<int> UpdateAsync(Transaction transaction, string id, string? name, string? url, string? exchange, IReadOnlyList<string>? actions, byte[]? secret, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        UPDATE subscriptions SET name = coalesce($2, name), url = coalesce($3, url), exchange = coalesce($4, exchange), actions = coalesce($5, actions), sealed_secret = coalesce($6, sealed_secret), holder = NULL, lease_until = NULL WHERE id = $1
        """, cancel, id, Columns.Text(name), Columns.Text(url), Columns.Text(exchange), Columns.TextArray(actions), Columns.Bytes(secret));

    public static Task<int> DisableAsync(Transaction transaction, string id, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE subscriptions SET state = 'disabled', reason = '', holder = NULL, lease_until = NULL WHERE id = $1", cancel, id);

    /// <param name="position">Null: where it stopped.</param>
    public static Task<int> ResumeAsync(Transaction transaction, string id, EventPosition? position, DateTimeOffset now, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        UPDATE subscriptions SET state = 'active', reason = '', failures = 0, failing_since = NULL, last_error = NULL, next_try_at = $2, holder = NULL, lease_until = NULL,
            position_xid = coalesce($3::text::xid8, position_xid), position_id = coalesce($4, position_id) WHERE id = $1
        """, cancel, id, now, Columns.Text(position?.Transaction.ToString(CultureInfo.InvariantCulture)), Columns.Text(position?.Id));

    /// <param name="formerUntil">Until when the present secret signs, too; null: not any more.</param>
    public static Task<int> RotateAsync(Transaction transaction, string id, byte[] secret, DateTimeOffset? formerUntil, CancellationToken cancel) => transaction.ExecuteAsync(
        "UPDATE subscriptions SET sealed_former = CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE sealed_secret END, former_until = $3, sealed_secret = $2, holder = NULL, lease_until = NULL WHERE id = $1", cancel, id, Columns.Bytes(secret), Columns.TimeValue(formerUntil));

    public static Task<int> DeleteAsync(Transaction transaction, string id, CancellationToken cancel) => transaction.ExecuteAsync("DELETE FROM subscriptions WHERE id = $1", cancel, id);
}
