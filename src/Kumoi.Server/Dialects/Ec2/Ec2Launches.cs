using System.Text;
using Kumoi.Api;
using Kumoi.Server.Images;
using Kumoi.Server.Instances;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>RunInstances: read into one launch, which is one transaction.</summary>
public sealed class Ec2Launches(InstanceLaunch launches, ImageUseCases images, NetworkUseCases networks, Ec2Volumes volumes)
{
    // What asks for something that would not be, and must not be passed over in silence.
    private static readonly string[] Unknown =
        ["IamInstanceProfile", "InstanceMarketOptions", "LaunchTemplate", "HibernationOptions", "EnclaveOptions", "CapacityReservationSpecification", "ElasticGpuSpecification", "ElasticInferenceAccelerator", "LicenseSpecification", "KernelId", "RamdiskId"];

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public async Task<Ec2Answer> RunInstances(Ec2Call call)
    {
        var parameters = call.Parameters;
        if (Unknown.FirstOrDefault(parameters.Has) is { } unsupported) return Ec2Fault.Unsupported(unsupported);
        if (parameters.Text("InstanceInitiatedShutdownBehavior") is { } behavior and not "stop") return Ec2Fault.Unsupported($"InstanceInitiatedShutdownBehavior {behavior}");
        var (least, most) = (parameters.Integer("MinCount") ?? 1, parameters.Integer("MaxCount") ?? 1);
        if (parameters.Fault is null && (least < 1 || most < least)) return Ec2Fault.Value("MinCount", $"{least}");
        if (most > LaunchRules.CountMax) return new Ec2Fault("InstanceLimitExceeded", 400, "filter-limit", LaunchRules.CountMax);
        var data = UserData(parameters);
        var metadata = Ec2MetadataOptions.Read(parameters.Below("MetadataOptions"));
        var tags = parameters.TagsFor("instance", "volume");
        var (disk, goes, beside) = Devices(parameters);
        var (faces, floating, groups) = await InterfacesAsync(call);
        if (parameters.Fault is { } fault) return fault;
        // An id, or a name; no other account's image by a name that only looks like an id.
        var image = await images.GetAsync(call.Caller, Ec2Images.Key(parameters.Required("ImageId")), call.Cancelled);
        if (image.Failure is not null) return Ec2Kind.Image.NoSuch(parameters.Required("ImageId"));
        var asked = new LaunchInstance(
            most == 1 ? Ec2TagSource.NameOf(tags) : null, parameters.Text("InstanceType") ?? "small", image.Value.Id, parameters.Text("KeyName"), groups, null, data, most, parameters.Below("Placement").Text("AvailabilityZone"),
            PlacementGroup: parameters.Below("Placement").Text("GroupName"), Interfaces: faces, Floating: floating, DiskGib: disk, MinCount: least, Tags: tags, VolumeTags: parameters.TagsFor("volume", "instance"),
            TerminationProtection: parameters.Boolean("DisableApiTermination"), DeleteRootVolume: goes, Volumes: beside,
            MetadataEndpoint: metadata.Endpoint, MetadataTokens: metadata.Tokens, MetadataHopLimit: metadata.HopLimit, MetadataTags: metadata.Tags);
        var once = call.Once();
        if (parameters.Fault is { } wrong) return wrong;
        var made = await launches.LaunchAsync(call.Caller, asked, once, call.Cancelled);
        // The tag is not bound to be unlike any other; the name is.
        if (made.Failure is { Code: "name-taken" }) made = await launches.LaunchAsync(call.Caller, asked with { Name = null }, once, call.Cancelled);
        if (made.Failure is { } failure) return Of(failure);
        var attached = made.Value.Items is [var only] ? await volumes.AllAsync(call, only.Id) : new List<Volume>();
        return Ec2InstanceText.Reservation(call.Caller.AccountId, made.Value.Items[0].Id, [.. made.Value.Items.Select((instance, i) => Ec2InstanceText.Fields(instance, attached.Failure is null ? attached.Value : [], i))]);
    }

    /// <summary>What EC2 has a code of its own for, of what is wrong with a launch.</summary>
    private static Ec2Fault Of(Failure failure) => failure.Violations is [{ Field: "flavor", Rule: "no-such" }, ..] ? new Ec2Fault("InvalidParameterValue", 400, "") { Native = failure } : Ec2Errors.Of(failure);

    private static string? UserData(Ec2Parameters parameters)
    {
        if (parameters.Text("UserData") is not { } text) return null;
        try
        {
            return Strict.GetString(Convert.FromBase64String(text));
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            return parameters.Refuse<string>(new Ec2Fault("InvalidUserData.Malformed", 400, "user-data"));
        }
    }

    /// <summary>The size of the root disk and whether it goes with the instance, and the volumes beside it.</summary>
    private static (int? DiskGib, bool? Goes, IReadOnlyList<LaunchVolume>? Volumes) Devices(Ec2Parameters parameters)
    {
        var (disk, goes, volumes) = ((int?)null, (bool?)null, new List<LaunchVolume>());
        foreach (var device in parameters.Items("BlockDeviceMapping"))
        {
            var (name, ebs) = (device.Required("DeviceName"), device.Below("Ebs"));
            // EC2's own images have ephemeral disks to be left out; nothing has them here.
            if (device.Has("NoDevice") || device.Text("VirtualName") is not null) continue;
            foreach (var rate in (string[])["Iops", "Throughput", "KmsKeyId"])
                if (ebs.Text(rate) is not null) parameters.Refuse<string>(Ec2Fault.Unsupported(ebs.Path(rate)));
            // The root disk has no type of its own; EC2's own types mean none.
            var type = ebs.Text("VolumeType") is { } asked && !Ec2Volumes.Usual.Contains(asked) ? asked : null;
            if (type is not null && Ec2Devices.IsRoot(name)) parameters.Refuse<string>(Ec2Fault.Unsupported(ebs.Path("VolumeType")));
            if (Ec2Devices.IsRoot(name)) (disk, goes) = (ebs.Integer("VolumeSize"), ebs.Boolean("DeleteOnTermination"));
            else if (ebs.Text("SnapshotId") is not null) parameters.Refuse<string>(Ec2Fault.Unsupported(ebs.Path("SnapshotId")));
            else if (Ec2Devices.Slot(name) is not { } slot) parameters.Refuse<string>(Ec2Fault.Value(device.Path("DeviceName"), name));
            else volumes.Add(new LaunchVolume(ebs.Required("VolumeSize") is { Length: > 0 } ? ebs.Integer("VolumeSize") ?? 0 : 0, type, slot, ebs.Boolean("DeleteOnTermination")));
            if (ebs.Boolean("Encrypted") == true) parameters.Refuse<string>(Ec2Fault.Unsupported(ebs.Path("Encrypted")));
        }
        return (disk, goes, volumes.Count == 0 ? null : volumes);
    }

    /// <summary>The interfaces in their order, whether the first gets a public address, and the groups of those that name none.</summary>
    private async Task<(IReadOnlyList<LaunchInterface>? Interfaces, bool? Floating, IReadOnlyList<string>? Groups)> InterfacesAsync(Ec2Call call)
    {
        var parameters = call.Parameters;
        string[] groups = [.. parameters.Ids("SecurityGroupId", Ec2Kind.SecurityGroup), .. parameters.Texts("SecurityGroup")];
        IReadOnlyList<string>? named = groups.Length == 0 ? null : groups;
        var listed = parameters.Items("NetworkInterface").OrderBy(face => face.Integer("DeviceIndex")).ToList();
        if (listed.Count == 0)
        {
            var plain = parameters.Id("SubnetId", Ec2Kind.Subnet) is { } subnet ? await FaceAsync(call, subnet, parameters.Text("PrivateIpAddress"), null) : null;
            return (plain is null ? null : [plain], null, named);
        }
        if (named is not null || parameters.Text("SubnetId") is not null) parameters.Refuse<string>(Ec2Fault.Combination("NetworkInterface", named is null ? "SubnetId" : "SecurityGroupId"));
        var faces = new List<LaunchInterface>();
        foreach (var face in listed)
        {
            if (face.Text("NetworkInterfaceId") is not null) parameters.Refuse<string>(Ec2Fault.Unsupported(face.Path("NetworkInterfaceId")));
            var own = face.Ids("SecurityGroupId", Ec2Kind.SecurityGroup);
            faces.Add(await FaceAsync(call, face.Id("SubnetId", Ec2Kind.Subnet), face.Text("PrivateIpAddress"), own.Count == 0 ? null : own) ?? new LaunchInterface(Ec2Vpcs.Default, null, null, null, null));
        }
        return (faces, listed[0].Boolean("AssociatePublicIpAddress"), null);
    }

    /// <summary>In a subnet, or in the default network.</summary>
    private async Task<LaunchInterface?> FaceAsync(Ec2Call call, string? subnet, string? address, IReadOnlyList<string>? groups)
    {
        if (subnet is null) return new LaunchInterface(Ec2Vpcs.Default, null, address, null, groups);
        var found = await networks.GetSubnetAsync(call.Caller, subnet, call.Cancelled);
        return found.Failure is { } failure ? call.Parameters.Refuse<LaunchInterface>(Ec2Errors.Of(failure)) : new LaunchInterface(found.Value.Network.Id, subnet, address, null, groups);
    }
}
