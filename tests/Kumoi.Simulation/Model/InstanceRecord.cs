using Kumoi.Api;
namespace Kumoi.Simulation.Model;
internal sealed record InstanceRecord(
    string Id, string AccountId, string Name, string HostId, string Desired, int Incarnation, long Generation, int BootEpoch, string Power, long ObservedGeneration,
    int ObservedEpoch, DateTimeOffset? StartedAt, IReadOnlyList<Condition> Conditions, Capacity Size)
{ public string State(bool terminated = false) => Kumoi.Server.Instances.InstanceStates.Of(Desired, Power, Generation, ObservedGeneration, terminated); }
