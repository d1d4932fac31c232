namespace Kumoi.Api;

/// <summary>An address in a network whose connections go to members. Every host of the network is it: nothing boots or runs for it elsewhere.</summary>
/// <param name="Address">Its first address: IPv4, or IPv6 in a network without an IPv4 subnet.</param>
/// <param name="Address6">The IPv6 address, in a network with both families.</param>
/// <param name="FloatingAddresses">Public addresses that lead to it.</param>
public sealed record LoadBalancer(
    string Id, string Name, string Description, Ref Network, Ref Subnet, string Address, Ref? Subnet6, string? Address6, IReadOnlyList<string> FloatingAddresses,
    IReadOnlyList<LoadBalancerListener> Listeners, DateTimeOffset CreatedAt);

/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>http</c>, <c>https</c> (TLS ends here, HTTP goes on) or <c>tls</c> (TLS ends here, what is in it goes on).</param>
/// <param name="Algorithm"><c>round-robin</c>, <c>least-connections</c> or <c>source</c> (by the client's address); weights count in each.</param>
/// <param name="Stickiness"><c>none</c> or <c>cookie</c>.</param>
/// <param name="ProxyProtocol">Members are told who connects by the PROXY protocol, version 2.</param>
/// <param name="Certificate">Of <c>https</c> and <c>tls</c>. The key is not told to anybody.</param>
/// <param name="IdleSeconds">A connection on which nothing is sent for so long is ended.</param>
/// <param name="Traffic">Of all hosts together.</param>
public sealed record LoadBalancerListener(
    string Id, string Protocol, int Port, string Algorithm, string Stickiness, bool ProxyProtocol, ListenerCertificate? Certificate, HealthCheck HealthCheck, int IdleSeconds,
    IReadOnlyList<LoadBalancerMember> Members, Traffic Traffic);

/// <param name="Names">DNS names and addresses that it is for.</param>
/// <param name="Fingerprint">SHA-256 of the certificate, hexadecimal.</param>
public sealed record ListenerCertificate(string Subject, IReadOnlyList<string> Names, DateTimeOffset ExpiresAt, string Fingerprint);

/// <summary>How each host of the network finds out which members work.</summary>
/// <param name="Protocol"><c>tcp</c>: a connection can be made; <c>http</c>: a GET is answered with a status from 200 to 399; <c>none</c>: every member counts as working.</param>
/// <param name="Path">Of the GET; null unless the protocol is <c>http</c>.</param>
/// <param name="Port">Null: the member's own.</param>
/// <param name="Rise">So many good answers in a row make a member work again.</param>
/// <param name="Fall">So many failures in a row take it out.</param>
public sealed record HealthCheck(string Protocol, string? Path, int? Port, int IntervalSeconds, int TimeoutSeconds, int Rise, int Fall);

/// <summary>An interface of an instance that gets connections of a listener.</summary>
/// <param name="Interface">Id of the interface.</param>
/// <param name="Weight">0 to 256: how many connections it gets compared with the others.</param>
/// <param name="Draining">It gets no new connections; those that it has go on.</param>
/// <param name="Health"><c>healthy</c>: to all hosts that say; <c>unhealthy</c>: to all; <c>mixed</c>: to some; <c>unknown</c>: no host has said yet.</param>
/// <param name="Reason">Why it does not work, as one of the hosts says; null if it works.</param>
/// <param name="Since">Since when that host sees it so.</param>
public sealed record LoadBalancerMember(
    string Id, Ref Instance, string Interface, string Address, int Port, int Weight, bool Draining, string Health, int HealthyHosts, int UnhealthyHosts, string? Reason, DateTimeOffset? Since,
    Traffic Traffic);

/// <summary>What the hosts have counted, added up. Each host counts from when it began, so figures may become less.</summary>
/// <param name="Active">Connections open now.</param>
/// <param name="Connections">Connections so far.</param>
/// <param name="BytesIn">Sent by clients.</param>
/// <param name="BytesOut">Sent to clients.</param>
public sealed record Traffic(long Active, long Connections, long BytesIn, long BytesOut);

/// <param name="Network">Default: the one that the members are in.</param>
/// <param name="Subnet">Default: the network's subnets in their order.</param>
/// <param name="Address">An address that nobody has; default: the next free one.</param>
/// <param name="Address6">An IPv6 address that nobody has; default: the next free one, in a network with IPv6.</param>
/// <param name="Members">Of every listener given here.</param>
public sealed record CreateLoadBalancer(
    string Name, string? Network, string? Subnet, string? Address, string? Address6, string? Description, IReadOnlyList<CreateListener>? Listeners, IReadOnlyList<CreateMember>? Members);

/// <summary>Changes a load balancer; what is absent stays.</summary>
public sealed record UpdateLoadBalancer(string? Name, string? Description);

/// <param name="Protocol">Default: <c>tcp</c>.</param>
/// <param name="Port">1 to 65,535; one listener of each port and transport.</param>
/// <param name="Algorithm">Default: <c>round-robin</c>.</param>
/// <param name="Stickiness">Default: <c>none</c>; <c>cookie</c> goes with <c>http</c> and <c>https</c>.</param>
/// <param name="Certificate">For <c>https</c> and <c>tls</c>: the chain in PEM, the listener's own certificate first.</param>
/// <param name="PrivateKey">Its key in PEM, not encrypted: RSA or elliptic (P-256, P-384, P-521).</param>
/// <param name="HealthCheck">Default: <c>tcp</c>; of <c>udp</c> listeners <c>none</c>.</param>
/// <param name="IdleSeconds">1 to 86,400; default: 300.</param>
public sealed record CreateListener(
    string? Protocol, int Port, string? Algorithm, string? Stickiness, bool? ProxyProtocol, string? Certificate, string? PrivateKey, UpdateHealthCheck? HealthCheck, int? IdleSeconds,
    IReadOnlyList<CreateMember>? Members);

/// <summary>Changes a listener; what is absent stays.</summary>
/// <param name="Certificate">A new chain, with its key.</param>
public sealed record UpdateListener(
    string? Protocol, int? Port, string? Algorithm, string? Stickiness, bool? ProxyProtocol, string? Certificate, string? PrivateKey, UpdateHealthCheck? HealthCheck, int? IdleSeconds);

/// <summary>What is absent stays as it is, or is the default.</summary>
/// <param name="Protocol"><c>tcp</c>, <c>http</c> or <c>none</c>.</param>
/// <param name="Path">Default: <c>/</c>.</param>
/// <param name="Port">0: the member's own, the default.</param>
/// <param name="IntervalSeconds">1 to 300; default: 5.</param>
/// <param name="TimeoutSeconds">1 to the interval; default: 3, or the interval if that is less.</param>
/// <param name="Rise">1 to 10; default: 2.</param>
/// <param name="Fall">1 to 10; default: 2.</param>
public sealed record UpdateHealthCheck(string? Protocol, string? Path, int? Port, int? IntervalSeconds, int? TimeoutSeconds, int? Rise, int? Fall);

/// <param name="Instance">The guest: its first interface in the load balancer's network.</param>
/// <param name="Interface">The interface, if not by the instance.</param>
/// <param name="Port">Default: the listener's.</param>
/// <param name="Weight">0 to 256; default: 1.</param>
/// <param name="Listener">Id or port of the listener; default: every one. Only for members that are added to a load balancer.</param>
public sealed record CreateMember(string? Instance, string? Interface, int? Port, int? Weight, string? Listener = null);

/// <summary>Changes a member; what is absent stays.</summary>
public sealed record UpdateMember(int? Weight, bool? Draining);
