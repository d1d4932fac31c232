namespace Kumoi.Api.Agent;

/// <summary>
/// A load balancer in a network. Every host that carries the network is it: a guest's connection is balanced on the guest's own host, and one from the
/// outside on the host that has the public address, whose forwards lead to the load balancer's address.
/// </summary>
/// <param name="Addresses">Its own addresses in subnets of the network: one of a family at most.</param>
public sealed record DesiredLoadBalancer(string Id, IReadOnlyList<string> Addresses, IReadOnlyList<DesiredListener> Listeners);

/// <param name="Protocol"><see cref="ListenerProtocol"/>.</param>
/// <param name="Port">At the load balancer's addresses.</param>
/// <param name="Algorithm"><see cref="BalancingAlgorithm"/>.</param>
/// <param name="Stickiness"><see cref="ListenerStickiness"/>.</param>
/// <param name="SendsProxy">Members are told who connects by the PROXY protocol, version 2.</param>
/// <param name="Certificate">For <c>https</c> and <c>tls</c>: the chain, in PEM, the listener's own first; otherwise null.</param>
/// <param name="Key">Its private key (PKCS #8, PEM); otherwise null.</param>
/// <param name="IdleSeconds">A connection on which nothing is sent for so long is ended.</param>
public sealed record DesiredListener(
    string Id, string Protocol, int Port, string Algorithm, string Stickiness, bool SendsProxy, string? Certificate, string? Key, DesiredHealthCheck Health, int IdleSeconds,
    IReadOnlyList<DesiredBackend> Members);

/// <summary>What a listener speaks.</summary>
public static class ListenerProtocol
{
    public const string Tcp = "tcp", Udp = "udp", Http = "http";

    /// <summary>TLS ends here, HTTP goes on to the members.</summary>
    public const string Https = "https";

    /// <summary>TLS ends here, what is in it goes on to the members.</summary>
    public const string Tls = "tls";

    public static readonly IReadOnlyList<string> All = [Tcp, Udp, Http, Https, Tls];
}

/// <summary>How a new connection's member is chosen; weights count in each.</summary>
public static class BalancingAlgorithm
{
    public const string RoundRobin = "round-robin", LeastConnections = "least-connections";

    /// <summary>By the client's address: the same member as long as the members are the same.</summary>
    public const string Source = "source";

    public static readonly IReadOnlyList<string> All = [RoundRobin, LeastConnections, Source];
}

/// <summary>Whether a client comes to the member that it had before.</summary>
public static class ListenerStickiness
{
    public const string None = "none";

    /// <summary>By a cookie of the load balancer's (HTTP only).</summary>
    public const string Cookie = "cookie";

    public static readonly IReadOnlyList<string> All = [None, Cookie];
}

/// <summary>How the hosts find out which members work. Each host asks for itself.</summary>
/// <param name="Protocol"><c>tcp</c>: a connection can be made; <c>http</c>: a GET is answered with a status from 200 to 399; <c>none</c>: every member counts as working.</param>
/// <param name="Path">Of the GET.</param>
/// <param name="Port">Null: the member's own.</param>
/// <param name="Rise">So many good answers in a row make a member work again.</param>
/// <param name="Fall">So many failures in a row take it out.</param>
public sealed record DesiredHealthCheck(string Protocol, string? Path, int? Port, int IntervalSeconds, int TimeoutSeconds, int Rise, int Fall);

/// <param name="Address">Of a guest's interface in the network: IPv4 if the load balancer has an IPv4 address, else IPv6.</param>
/// <param name="Weight">0 to 256: how many connections it gets compared with the others; 0: none.</param>
/// <param name="Draining">It gets no new connection; those that it has go on.</param>
/// <param name="Address6">The same interface's IPv6 address, if the load balancer has addresses of both families and the interface too; null otherwise.</param>
public sealed record DesiredBackend(string Id, string Address, int Port, int Weight, bool Draining, string? Address6 = null);
