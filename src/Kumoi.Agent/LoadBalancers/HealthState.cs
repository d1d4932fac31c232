using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>What is known of one member.</summary>
/// <param name="Health"><see cref="BackendHealth"/>.</param>
/// <param name="Against">Answers in a row that speak against it.</param>
public sealed record HealthState(string Health, string? Reason, DateTimeOffset Since, int Against)
{
    public static HealthState Unknown(DateTimeOffset now) => new(BackendHealth.Unknown, null, now, 0);

    public bool Works => Health == BackendHealth.Healthy;

    /// <summary>After one more answer. The first one decides alone; later it takes as many in a row as the check says.</summary>
    /// <param name="reason">Null for a good answer.</param>
    public HealthState After(string? reason, DesiredHealthCheck check, DateTimeOffset now)
    {
        var answer = reason is null ? BackendHealth.Healthy : BackendHealth.Unhealthy;
        if (answer == Health) return this with { Reason = reason, Against = 0 };
        var needed = Health == BackendHealth.Unknown ? 1 : reason is null ? check.Rise : check.Fall;
        return Against + 1 >= needed ? new HealthState(answer, reason, now, 0) : this with { Against = Against + 1 };
    }
}
