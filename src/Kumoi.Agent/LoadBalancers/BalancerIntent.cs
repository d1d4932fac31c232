using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>A load balancer as one host is it: checked, sorted, and free of what cannot be done here.</summary>
/// <param name="Ipv4">Its address; null if it has none of the family.</param>
public sealed record BalancerIntent(string Id, string NetworkId, string? Ipv4, string? Ipv6, IReadOnlyList<ListenerIntent> Listeners)
{
    public IEnumerable<string> Addresses => new[] { Ipv4, Ipv6 }.OfType<string>();

    public string? Of(bool ipv6) => ipv6 ? Ipv6 : Ipv4;

    /// <summary>Listeners that the kernel balances.</summary>
    public IEnumerable<ListenerIntent> Translated => Listeners.Where(listener => !listener.IsProxied);

    /// <summary>Listeners that haproxy balances.</summary>
    public IEnumerable<ListenerIntent> Proxied => Listeners.Where(listener => listener.IsProxied);
}

/// <param name="Pem">Certificates and key as haproxy reads them, for those that end TLS.</param>
public sealed record ListenerIntent(
    string Id, string Protocol, int Port, string Algorithm, bool HasCookie, bool SendsProxy, string? Pem, DesiredHealthCheck Health, int IdleSeconds, IReadOnlyList<MemberIntent> Members)
{
    /// <summary>The part of the id that names of things are made of.</summary>
    public string Name => ObjectNames.Digits(Id);

    public string Transport => Protocol == ListenerProtocol.Udp ? "udp" : "tcp";

    /// <summary>True if someone must take the connection and make another: the kernel only leads packets elsewhere.</summary>
    public bool IsProxied => Protocol is ListenerProtocol.Http or ListenerProtocol.Https or ListenerProtocol.Tls
        || (Protocol == ListenerProtocol.Tcp && (Algorithm == BalancingAlgorithm.LeastConnections || SendsProxy));

    public bool SpeaksHttp => Protocol is ListenerProtocol.Http or ListenerProtocol.Https;

    /// <summary>The members that connections of a family can be led to, with their addresses of it.</summary>
    public IEnumerable<MemberIntent> Of(bool ipv6) => Members.Select(member => member.Of(ipv6)).OfType<MemberIntent>();
}

/// <param name="Address">The one by which it is checked, and by which haproxy reaches it.</param>
/// <param name="Address6">Of the same interface, if its address is of IPv4 and it has one of IPv6, too.</param>
/// <param name="Works">By its health check, as far as the host that reads this knows; only for what the kernel balances.</param>
public sealed record MemberIntent(string Id, string Address, int Port, int Weight, bool Draining, bool Works, string? Address6 = null)
{
    public string Name => ObjectNames.Digits(Id);

    public bool IsIpv6 => AddressForm.IsIpv6(Address);

    /// <summary>The member at its address of a family; null if it has none.</summary>
    public MemberIntent? Of(bool ipv6) => ipv6 == IsIpv6 ? this : ipv6 && Address6 is not null ? this with { Address = Address6, Address6 = null } : null;

    /// <summary>The member at each of its addresses.</summary>
    public IEnumerable<MemberIntent> Places => new[] { Of(false), Of(true) }.OfType<MemberIntent>();

    /// <summary>How many new connections it gets compared with the others.</summary>
    public int Share => Draining ? 0 : Weight;

    /// <summary>Address and port as haproxy and nft write them.</summary>
    public string Place => FormattableString.Invariant($"{(IsIpv6 ? $"[{Address}]" : Address)}:{Port}");
}
