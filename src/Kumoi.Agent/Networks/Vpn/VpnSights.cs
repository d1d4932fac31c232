using System.Collections.Concurrent;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks.Vpn;

/// <summary>What is seen of the VPN gateways that the host is, by namespace, and what of it servers have been told.</summary>
public sealed class VpnSights(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Sight> _sights = new();

    /// <param name="seen">Null: the host is not the network's gateway.</param>
    public void Take(string networkNamespace, ObservedVpn? seen)
    {
        if (seen is null) _sights.TryRemove(networkNamespace, out _);
        else _sights.AddOrUpdate(networkNamespace, _ => new Sight(seen, clock.GetUtcNow(), null), (_, before) => new Sight(seen, before.Seen.Problem is null ? clock.GetUtcNow() : before.Since, before.Told));
    }

    public IReadOnlyList<Condition> Conditions =>
        [.. _sights.OrderBy(sight => sight.Key, StringComparer.Ordinal).Where(sight => sight.Value.Seen.Problem is not null)
            .Select(sight => new Condition("Vpn", "vpn-failed", $"{sight.Value.Seen.Id}: {sight.Value.Seen.Problem}", sight.Value.Since, null))];

    /// <summary>What to tell now; null if there is nothing. That more bytes have passed is no news; it is told with everything.</summary>
    public IReadOnlyList<ObservedVpn>? Tell(bool all)
    {
        var told = _sights.Where(sight => all || sight.Value.Told != News(sight.Value.Seen)).ToArray();
        foreach (var (name, sight) in told) _sights.TryUpdate(name, sight with { Told = News(sight.Seen) }, sight);
        return told.Length == 0 ? null : [.. told.Select(sight => sight.Value.Seen)];
    }

    private static string News(ObservedVpn seen) => string.Join('\n', seen.Peers.Select(peer => FormattableString.Invariant($"{peer.Id} {peer.HandshakeAt:O} {peer.Endpoint}")).Prepend(seen.Problem ?? ""));

    /// <param name="Since">When the problem was first seen.</param>
    private sealed record Sight(ObservedVpn Seen, DateTimeOffset Since, string? Told);
}
