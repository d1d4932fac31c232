using System.Globalization;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Subscriptions;

namespace Kumoi.Server.Metering;

/// <summary>Hourly records of use, handed over as they are written; one that was put right later comes again, as another item with the same hour, resource, meter and attribute.</summary>
public sealed class UsageSource(Database database, EventStore log) : IDeliverySource
{
    // The number of the record in its transaction's place; none yet is before all.
    private static string After(string position) => $"coalesce(nullif({position}, ''), '0')::bigint";

    public string Content => SubscriptionRules.Usage;

    public string Waiting => $"EXISTS (SELECT 1 FROM usage_records u WHERE (u.xid, u.number) > (s.position_xid, {After("s.position_id")}) AND u.xid < pg_snapshot_xmin(pg_current_snapshot()) AND (s.scope = 'cloud' OR u.account_id = s.account_id))";

    public async Task<Portion> ReadAsync(Delivery delivery, int most, CancellationToken cancel)
    {
        // Asked first: what is over by now is seen by the question below.
        var end = await log.PositionAsync(null, cancel);
        var found = await database.QueryAsync(
            $"""
            SELECT u.xid::text, u.number, u.hour, u.account_id, u.meter, u.attribute, u.resource_type, u.resource_id, u.resource_name, u.quantity FROM usage_records u
            WHERE ($1::text IS NULL OR u.account_id = $1) AND ($5::text[] IS NULL OR u.meter LIKE ANY ($5)) AND (u.xid, u.number) > ($2::text::xid8, {After("$3")}) AND u.xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY u.xid, u.number LIMIT $4
            """,
            row => (At: new EventPosition(ulong.Parse(row.GetString(0), CultureInfo.InvariantCulture), row.GetInt64(1).ToString(CultureInfo.InvariantCulture)),
                Record: new UsageRecord(row.Time(2), row.GetString(3), row.GetString(4), row.GetString(5), Meters.Unit(row.GetString(4)), row.GetString(6), row.GetString(7), row.GetString(8), UsageStore.Plain(row.GetDecimal(9)))),
            cancel, Columns.Text(delivery.OfAccount), delivery.Position.Transaction.ToString(CultureInfo.InvariantCulture), delivery.Position.Id, most, Columns.TextArray(ActionPatterns.Likes(delivery.Actions)));
        var items = found.ConvertAll(one => new DeliveryItem($"use-{one.At.Transaction}-{one.At.Id}", one.Record.AccountId, one.Record.Meter, one.Record.Hour, JsonSerializer.SerializeToUtf8Bytes(one.Record, WireJson.Default.UsageRecord)));
        var next = found.Count == 0 ? delivery.Position : found[^1].At;
        return found.Count == most ? new Portion(items, next, false) : new Portion(items, end.Transaction > next.Transaction ? end : next, true);
    }
}
