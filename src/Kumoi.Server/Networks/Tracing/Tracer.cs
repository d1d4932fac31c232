using System.Net;
using System.Net.Sockets;
using Kumoi.Api;

namespace Kumoi.Server.Networks.Tracing;

/// <summary>
/// Follows a packet through the same records that hosts' filters are made of: pure. Filters act where the sender is and where the receiver is; in
/// between, networks are the same, linked, or joined by the outside, where addresses are translated.
/// </summary>
public static partial class Tracer
{
    /// <summary>How the packet gets from end to end, and with which addresses the two filters see it.</summary>
    /// <param name="Seen">Its destination, as the sender's filter sees it.</param>
    /// <param name="Source">Its source, as the receiver's filter sees it; null: any address outside.</param>
    /// <param name="Together">Both ends see each other's own addresses, so that rules may name groups.</param>
    /// <param name="Port">The port that it arrives at.</param>
    private sealed record Way(TraceInterface? Receiver, IPAddress? Seen, IPAddress? Source, bool Together, int? Port)
    {
        public AddressFamily Family => (Seen ?? Source)?.AddressFamily ?? AddressFamily.InterNetwork;
    }

    public static IReadOnlyList<TraceFinding> Trace(TraceFacts facts)
    {
        var findings = new List<TraceFinding>();
        var way = Find(facts, findings);
        if (way is null) return findings;
        if (facts.From.Interface is { } sender) findings.Add(Filter(facts, "egress", sender, way.Seen, way.Family, way.Together ? way.Receiver : null, facts.Port));
        if (way.Receiver is { } receiver) findings.Add(Filter(facts, "ingress", receiver, way.Source, way.Family, way.Together ? facts.From.Interface : null, way.Port));
        return findings;
    }

    private static Way? Find(TraceFacts facts, List<TraceFinding> findings)
    {
        var (from, to) = (facts.From, facts.To);
        if (from.Interface is null && to.Interface is null && ForwardOf(facts) is null && Balancing(facts) is null) return Stop(findings, "nobody", from.Named, to.Named);
        if (BalancerSends(facts, findings)) return null;
        if (from.Interface is { } sender) findings.Add(new("from", true, "from", [sender.Instance, Name(facts, sender), sender.Addresses[0].ToString()], sender.Id));
        else findings.Add(from.Address is { } address ? new("from", true, "from-address", [address.ToString()]) : new("from", true, "from-outside", []));
        if (Balancing(facts) is { } balancer) return Balance(facts, balancer, findings);
        if (from.Interface is null && to.Interface is { } reached && FromVpn(facts, reached, findings) is { } arrived) return arrived;
        if (from.Interface is { } inside && InsideOf(facts, inside, findings) is { } together) return together;
        if (findings.Exists(finding => !finding.Passes)) return null;
        return to.Interface is null && ForwardOf(facts) is null ? LeaveFor(facts, findings) : ArriveFrom(facts, findings);
    }

    /// <summary>The way within one network, to one that it is linked with, or to what is behind one of its guests; null if there is none of these.</summary>
    private static Way? InsideOf(TraceFacts facts, TraceInterface sender, List<TraceFinding> findings)
    {
        var network = facts.Networks[sender.NetworkId];
        if (facts.To is { Interface: { } receiver } to && !(to.Address is { } asked && asked.Equals(receiver.Floating)))
        {
            if (receiver.Id == sender.Id) return Stop(findings, "same-interface", sender.Instance);
            var linked = network.Links.GetValueOrDefault(receiver.NetworkId);
            if (receiver.NetworkId != sender.NetworkId && linked is null) return null;
            if (Pair(sender, receiver, to.Address) is not var (source, destination)) return Stop(findings, "no-common-family", sender.Instance, receiver.Instance);
            findings.Add(linked is null ? new("path", true, "same-network", [network.Name]) : new("path", true, "linked", [network.Name, Name(facts, receiver), linked]));
            return new Way(receiver, destination, source, true, facts.Port);
        }
        if (facts.To is not { Interface: null, Address: { } address }) return null;
        var route = network.Routes.Where(route => route.Destination.Contains(address)).OrderByDescending(route => route.Destination.PrefixLength).FirstOrDefault();
        // What the cloud has not given out there may be another machine's.
        if (network.Bridged) return null;
        if (network.Ranges.Any(range => range.Contains(address))) return Stop(findings, "no-holder", address.ToString(), network.Name);
        foreach (var other in network.Links.Keys.Select(id => facts.Networks[id]).Where(other => other.Ranges.Any(range => range.Contains(address)))) return Stop(findings, "no-holder", address.ToString(), other.Name);
        if (network.BehindVpn(address) is { } behind)
        {
            findings.Add(behind.Site is null ? new("path", true, "to-vpn-client", [behind.Range.ToString(), behind.Gateway]) : new("path", true, "to-vpn-site", [behind.Range.ToString(), behind.Gateway, behind.Site]));
            return new Way(null, address, sender.Of(address.AddressFamily), false, facts.Port);
        }
        if (route is null) return null;
        findings.Add(new("path", route.InterfaceId is not null, route.InterfaceId is null ? "route-to-nobody" : "route", [route.Destination.ToString(), route.Via.ToString()], route.InterfaceId));
        // Behind the guest its own filters decide; the cloud's have seen the packet when it reaches the tap.
        return route.InterfaceId is null ? null : new Way(null, address, sender.Of(address.AddressFamily), false, facts.Port);
    }

    /// <summary>From a client or a site of the network's VPN gateway to one of the network's own addresses; null if it does not come from there, or asks for a public one.</summary>
    private static Way? FromVpn(TraceFacts facts, TraceInterface receiver, List<TraceFinding> findings)
    {
        var (source, asked) = (facts.From.Address, facts.To.Address);
        if (facts.Networks[receiver.NetworkId].BehindVpn(source) is not { } behind || (asked is not null && asked.Equals(receiver.Floating))) return null;
        if ((asked ?? receiver.Of(source!.AddressFamily)) is not { } destination || destination.AddressFamily != source!.AddressFamily) return Stop(findings, "no-common-family", facts.From.Named, receiver.Instance);
        findings.Add(behind.Site is null ? new("path", true, "from-vpn-client", [behind.Range.ToString(), behind.Gateway, Name(facts, receiver)]) : new("path", true, "from-vpn-site", [behind.Range.ToString(), behind.Gateway, Name(facts, receiver), behind.Site]));
        return new Way(receiver, destination, source, false, facts.Port);
    }

    /// <summary>From a guest to the outside.</summary>
    private static Way? LeaveFor(TraceFacts facts, List<TraceFinding> findings)
    {
        var sender = facts.From.Interface!;
        var family = facts.To.Address?.AddressFamily ?? (sender.Of(AddressFamily.InterNetwork) is null ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
        return Leaving(facts, sender, family, findings) is { } source ? new Way(null, facts.To.Address, source, false, facts.Port) : null;
    }

    /// <summary>To a guest by one of its public addresses.</summary>
    private static Way? ArriveFrom(TraceFacts facts, List<TraceFinding> findings)
    {
        var forward = ForwardOf(facts);
        var receiver = forward?.Target ?? facts.To.Interface!;
        var asked = facts.To.Address;
        if (forward is null && facts.From.Interface is null && facts.Networks[receiver.NetworkId] is { Bridged: true } segment)
        {
            var family = (asked ?? facts.From.Address)?.AddressFamily ?? receiver.Addresses[0].AddressFamily;
            if (receiver.Of(family) is not { } own) return Stop(findings, "no-address-of-family", receiver.Instance, family == AddressFamily.InterNetwork ? "IPv4" : "IPv6");
            findings.Add(new("path", true, "segment", [segment.Name], receiver.Id));
            return new Way(receiver, asked ?? own, facts.From.Address, false, facts.Port);
        }
        // Public addresses are those of IPv4 only: IPv6 neither leaves nor enters by the outside.
        var destination = forward?.Address ?? receiver.Floating;
        if (destination is null || (asked is not null && forward is null && !asked.Equals(receiver.Floating))) return Stop(findings, NoWay(facts), receiver.Instance, Name(facts, receiver));
        var source = facts.From.Address;
        if (facts.From.Interface is { } sender)
        {
            if (Leaving(facts, sender, destination.AddressFamily, findings) is not { } left) return null;
            source = left;
        }
        findings.Add(new("translation", true, forward is null ? "floating" : "forwarded", [destination.ToString(), receiver.Instance, forward is null ? "" : forward.TargetPort.ToString(System.Globalization.CultureInfo.InvariantCulture)], receiver.Id));
        return new Way(receiver, destination, source, false, forward?.TargetPort ?? facts.Port);
    }

    private static string NoWay(TraceFacts facts) => facts.From.Interface is null ? "no-public-address" : "not-linked";

    private static TraceForward? ForwardOf(TraceFacts facts) => facts.To.Address is not { } address ? null
        : facts.Forwards.FirstOrDefault(forward => forward.Address.Equals(address) && forward.Protocol == facts.Protocol && forward.Port == facts.Port);

    /// <summary>The address under which a guest's packets leave; null, with the reason, if they do not.</summary>
    private static IPAddress? Leaving(TraceFacts facts, TraceInterface sender, AddressFamily family, List<TraceFinding> findings)
    {
        var network = facts.Networks[sender.NetworkId];
        if (sender.Of(family) is null)
        {
            Stop(findings, "no-address-of-family", sender.Instance, family == AddressFamily.InterNetwork ? "IPv4" : "IPv6");
            return null;
        }
        if (network.Bridged)
        {
            findings.Add(new("path", true, "segment", [network.Name], sender.Id));
            return sender.Of(family);
        }
        if (family == AddressFamily.InterNetworkV6)
        {
            Stop(findings, "no-way-v6", sender.Instance, network.Name);
            return null;
        }
        if (sender.Floating is { } floating)
        {
            findings.Add(new("translation", true, "leaves-floating", [floating.ToString()], sender.Id));
            return floating;
        }
        if (network.Isolated)
        {
            Stop(findings, "isolated", network.Name, sender.Instance);
            return null;
        }
        findings.Add(new("translation", true, network.SourceAddress is null ? "leaves-shared" : "leaves-source", [network.SourceAddress?.ToString() ?? ""], sender.Id));
        return network.SourceAddress ?? facts.Uplinks.BaseAddress;
    }

    /// <summary>Addresses of one family with which the two speak; the first family of the sender's if nothing was asked for.</summary>
    private static (IPAddress Source, IPAddress Destination)? Pair(TraceInterface sender, TraceInterface receiver, IPAddress? asked)
    {
        if (asked is not null) return sender.Of(asked.AddressFamily) is { } one ? (one, asked) : null;
        foreach (var source in sender.Addresses)
            if (receiver.Of(source.AddressFamily) is { } destination) return (source, destination);
        return null;
    }

    /// <summary>What the rules of an interface's groups say: the first rule that lets the packet pass, of the groups in the order of their ids.</summary>
    /// <param name="address">The other side's, as the filter sees it; null: anybody's outside.</param>
    /// <param name="other">The other side, if rules that name groups can mean it.</param>
    private static TraceFinding Filter(TraceFacts facts, string direction, TraceInterface own, IPAddress? address, AddressFamily family, TraceInterface? other, int? port)
    {
        var groups = own.GroupIds.Order(StringComparer.Ordinal).Select(id => facts.Groups[id]).ToList();
        foreach (var group in groups)
            if (group.Rules.FirstOrDefault(rule => rule.Direction == direction && Covers(rule, facts.Protocol, port) && Means(rule, address, family, other)) is { } rule)
                return own.IsForeign ? new(direction, true, "foreign-passes", [own.Instance], own.Id) : new(direction, true, direction + "-rule", [own.Instance, group.Name, Text(rule), rule.Id], own.Id, group, rule);
        if (own.IsForeign) return new(direction, false, "foreign-stops", [own.Instance], own.Id);
        if (groups.Count == 0) return new(direction, false, "no-group", [own.Instance], own.Id);
        return new(direction, false, direction + "-none", [own.Instance, string.Join(", ", groups.Select(group => group.Name)), Packet(facts.Protocol, port), address?.ToString() ?? "outside"], own.Id);
    }

    private static bool Covers(SecurityGroupRule rule, string protocol, int? port)
    {
        if (rule.Protocol == "any") return true;
        if (rule.Protocol != protocol) return false;
        // Any port: only a rule for all of them lets all of them pass.
        if (rule.FromPort is not { } from) return true;
        return port is { } wanted && (protocol == "icmp" ? wanted == from : wanted >= from && wanted <= (rule.ToPort ?? from));
    }

    private static bool Means(SecurityGroupRule rule, IPAddress? address, AddressFamily family, TraceInterface? other)
    {
        if (rule.Group is { } group) return other is not null && other.GroupIds.Contains(group.Id);
        var range = IPNetwork.Parse(rule.Cidr!);
        return address is null ? range.PrefixLength == 0 && range.BaseAddress.AddressFamily == family : range.Contains(address);
    }

    /// <summary>A rule in one line, as the command line takes it.</summary>
    public static string Text(SecurityGroupRule rule)
    {
        var last = rule.ToPort ?? (rule.Protocol == "icmp" ? -1 : rule.FromPort ?? -1);
        var source = rule.Cidr is { } cidr ? (cidr.Contains(':', StringComparison.Ordinal) ? "ip6:" : "ip4:") + cidr : rule.Group!.Name;
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{rule.Protocol}:{rule.FromPort ?? -1},{last},{source}");
    }

    private static string Packet(string protocol, int? port) => port is null ? protocol : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{protocol} {port}");

    private static string Name(TraceFacts facts, TraceInterface face) => facts.Networks[face.NetworkId].Name;

    private static Way? Stop(List<TraceFinding> findings, string code, params object[] arguments)
    {
        findings.Add(new("path", false, code, arguments));
        return null;
    }
}
