using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;
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
        var info = (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!;
        // The insert waits for a transaction that holds the same key; afterwards it inserts nothing, or inserts if that one failed.
        var first = await transaction.ExecuteAsync(
            "INSERT INTO idempotency_keys (account_id, key, request_hash, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", cancel,
            caller.AccountId, key.Key, key.RequestHash, now);
        if (first == 0)
        {
            var (hash, response) = await transaction.FindAsync(
                "SELECT request_hash, response::text FROM idempotency_keys WHERE account_id = $1 AND key = $2",
                row => (row.GetFieldValue<byte[]>(0), row.TextOrNull(1)), cancel, caller.AccountId, key.Key);
            if (!key.RequestHash.AsSpan().SequenceEqual(hash)) return new Failure("idempotency-key-reused", 422);
            return JsonSerializer.Deserialize(response!, info)!;
        }
        var result = await create();
        if (result.Failure is not null) return result;
        await transaction.ExecuteAsync(
            "UPDATE idempotency_keys SET response = $3 WHERE account_id = $1 AND key = $2", cancel,
            caller.AccountId, key.Key, Columns.Json(JsonSerializer.Serialize(result.Value, info)));
        return result;
    }
}
