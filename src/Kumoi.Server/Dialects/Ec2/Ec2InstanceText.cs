using Kumoi.Api;
using Kumoi.Server.Instances;
using Kumoi.Server.Interfaces;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Instances and their interfaces as EC2 describes them. Pure.</summary>
internal static class Ec2InstanceText
{
    private static readonly Dictionary<string, int> Codes = new()
    {
        [InstanceStates.Pending] = 0, [InstanceStates.Running] = 16, [InstanceStates.ShuttingDown] = 32, [InstanceStates.Terminated] = 48, [InstanceStates.Stopping] = 64, [InstanceStates.Stopped] = 80,
    };

    public static int Code(string state) => Codes[state];

    public static object State(string name, string state) => Xml.Group(name, Xml.Of("code", Codes[state]), Xml.Of("name", state));

    public static IReadOnlyDictionary<string, string> TagsOf(Instance instance) => Ec2TagSource.Named(instance.Tags, instance.Id, instance.Name);

    public static Interface? First(Instance instance) => instance.Interfaces.Count > 0 ? instance.Interfaces[0] : null;

    /// <summary>An instance is told in a reservation of its own: which were launched together is not kept.</summary>
    public static object?[] Reservation(string accountId, string instanceId, IReadOnlyList<object> instances) =>
        [Xml.Of("reservationId", Ec2Kind.Reservation.Of(instanceId)), Xml.Of("ownerId", accountId), Xml.Set("groupSet", Array.Empty<string>(), _ => null), Xml.Set("instancesSet", instances, one => one)];

    /// <param name="volumes">Those that are attached to it.</param>
    /// <param name="index">Its place among those launched together.</param>
    public static object?[] Fields(Instance instance, IEnumerable<Volume> volumes, int index = 0)
    {
        var first = First(instance);
        var attached = volumes.OrderBy(volume => volume.Slot).ToList();
        return
        [
            Xml.Of("instanceId", instance.Id), Xml.Of("imageId", Ec2Kind.Image.Of(instance.Image.Id)), State("instanceState", instance.State), Xml.Of("privateDnsName", ""), Xml.Of("dnsName", ""),
            Xml.Of("reason", string.Join(' ', instance.Conditions.Select(condition => condition.Message))), Xml.Of("keyName", instance.KeyPair?.Name), Xml.Of("amiLaunchIndex", index), Xml.Of("instanceType", instance.Flavor.Name),
            Xml.Of("launchTime", instance.StartedAt ?? instance.CreatedAt), Xml.Group("placement", Xml.Of("availabilityZone", instance.Zone.Name), Xml.Of("groupName", instance.PlacementGroup?.Name ?? ""), Xml.Of("tenancy", "default")), Xml.Group("monitoring", Xml.Of("state", "disabled")),
            instance.State == InstanceStates.Terminated || first is null ? null : new object?[] { Xml.Of("subnetId", first.Subnet.Id), Xml.Of("vpcId", Ec2Kind.Vpc.Of(first.Network.Id)), Xml.Of("privateIpAddress", first.Address), Xml.Of("ipAddress", first.FloatingAddress), Xml.Of("sourceDestCheck", true) },
            Groups("groupSet", first?.SecurityGroups ?? []), Xml.Of("architecture", ImageArchitectures.X64), Xml.Of("rootDeviceType", "ebs"), Xml.Of("rootDeviceName", Ec2Devices.Root), Xml.Set("blockDeviceMapping", attached, Ec2Volumes.Mapping),
            Xml.Of("virtualizationType", "hvm"), Xml.Tags(TagsOf(instance)), Xml.Of("hypervisor", "xen"),
            Xml.Set("networkInterfaceSet", instance.State == InstanceStates.Terminated ? [] : instance.Interfaces, face => Interface(face, instance.Account.Id)), Xml.Of("ebsOptimized", false), Xml.Of("enaSupport", true),
            Xml.Group("cpuOptions", Xml.Of("coreCount", instance.Vcpus), Xml.Of("threadsPerCore", 1)), Xml.Of("bootMode", instance.Firmware == ImageFirmware.Uefi ? "uefi" : "legacy-bios"),
            Ec2MetadataOptions.Tell("metadataOptions", instance),
        ];
    }

    public static System.Xml.Linq.XElement Groups(string set, IEnumerable<Ref> groups) => Xml.Set(set, groups, group => new object?[] { Xml.Of("groupId", group.Id), Xml.Of("groupName", group.Name) });

    private static object?[] Interface(Interface face, string accountId) =>
    [
        Xml.Of("networkInterfaceId", face.Id), Xml.Of("subnetId", face.Subnet.Id), Xml.Of("vpcId", Ec2Kind.Vpc.Of(face.Network.Id)), Xml.Of("description", ""), Xml.Of("ownerId", accountId), Xml.Of("status", "in-use"), Xml.Of("macAddress", face.MacAddress), Xml.Of("privateIpAddress", face.Address),
        Xml.Of("sourceDestCheck", face.AllowedRanges.Count == 0), Groups("groupSet", face.SecurityGroups), Attachment(face, withInstance: false), Public(face, accountId), Addresses(face, accountId), Addresses6(face), Xml.Of("interfaceType", "interface"),
    ];

    public static System.Xml.Linq.XElement Attachment(Interface face, bool withInstance, string? accountId = null) => Xml.Group(
        "attachment", Xml.Of("attachmentId", Ec2Kind.Attachment.Of(face.Id)), withInstance ? Xml.Of("instanceId", face.Instance.Id) : null, withInstance ? Xml.Of("instanceOwnerId", accountId) : null, Xml.Of("deviceIndex", face.Index),
        Xml.Of("status", face.State == InterfaceStates.Detaching ? "detaching" : "attached"), Xml.Of("deleteOnTermination", true));

    public static object? Public(Interface face, string accountId) => face.FloatingAddress is null ? null : Xml.Group("association", Xml.Of("publicIp", face.FloatingAddress), Xml.Of("ipOwnerId", accountId));

    public static object Addresses(Interface face, string accountId) => Xml.Set("privateIpAddressesSet", [face.Address, .. face.SecondaryAddresses], address => new object?[]
    {
        Xml.Of("privateIpAddress", address), Xml.Of("primary", address == face.Address), address == face.Address ? Public(face, accountId) : null,
    });

    public static object Addresses6(Interface face) => Xml.Set("ipv6AddressesSet", face.Address6 is { } address ? [address] : Array.Empty<string>(), one => Xml.Of("ipv6Address", one));
}
