using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Networks;

/// <summary>Which VLANs accounts make bridged networks in, and which networks have which.</summary>
public static class VlanRangeStore
{
    /// <summary>
    /// The device of a segment that the caller may use and that no network has; the device's segments are held until the transaction ends. Operators name any; others one
    /// in a range of their account.
    /// </summary>
    public static async Task<Result<string>> ClaimAsync(Transaction transaction, Caller caller, CreateSegment segment, CancellationToken cancel)
    {
        var device = segment.Device;
        if (!caller.May(Permission.Cloud("vlan-ranges")) || device is null)
        {
            if (segment.Vlan is not { } vlan) return Failure.Invalid(device is null && caller.May(Permission.Cloud("vlan-ranges")) ? "segment.device" : "segment.vlan", "required");
            var devices = await transaction.QueryAsync(
                "SELECT DISTINCT device FROM vlan_ranges WHERE account_id = $1 AND $2 BETWEEN first_vlan AND last_vlan AND ($3::text IS NULL OR device = $3) ORDER BY 1", row => row.GetString(0), cancel,
                caller.AccountId, vlan, Columns.Text(device));
            if (devices.Count == 0) return Failure.Invalid("segment.vlan", "vlan-not-given", vlan);
            if (devices.Count > 1) return Failure.Invalid("segment.device", "one-of", string.Join(", ", devices));
            device = devices[0];
        }
        await transaction.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended('segments ' || $1, 0))", cancel, device);
        var taken = await transaction.FindAsync("SELECT true FROM networks WHERE segment_device = $1 AND segment_vlan IS NOT DISTINCT FROM $2", row => row.GetBoolean(0), cancel, device, Columns.Integer(segment.Vlan));
        if (!taken) return device;
        return segment.Vlan is { } number ? Failure.Invalid("segment.vlan", "vlan-taken", number, device) : Failure.Invalid("segment.device", "device-taken", device);
    }
}

/// <summary>VLANs that operators give to accounts.</summary>
public sealed class VlanRangeUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Select = "SELECT r.id, a.id, a.name, r.device, r.first_vlan, r.last_vlan, r.created_at FROM vlan_ranges r JOIN accounts a ON a.id = r.account_id ";

    private static VlanRange Read(NpgsqlDataReader row) => new(row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), row.GetString(3), row.GetInt32(4), row.GetInt32(5), row.Time(6));

    /// <summary>Those of the account; operators see all.</summary>
    public async Task<Result<Page<VlanRange>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Select + "WHERE r.id > $1 AND ($2::text IS NULL OR r.account_id = $2) ORDER BY r.id LIMIT $3", Read, cancel, page.After, Scope(caller), page.Limit + 1), range => range.Id);

    public async Task<Result<VlanRange>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await database.FindAsync(Select + "WHERE r.id = $1 AND ($2::text IS NULL OR r.account_id = $2)", Read, cancel, key, Scope(caller)) is { } range ? range : Failure.NotFound("vlan-range", key);

    public async Task<Result<VlanRange>> CreateAsync(Caller caller, CreateVlanRange create, IdempotencyKey? once, CancellationToken cancel)
    {
        var vlans = SegmentRules.Vlans(create.Vlans);
        Violation?[] violations = [SegmentRules.IsDevice(create.Device) ? null : new Violation("device", "device-name"), vlans is null ? new Violation("vlans", "vlans", SegmentRules.VlanMin, SegmentRules.VlanMax) : null];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var (first, last) = vlans!.Value;
        return await database.TransactionAsync<VlanRange>(transaction => Idempotency.OnceAsync<VlanRange>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            // Two made at once must not overlap; whoever only reads is not held up.
            await transaction.ExecuteAsync("LOCK TABLE vlan_ranges IN SHARE ROW EXCLUSIVE MODE", cancel);
            var account = await transaction.FindAsync("SELECT id FROM accounts WHERE id = $1 OR name = $1 FOR KEY SHARE", row => row.GetString(0), cancel, create.Account);
            if (account is null) return Failure.Invalid("account", "no-such", new Noun("account"), create.Account);
            if (await transaction.FindAsync("SELECT id FROM vlan_ranges WHERE device = $1 AND first_vlan <= $3 AND last_vlan >= $2 ORDER BY id LIMIT 1", row => row.GetString(0), cancel, create.Device, first, last) is { } other)
                return Failure.Invalid("vlans", "overlaps-vlans", other);
            var id = ids.New(Ids.VlanRange);
            await transaction.ExecuteAsync("INSERT INTO vlan_ranges (id, account_id, device, first_vlan, last_vlan, created_at) VALUES ($1, $2, $3, $4, $5, $6)", cancel, id, account, create.Device, first, last, clock.GetUtcNow());
            await events.WriteAsync(transaction, caller, "vlan-range.create", new Subject("vlan-range", id, $"{create.Device} {create.Vlans}"), cancel);
            return (await transaction.FindAsync(Select + "WHERE r.id = $1", Read, cancel, id))!;
        }), cancel);
    }

    /// <summary>Networks that were made in it stay.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var range = await transaction.FindAsync(Select + "WHERE r.id = $1 FOR UPDATE OF r", Read, cancel, key);
        if (range is null) return Failure.NotFound("vlan-range", key);
        await transaction.ExecuteAsync("DELETE FROM vlan_ranges WHERE id = $1", cancel, range.Id);
        await events.WriteAsync(transaction, caller, "vlan-range.delete", new Subject("vlan-range", range.Id, FormattableString.Invariant($"{range.Device} {range.FirstVlan}-{range.LastVlan}")), cancel);
        return new Done();
    }, cancel);

    private static NpgsqlParameter Scope(Caller caller) => Columns.Text(caller.May(Permission.Cloud("vlan-ranges", "read")) ? null : caller.AccountId);
}

public static class VlanRangeEndpoints
{
    public static IServiceCollection AddVlanRanges(this IServiceCollection services) => services.AddSingleton<VlanRangeUseCases>();

    public static void MapVlanRanges(this IEndpointRouteBuilder routes, VlanRangeUseCases ranges)
    {
        routes.Get("/vlan-ranges", Permission.Read("vlan-ranges"), "ListVlanRanges", "List VLANs in which the account makes bridged networks; operators see those of all accounts",
            async call => await PageRequest.Read(call).Then(page => ranges.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateVlanRange, VlanRange>("/vlan-ranges", Permission.Cloud("vlan-ranges"), "CreateVlanRange", "Give an account VLANs of a device", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => ranges.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/vlan-ranges/{range}", Permission.Read("vlan-ranges"), "ShowVlanRange", "Show a range of VLANs", call => ranges.GetAsync(call.Caller, call.Route("range"), call.Cancelled));
        routes.Delete("/vlan-ranges/{range}", Permission.Cloud("vlan-ranges"), "DeleteVlanRange", "Take a range of VLANs back; networks in it stay", call => ranges.DeleteAsync(call.Caller, call.Route("range"), call.Cancelled));
    }
}
