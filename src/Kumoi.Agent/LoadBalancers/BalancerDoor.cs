using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using static System.FormattableString;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>Where connections to a listener that the kernel balances are made to: its own address, or an address and port that lead from the outside to it.</summary>
public sealed record BalancerDoor(string Address, int Port, BalancerIntent Balancer, ListenerIntent Listener)
{
    public string Family => NetworkRuleset.Family(Address);

    /// <summary>Matches a connection's first packet as it came.</summary>
    public string First => Invariant($"{Family} daddr {Address} {Listener.Transport} dport {Port}");

    /// <summary>Matches a connection's every packet.</summary>
    public string Any => Invariant($"meta l4proto {Listener.Transport} ct original {Family} daddr {Address} ct original proto-dst {Port}");

    /// <summary>How the kernel's table shows a connection that was led to a member; null if the member has no address of the door's family.</summary>
    public ConnectionWay? To(MemberIntent member) =>
        member.Of(AddressForm.IsIpv6(Address)) is { } place ? new ConnectionWay(Listener.Transport, Address, Port, place.Address, place.Port) : null;

    /// <summary>Those at the load balancers' own addresses.</summary>
    public static IEnumerable<BalancerDoor> Inner(NetworkIntent intent) =>
        intent.Balancers.Concat(intent.LinkedBalancers).SelectMany(balancer => balancer.Translated.SelectMany(listener => balancer.Addresses.Select(address => new BalancerDoor(address, listener.Port, balancer, listener))));

    /// <summary>Those of the outside, on the host that has the address.</summary>
    public static IEnumerable<BalancerDoor> Outer(NetworkIntent intent)
    {
        foreach (var gateway in intent.OwnGateways)
            foreach (var forward in gateway.Forwards)
                if (BalancerRuleset.ListenerOf(intent, forward) is { IsProxied: false } listener)
                    yield return new BalancerDoor(gateway.Address, forward.Port, intent.Balancers.First(balancer => balancer.Listeners.Contains(listener)), listener);
    }

    public static IEnumerable<BalancerDoor> All(NetworkIntent intent) => Inner(intent).Concat(Outer(intent));
}
