using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.LoadBalancers;

namespace Kumoi.Server.Explanations;

/// <summary>Explains a load balancer: pure.</summary>
public static class LoadBalancerExplanation
{
    public static Findings Of(LoadBalancer balancer)
    {
        var members = balancer.Listeners.SelectMany(listener => listener.Members.Select(member => (Listener: listener, Member: member))).ToList();
        var working = members.Count(m => m.Member.Health == BackendHealth.Healthy);
        var subject = new Subject("load-balancer", balancer.Id, balancer.Name);
        return new Findings(subject, "", new Sentence("balancer-summary", balancer.Listeners.Count, working, members.Count))
        {
            Desired =
            [
                new Sentence("balancer-address", balancer.Address6 is null ? balancer.Address : $"{balancer.Address}, {balancer.Address6}", balancer.Network.Name) { Since = balancer.CreatedAt },
                .. balancer.FloatingAddresses.Select(address => new Sentence("balancer-public", address)),
                .. balancer.Listeners.Select(listener => new Sentence("balancer-listener", listener.Protocol, listener.Port, listener.Algorithm, listener.Members.Count)),
            ],
            Observed = [.. members.Select(m => Observed(m.Listener, m.Member)), .. balancer.Listeners.Select(listener => new Sentence("balancer-traffic", listener.Protocol, listener.Port, listener.Traffic.Active, listener.Traffic.Connections))],
            WaitingFor =
            [
                .. balancer.Listeners.Where(listener => listener.Members.Count == 0).Select(listener => new Sentence("balancer-waits-members", listener.Protocol, listener.Port)),
                .. balancer.Listeners.Where(listener => listener.Members.Count > 0 && listener.Members.All(member => member.Draining || member.Weight == 0)).Select(listener => new Sentence("balancer-waits-weights", listener.Protocol, listener.Port)),
            ],
            Next = members.Count > working ? [new Sentence("balancer-next")] : [],
        };
    }

    private static Sentence Observed(LoadBalancerListener listener, LoadBalancerMember member)
    {
        var (name, port) = ($"{member.Instance.Name}:{member.Port}", listener.Port);
        if (member.Draining) return new Sentence("balancer-draining", name, port, member.Traffic.Active);
        return member.Health switch
        {
            BackendHealth.Healthy => new Sentence("balancer-healthy", name, port, member.HealthyHosts) { Since = member.Since },
            BackendHealth.Unhealthy => new Sentence("balancer-unhealthy", name, port, member.Reason ?? "-") { Since = member.Since },
            LoadBalancerSights.Mixed => new Sentence("balancer-mixed", name, port, member.HealthyHosts, member.UnhealthyHosts, member.Reason ?? "-") { Since = member.Since },
            _ => new Sentence("balancer-unknown", name, port),
        };
    }
}
