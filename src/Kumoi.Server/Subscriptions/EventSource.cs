using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Events;

namespace Kumoi.Server.Subscriptions;

/// <summary>The universal log, handed over.</summary>
public sealed class EventSource(EventStore store) : IDeliverySource
{
    // A request with more is more than receivers usually take; the first goes whatever its size is.
    private const int BytesMax = 512 * 1024;

    public string Content => "events";

    public string Waiting =>
        "EXISTS (SELECT 1 FROM events e WHERE (e.xid, e.id) > (s.position_xid, s.position_id) AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) AND (s.scope = 'cloud' OR e.account_id = s.account_id))";

    public async Task<Portion> ReadAsync(Delivery delivery, int most, CancellationToken cancel)
    {
        // Asked first: what is over by now is seen by the question below.
        var end = await store.PositionAsync(null, cancel);
        var found = await store.FollowAsync(delivery.OfAccount, delivery.Actions, delivery.Position, most, cancel);
        var (items, bytes, next) = (new List<DeliveryItem>(found.Count), 0, delivery.Position);
        foreach (var (at, item) in found)
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(item, WireJson.Default.Event);
            if ((bytes += json.Length) > BytesMax && items.Count > 0) return new Portion(items, next, false);
            items.Add(new DeliveryItem(item.Id, item.AccountId, item.Action, item.At, json));
            next = at;
        }
        if (found.Count == most) return new Portion(items, next, false);
        return new Portion(items, next.Or(end), true);
    }
}
