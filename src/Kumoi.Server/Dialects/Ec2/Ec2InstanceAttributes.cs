using System.Text;
using Kumoi.Api;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Attributes of instances: one asked for or changed at a time, as EC2 has it.</summary>
public sealed class Ec2InstanceAttributes(InstanceUseCases instances, InstanceChanges changes, VolumeUseCases uses, Ec2Volumes volumes)
{
    public async Task<Ec2Answer> DescribeInstanceAttribute(Ec2Call call)
    {
        var (id, attribute) = (call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance), call.Parameters.Required("Attribute"));
        if (call.Parameters.Fault is { } fault) return fault;
        var found = await instances.GetAsync(call.Caller, id, call.Cancelled);
        if (found.Failure is { } failure) return failure;
        var instance = found.Value;
        static object Value(string name, object value) => Xml.Group(name, Xml.Of("value", value));
        switch (attribute)
        {
            case "instanceType": return Answer(Value(attribute, instance.Flavor.Name));
            case "disableApiTermination": return Answer(Value(attribute, instance.TerminationProtection));
            case "instanceInitiatedShutdownBehavior": return Answer(Value(attribute, "stop"));
            case "rootDeviceName": return Answer(Value(attribute, Ec2Devices.Root));
            case "ebsOptimized": return Answer(Value(attribute, false));
            case "enaSupport": return Answer(Value(attribute, true));
            case "disableApiStop": return Answer(Value(attribute, false));
            case "sourceDestCheck": return Answer(Value(attribute, instance.Interfaces.All(face => face.AllowedRanges.Count == 0)));
            case "kernel" or "ramdisk": return Answer(Xml.Group(attribute));
            case "groupSet": return Answer(Ec2InstanceText.Groups(attribute, Ec2InstanceText.First(instance)?.SecurityGroups ?? []));
            case "userData":
                var data = await instances.UserDataAsync(call.Caller, id, call.Cancelled);
                return data.Failure is { } unread ? unread : Answer(data.Value.UserData is { Length: > 0 } text ? Value(attribute, Convert.ToBase64String(Encoding.UTF8.GetBytes(text))) : Xml.Group(attribute));
            case "blockDeviceMapping":
                return Ec2Answer.Of(await volumes.AllAsync(call, id), all => Answer(Xml.Set(attribute, all.OrderBy(volume => volume.Slot), Ec2Volumes.Mapping)));
            case "productCodes": return Answer(Xml.Set(attribute, Array.Empty<string>(), _ => null));
            default: return Ec2Fault.Value("Attribute", attribute);
        }

        object?[] Answer(object value) => [Xml.Of("instanceId", id), value];
    }

    public async Task<Ec2Answer> ModifyInstanceAttribute(Ec2Call call)
    {
        var (id, parameters) = (call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance), call.Parameters);
        var (attribute, value) = (parameters.Text("Attribute"), parameters.Text("Value"));
        // Either form: a parameter of the attribute's name, or the attribute named beside its value.
        string? Of(string name, string parameter) => parameters.Below(parameter).Text("Value") ?? parameters.Text(parameter) ?? (attribute == name ? value : null);
        var (type, protection, behavior) = (Of("instanceType", "InstanceType"), Of("disableApiTermination", "DisableApiTermination"), Of("instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior"));
        foreach (var other in (string[])["Kernel", "Ramdisk", "UserData", "SriovNetSupport", "EnaSupport", "EbsOptimized", "DisableApiStop"])
            if (parameters.Has(other)) return Ec2Fault.Unsupported(other);
        if (behavior is not (null or "stop")) return Ec2Fault.Unsupported($"InstanceInitiatedShutdownBehavior {behavior}");
        // What is checked follows from the ranges that an interface may send from.
        if (Of("sourceDestCheck", "SourceDestCheck") is "false") return Ec2Fault.Unsupported("SourceDestCheck false");
        if (protection is not (null or "true" or "false")) return Ec2Fault.Value("DisableApiTermination", protection);
        var (groups, devices) = (parameters.Ids("GroupId", Ec2Kind.SecurityGroup), parameters.Items("BlockDeviceMapping"));
        if (parameters.Fault is { } fault) return fault;
        if (groups.Count > 0 && (await instances.ReplaceSecurityGroupsAsync(call.Caller, id, new ReplaceSecurityGroups(groups), call.Cancelled)).Failure is { } ungrouped) return ungrouped;
        if (devices.Count > 0 && await DevicesAsync(call, id, devices) is { } wrong) return wrong;
        if (type is null && protection is null) return Ec2Answer.Done(await instances.GetAsync(call.Caller, id, call.Cancelled));
        return Ec2Answer.Done(await changes.UpdateAsync(call.Caller, id, new UpdateInstance(type, protection is null ? null : protection == "true"), call.Cancelled));
    }

    private async Task<Ec2Fault?> DevicesAsync(Ec2Call call, string id, IReadOnlyList<Ec2Parameters> devices)
    {
        var all = await volumes.AllAsync(call, id);
        if (all.Failure is { } failure) return Ec2Errors.Of(failure);
        foreach (var device in devices)
        {
            var (name, goes) = (device.Required("DeviceName"), device.Below("Ebs").Boolean("DeleteOnTermination"));
            if (call.Parameters.Fault is { } fault) return fault;
            var slot = Ec2Devices.IsRoot(name) ? 0 : Ec2Devices.Slot(name);
            if (all.Value.Find(volume => volume.Slot == slot) is not { } volume) return new Ec2Fault("InvalidInstanceAttributeValue", 400, "invalid-value", device.Path("DeviceName"), name);
            if (goes is not null && (await uses.UpdateAsync(call.Caller, volume.Id, new UpdateVolume(null, null, null, goes), call.Cancelled)).Failure is { } refused) return Ec2Errors.Of(refused);
        }
        return null;
    }

    /// <summary>What an attribute was in the beginning.</summary>
    public Task<Ec2Answer> ResetInstanceAttribute(Ec2Call call)
    {
        var (id, attribute) = (call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance), call.Parameters.Required("Attribute"));
        if (call.Parameters.Fault is { } fault) return Task.FromResult<Ec2Answer>(fault);
        // The others have no state that they could go back to here.
        return attribute is "sourceDestCheck" ? KnownAsync() : Task.FromResult<Ec2Answer>(Ec2Fault.Unsupported($"Attribute {attribute}"));

        async Task<Ec2Answer> KnownAsync() => Ec2Answer.Done(await instances.GetAsync(call.Caller, id, call.Cancelled));
    }
}
