using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Routers;

/// <summary>Peerings: networks of two accounts reach each other, by the consent of both, until either ends it.</summary>
public sealed class PeeringUseCases(Database database, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Columns_ =
        """
        SELECT p.id, a.id, a.name, n.id, n.name, b.id, b.name, m.id, m.name, p.active, p.created_at FROM network_peerings p JOIN accounts a ON a.id = p.account_id
        JOIN networks n ON n.id = p.network_id JOIN accounts b ON b.id = p.peer_account_id JOIN networks m ON m.id = p.peer_network_id
        """;

    private static Peering Read(NpgsqlDataReader row) => new(
        row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), new Ref(row.GetString(3), row.GetString(4)), new Ref(row.GetString(5), row.GetString(6)),
        new Ref(row.GetString(7), row.GetString(8)), row.GetBoolean(9) ? "active" : "pending", row.Time(10));

    private const string One = Columns_ + " WHERE $1 IN (p.account_id, p.peer_account_id) AND p.id = $2";

    public async Task<Result<Page<Peering>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Columns_ + " WHERE $1 IN (p.account_id, p.peer_account_id) AND p.id > $2 ORDER BY p.id LIMIT $3", Read, cancel, caller.AccountId, page.After, page.Limit + 1), peering => peering.Id);

    public async Task<Result<Peering>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await database.FindAsync(One, Read, cancel, caller.AccountId, key) is { } peering ? peering : Failure.NotFound("peering", key);

    public Task<Result<Peering>> CreateAsync(Caller caller, CreatePeering create, IdempotencyKey? once, CancellationToken cancel) =>
        database.TransactionAsync<Peering>(transaction => Idempotency.OnceAsync<Peering>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var network = await NetworkStore.LockAsync(transaction, caller.AccountId, create.Network, cancel);
            if (network is null) return Failure.Invalid("network", "no-such", new Noun("network"), create.Network);
            var (account, name) = create.With.Split('/', 2) is [var owner, var named] ? (owner, named) : ("", create.With);
            var (peerId, peerAccount) = await transaction.FindAsync(
                """
                SELECT n.id, n.account_id FROM networks n JOIN accounts a ON a.id = n.account_id
                WHERE CASE WHEN $1 = '' THEN n.id = $2 ELSE (a.id = $1 OR a.name = $1) AND (n.id = $2 OR n.name = $2) END FOR KEY SHARE OF n
                """, row => (row.GetString(0), row.GetString(1)), cancel, account, name);
            if (peerId is null) return Failure.Invalid("with", "no-such", new Noun("network"), create.With);
            if (await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is { } bridged) return Failure.Invalid("network", "network-bridged", bridged);
            if (await NetworkStore.BridgedAsync(transaction, [peerId], cancel) is not null) return Failure.Invalid("with", "network-bridged", create.With);
            if (peerAccount == caller.AccountId) return Failure.Invalid("with", "own-network");
            var id = ids.New(Ids.Peering);
            var made = await transaction.ExecuteAsync(
                "INSERT INTO network_peerings (id, account_id, network_id, peer_account_id, peer_network_id, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING", cancel,
                id, caller.AccountId, network.Id, peerAccount, peerId, clock.GetUtcNow());
            if (made == 0) return new Failure("peering-exists", 409, network.Name, create.With);
            // Both accounts' logs tell it.
            await TellAsync(transaction, caller, "peering.create", id, caller.AccountId, peerAccount, cancel);
            return (await transaction.FindAsync(One, Read, cancel, caller.AccountId, id))!;
        }), cancel);

    /// <summary>The other account's consent.</summary>
    public Task<Result<Peering>> AcceptAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Peering>(async transaction =>
    {
        var peering = await LockAsync(transaction, caller, key, cancel);
        if (peering is null) return Failure.NotFound("peering", key);
        if (peering.State == "active") return peering;
        if (peering.PeerAccount.Id != caller.AccountId) return new Failure("peering-not-yours", 409, peering.PeerAccount.Name);
        string[] networks = [peering.Network.Id, peering.PeerNetwork.Id];
        await hosts.TouchByNetworksAsync(transaction, networks, cancel);
        await LinkStore.LockAsync(transaction, networks, cancel);
        await transaction.ExecuteAsync("UPDATE network_peerings SET active = true WHERE id = $1", cancel, peering.Id);
        if (await LinkStore.ConflictAsync(transaction, networks, cancel) is { } conflict)
            return Failure.Invalid("network", "overlaps-linked", conflict.Network, conflict.Range, conflict.Other, conflict.OtherRange);
        await TellAsync(transaction, caller, "peering.accept", peering.Id, peering.Account.Id, peering.PeerAccount.Id, cancel);
        return peering with { State = "active" };
    }, cancel);

    /// <summary>Refuses a peering that is asked for, or takes it back; either account ends one that is active.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, bool reject, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var peering = await LockAsync(transaction, caller, key, cancel);
        if (peering is null) return Failure.NotFound("peering", key);
        if (reject && (peering.State == "active" || peering.PeerAccount.Id != caller.AccountId)) return new Failure("peering-not-pending", 409, peering.Id);
        if (peering.State == "active") await hosts.TouchByNetworksAsync(transaction, [peering.Network.Id, peering.PeerNetwork.Id], cancel);
        await transaction.ExecuteAsync("DELETE FROM network_peerings WHERE id = $1", cancel, peering.Id);
        await TellAsync(transaction, caller, reject ? "peering.reject" : "peering.delete", peering.Id, peering.Account.Id, peering.PeerAccount.Id, cancel);
        return new Done();
    }, cancel);

    private static async Task<Peering?> LockAsync(Transaction transaction, Caller caller, string key, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT id FROM network_peerings WHERE id = $2 AND $1 IN (account_id, peer_account_id) FOR UPDATE", row => row.GetString(0), cancel, caller.AccountId, key) is { } id
            ? await transaction.FindAsync(One, Read, cancel, caller.AccountId, id) : null;

    private Task TellAsync(Transaction transaction, Caller caller, string action, string id, string account, string peer, CancellationToken cancel) => events.WriteAsync(transaction,
        [.. new[] { account, peer }.Select(one => new NewEvent(one, EventActor.Of(caller), action, new Subject("peering", id, id)))], cancel);
}

public static class PeeringEndpoints
{
    public static void MapPeerings(this IEndpointRouteBuilder routes, PeeringUseCases peerings)
    {
        routes.Get("/peerings", Permission.Read("peerings"), "ListPeerings", "List peerings that the account asks for or is asked for",
            async call => await PageRequest.Read(call).Then(page => peerings.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreatePeering, Peering>("/peerings", Permission.Write("peerings"), "CreatePeering", "Ask another account to let its network and one of this account reach each other", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => peerings.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/peerings/{peering}", Permission.Read("peerings"), "ShowPeering", "Show a peering", call => peerings.GetAsync(call.Caller, call.Route("peering"), call.Cancelled));
        routes.Post<Peering>("/peerings/{peering}/accept", Permission.Write("peerings"), "AcceptPeering", "Consent to a peering", 200, call => peerings.AcceptAsync(call.Caller, call.Route("peering"), call.Cancelled)).Fails(409);
        Endpoints.Map(routes, "POST", "/peerings/{peering}/reject", Permission.Write("peerings"), "RejectPeering", "Refuse a peering", 204, async http =>
        {
            if (await Endpoints.AdmitAsync(http, Permission.Write("peerings")) is { } call) await Endpoints.WriteAsync(http, 204, await peerings.DeleteAsync(call.Caller, call.Route("peering"), reject: true, call.Cancelled));
        }).Produces(204).Fails(409);
        routes.Delete("/peerings/{peering}", Permission.Write("peerings"), "DeletePeering", "End a peering; either account may", call => peerings.DeleteAsync(call.Caller, call.Route("peering"), reject: false, call.Cancelled));
    }
}
