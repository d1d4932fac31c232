using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;
using Kumoi.Reconcile;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Platform.Http;

/// <summary>Lets a create run once per key: a repeat gets the first answer, and one that comes meanwhile waits for it.</summary>
public static class Idempotency
{
    public static async Task<Result<T>> OnceAsync<T>(
        Transaction transaction, Caller caller, IdempotencyKey? key, DateTimeOffset now, CancellationToken cancel, Func<Task<Result<T>>> create)
    {
        if (key is null) return await create();
        var one = new Dictionary<int, (string, IdempotencyKey)> { [0] = (caller.AccountId, key) };
        if ((await SeenAsync<T>(transaction, one, now)).TryGetValue(0, out var answer)) return answer;
        var result = await create();
        // A create that failed leaves nothing, its key among it: the transaction is not committed.
        if (result.Failure is null) await KeepAsync(transaction, new Dictionary<int, (string, IdempotencyKey, Result<T>)> { [0] = (caller.AccountId, key, result) });
        return result;
    }

    /// <summary>
    /// The same for several creates in one transaction: notes their keys, and answers those that were answered before. The others are to be
    /// done and handed to <see cref="KeepAsync"/>.
    /// </summary>
    public static async Task<Dictionary<int, Result<T>>> SeenAsync<T>(Transaction transaction, Dictionary<int, (string AccountId, IdempotencyKey Key)> keyed, DateTimeOffset now)
    {
        var seen = new Dictionary<int, Result<T>>();
        if (keyed.Count == 0) return seen;
        // In one order everywhere, so that two batches with the same keys wait for each other and do not block each other for good.
        var ordered = keyed.OrderBy(k => k.Value.AccountId, StringComparer.Ordinal).ThenBy(k => k.Value.Key.Key, StringComparer.Ordinal).ToList();
        var first = (await transaction.QueryAsync(
            """
            INSERT INTO idempotency_keys (account_id, key, request_hash, created_at) SELECT n.*, $4 FROM unnest($1::text[], $2::text[], $3::bytea[]) AS n
            ON CONFLICT DO NOTHING RETURNING account_id, key
            """, row => (row.GetString(0), row.GetString(1)), default,
            Columns.Texts(ordered.Select(k => k.Value.AccountId)), Columns.Texts(ordered.Select(k => k.Value.Key.Key)), Columns.ByteArrays(ordered.Select(k => k.Value.Key.RequestHash)), now)).ToHashSet();
        var known = Repeated(keyed, first);
        if (known.Count == 0) return seen;
        var stored = (await transaction.QueryAsync(
            """
            SELECT k.account_id, k.key, k.request_hash, k.response::text FROM unnest($1::text[], $2::text[]) AS n(account, key)
            JOIN idempotency_keys k ON k.account_id = n.account AND k.key = n.key
            """, row => (Account: row.GetString(0), Key: row.GetString(1), Hash: row.GetFieldValue<byte[]>(2), Response: row.TextOrNull(3)), default,
            Columns.Texts(known.Select(k => k.Value.AccountId)), Columns.Texts(known.Select(k => k.Value.Key.Key)))).ToDictionary(k => (k.Account, k.Key));
        foreach (var (i, (account, key)) in known)
        {
            var (_, _, hash, response) = stored[(account, key.Key)];
            seen[i] = key.RequestHash.AsSpan().SequenceEqual(hash) ? JsonSerializer.Deserialize(response!, (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!)! : new Failure("idempotency-key-reused", 422);
        }
        return seen;
    }

    /// <summary>Those whose key was there before: they are answered as the first time, and not executed.</summary>
    /// <param name="first">Account and key of those that came first.</param>
    public static List<KeyValuePair<int, (string AccountId, IdempotencyKey Key)>> Repeated(
        IReadOnlyDictionary<int, (string AccountId, IdempotencyKey Key)> keyed, IReadOnlySet<(string AccountId, string Key)> first) =>
        PlantedBugs.Has(PlantedBug.KeyIsIgnored) ? [] : [.. keyed.Where(k => !first.Contains((k.Value.AccountId, k.Value.Key.Key)))];

    /// <summary>Keeps the answers of creates that succeeded, and forgets the keys of those that failed: they may be tried again.</summary>
    public static async Task KeepAsync<T>(Transaction transaction, Dictionary<int, (string AccountId, IdempotencyKey Key, Result<T> Answer)> done)
    {
        var kept = done.Values.Where(d => d.Answer.Failure is null).ToList();
        var info = (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!;
        if (kept.Count > 0)
            await transaction.ExecuteAsync(
                """
                UPDATE idempotency_keys k SET response = n.response FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS n(account, key, response)
                WHERE k.account_id = n.account AND k.key = n.key
                """, default, Columns.Texts(kept.Select(k => k.AccountId)), Columns.Texts(kept.Select(k => k.Key.Key)), Columns.Jsons(kept.Select(k => JsonSerializer.Serialize(k.Answer.Value, info))));
        var failed = done.Values.Where(d => d.Answer.Failure is not null).ToList();
        if (failed.Count > 0)
            await transaction.ExecuteAsync(
                "DELETE FROM idempotency_keys k USING unnest($1::text[], $2::text[]) AS n(account, key) WHERE k.account_id = n.account AND k.key = n.key", default,
                Columns.Texts(failed.Select(k => k.AccountId)), Columns.Texts(failed.Select(k => k.Key.Key)));
    }
}
