using System.Net;

namespace Kumoi.Server.Networks.Tracing;

/// <summary>Packets to and from load balancers. The trace ends there: which member gets a connection is decided when it is made, and the way to a member is told by a trace to it.</summary>
public static partial class Tracer
{
    /// <summary>The load balancer that has the address the packet is sent to; null if none has. Networks may have the same ranges, so that the sender's and those linked with it come first.</summary>
    private static TraceBalancer? Balancing(TraceFacts facts)
    {
        if (facts.To is not { Interface: null, Address: { } address } || ForwardOf(facts) is not null) return null;
        if (facts.Balancers.FirstOrDefault(balancer => balancer.Public.Contains(address)) is { } published) return published;
        var own = facts.Balancers.Where(balancer => balancer.Addresses.Contains(address)).ToList();
        return facts.From.Interface is { } sender ? own.Find(balancer => Reaches(facts, sender, balancer)) : own.FirstOrDefault();
    }

    private static bool Reaches(TraceFacts facts, TraceInterface sender, TraceBalancer balancer) =>
        sender.NetworkId == balancer.NetworkId || facts.Networks[sender.NetworkId].Links.ContainsKey(balancer.NetworkId);

    private static Way? Balance(TraceFacts facts, TraceBalancer balancer, List<TraceFinding> findings)
    {
        var address = facts.To.Address!;
        if (balancer.Public.Contains(address))
        {
            if (facts.From.Interface is { } sender && Leaving(facts, sender, address.AddressFamily, findings) is null) return null;
            findings.Add(new("translation", true, "balancer-public", [address.ToString(), balancer.Name]));
        }
        else if (facts.From.Interface is null) return Stop(findings, "balancer-inside", address.ToString(), balancer.Name);
        else if (facts.From.Interface.Of(address.AddressFamily) is null)
            return Stop(findings, "no-address-of-family", facts.From.Interface.Instance, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "IPv4" : "IPv6");
        var packet = Packet(facts.Protocol, facts.Port);
        if (balancer.Listeners.FirstOrDefault(listener => listener.Transport == facts.Protocol && listener.Port == facts.Port) is not { } taken)
            return Stop(findings, "balancer-no-listener", address.ToString(), balancer.Name, packet);
        if (balancer.IsForeign) findings.Add(new("path", true, "balancer-foreign", [address.ToString(), balancer.Name, taken.Protocol]));
        else if (taken.Members.Count == 0) return Stop(findings, "balancer-no-members", address.ToString(), balancer.Name, packet);
        else if (!taken.Members.Any(member => member.GetsNew)) return Stop(findings, "balancer-all-drained", address.ToString(), balancer.Name, packet);
        else findings.Add(new("path", true, "balancer", [address.ToString(), balancer.Name, taken.Protocol, string.Join(", ", taken.Members.Where(member => member.GetsNew).Select(member => $"{member.Instance}:{member.Port}"))]));
        // If packets are led on as they are, the sender's filter sees the member's address, which a trace to it tells of.
        if (facts.From.Interface is { } own && (taken.IsProxied || balancer.Public.Contains(address))) findings.Add(Filter(facts, "egress", own, address, address.AddressFamily, null, facts.Port));
        return null;
    }

    /// <summary>True if a load balancer is the sender: it speaks to its members only, which let it in by themselves.</summary>
    private static bool BalancerSends(TraceFacts facts, List<TraceFinding> findings)
    {
        if (facts.From is not { Interface: null, Address: { } address } || facts.Balancers.FirstOrDefault(one => one.Addresses.Contains(address)) is not { } balancer) return false;
        var member = facts.To.Interface is { } to && balancer.Listeners.Any(listener => listener.Transport == facts.Protocol && listener.Members.Any(m => m.InterfaceId == to.Id && m.Port == facts.Port));
        findings.Add(new("path", member, member ? "balancer-to-member" : "balancer-to-others", [address.ToString(), balancer.Name, facts.To.Named]));
        return true;
    }
}
