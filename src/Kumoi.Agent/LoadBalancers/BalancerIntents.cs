using System.Text.RegularExpressions;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>Reads the load balancers of a network. Pure; whatever does not have its proper form is left out, since it would end up in a ruleset or in
/// haproxy's configuration.</summary>
public static partial class BalancerIntents
{
    /// <summary>Members of one listener. Too low: large services do not fit; too high: a listener's chain grows beyond what is set in milliseconds.</summary>
    private const int MembersMax = 256;

    private const int WeightMax = 256, IdleMin = 1, IdleMax = 86_400, SecondsMax = 300, CountMax = 20, NameServerPort = 53;

    /// <param name="subnets">Of the load balancers' network.</param>
    /// <param name="leftOut">Is told of each listener that is left out, in a sentence for people.</param>
    public static IReadOnlyList<BalancerIntent> Read(DesiredNetwork network, IReadOnlyCollection<string> subnets, Action<string> leftOut) =>
        [.. (network.LoadBalancers ?? []).Where(balancer => ObjectNames.IsId(balancer.Id)).DistinctBy(balancer => balancer.Id)
            .Select(balancer => Read(balancer, network.Id, subnets, leftOut)).OfType<BalancerIntent>().OrderBy(balancer => balancer.Id, StringComparer.Ordinal)];

    private static BalancerIntent? Read(DesiredLoadBalancer balancer, string networkId, IReadOnlyCollection<string> subnets, Action<string> leftOut)
    {
        string[] addresses = [.. balancer.Addresses.Select(AddressForm.Address).OfType<string>().Where(address => IsIn(address, subnets))];
        if (addresses.Length == 0) return null;
        var read = new BalancerIntent(
            balancer.Id, networkId, addresses.FirstOrDefault(address => !AddressForm.IsIpv6(address)), addresses.FirstOrDefault(AddressForm.IsIpv6),
            [.. balancer.Listeners.Select(listener => Read(listener, balancer.Id, subnets, leftOut)).OfType<ListenerIntent>()
                .DistinctBy(listener => listener.Id).DistinctBy(listener => (listener.Transport, listener.Port)).OrderBy(listener => listener.Id, StringComparer.Ordinal)]);
        // The kernel's replies would come from the wrong family.
        return read with { Listeners = [.. read.Listeners.Select(listener => listener.IsProxied ? listener : listener with { Members = [.. listener.Members.Where(member => read.Of(member.IsIpv6) is not null)] })] };
    }

    private static ListenerIntent? Read(DesiredListener listener, string balancerId, IReadOnlyCollection<string> subnets, Action<string> leftOut)
    {
        if (!ObjectNames.IsId(listener.Id) || !ListenerProtocol.All.Contains(listener.Protocol) || !BalancingAlgorithm.All.Contains(listener.Algorithm) || !IsPort(listener.Port)
            || Check(listener.Health) is not { } check || listener.IdleSeconds is < IdleMin or > IdleMax)
        {
            leftOut($"A listener of load balancer {balancerId} has a form that this agent does not know, and is left out.");
            return null;
        }
        var read = new ListenerIntent(
            listener.Id, listener.Protocol, listener.Port, listener.Algorithm, listener.Stickiness == ListenerStickiness.Cookie && listener.Protocol is ListenerProtocol.Http or ListenerProtocol.Https,
            listener.SendsProxy && listener.Protocol != ListenerProtocol.Udp, null, check, listener.IdleSeconds,
            [.. listener.Members.Select(member => Read(member, check, subnets)).OfType<MemberIntent>().DistinctBy(member => member.Id).DistinctBy(member => (member.Address, member.Port))
                .OrderBy(member => member.Id, StringComparer.Ordinal).Take(MembersMax)]);
        if (read.IsProxied && read.Port == NameServerPort)
        {
            leftOut($"Listener {listener.Id} of load balancer {balancerId} is left out: port {NameServerPort} of a load balancer's address is the name server's, except for tcp and udp that are balanced by round-robin or source.");
            return null;
        }
        if (listener.Protocol is not (ListenerProtocol.Https or ListenerProtocol.Tls)) return read;
        if (ListenerCertificate.Read(listener.Certificate, listener.Key) is { } pem) return read with { Pem = pem };
        leftOut($"Listener {listener.Id} of load balancer {balancerId} is left out: its certificate and key cannot be read, or do not belong together.");
        return null;
    }

    private static MemberIntent? Read(DesiredBackend member, DesiredHealthCheck check, IReadOnlyCollection<string> subnets) =>
        ObjectNames.IsId(member.Id) && AddressForm.Address(member.Address) is { } address && IsIn(address, subnets) && IsPort(member.Port) && member.Weight is >= 0 and <= WeightMax
            ? new MemberIntent(member.Id, address, member.Port, member.Weight, member.Draining, check.Protocol == "none", Second(member.Address6, address, subnets))
            : null;

    private static string? Second(string? text, string first, IReadOnlyCollection<string> subnets) =>
        text is not null && !AddressForm.IsIpv6(first) && AddressForm.Address(text) is { } address && AddressForm.IsIpv6(address) && IsIn(address, subnets) ? address : null;

    private static DesiredHealthCheck? Check(DesiredHealthCheck check)
    {
        if (check.Protocol is not ("tcp" or "http" or "none") || (check.Port is { } port && !IsPort(port)) || check.IntervalSeconds is < 1 or > SecondsMax
            || check.TimeoutSeconds is < 1 or > SecondsMax || check.Rise is < 1 or > CountMax || check.Fall is < 1 or > CountMax) return null;
        if (check.Protocol != "http") return check with { Path = null };
        return PathForm().IsMatch(check.Path ?? "/") ? check with { Path = check.Path ?? "/" } : null;
    }

    private static bool IsPort(int port) => port is > 0 and <= 65_535;

    private static bool IsIn(string address, IReadOnlyCollection<string> subnets) =>
        subnets.Any(subnet => AddressForm.IsIpv6(subnet) == AddressForm.IsIpv6(address) && AddressForm.Overlap(subnet, AddressForm.Single(address)));

    /// <summary>What needs no quotes in haproxy's configuration: no blanks, quotes, backslashes, <c>#</c> or <c>$</c>.</summary>
    [GeneratedRegex(@"\A/[A-Za-z0-9._~/?=&%+,;:@!*()-]{0,254}\z")] private static partial Regex PathForm();
}
