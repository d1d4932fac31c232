using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Alerts;

/// <summary>What is wanted of a list of alerts.</summary>
public sealed record AlertFilter(IReadOnlyList<string> States, string? Severity, string? Kind);

/// <summary>Statements on alerts. An owner is an account's id, or null for the operators.</summary>
public sealed class AlertStore(Database database, Ids ids)
{
    private const string Select =
        """
        SELECT id, kind, severity, resource_type, resource_id, resource_name, cause_id, cause_name, arguments::text, state, count, raised_at, last_seen_at, acknowledged_at, acknowledged_by, note, resolved_at FROM alerts
        """;

    private static Func<NpgsqlDataReader, Alert> Read(string language) => row => new(
        row.GetString(0), row.GetString(1), row.GetString(2), new EventResource(row.GetString(3), row.GetString(4), row.GetString(5)), row.IsDBNull(6) ? null : new Ref(row.GetString(6), row.GetString(7)),
        AlertText.Message(language, row.GetString(1), row.GetString(5), Arguments(row.GetString(8))), AlertText.Action(language, row.GetString(1), row.GetString(5)), row.GetString(9), row.GetInt32(10), row.Time(11), row.Time(12),
        row.TimeOrNull(13) is { } at ? new AlertAcknowledgement(at, row.GetString(14), row.GetString(15)) : null, row.TimeOrNull(16));

    public static string[] Arguments(string json) => JsonSerializer.Deserialize(json, ApiJson.Default.StringArray)!;

    public Task<List<Alert>> ListAsync(string? owner, string language, AlertFilter filter, PageRequest page, CancellationToken cancel) => database.QueryAsync(
        Select + " WHERE coalesce(account_id, '') = $1 AND ($2 = '' OR id < $2) AND state = ANY($4) AND ($5::text IS NULL OR severity = $5) AND ($6::text IS NULL OR kind = $6) ORDER BY id DESC LIMIT $3",
        Read(language), cancel, owner ?? "", page.After, page.Limit + 1, Columns.Texts(filter.States), Columns.Text(filter.Severity), Columns.Text(filter.Kind));

    public Task<Alert?> FindAsync(IQueries queries, string? owner, string id, string language, CancellationToken cancel, string lockAs = "") =>
        queries.FindAsync(Select + " WHERE coalesce(account_id, '') = $1 AND id = $2 " + lockAs, Read(language), cancel, owner ?? "", id)!;

    public Task<List<Sighting>> SightAsync(Transaction transaction, AlertKind kind, CancellationToken cancel) => transaction.QueryAsync(kind.Sql, row => new Sighting(
        row.TextOrNull(0), row.GetString(1), new Subject(row.GetString(2), row.GetString(3), row.GetString(4)), row.TextOrNull(5), row.TextOrNull(6), row.GetFieldValue<string>(7)), cancel);

    /// <summary>Those of a kind that stand, and those resolved after a time.</summary>
    public Task<List<KnownAlert>> KnownAsync(Transaction transaction, string kind, DateTimeOffset resolvedAfter, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT id, account_id, resource_id, resource_name, severity, cause_id, arguments::text, state, acknowledged_at IS NOT NULL, count, last_seen_at, resolved_at FROM alerts
        WHERE kind = $1 AND (state <> 'resolved' OR resolved_at > $2)
        """, row => new KnownAlert(row.GetString(0), row.TextOrNull(1), row.GetString(2), row.GetString(3), row.GetString(4), row.TextOrNull(5), row.GetString(6), row.GetString(7), row.GetBoolean(8), row.GetInt32(9), row.Time(10), row.TimeOrNull(11)),
        cancel, kind, resolvedAfter);

    /// <summary>Ids of those that were made, by their resource: another server may have made the others.</summary>
    public async Task<Dictionary<string, string>> RaiseAsync(Transaction transaction, string kind, IReadOnlyList<Sighting> seen, DateTimeOffset now, CancellationToken cancel) => (await transaction.QueryAsync(
        """
        INSERT INTO alerts (id, account_id, kind, severity, resource_type, resource_id, resource_name, cause_id, cause_name, arguments, raised_at, last_seen_at)
        SELECT n.id, n.account, $10, n.severity, n.type, n.resource, n.name, n.cause, n.cause_name, n.arguments, $11, $11
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[]) AS n(id, account, severity, type, resource, name, cause, cause_name, arguments)
        ON CONFLICT (kind, resource_id) WHERE state <> 'resolved' DO NOTHING RETURNING resource_id, id
        """, row => (row.GetString(0), row.GetString(1)), cancel, Columns.Texts(seen.Select(_ => ids.New(Ids.Alert))), Columns.TextsOrNull(seen.Select(s => s.AccountId)), Columns.Texts(seen.Select(s => s.Severity)),
        Columns.Texts(seen.Select(s => s.Subject.Type)), Columns.Texts(seen.Select(s => s.Subject.Id)), Columns.Texts(seen.Select(s => s.Subject.Name)), Columns.TextsOrNull(seen.Select(s => s.CauseId)),
        Columns.TextsOrNull(seen.Select(s => s.CauseName)), Columns.Jsons(seen.Select(s => s.Arguments)), kind, now)).ToDictionary();

    /// <summary>Lets resolved ones stand again, counted on; what was acknowledged stays so. Ids of those that this server did it to.</summary>
    public Task<List<string>> ReopenAsync(Transaction transaction, IReadOnlyList<(KnownAlert Alert, Sighting Seen)> again, DateTimeOffset now, CancellationToken cancel) => ChangeAsync(
        transaction, "state = CASE WHEN a.acknowledged_at IS NULL THEN 'open' ELSE 'acknowledged' END, resolved_at = NULL, count = a.count + 1, ", "a.state = 'resolved'", again, now, cancel);

    /// <summary>Writes down that they are still so, and what has changed of it.</summary>
    public Task<List<string>> RefreshAsync(Transaction transaction, IReadOnlyList<(KnownAlert Alert, Sighting Seen)> still, DateTimeOffset now, CancellationToken cancel) => ChangeAsync(transaction, "", "a.state <> 'resolved'", still, now, cancel);

    private static Task<List<string>> ChangeAsync(Transaction transaction, string set, string guard, IReadOnlyList<(KnownAlert Alert, Sighting Seen)> all, DateTimeOffset now, CancellationToken cancel) => transaction.QueryAsync(
        $"""
        UPDATE alerts a SET {set}severity = n.severity, resource_name = n.name, cause_id = n.cause, cause_name = n.cause_name, arguments = n.arguments, last_seen_at = $7
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[]) AS n(id, severity, name, cause, cause_name, arguments) WHERE a.id = n.id AND {guard} RETURNING a.id
        """, row => row.GetString(0), cancel, Columns.Texts(all.Select(one => one.Alert.Id)), Columns.Texts(all.Select(one => one.Seen.Severity)), Columns.Texts(all.Select(one => one.Seen.Subject.Name)),
        Columns.TextsOrNull(all.Select(one => one.Seen.CauseId)), Columns.TextsOrNull(all.Select(one => one.Seen.CauseName)), Columns.Jsons(all.Select(one => one.Seen.Arguments)), now);

    public Task<List<string>> ResolveAsync(Transaction transaction, IReadOnlyList<KnownAlert> gone, DateTimeOffset now, CancellationToken cancel) => transaction.QueryAsync(
        "UPDATE alerts SET state = 'resolved', resolved_at = $2 WHERE id = ANY($1) AND state <> 'resolved' RETURNING id", row => row.GetString(0), cancel, Columns.Texts(gone.Select(alert => alert.Id)), now);

    public Task AcknowledgeAsync(Transaction transaction, string id, string by, string note, DateTimeOffset now, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE alerts SET state = 'acknowledged', acknowledged_at = $2, acknowledged_by = $3, note = $4 WHERE id = $1", cancel, id, now, by, note);

    public Task UnacknowledgeAsync(Transaction transaction, string id, CancellationToken cancel) =>
        transaction.ExecuteAsync("UPDATE alerts SET state = 'open', acknowledged_at = NULL, acknowledged_by = NULL, note = '' WHERE id = $1", cancel, id);

    /// <summary>Forgets what was resolved long ago; the log keeps that it was.</summary>
    public Task<int> ForgetAsync(DateTimeOffset before, CancellationToken cancel) => database.ExecuteAsync("DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE resolved_at < $1 LIMIT 1000)", cancel, before);
}
