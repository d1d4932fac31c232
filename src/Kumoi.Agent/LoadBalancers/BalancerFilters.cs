using Kumoi.Agent.Networks;
using static System.FormattableString;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// What the filters of a network let pass for its load balancers: clients to haproxy, and each host, under the load balancers' addresses, to their members. Nobody
/// else has these addresses: guests cannot send from them, and what comes over the overlay has passed another host's filters.
/// </summary>
public static class BalancerFilters
{
    private const int ZoneMax = 65_535;

    /// <summary>For <c>input</c>, before what comes by <c>uplink</c> is dropped: the outside, where an address of it leads to a listener.</summary>
    public static IEnumerable<string> FromOutside(NetworkIntent intent)
    {
        if (Doors(intent, ipv6: false) is not { } doors || !intent.OwnGateways.Any(gateway => gateway.Forwards.Any(forward => BalancerRuleset.ListenerOf(intent, forward) is { IsProxied: true }))) yield break;
        yield return $"iifname \"{NetworkRuleset.UplinkDevice}\" ct status dnat ip daddr . tcp dport {doors} accept";
    }

    /// <summary>For <c>input</c>, before what comes by other devices than taps is dropped: guests of linked networks, whose own filters they have passed.</summary>
    public static IEnumerable<string> FromLinks(NetworkIntent intent)
    {
        if (intent.Balancers.Count == 0 || intent.Links.Count == 0) yield break;
        var links = $"iifname {{ {string.Join(", ", intent.Links.Select(link => NamedSet.Device(link.Device)))} }}";
        foreach (var rule in Accepted(intent)) yield return $"{links} {rule}";
    }

    /// <summary>For <c>input</c>: those whose way here has been filtered.</summary>
    public static IEnumerable<string> Accepted(NetworkIntent intent) => Answers(intent, doors => $"{doors} accept");

    /// <summary>For <c>input</c>: guests of the network, if their groups let them out to the load balancer.</summary>
    public static IEnumerable<string> FromGuests(NetworkIntent intent) => Answers(intent, doors => $"{doors} iifname vmap @ports_out");

    /// <summary>For <c>ingress</c>, before the guests' groups.</summary>
    public static IEnumerable<string> ToMembers(NetworkIntent intent)
    {
        foreach (var balancer in intent.Balancers)
            foreach (var address in balancer.Addresses)
            {
                var (ipv6, family) = (AddressForm.IsIpv6(address), NetworkRuleset.Family(address));
                string[] places = [.. balancer.Listeners.SelectMany(listener => listener.Of(ipv6).Where(member => BalancerRuleset.Tap(intent, member.Address) is not null)
                    .SelectMany(member => Asked(listener, member))).Distinct().Order(StringComparer.Ordinal)];
                if (places.Length == 0) continue;
                yield return $"iifname \"{NetworkRuleset.OverlayDevice}\" {family} saddr {address} {family} daddr . tcp dport {{ {string.Join(", ", places)} }} accept";
                // A guest that the load balancer leads to itself.
                foreach (var tap in balancer.Translated.SelectMany(listener => listener.Of(ipv6)).Select(member => BalancerRuleset.Tap(intent, member.Address)).OfType<string>().Distinct().Order(StringComparer.Ordinal))
                    yield return $"iifname \"{tap}\" oifname \"{tap}\" ct status dnat ct original {family} daddr {address} accept";
            }
    }

    /// <summary>For <c>antispoof</c>: several hosts may open connections from the same address and port, so each host's are kept apart.</summary>
    public static IEnumerable<string> Zones(NetworkIntent intent)
    {
        if (intent.Remotes.Count == 0) yield break;
        var numbers = Numbers(intent.Remotes);
        var zones = string.Join(", ", intent.Remotes.Select(remote => Invariant($"{remote.Mac} : {numbers[remote.Address]}")));
        foreach (var address in intent.Balancers.SelectMany(balancer => balancer.Addresses))
            yield return $"iifname \"{NetworkRuleset.OverlayDevice}\" {NetworkRuleset.Family(address)} saddr {address} ct original zone set ether saddr map {{ {zones} }}";
    }

    private static IEnumerable<string> Asked(ListenerIntent listener, MemberIntent member)
    {
        if (listener.IsProxied) yield return Invariant($"{member.Address} . {member.Port}");
        if (listener.Health.Protocol != "none") yield return Invariant($"{member.Address} . {listener.Health.Port ?? member.Port}");
    }

    /// <summary>Connections to haproxy, pings, and a refusal of the rest, so that nobody waits for it.</summary>
    private static IEnumerable<string> Answers(NetworkIntent intent, Func<string, string> accept)
    {
        foreach (var ipv6 in (bool[])[false, true])
        {
            string[] addresses = [.. intent.Balancers.Select(balancer => balancer.Of(ipv6)).OfType<string>()];
            if (addresses.Length == 0) continue;
            var family = NetworkRuleset.Family(ipv6);
            if (Doors(intent, ipv6) is { } doors) yield return accept($"{family} daddr . tcp dport {doors}");
            var any = $"{family} daddr {{ {string.Join(", ", addresses)} }}";
            yield return $"{any} {(ipv6 ? "icmpv6" : "icmp")} type echo-request accept";
            yield return $"{any} meta l4proto tcp reject with tcp reset";
            yield return $"{any} meta l4proto udp reject";
        }
    }

    private static string? Doors(NetworkIntent intent, bool ipv6)
    {
        var doors = string.Join(", ", intent.Balancers.Where(balancer => balancer.Of(ipv6) is not null).SelectMany(balancer => balancer.Proxied.Select(listener => Invariant($"{balancer.Of(ipv6)} . {listener.Port}"))));
        return doors.Length == 0 ? null : $"{{ {doors} }}";
    }

    /// <summary>
    /// A number for each host: the last two bytes of its address, so that it stays whoever comes and goes; the next one where two of an underlay meet. 0 is the zone of
    /// everything else.
    /// </summary>
    public static IReadOnlyDictionary<string, int> Numbers(IEnumerable<RemoteHost> remotes)
    {
        var (numbers, taken) = (new Dictionary<string, int>(), new HashSet<int>());
        foreach (var address in remotes.Select(remote => remote.Address).Distinct().OrderBy(AddressForm.Hex, StringComparer.Ordinal))
        {
            var number = Convert.ToInt32(AddressForm.Hex(address)[4..], 16);
            while (number == 0 || !taken.Add(number)) number = number == 0 ? ZoneMax : number == ZoneMax ? 1 : number + 1;
            numbers[address] = number;
        }
        return numbers;
    }
}
