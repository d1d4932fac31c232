using System.Globalization;
using Kumoi.Api;

namespace Kumoi.Cli.Client;

/// <summary>A load balancer for people: itself, its listeners, and their members with health and figures.</summary>
public static class LoadBalancerText
{
    /// <summary>A listener in a few words: what it speaks, its port, and how many of its members work.</summary>
    public static string Summary(LoadBalancerListener listener) => string.Create(CultureInfo.InvariantCulture,
        $"{listener.Protocol} {listener.Port} ({Working(listener)}/{listener.Members.Count})");

    private static string Working(LoadBalancerListener listener) =>
        listener.Members.Count > 0 && listener.Members.All(member => member.Health == "unknown") ? "?" : Number(listener.Members.Count(member => member.Health == "healthy"));

    public static void Write(Session session, LoadBalancer balancer)
    {
        if (session.Json)
        {
            session.Write(balancer);
            return;
        }
        session.Write([balancer],
        [
            new("name", b => b.Name), new("id", b => b.Id), new("network", b => b.Network.Name), new("address", b => b.Address6 is null ? b.Address : $"{b.Address} {b.Address6}"),
            new("floating", b => b.FloatingAddresses.Count == 0 ? "-" : string.Join(" ", b.FloatingAddresses)), new("description", b => b.Description),
        ]);
        if (balancer.Listeners.Count == 0) return;
        Console.WriteLine();
        session.Write(balancer.Listeners,
        [
            new("listener", l => $"{l.Protocol} {l.Port}"), new("id", l => l.Id), new("algorithm", Algorithm), new("health-check", Check), new("certificate", Certificate),
            new("active", l => Number(l.Traffic.Active)), new("connections", l => Number(l.Traffic.Connections)), new("bytes-in", l => Bytes(l.Traffic.BytesIn)), new("bytes-out", l => Bytes(l.Traffic.BytesOut)),
        ]);
        var members = balancer.Listeners.SelectMany(listener => listener.Members.Select(member => (Listener: listener, Member: member))).ToList();
        if (members.Count == 0) return;
        Console.WriteLine();
        session.Write(members,
        [
            new("listener", m => $"{m.Listener.Protocol} {m.Listener.Port}"), new("member", m => $"{m.Member.Instance.Name}:{m.Member.Port}"), new("address", m => m.Member.Address), new("weight", m => Number(m.Member.Weight)),
            new("health", Health), new("active", m => Number(m.Member.Traffic.Active)), new("connections", m => Number(m.Member.Traffic.Connections)), new("bytes-in", m => Bytes(m.Member.Traffic.BytesIn)),
            new("bytes-out", m => Bytes(m.Member.Traffic.BytesOut)), new("message", m => m.Member.Reason ?? ""),
        ]);
    }

    private static string Algorithm(LoadBalancerListener listener) => listener.Algorithm + (listener.Stickiness == "none" ? "" : " " + listener.Stickiness) + (listener.ProxyProtocol ? " proxy" : "");

    private static string Check(LoadBalancerListener listener)
    {
        var check = listener.HealthCheck;
        if (check.Protocol == "none") return "none";
        return string.Create(CultureInfo.InvariantCulture, $"{check.Protocol}{(check.Path is null ? "" : ":" + check.Path)}{(check.Port is { } port ? $" at {port}" : "")} {check.IntervalSeconds}s x{check.Fall}");
    }

    private static string Certificate(LoadBalancerListener listener) => listener.Certificate is not { } own ? "-"
        : string.Create(CultureInfo.InvariantCulture, $"{(own.Names is [var name, ..] ? name : own.Subject)} {own.ExpiresAt:yyyy-MM-dd}");

    private static string Health((LoadBalancerListener Listener, LoadBalancerMember Member) m)
    {
        var health = m.Member.Health == "mixed" ? string.Create(CultureInfo.InvariantCulture, $"mixed {m.Member.HealthyHosts}/{m.Member.HealthyHosts + m.Member.UnhealthyHosts}") : m.Member.Health;
        return m.Member.Draining ? health + " draining" : health;
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>An amount of bytes for people.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => Number(bytes), < 1 << 20 => Unit(bytes, 10, "KiB"), < 1L << 30 => Unit(bytes, 20, "MiB"), < 1L << 40 => Unit(bytes, 30, "GiB"), _ => Unit(bytes, 40, "TiB"),
    };

    private static string Unit(long bytes, int bits, string unit) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << bits):0.0} {unit}");
}
