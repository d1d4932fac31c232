using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Vpns;
using Npgsql;

namespace Kumoi.Server.Routers;

/// <summary>Static routes: ranges behind guests of a network.</summary>
public sealed class RouteUseCases(Database database, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    // Each is an entry on every host of the network.
    private const int RoutesMax = 100;

    private const string Columns_ = "SELECT r.id, n.id, n.name, r.destination, host(r.via), r.created_at FROM network_routes r JOIN networks n ON n.id = r.network_id ";

    private static NetworkRoute Read(NpgsqlDataReader row) => new(
        row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), row.GetFieldValue<IPNetwork>(3).ToString(), row.GetString(4), row.Time(5));

    public async Task<Result<Page<NetworkRoute>>> ListAsync(Caller caller, string network, PageRequest page, CancellationToken cancel)
    {
        var id = await database.FindAsync("SELECT id FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2)", row => row.GetString(0), cancel, caller.AccountId, network);
        if (id is null) return Failure.NotFound("network", network);
        return page.Of(await database.QueryAsync(Columns_ + "WHERE r.network_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3", Read, cancel, id, page.After, page.Limit + 1), route => route.Id);
    }

    public async Task<Result<NetworkRoute>> CreateAsync(Caller caller, string key, CreateNetworkRoute create, IdempotencyKey? once, CancellationToken cancel)
    {
        if (RouteRules.Check(create).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var (destination, via) = (AddressRange.ReadRange(create.Destination)!.Value, AddressRange.Read(create.Via)!);
        return await database.TransactionAsync<NetworkRoute>(transaction => Idempotency.OnceAsync<NetworkRoute>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            await hosts.TouchByNetworkAsync(transaction, caller.AccountId, key, cancel);
            var network = await NetworkStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (network is null) return Failure.NotFound("network", key);
            if (await NetworkStore.BridgedAsync(transaction, [network.Id], cancel) is { } bridged) return Failure.Invalid("destination", "network-bridged", bridged);
            if (await CheckAsync(transaction, network, destination, via, cancel) is { } failure) return failure;
            var id = ids.New(Ids.Route);
            await transaction.ExecuteAsync("INSERT INTO network_routes (id, account_id, network_id, destination, via, created_at) VALUES ($1, $2, $3, $4, $5, $6)", cancel,
                id, caller.AccountId, network.Id, Columns.Cidr(destination), Columns.Inet(via), clock.GetUtcNow());
            if (await LinkStore.ConflictAsync(transaction, [network.Id], cancel) is { } conflict)
                return Failure.Invalid("destination", "overlaps-linked", conflict.Network, conflict.Range, conflict.Other, conflict.OtherRange);
            await events.WriteAsync(transaction, caller, "network.add-route", new Subject("network", network.Id, network.Name), cancel);
            return (await transaction.FindAsync(Columns_ + "WHERE r.id = $1", Read, cancel, id))!;
        }), cancel);
    }

    private static async Task<Failure?> CheckAsync(Transaction transaction, Ref network, IPNetwork destination, IPAddress via, CancellationToken cancel)
    {
        var subnets = await transaction.QueryAsync("SELECT id, cidr FROM subnets WHERE network_id = $1", row => (Id: row.GetString(0), Range: row.GetFieldValue<IPNetwork>(1)), cancel, network.Id);
        if (subnets.Find(s => AddressRange.Overlap(s.Range, destination)) is { Id: not null } own) return Failure.Invalid("destination", "overlaps-subnet", own.Range.ToString());
        if (subnets.Find(s => s.Range.Contains(via)) is not { Id: not null } holder) return Failure.Invalid("via", "not-in-subnets", network.Name);
        var instance = await transaction.FindAsync("SELECT i.instance_id FROM subnet_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE a.subnet_id = $1 AND a.address = $2 AND i.detached_at IS NULL",
            row => row.GetString(0), cancel, holder.Id, Columns.Inet(via));
        if (instance is null) return Failure.Invalid("via", "nobodys-address", via.ToString());
        var present = await transaction.QueryAsync("SELECT destination FROM network_routes WHERE network_id = $1", row => row.GetFieldValue<IPNetwork>(0), cancel, network.Id);
        if (await VpnStore.OverlappingAsync(transaction, network.Id, destination, cancel) is { } vpn) return Failure.Invalid("destination", "overlaps-vpn", vpn);
        if (present.Contains(destination)) return Failure.Invalid("destination", "route-exists", destination.ToString());
        if (present.Count >= RoutesMax) return Failure.Invalid("destination", "routes-at-most", RoutesMax);
        // A guest in two networks to which both lead the range would be sent its own packets again.
        var loop = await transaction.FindAsync(
            """
            SELECT n.name FROM network_routes r JOIN networks n ON n.id = r.network_id JOIN subnets s ON s.network_id = r.network_id AND r.via << s.cidr
            JOIN subnet_addresses a ON a.subnet_id = s.id AND a.address = r.via JOIN interfaces i ON i.id = a.interface_id
            WHERE i.instance_id = $1 AND r.network_id <> $2 AND r.destination && $3 LIMIT 1
            """, row => row.GetString(0), cancel, instance, network.Id, Columns.Cidr(destination));
        return loop is null ? null : Failure.Invalid("destination", "route-loop", destination.ToString(), loop);
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, string route, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        await hosts.TouchByNetworkAsync(transaction, caller.AccountId, key, cancel);
        var network = await NetworkStore.LockAsync(transaction, caller.AccountId, key, cancel);
        if (network is null) return Failure.NotFound("network", key);
        if (await transaction.ExecuteAsync("DELETE FROM network_routes WHERE network_id = $1 AND id = $2", cancel, network.Id, route) == 0) return Failure.NotFound("route", route);
        await events.WriteAsync(transaction, caller, "network.delete-route", new Subject("network", network.Id, network.Name), cancel);
        return new Done();
    }, cancel);
}

/// <summary>What a static route may be: pure.</summary>
public static class RouteRules
{
    // As with ranges that a guest may send from: shorter prefixes would be nearly everybody's.
    private const int PrefixMinV4 = 8, PrefixMinV6 = 16;

    private static readonly IPNetwork[] Never = [.. ((string[])["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "fe80::/10", "ff00::/8", "::/8"]).Select(IPNetwork.Parse)];

    public static IEnumerable<Violation> Check(CreateNetworkRoute create)
    {
        var (range, via) = (AddressRange.ReadRange(create.Destination), AddressRange.Read(create.Via));
        if (via is null) yield return new Violation("via", "ip-address");
        if (CheckRange("destination", create.Destination) is { } wrong) yield return wrong;
        if (range is not { } destination) yield break;
        if (via is null) yield break;
        if (via.AddressFamily != destination.BaseAddress.AddressFamily) yield return new Violation("via", "via-other-family");
        else if (destination.Contains(via)) yield return new Violation("via", "via-in-destination", destination.ToString());
    }

    /// <summary>A range elsewhere that guests of a network may be led to.</summary>
    public static Violation? CheckRange(string field, string text)
    {
        if (AddressRange.ReadRange(text) is not { } range) return new Violation(field, "cidr");
        var (least, most) = AddressRange.IsV4(range) ? (PrefixMinV4, 32) : (PrefixMinV6, 128);
        if (range.PrefixLength < least) return new Violation(field, "prefix-between", least, most);
        return Never.Any(never => AddressRange.Overlap(never, range)) ? new Violation(field, "never-sent-from") : null;
    }
}

public static class RouteEndpoints
{
    public static void MapRoutes(this IEndpointRouteBuilder routes, RouteUseCases uses)
    {
        routes.Get("/networks/{network}/routes", Permission.Read("networks"), "ListNetworkRoutes", "List the static routes of a network",
            async call => await PageRequest.Read(call).Then(page => uses.ListAsync(call.Caller, call.Route("network"), page, call.Cancelled))).WithPaging();
        routes.Post<CreateNetworkRoute, NetworkRoute>("/networks/{network}/routes", Permission.Write("networks"), "CreateNetworkRoute", "Lead a range to a guest of the network", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => uses.CreateAsync(call.Caller, call.Route("network"), create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Delete("/networks/{network}/routes/{route}", Permission.Write("networks"), "DeleteNetworkRoute", "Remove a static route",
            call => uses.DeleteAsync(call.Caller, call.Route("network"), call.Route("route"), call.Cancelled));
    }
}
