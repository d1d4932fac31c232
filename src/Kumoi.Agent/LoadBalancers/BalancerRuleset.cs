using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using static System.FormattableString;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// What the kernel does for load balancers in one network's namespace. A connection is led to a member where it comes from: in the namespace of the guest that
/// opens it, which may be of a linked network, or where it comes in from the outside. So its replies pass there, and the client's address is kept. A listener has
/// three chains: which member gets a new connection (<c>lb_</c>), what is done when it leaves (<c>lbn_</c>), and what is counted of it (<c>lbc_</c>).
/// </summary>
public static class BalancerRuleset
{
    private const string Choice = "lb_", Leaving = "lbn_", Counting = "lbc_";

    /// <summary>True for a chain that says which member gets a new connection: it is changed alone, and often.</summary>
    public static bool IsChoice(string chain) => chain.StartsWith(Choice, StringComparison.Ordinal);

    public static string ChoiceOf(ListenerIntent listener) => Choice + listener.Name;

    /// <summary>The listener that a forwarded port leads to, if it is one of the network's load balancers.</summary>
    public static ListenerIntent? ListenerOf(NetworkIntent intent, DesiredForward forward) =>
        intent.Balancers.Where(balancer => balancer.Ipv4 == forward.Target).SelectMany(balancer => balancer.Listeners)
            .FirstOrDefault(listener => listener.Transport == forward.Protocol && listener.Port == forward.TargetPort);

    /// <summary>
    /// For <c>translate_in</c>. Forwarded ports find their listener themselves. What comes by a link was to be led to a member in the sender's network; replies
    /// to what is led there here would never come back here.
    /// </summary>
    public static IEnumerable<string> Entrances(NetworkIntent intent)
    {
        var own = intent.Links.Count == 0 ? "" : $"iifname != {{ {string.Join(", ", intent.Links.Select(link => NamedSet.Device(link.Device)))} }} ";
        return BalancerDoor.Inner(intent).Select(door => $"{own}{door.First} goto {ChoiceOf(door.Listener)}");
    }

    /// <summary>For <c>translate_out</c>, before anything else.</summary>
    public static IEnumerable<string> Exits(NetworkIntent intent) => BalancerDoor.All(intent).Select(door => $"ct status dnat {door.Any} jump {Leaving}{door.Listener.Name}");

    public static IEnumerable<Chain> Chains(NetworkIntent intent)
    {
        BalancerDoor[] doors = [.. BalancerDoor.All(intent)];
        if (doors.Length == 0) yield break;
        yield return new Chain("balanced", new ChainHook("filter", "forward", 10, "accept"),
        [
            "ct status ! dnat accept",
            .. doors.Select(door => $"{door.Any} goto {Counting}{door.Listener.Name}"),
            // An inner address that is no listener's any more.
            .. intent.Inside.Select(range => $"meta l4proto tcp ct original {NetworkRuleset.Family(range)} daddr {range} reject with tcp reset"),
            .. intent.Inside.Select(range => $"ct original {NetworkRuleset.Family(range)} daddr {range} drop"),
        ]);
        foreach (var (balancer, listener) in doors.Select(door => (door.Balancer, door.Listener)).DistinctBy(pair => pair.Listener.Id))
        {
            yield return new Chain(ChoiceOf(listener), null, [.. Choices(balancer, listener)]);
            yield return new Chain(Leaving + listener.Name, null, [.. Leave(balancer, listener, intent)]);
            yield return new Chain(Counting + listener.Name, null, [.. Count(listener)]);
        }
    }

    /// <summary>The way of each member's counts: new connections, and bytes from and to clients.</summary>
    public static IEnumerable<NamedObject> Objects(NetworkIntent intent)
    {
        BalancerIntent[] all = [.. intent.Balancers, .. intent.LinkedBalancers];
        foreach (var listener in all.SelectMany(balancer => balancer.Translated).DistinctBy(listener => listener.Id))
            foreach (var member in listener.Members)
                foreach (var what in (string[])[BalancerCounts.New, BalancerCounts.In, BalancerCounts.Out]) yield return NamedObject.Counter(BalancerCounts.NameOf(what, listener, member));
        foreach (var idle in all.SelectMany(balancer => balancer.Translated.SelectMany(listener => Families(balancer).Select(ipv6 => (listener.Transport, ipv6, listener.IdleSeconds)))).Distinct())
            yield return new NamedObject(NamedObject.TimeoutKind, Idle(idle.Transport, idle.ipv6, idle.IdleSeconds),
            [
                $"protocol {idle.Transport}", $"l3proto {(idle.ipv6 ? "ip6" : "ip")}",
                idle.Transport == "tcp" ? Invariant($"policy = {{ established : {idle.IdleSeconds} }}") : Invariant($"policy = {{ unreplied : {Math.Min(30, idle.IdleSeconds)}, replied : {idle.IdleSeconds} }}"),
            ]);
    }

    private static IEnumerable<string> Choices(BalancerIntent balancer, ListenerIntent listener)
    {
        foreach (var ipv6 in Families(balancer))
        {
            MemberIntent[] members = [.. listener.Of(ipv6).Where(member => member.Works && member.Share > 0)];
            var row = Shares.Row([.. members.Select(member => member.Share)]);
            if (row.Count == 0) continue;
            var family = NetworkRuleset.Family(ipv6);
            // The same seed on every host and after every change, so that a client stays with its member.
            var turn = listener.Algorithm == BalancingAlgorithm.Source ? $"jhash {family} saddr mod {row.Count} seed 0x{Seed(listener)}" : $"numgen inc mod {row.Count}";
            var places = row.Select((member, place) => Invariant($"{place} : {members[member].Address} . {members[member].Port}"));
            yield return $"meta nfproto {(ipv6 ? "ipv6" : "ipv4")} meta l4proto {listener.Transport} ct timeout set \"{Idle(listener.Transport, ipv6, listener.IdleSeconds)}\" "
                + $"dnat {family} to {turn} map {{ {string.Join(", ", places)} }}";
        }
    }

    /// <summary>Seen once for each connection that its filters let pass. A guest that was led to itself must see someone else's address, or it would answer itself.</summary>
    private static IEnumerable<string> Leave(BalancerIntent balancer, ListenerIntent listener, NetworkIntent intent)
    {
        foreach (var ipv6 in Families(balancer))
        {
            var family = NetworkRuleset.Family(ipv6);
            if (Places(listener, ipv6, BalancerCounts.New) is { } places) yield return $"counter name {family} daddr . {listener.Transport} dport map {places}";
            string[] own = [.. listener.Of(ipv6).Select(member => member.Address).Distinct().Where(address => Tap(intent, address) is not null)];
            if (own.Length > 0) yield return $"{family} saddr . {family} daddr {{ {string.Join(", ", own.Select(address => $"{address} . {address}"))} }} snat {family} to {balancer.Of(ipv6)}";
        }
    }

    /// <summary>Connections of members that are no longer in the record end here; those of draining ones go on.</summary>
    private static IEnumerable<string> Count(ListenerIntent listener)
    {
        foreach (var ipv6 in listener.Members.SelectMany(member => member.Places).Select(member => member.IsIpv6).Distinct().Order())
        {
            var family = NetworkRuleset.Family(ipv6);
            var places = $"{{ {string.Join(", ", listener.Of(ipv6).Select(Place))} }}";
            yield return $"ct direction original counter name {family} daddr . {listener.Transport} dport map {Places(listener, ipv6, BalancerCounts.In)}";
            yield return $"ct direction reply counter name {family} saddr . {listener.Transport} sport map {Places(listener, ipv6, BalancerCounts.Out)}";
            yield return $"ct direction original {family} daddr . {listener.Transport} dport {places} accept";
            yield return $"ct direction reply {family} saddr . {listener.Transport} sport {places} accept";
        }
        yield return listener.Transport == "tcp" ? "reject with tcp reset" : "drop";
    }

    private static string? Places(ListenerIntent listener, bool ipv6, string what)
    {
        var places = string.Join(", ", listener.Of(ipv6).Select(member => $"{Place(member)} : \"{BalancerCounts.NameOf(what, listener, member)}\""));
        return places.Length == 0 ? null : $"{{ {places} }}";
    }

    private static string Place(MemberIntent member) => Invariant($"{member.Address} . {member.Port}");

    internal static string? Tap(NetworkIntent intent, string address) => intent.Ports.FirstOrDefault(port => port.Addresses.Any(own => own.Text == address))?.Tap;

    private static IEnumerable<bool> Families(BalancerIntent balancer) => balancer.Addresses.Select(AddressForm.IsIpv6);

    private static string Idle(string transport, bool ipv6, int seconds) => Invariant($"idle_{transport}{(ipv6 ? 6 : 4)}_{seconds}");

    private static string Seed(ListenerIntent listener) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(listener.Id)))[..8];
}
