using Kumoi.Agent.Networks;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>What servers are told of instances.</summary>
public sealed partial class InstanceController
{
    private void Report(DesiredInstance record, DesiredDocument document, ObservedGuest seen, InstancePlan plan, GuestMemory memory)
    {
        var over = record.Desired == Departures.Departed ? plan.Settled : seen.Process is null || seen.Process.Incarnation > seen.Former;
        if (over && memory.Departed < seen.Former)
        {
            memory.Departed = seen.Former;
            Reported(record.Id);
        }
        // The record is the agent's own; the servers have none of it here.
        if (record.Desired == Departures.Departed) return;
        var report = GuestReports.Of(record, seen, plan.Settled, memory.Reported, ConditionsOf(record, seen, plan, memory), InterfacesOf(record, document, seen.Process));
        if (memory.Reported is { } last && GuestReports.SayTheSame(last, report)) return;
        memory.Reported = report;
        Reported(record.Id);
    }

    /// <summary>Interfaces of which anything is on the host, or may be: addresses are given back by their absence here.</summary>
    private string[] InterfacesOf(DesiredInstance record, DesiredDocument document, GuestProcess? process)
    {
        var cards = process?.Cards ?? [];
        bool IsThere(DesiredInterface wanted) =>
            cards.Any(card => card.IsOf(wanted)) || Networks.ReadinessOf(record with { Desired = Detachments.Detached, Interfaces = [wanted] }, document) != NetworkReadiness.Gone;
        return [.. record.Interfaces.Where(IsThere).Select(wanted => wanted.Id)
            .Concat(_state.Detached(record.Id).Where(detached => IsLeft(detached, document)).Select(detached => detached.Id))
            .Concat(cards.Where(card => !card.IsFormer).Select(card => card.Id)).Distinct().Order(StringComparer.Ordinal)];
    }

    private List<Condition> ConditionsOf(DesiredInstance record, ObservedGuest seen, InstancePlan plan, GuestMemory memory)
    {
        var conditions = new List<Condition>();
        if (memory.Condition is { } own) conditions.Add(own with { NextTryAt = _queue.NextTry(record.Id) });
        if (!plan.Settled && !record.RootVolume && !seen.ImageReady && Images.ConditionOf(record.ImageId) is { } image) conditions.Add(image);
        if (!plan.Settled && !seen.Cd.Ready && Images.ConditionOf(record.CdImageId!) is { } cd) conditions.Add(cd);
        if (!plan.Settled && seen.Network != NetworkReadiness.Ready && Networks.ConditionOf(record) is { } network) conditions.Add(network);
        conditions.AddRange(GuestConditions.Of(record, seen, memory, plan.Settled, Volumes.ConditionOf, _clock.GetUtcNow()));
        return conditions;
    }
}
