using Kumoi.Api;
using Kumoi.Server.Consoles;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Instances that are there: told of, started, stopped and ended.</summary>
public sealed class Ec2Instances(InstanceUseCases instances, Ec2Volumes volumes, ConsoleUseCases consoles, TimeProvider clock)
{
    public async Task<Ec2Answer> DescribeInstances(Ec2Call call)
    {
        var found = await FindAsync(call);
        if (found.Fault is { } fault) return fault;
        var attached = await VolumesOfAsync(call, found.Instances);
        if (attached.Failure is { } failure) return failure;
        var filters = Filters(attached.Volumes);
        if (filters.Read(call.Parameters) is not { } fits) return call.Parameters.Fault!;
        return Ec2Lists.Page(call, "reservationSet", [.. found.Instances.Where(fits)], instance => instance.Id, instance =>
            Ec2InstanceText.Reservation(call.Caller.AccountId, instance.Id, [Ec2InstanceText.Fields(instance, attached.Volumes[instance.Id])]));
    }

    /// <summary>The volumes of instances by these: of one by itself, of many with one look.</summary>
    private async Task<(ILookup<string, Volume> Volumes, Failure? Failure)> VolumesOfAsync(Ec2Call call, IReadOnlyList<Instance> of)
    {
        var all = await volumes.AllAsync(call, of is [var only] ? only.Id : null);
        return ((all.Failure is null ? all.Value : []).Where(volume => volume.Instance is not null).ToLookup(volume => volume.Instance!.Id), all.Failure);
    }

    /// <summary>Those that are named, or all; what is named must be there.</summary>
    private async Task<(IReadOnlyList<Instance> Instances, Ec2Fault? Fault)> FindAsync(Ec2Call call)
    {
        var ids = call.Parameters.Ids("InstanceId", Ec2Kind.Instance);
        if (call.Parameters.Fault is { } fault) return ([], fault);
        var all = await instances.ListAllAsync(call.Caller, ids, call.Cancelled);
        if (all.Failure is { } failure) return ([], Ec2Errors.Of(failure));
        return (all.Value, Ec2Lists.Missing(all.Value, ids, instance => instance.Id, Ec2Kind.Instance.NoSuch));
    }

    private static Ec2Filters<Instance> Filters(ILookup<string, Volume> attached) => new(Ec2InstanceText.TagsOf, new()
    {
        ["instance-id"] = instance => [instance.Id], ["image-id"] = instance => [Ec2Kind.Image.Of(instance.Image.Id)], ["instance-type"] = instance => [instance.Flavor.Name], ["instance-state-name"] = instance => [instance.State],
        ["instance-state-code"] = instance => [$"{Ec2InstanceText.Code(instance.State)}"], ["key-name"] = instance => [instance.KeyPair?.Name], ["availability-zone"] = instance => [instance.Zone.Name], ["placement-group-name"] = instance => [instance.PlacementGroup?.Name],
        ["reservation-id"] = instance => [Ec2Kind.Reservation.Of(instance.Id)], ["owner-id"] = instance => [instance.Account.Id], ["architecture"] = _ => [ImageArchitectures.X64], ["root-device-type"] = _ => ["ebs"], ["root-device-name"] = _ => [Ec2Devices.Root],
        ["virtualization-type"] = _ => ["hvm"], ["hypervisor"] = _ => ["xen"], ["tenancy"] = _ => ["default"], ["monitoring-state"] = _ => ["disabled"], ["launch-time"] = instance => [Xml.Time(instance.StartedAt ?? instance.CreatedAt)],
        ["subnet-id"] = instance => instance.Interfaces.Take(1).Select(face => face.Subnet.Id), ["vpc-id"] = instance => instance.Interfaces.Take(1).Select(face => Ec2Kind.Vpc.Of(face.Network.Id)), ["private-ip-address"] = instance => instance.Interfaces.Take(1).Select(face => face.Address),
        ["ip-address"] = instance => instance.Interfaces.Take(1).Select(face => face.FloatingAddress), ["instance.group-id"] = instance => GroupsOf(instance).Select(group => group.Id), ["instance.group-name"] = instance => GroupsOf(instance).Select(group => group.Name),
        ["group-id"] = instance => GroupsOf(instance).Select(group => group.Id), ["group-name"] = instance => GroupsOf(instance).Select(group => group.Name), ["network-interface.network-interface-id"] = instance => instance.Interfaces.Select(face => face.Id),
        ["network-interface.subnet-id"] = instance => instance.Interfaces.Select(face => face.Subnet.Id), ["network-interface.vpc-id"] = instance => instance.Interfaces.Select(face => Ec2Kind.Vpc.Of(face.Network.Id)),
        ["network-interface.addresses.private-ip-address"] = instance => instance.Interfaces.SelectMany(face => face.SecondaryAddresses.Prepend(face.Address)), ["network-interface.mac-address"] = instance => instance.Interfaces.Select(face => face.MacAddress),
        ["network-interface.group-id"] = instance => GroupsOf(instance).Select(group => group.Id), ["block-device-mapping.volume-id"] = instance => attached[instance.Id].Select(volume => volume.Id),
        ["block-device-mapping.device-name"] = instance => attached[instance.Id].Select(volume => Ec2Devices.Of(volume.Slot!.Value)), ["block-device-mapping.status"] = instance => attached[instance.Id].Select(_ => "attached"),
        ["metadata-options.http-tokens"] = instance => [instance.MetadataTokens], ["metadata-options.http-endpoint"] = instance => [instance.MetadataEndpoint], ["metadata-options.http-put-response-hop-limit"] = instance => [$"{instance.MetadataHopLimit}"],
        ["metadata-options.instance-metadata-tags"] = instance => [instance.MetadataTags], ["metadata-options.http-protocol-ipv6"] = instance => [Ec2MetadataOptions.Ipv6(instance)],
    });

    private static IEnumerable<Ref> GroupsOf(Instance instance) => instance.Interfaces.SelectMany(face => face.SecurityGroups);

    /// <summary>Of those that run; of others only if they are asked for.</summary>
    public async Task<Ec2Answer> DescribeInstanceStatus(Ec2Call call)
    {
        var (found, every) = (await FindAsync(call), call.Parameters.Boolean("IncludeAllInstances") ?? false);
        if ((found.Fault ?? call.Parameters.Fault) is { } fault) return fault;
        var filters = new Ec2Filters<Instance>(Ec2InstanceText.TagsOf, new()
        {
            ["instance-state-name"] = instance => [instance.State], ["instance-state-code"] = instance => [$"{Ec2InstanceText.Code(instance.State)}"], ["availability-zone"] = instance => [instance.Zone.Name],
            ["instance-status.status"] = instance => [Health(instance)], ["system-status.status"] = instance => [Health(instance)], ["instance-status.reachability"] = instance => [Reachability(instance)], ["system-status.reachability"] = instance => [Reachability(instance)],
        });
        if (filters.Read(call.Parameters) is not { } fits) return call.Parameters.Fault!;
        return Ec2Lists.Page(call, "instanceStatusSet", [.. found.Instances.Where(instance => (every || instance.State == InstanceStates.Running) && fits(instance))], instance => instance.Id, instance => new object?[]
        {
            Xml.Of("instanceId", instance.Id), Xml.Of("availabilityZone", instance.Zone.Name), Ec2InstanceText.State("instanceState", instance.State), Status("systemStatus", instance), Status("instanceStatus", instance),
        });
    }

    // What the host tells of: the guest itself is not asked.
    private static string Health(Instance instance) => instance.State != InstanceStates.Running ? "not-applicable" : instance.Conditions.Count == 0 ? "ok" : "impaired";

    private static string? Reachability(Instance instance) => instance.State != InstanceStates.Running ? null : instance.Conditions.Count == 0 ? "passed" : "failed";

    private static object Status(string name, Instance instance) => Xml.Group(
        name, Xml.Of("status", Health(instance)), Reachability(instance) is { } reachability ? Xml.Set("details", [reachability], one => new object?[] { Xml.Of("name", "reachability"), Xml.Of("status", one) }) : null);

    public Task<Ec2Answer> StartInstances(Ec2Call call) => ChangeAsync(call, instances.StartAsync);

    public Task<Ec2Answer> StopInstances(Ec2Call call) => call.Parameters.Boolean("Hibernate") == true ? Task.FromResult<Ec2Answer>(Ec2Fault.Unsupported("Hibernate")) : ChangeAsync(call, instances.StopAsync);

    public Task<Ec2Answer> TerminateInstances(Ec2Call call) => ChangeAsync(call, instances.TerminateAsync);

    public async Task<Ec2Answer> RebootInstances(Ec2Call call)
    {
        var changed = await ChangeAsync(call, instances.RebootAsync);
        return changed.Fault is null ? Xml.Return : changed;
    }

    /// <summary>One after the other, once all are known to be there. What was asked of those before one that refuses is done: a repeat does the rest.</summary>
    private async Task<Ec2Answer> ChangeAsync(Ec2Call call, Func<Caller, string, CancellationToken, Task<Result<Instance>>> change)
    {
        call.Parameters.RequiredIds("InstanceId", Ec2Kind.Instance);
        var found = await FindAsync(call);
        if (found.Fault is { } fault) return fault;
        var changes = new List<(Instance Before, string State)>();
        foreach (var instance in found.Instances)
        {
            // What has ended stays ended, and to end it again is no error.
            if (instance.State == InstanceStates.Terminated && call.Action == "TerminateInstances") changes.Add((instance, instance.State));
            else
            {
                var changed = await change(call.Caller, instance.Id, call.Cancelled);
                if (changed.Failure is { Code: "not-found" }) return Ec2Errors.Of(new Failure("being-terminated", 409, instance.Name));
                if (changed.Failure is { } failure) return failure;
                changes.Add((instance, changed.Value.State));
            }
        }
        return Xml.Set("instancesSet", changes, one => new[] { Xml.Of("instanceId", one.Before.Id), Ec2InstanceText.State("currentState", one.State), Ec2InstanceText.State("previousState", one.Before.State) });
    }

    /// <summary>What the guest has written to its serial console, as far as its host has kept it.</summary>
    public async Task<Ec2Answer> GetConsoleOutput(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance);
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Of(await consoles.ReadLogAsync(call.Caller, id, call.Cancelled), log => (object?[])[Xml.Of("instanceId", id), Xml.Of("timestamp", clock.GetUtcNow()), Xml.Of("output", Convert.ToBase64String(log))]);
    }
}
