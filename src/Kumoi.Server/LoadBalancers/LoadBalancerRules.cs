using System.Text.RegularExpressions;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform;

namespace Kumoi.Server.LoadBalancers;

/// <summary>What load balancers, listeners and members may be, as far as it can be said before anything is looked up. Pure.</summary>
public static partial class LoadBalancerRules
{
    /// <summary>Every host of the network holds and checks all of them: more would take the hosts' time from guests.</summary>
    public const int PerNetworkMax = 50, ListenersMax = 20, MembersMax = 100;

    /// <summary>Of all load balancers of a network. Too low: large services do not fit; too high: every host of the network asks so many members each second, and reads so
    /// many bytes whenever anything of the network changes.</summary>
    public const int NetworkMembersMax = 2_000, NetworkChecksMax = 500, NetworkCertificatesMax = 1024 * 1024;

    public const int DescriptionMax = 255;

    private const int NameServerPort = 53;

    private const int WeightMax = 256, IntervalMax = 300, CountMax = 10, IdleMax = 86_400, PathMax = 255;

    private static readonly string[] Checks = ["tcp", "http", "none"];

    public static IEnumerable<Violation> Check(string? name, string? description)
    {
        if (name is not null && Names.Check("name", name) is { } bad) yield return bad;
        if (description is { Length: > DescriptionMax }) yield return new Violation("description", "too-long", DescriptionMax);
    }

    /// <param name="prefix">Where in the request the listener is, with a dot at the end; empty if it is the request itself.</param>
    public static IEnumerable<Violation> Check(string prefix, ListenerSettings listener)
    {
        if (!ListenerProtocol.All.Contains(listener.Protocol))
        {
            yield return new Violation(prefix + "protocol", "one-of", string.Join(", ", ListenerProtocol.All));
            yield break;
        }
        if (!IsPort(listener.Port)) yield return new Violation(prefix + "port", "between", 1, 65535);
        // There the hosts' name server answers, and nobody else can.
        else if (listener is { IsProxied: true, Port: NameServerPort }) yield return new Violation(prefix + "port", "port-of-name-server", listener.Port);
        if (!BalancingAlgorithm.All.Contains(listener.Algorithm)) yield return new Violation(prefix + "algorithm", "one-of", string.Join(", ", BalancingAlgorithm.All));
        else if (listener is { Protocol: ListenerProtocol.Udp, Algorithm: BalancingAlgorithm.LeastConnections }) yield return new Violation(prefix + "algorithm", "not-with-protocol", listener.Protocol);
        if (!ListenerStickiness.All.Contains(listener.Stickiness)) yield return new Violation(prefix + "stickiness", "one-of", string.Join(", ", ListenerStickiness.All));
        else if (listener.Stickiness == ListenerStickiness.Cookie && listener.Protocol is not (ListenerProtocol.Http or ListenerProtocol.Https))
            yield return new Violation(prefix + "stickiness", "only-with-protocol", "http, https");
        if (listener is { Protocol: ListenerProtocol.Udp, ProxyProtocol: true }) yield return new Violation(prefix + "proxyProtocol", "not-with-protocol", listener.Protocol);
        if (listener.EndsTls && !listener.HasCertificate) yield return new Violation(prefix + "certificate", "required");
        if (listener.IdleSeconds is < 1 or > IdleMax) yield return new Violation(prefix + "idleSeconds", "between", 1, IdleMax);
        foreach (var violation in Check(prefix + "healthCheck.", listener.Health)) yield return violation;
    }

    private static IEnumerable<Violation> Check(string prefix, HealthCheck health)
    {
        if (!Checks.Contains(health.Protocol)) yield return new Violation(prefix + "protocol", "one-of", string.Join(", ", Checks));
        if (health.Path is { } path)
            if (health.Protocol != "http") yield return new Violation(prefix + "path", "only-with-protocol", "http");
            else if (path.Length > PathMax) yield return new Violation(prefix + "path", "too-long", PathMax);
            else if (!PathForm().IsMatch(path)) yield return new Violation(prefix + "path", "http-path");
        if (health.Port is { } port && !IsPort(port)) yield return new Violation(prefix + "port", "between", 1, 65535);
        if (health.IntervalSeconds is < 1 or > IntervalMax) yield return new Violation(prefix + "intervalSeconds", "between", 1, IntervalMax);
        else if (health.TimeoutSeconds < 1 || health.TimeoutSeconds > health.IntervalSeconds) yield return new Violation(prefix + "timeoutSeconds", "between", 1, health.IntervalSeconds);
        if (health.Rise is < 1 or > CountMax) yield return new Violation(prefix + "rise", "between", 1, CountMax);
        if (health.Fall is < 1 or > CountMax) yield return new Violation(prefix + "fall", "between", 1, CountMax);
    }

    /// <summary>What a change would cost the hosts of a network beyond what they bear. What is too much already may stay as it is.</summary>
    /// <param name="field">What of the request is at fault; null: by what is too much.</param>
    public static IEnumerable<Violation> Check(string? field, string network, NetworkLoad before, NetworkLoad after)
    {
        if (after.Members > Math.Max(before.Members, NetworkMembersMax)) yield return new Violation(field ?? "members", "network-members-at-most", network, NetworkMembersMax);
        if (after.Checks > Math.Max(before.Checks, NetworkChecksMax)) yield return new Violation(field ?? "healthCheck.intervalSeconds", "network-checks-at-most", network, NetworkChecksMax);
        if (after.Certificates > Math.Max(before.Certificates, NetworkCertificatesMax)) yield return new Violation(field ?? "certificate", "network-certificates-at-most", network, NetworkCertificatesMax);
    }

    /// <param name="named">Members here may name their listener.</param>
    public static IEnumerable<Violation> Check(string field, IReadOnlyList<CreateMember>? members, bool named = false)
    {
        if (members is { Count: > MembersMax }) yield return new Violation(field, "at-most", MembersMax);
        for (var i = 0; i < Math.Min(members?.Count ?? 0, MembersMax); i++)
        {
            foreach (var violation in Check($"{field}[{i}].", members![i])) yield return violation;
            if (!named && members[i].Listener is not null) yield return new Violation($"{field}[{i}].listener", "unknown-field");
        }
    }

    public static IEnumerable<Violation> Check(string prefix, CreateMember member)
    {
        if (member.Instance is null == member.Interface is null) yield return new Violation(prefix + "instance", "instance-or-interface");
        if (member.Port is { } port && !IsPort(port)) yield return new Violation(prefix + "port", "between", 1, 65535);
        if (member.Weight is { } weight && CheckWeight(prefix, weight) is { } wrong) yield return wrong;
    }

    public static Violation? CheckWeight(string prefix, int weight) => weight is < 0 or > WeightMax ? new Violation(prefix + "weight", "between", 0, WeightMax) : null;

    private static bool IsPort(int port) => port is >= 1 and <= 65535;

    // What RFC 3986 allows in a path and a query, but for quotes, brackets and the dollar sign, which configurations of programs may take for something else.
    [GeneratedRegex("""^/(?:[A-Za-z0-9\-._~!&*+,;=:@/?]|%[0-9A-Fa-f]{2})*\z""")] private static partial Regex PathForm();
}
