using Kumoi.Api.Agent;

namespace Kumoi.Server.Instances;

/// <summary>
/// The state of an instance as a function of what is desired and what was observed. The column <c>instances.state</c> computes the
/// same in the database; a test holds the two together.
/// </summary>
public static class InstanceStates
{
    public const string Pending = "pending", Running = "running", Stopping = "stopping", Stopped = "stopped", ShuttingDown = "shutting-down", Terminated = "terminated";

    public static readonly IReadOnlyList<string> All = [Pending, Running, Stopping, Stopped, ShuttingDown, Terminated];

    public static string Of(string desired, string power, long generation, long observedGeneration, bool terminated) => (desired, power) switch
    {
        _ when terminated => Terminated,
        ("terminated", _) => ShuttingDown,
        ("stopped", PowerState.Running or PowerState.Shutdown) => Stopping,
        ("stopped", _) => observedGeneration < generation ? Stopping : Stopped,
        (_, PowerState.Running) => Running,
        _ => Pending,
    };
}
