using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Server.LoadBalancers;

/// <summary>Everything about a listener but its members and its certificate's content.</summary>
/// <param name="HasCertificate">It has one, or gets one with the request.</param>
public sealed record ListenerSettings(string Protocol, int Port, string Algorithm, string Stickiness, bool ProxyProtocol, bool HasCertificate, HealthCheck Health, int IdleSeconds)
{
    private const int IdleDefault = 300, IntervalDefault = 5, TimeoutDefault = 3, RiseDefault = 2, FallDefault = 2;

    public bool EndsTls => Protocol is ListenerProtocol.Https or ListenerProtocol.Tls;

    /// <summary>True if hosts take the connection and make another; otherwise they lead its packets elsewhere.</summary>
    public bool IsProxied => Proxies(Protocol, Algorithm, ProxyProtocol);

    public static bool Proxies(string protocol, string algorithm, bool proxyProtocol) => protocol is ListenerProtocol.Http or ListenerProtocol.Https or ListenerProtocol.Tls
        || (protocol == ListenerProtocol.Tcp && (proxyProtocol || algorithm == BalancingAlgorithm.LeastConnections));

    /// <summary>What its port is one of: two listeners may share a number if this differs.</summary>
    public string Transport => TransportOf(Protocol);

    public static string TransportOf(string protocol) => protocol == ListenerProtocol.Udp ? "udp" : "tcp";

    public static ListenerSettings Of(CreateListener create)
    {
        var protocol = create.Protocol ?? ListenerProtocol.Tcp;
        // That a UDP service answers cannot be told from outside; its port of TCP says nothing of it.
        var health = new HealthCheck(protocol == ListenerProtocol.Udp ? "none" : "tcp", null, null, IntervalDefault, 0, RiseDefault, FallDefault);
        return new ListenerSettings(
            protocol, create.Port, create.Algorithm ?? BalancingAlgorithm.RoundRobin, create.Stickiness ?? ListenerStickiness.None, create.ProxyProtocol ?? false, create.Certificate is not null,
            Changed(health, create.HealthCheck), create.IdleSeconds ?? IdleDefault);
    }

    public ListenerSettings With(UpdateListener update) => new(
        update.Protocol ?? Protocol, update.Port ?? Port, update.Algorithm ?? Algorithm, update.Stickiness ?? Stickiness, update.ProxyProtocol ?? ProxyProtocol,
        HasCertificate || update.Certificate is not null, update.HealthCheck is null ? Health : Changed(Health, update.HealthCheck), update.IdleSeconds ?? IdleSeconds);

    private static HealthCheck Changed(HealthCheck before, UpdateHealthCheck? update)
    {
        var protocol = update?.Protocol ?? before.Protocol;
        var interval = update?.IntervalSeconds ?? before.IntervalSeconds;
        // A timeout that nobody named follows the interval; one that is kept must fit it.
        var timeout = update?.TimeoutSeconds ?? (before.TimeoutSeconds == 0 ? Math.Min(TimeoutDefault, interval) : Math.Min(before.TimeoutSeconds, Math.Max(1, interval)));
        return new HealthCheck(
            protocol, update?.Path ?? (protocol == "http" ? before.Path ?? "/" : null), update?.Port is 0 ? null : update?.Port ?? before.Port, interval, timeout,
            update?.Rise ?? before.Rise, update?.Fall ?? before.Fall);
    }
}
