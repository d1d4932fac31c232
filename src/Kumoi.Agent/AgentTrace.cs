using System.Diagnostics;
using Kumoi.Api.Agent;

namespace Kumoi.Agent;

/// <summary>Spans of the agent's work, as children of the request that asked for it. Nothing is made of them unless somebody listens.</summary>
public static class AgentTrace
{
    public static readonly ActivitySource Source = new("Kumoi.Agent");

    /// <summary>A step for an instance, in the trace of whoever last changed what is desired of it; null if nobody listens or it has none.</summary>
    public static Activity? Step(DesiredInstance instance, string step)
    {
        if (!Source.HasListeners() || !ActivityContext.TryParse(instance.TraceParent, null, isRemote: true, out var parent)) return null;
        var span = Source.StartActivity("instance." + step, ActivityKind.Internal, parent);
        span?.SetTag("kumoi.instance.id", instance.Id).SetTag("kumoi.generation", instance.Generation);
        return span;
    }

    /// <summary>A part of a step; null outside of one, so that what the agent does all the time fills no trace.</summary>
    public static Activity? Part(string name) => Activity.Current is null ? null : Source.StartActivity(name, ActivityKind.Client);
}
