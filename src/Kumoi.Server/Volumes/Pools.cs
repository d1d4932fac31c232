using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Pools: seen by the accounts that may use them, kept by operators.</summary>
public sealed class PoolUseCases(Database database, PoolStore store, EventLog events)
{
    private static string? Scope(Caller caller) => caller.May(Permission.Cloud("pools", "read")) ? null : caller.AccountId;

    public async Task<Result<Page<Pool>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(await store.ListAsync(Scope(caller), page, cancel), pool => pool.Id);

    public async Task<Result<Pool>> GetAsync(Caller caller, string key, CancellationToken cancel) => await store.FindAsync(Scope(caller), key, cancel) is { } pool ? pool : Failure.NotFound("pool", key);

    public async Task<Result<Pool>> UpdateAsync(Caller caller, string key, UpdatePool update, CancellationToken cancel)
    {
        if (VolumeRules.Check(update).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var changed = await database.TransactionAsync<Ref>(async transaction =>
        {
            var pool = await transaction.FindAsync("SELECT id, name FROM pools WHERE id = $1 OR name = $1 FOR UPDATE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, key);
            if (pool is null) return Failure.NotFound("pool", key);
            if (update.Default == true)
            {
                await transaction.ExecuteAsync("UPDATE pools SET is_default = false WHERE is_default AND id <> $1", cancel, pool.Id);
                await transaction.ExecuteAsync("UPDATE pools SET is_default = true WHERE id = $1", cancel, pool.Id);
            }
            await transaction.ExecuteAsync(
                "UPDATE pools SET drain_pool_id = CASE WHEN $2 IS DISTINCT FROM false THEN drain_pool_id END, maintenance = coalesce($2, maintenance), overcommit = coalesce($3, overcommit), warn_percent = coalesce($4, warn_percent), protocol = coalesce($5, protocol) WHERE id = $1", cancel,
                pool.Id, Columns.Boolean(update.Maintenance), Columns.Number((decimal?)update.Overcommit), Columns.Integer(update.WarnPercent), Columns.Text(update.Protocol));
            // What moves already goes on to its end.
            if (update.Maintenance == false) await transaction.ExecuteAsync("UPDATE volumes SET drain_reason = NULL WHERE pool_id = $1 AND drain_reason IS NOT NULL", cancel, pool.Id);
            if (update.Accounts is { } accounts)
            {
                var found = await transaction.QueryAsync("SELECT id, name FROM accounts WHERE id = ANY($1) OR name = ANY($1) FOR KEY SHARE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, Columns.Texts(accounts));
                Violation[] missing = [.. accounts.Index().Where(asked => !found.Any(account => account.Id == asked.Item || account.Name == asked.Item)).Select(asked => new Violation($"accounts[{asked.Index}]", "no-such", new Noun("account"), asked.Item))];
                if (missing.Length > 0) return Failure.Invalid(missing);
                await transaction.ExecuteAsync("DELETE FROM pool_accounts WHERE pool_id = $1", cancel, pool.Id);
                await transaction.ExecuteAsync("INSERT INTO pool_accounts (pool_id, account_id) SELECT $1, a FROM unnest($2::text[]) AS a", cancel, pool.Id, Columns.Texts(found.Select(account => account.Id).Distinct()));
            }
            await events.WriteAsync(transaction, caller, "pool.update", new Subject("pool", pool.Id, pool.Name), cancel);
            return pool;
        }, cancel);
        return await changed.Then(pool => GetAsync(caller, pool.Id, cancel));
    }
}

/// <summary>What volumes may be used for: made and removed by operators, seen by all.</summary>
public sealed class VolumeTypeUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Select = "SELECT id, name, iops, mib_per_second, created_at, encrypted FROM volume_types ";

    private static VolumeType Read(Npgsql.NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.IntOrNull(2), row.IntOrNull(3), row.Time(4), row.GetBoolean(5));

    public async Task<Result<Page<VolumeType>>> ListAsync(PageRequest page, CancellationToken cancel) =>
        page.Of(await database.QueryAsync(Select + "WHERE id > $1 ORDER BY id LIMIT $2", Read, cancel, page.After, page.Limit + 1), type => type.Id);

    public async Task<Result<VolumeType>> GetAsync(string key, CancellationToken cancel) => await database.FindAsync(Select + "WHERE id = $1 OR name = $1", Read, cancel, key) is { } type ? type : Failure.NotFound("volume-type", key);

    public async Task<Result<VolumeType>> CreateAsync(Caller caller, CreateVolumeType create, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (VolumeRules.Check(create, name).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<VolumeType>(async transaction =>
        {
            var type = new VolumeType(ids.New(Ids.VolumeType), name, create.Iops, create.MibPerSecond, clock.GetUtcNow(), create.Encrypted ?? false);
            if (await transaction.ExecuteAsync("INSERT INTO volume_types (id, name, iops, mib_per_second, created_at, encrypted) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING", cancel,
                type.Id, name, Columns.Integer(type.Iops), Columns.Integer(type.MibPerSecond), type.CreatedAt, type.Encrypted) == 0) return Failure.NameTaken("volume-type", name);
            await events.WriteAsync(transaction, caller, "volume-type.create", new Subject("volume-type", type.Id, name), cancel);
            return type;
        }, cancel);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var type = await transaction.FindAsync("SELECT id, name FROM volume_types WHERE id = $1 OR name = $1 FOR UPDATE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, key);
        if (type is null) return Failure.NotFound("volume-type", key);
        await transaction.ExecuteAsync("UPDATE volumes SET type_id = NULL WHERE type_id = $1 AND deleted_at IS NOT NULL", cancel, type.Id);
        var users = await transaction.QueryAsync("SELECT id, coalesce(former_name, name) FROM volumes WHERE type_id = $1 ORDER BY id LIMIT 20", row => new Ref(row.GetString(0), row.GetString(1)), cancel, type.Id);
        if (users.Count > 0) return Failure.InUse("volume-type", type.Name, users);
        await transaction.ExecuteAsync("DELETE FROM volume_types WHERE id = $1", cancel, type.Id);
        await events.WriteAsync(transaction, caller, "volume-type.delete", new Subject("volume-type", type.Id, type.Name), cancel);
        return new Done();
    }, cancel);
}
