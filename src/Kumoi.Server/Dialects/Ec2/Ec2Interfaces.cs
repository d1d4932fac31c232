using Kumoi.Api;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Network interfaces. One is its instance's from the beginning to the end: there are none without an instance.</summary>
public sealed class Ec2Interfaces(InterfaceUseCases interfaces, Ec2TagSource tags)
{
    public async Task<Ec2Answer> DescribeNetworkInterfaces(Ec2Call call)
    {
        var ids = call.Parameters.Ids("NetworkInterfaceId", Ec2Kind.Interface);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await Ec2Lists.AllAsync(page => interfaces.ListAsync(call.Caller, null, null, page, call.Cancelled), face => face.Id);
        if (all.Failure is { } failure) return failure;
        var tagsOf = await tags.OfAsync(call, "interface", all.Value.Select(face => face.Id));
        var own = call.Caller.AccountId;
        var filters = new Ec2Filters<Interface>(face => tagsOf(face.Id), new()
        {
            ["network-interface-id"] = face => [face.Id], ["vpc-id"] = face => [Ec2Kind.Vpc.Of(face.Network.Id)], ["subnet-id"] = face => [face.Subnet.Id], ["mac-address"] = face => [face.MacAddress], ["private-ip-address"] = face => [face.Address],
            ["addresses.private-ip-address"] = face => face.SecondaryAddresses.Prepend(face.Address), ["association.public-ip"] = face => [face.FloatingAddress], ["group-id"] = face => face.SecurityGroups.Select(group => group.Id), ["group-name"] = face => face.SecurityGroups.Select(group => group.Name),
            ["attachment.instance-id"] = face => [face.Instance.Id], ["attachment.attachment-id"] = face => [Ec2Kind.Attachment.Of(face.Id)], ["attachment.device-index"] = face => [$"{face.Index}"], ["attachment.status"] = face => [face.State], ["owner-id"] = _ => [own], ["status"] = _ => ["in-use"],
        });
        return Ec2Lists.Describe(call, "networkInterfaceSet", all.Value, ids, face => face.Id, Ec2Kind.Interface.NoSuch, filters, face => new object?[]
        {
            Xml.Of("networkInterfaceId", face.Id), Xml.Of("subnetId", face.Subnet.Id), Xml.Of("vpcId", Ec2Kind.Vpc.Of(face.Network.Id)), Xml.Of("description", ""), Xml.Of("ownerId", own), Xml.Of("status", "in-use"), Xml.Of("macAddress", face.MacAddress),
            Xml.Of("privateIpAddress", face.Address), Xml.Of("sourceDestCheck", face.AllowedRanges.Count == 0), Ec2InstanceText.Groups("groupSet", face.SecurityGroups), Ec2InstanceText.Attachment(face, withInstance: true, own), Ec2InstanceText.Public(face, own),
            Ec2InstanceText.Addresses(face, own), Ec2InstanceText.Addresses6(face), Xml.Of("interfaceType", "interface"), Xml.Tags(tagsOf(face.Id)),
        });
    }

    /// <summary>Its security groups; the rest of it follows from the instance.</summary>
    public async Task<Ec2Answer> ModifyNetworkInterfaceAttribute(Ec2Call call)
    {
        var (id, groups) = (call.Parameters.RequiredId("NetworkInterfaceId", Ec2Kind.Interface), call.Parameters.Ids("SecurityGroupId", Ec2Kind.SecurityGroup));
        if (call.Parameters.Fault is { } fault) return fault;
        if (call.Parameters.Below("SourceDestCheck").Boolean("Value") == false) return Ec2Fault.Unsupported("SourceDestCheck false");
        if (groups.Count == 0) return Ec2Fault.Unsupported("ModifyNetworkInterfaceAttribute without SecurityGroupId");
        return Ec2Answer.Done(await interfaces.UpdateAsync(call.Caller, id, new UpdateInterface(null, null, null, groups), call.Cancelled));
    }

    /// <summary>Further addresses of its subnet, each named.</summary>
    public Task<Ec2Answer> AssignPrivateIpAddresses(Ec2Call call) => AddressesAsync(call, (present, named) => [.. present.Union(named)]);

    public Task<Ec2Answer> UnassignPrivateIpAddresses(Ec2Call call) => AddressesAsync(call, (present, named) => [.. present.Except(named)]);

    private async Task<Ec2Answer> AddressesAsync(Ec2Call call, Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<string>> change)
    {
        var (id, named) = (call.Parameters.RequiredId("NetworkInterfaceId", Ec2Kind.Interface), call.Parameters.Texts("PrivateIpAddress"));
        if (call.Parameters.Text("SecondaryPrivateIpAddressCount") is not null) return Ec2Fault.Unsupported("SecondaryPrivateIpAddressCount");
        if (call.Parameters.Fault is { } fault) return fault;
        if (named.Count == 0) return Ec2Fault.Missing("PrivateIpAddress");
        var found = await interfaces.GetAsync(call.Caller, id, call.Cancelled);
        if (found.Failure is { } failure) return failure;
        var (wanted, move) = (change(found.Value.SecondaryAddresses, named), call.Parameters.Boolean("AllowReassignment"));
        if (call.Parameters.Fault is { } wrong) return wrong;
        var changed = await interfaces.UpdateAsync(call.Caller, id, new UpdateInterface(wanted, move, null, null), call.Cancelled);
        return call.Action == "UnassignPrivateIpAddresses" ? Ec2Answer.Done(changed) : Ec2Answer.Of(changed, face => (object?[])[Xml.Of("networkInterfaceId", face.Id), Xml.Set("assignedPrivateIpAddressesSet", named, address => Xml.Of("privateIpAddress", address))]);
    }

    /// <summary>It goes with that: a detached one is deleted.</summary>
    public async Task<Ec2Answer> DetachNetworkInterface(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("AttachmentId", Ec2Kind.Attachment);
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await interfaces.DetachAsync(call.Caller, id, call.Cancelled));
    }
}
