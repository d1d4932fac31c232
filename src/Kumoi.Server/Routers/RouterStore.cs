using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Routers;

/// <summary>Every statement on routers.</summary>
public sealed class RouterStore(Database database)
{
    private const string Columns_ =
        """
        SELECT r.id, r.name, r.created_at, (SELECT coalesce(array_agg(n.id ORDER BY n.id), '{}') FROM router_networks x JOIN networks n ON n.id = x.network_id WHERE x.router_id = r.id),
               (SELECT coalesce(array_agg(n.name ORDER BY n.id), '{}') FROM router_networks x JOIN networks n ON n.id = x.network_id WHERE x.router_id = r.id) FROM routers r
        """;

    private static Router Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), [.. row.Texts(3).Zip(row.Texts(4), (id, name) => new Ref(id, name))], row.Time(2));

    public Task<List<Router>> ListAsync(string accountId, PageRequest page, CancellationToken cancel) =>
        database.QueryAsync(Columns_ + " WHERE r.account_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3", Read, cancel, accountId, page.After, page.Limit + 1);

    private const string One = Columns_ + " WHERE r.account_id = $1 AND (r.id = $2 OR r.name = $2)";

    public Task<Router?> FindAsync(string accountId, string key, CancellationToken cancel) => database.FindAsync(One, Read, cancel, accountId, key);

    public static Task<Router?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(One, Read, cancel, accountId, key);

    /// <summary>The router, held until the transaction ends; null if the account has none of that id or name.</summary>
    public static async Task<Router?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT id FROM routers WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE", row => row.GetString(0), cancel, accountId, key) is { } id
            ? await FindAsync(transaction, accountId, id, cancel) : null;

    public static async Task<bool> InsertAsync(Transaction transaction, string accountId, string id, string name, DateTimeOffset now, CancellationToken cancel) =>
        await transaction.ExecuteAsync("INSERT INTO routers (id, account_id, name, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, name) DO NOTHING", cancel, id, accountId, name, now) == 1;

    /// <summary>The networks of the names, in their order; null where there is none.</summary>
    public static async Task<List<Ref?>> NetworksAsync(Transaction transaction, string accountId, IReadOnlyList<string> keys, CancellationToken cancel)
    {
        var found = await transaction.QueryAsync("SELECT id, name FROM networks WHERE account_id = $1 AND (id = ANY($2) OR name = ANY($2))",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, accountId, Columns.Texts(keys));
        return [.. keys.Select(key => found.Find(n => n.Id == key) ?? found.Find(n => n.Name == key))];
    }

    public static async Task JoinAsync(Transaction transaction, string accountId, string routerId, IEnumerable<string> attach, IEnumerable<string> detach, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM router_networks WHERE router_id = $1 AND network_id = ANY($2)", cancel, routerId, Columns.Texts(detach));
        await transaction.ExecuteAsync("INSERT INTO router_networks (router_id, network_id, account_id) SELECT $1, unnest($2::text[]), $3 ON CONFLICT DO NOTHING", cancel,
            routerId, Columns.Texts(attach), accountId);
    }
}
