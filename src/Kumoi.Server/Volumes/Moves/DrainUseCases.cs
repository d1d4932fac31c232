using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>Has pools emptied. It ends when they are used again: <c>maintenance</c> false.</summary>
public sealed class DrainUseCases(Database database, EventLog events)
{
    /// <summary>The pool's id.</summary>
    public Task<Result<string>> DrainAsync(Caller caller, string key, DrainPool drain, CancellationToken cancel) => database.TransactionAsync<string>(async transaction =>
    {
        // In one order, since one may be emptied into the other.
        await transaction.ExecuteAsync("SELECT 1 FROM pools WHERE id IN ($1, $2) OR name IN ($1, $2) OR $2 = '' AND is_default ORDER BY id FOR UPDATE", cancel, key, drain.To ?? "");
        var pool = await transaction.FindAsync("SELECT id, name FROM pools WHERE id = $1 OR name = $1", row => new Ref(row.GetString(0), row.GetString(1)), cancel, key);
        if (pool is null) return Failure.NotFound("pool", key);
        var (to, name, maintenance) = await transaction.FindAsync(
            "SELECT id, name, maintenance FROM pools WHERE $1::text IS NULL AND is_default OR id = $1 OR name = $1", row => (row.GetString(0), row.GetString(1), row.GetBoolean(2)), cancel, Columns.Text(drain.To));
        if (to is null) return drain.To is { } asked ? Failure.Invalid("to", "no-such", new Noun("pool"), asked) : new Failure("no-default-pool", 409);
        if (to == pool.Id) return new Failure("drain-to-itself", 409, pool.Name);
        if (maintenance) return new Failure("pool-maintenance", 409, name);
        await transaction.ExecuteAsync("UPDATE pools SET maintenance = true, drain_pool_id = $2 WHERE id = $1", cancel, pool.Id, to);
        await transaction.ExecuteAsync("UPDATE volumes SET drain_reason = NULL WHERE pool_id = $1 AND drain_reason IS NOT NULL", cancel, pool.Id);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "pool.drain", new Subject("pool", pool.Id, pool.Name), cancel, $"To {name}.");
        return pool.Id;
    }, cancel);
}
