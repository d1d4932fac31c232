using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Volumes;
using Kumoi.Server.Zones;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Volumes.</summary>
public sealed class Ec2Volumes(VolumeUseCases volumes, VolumeAttachments attachments, VolumeTypeUseCases types, ZoneUseCases zones)
{
    private static readonly TagFilter Any = new(new Dictionary<string, string>(), []);

    // EC2's own names: what they promise there is not promised here, so that they mean no type unless the cloud has one of that name.
    public static readonly IReadOnlyList<string> Usual = ["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"];

    public async Task<Ec2Answer> CreateVolume(Ec2Call call)
    {
        var (parameters, tags) = (call.Parameters, call.Parameters.TagsFor("volume"));
        foreach (var name in (string[])["Iops", "Throughput", "KmsKeyId", "OutpostArn"])
            if (parameters.Text(name) is not null) return Ec2Fault.Unsupported(name);
        var (zone, snapshot, size, once) = (parameters.Required("AvailabilityZone"), parameters.Id("SnapshotId", Ec2Kind.Snapshot), parameters.Integer("Size"), call.Once());
        var encrypted = parameters.Boolean("Encrypted") ?? false;
        if (parameters.Fault is { } fault) return fault;
        if (size is null && snapshot is null) return Ec2Fault.Missing("Size");
        if ((await zones.GetAsync(zone, call.Cancelled)).Failure is not null) return new Ec2Fault("InvalidZone.NotFound", 400, "not-found", "zone", zone);
        var type = await TypeAsync(call, encrypted);
        if (type.Failure is { } failure) return failure;
        var asked = new CreateVolume(Ec2TagSource.NameOf(tags), size, Type: type.Value, Snapshot: snapshot, Tags: tags);
        var made = await volumes.CreateAsync(call.Caller, asked, once, call.Cancelled);
        // The tag is not bound to be unlike any other; the name is.
        if (made.Failure is { Code: "name-taken" }) made = await volumes.CreateAsync(call.Caller, asked with { Name = null }, once, call.Cancelled);
        return Ec2Answer.Of(made, volume => Fields(volume, zone));
    }

    /// <summary>A type of the cloud's; null: none.</summary>
    private async Task<Result<string?>> TypeAsync(Ec2Call call, bool encrypted)
    {
        var asked = call.Parameters.Text("VolumeType");
        if (asked is not null && (await types.GetAsync(asked, call.Cancelled)) is { Failure: null } found && found.Value.Encrypted == encrypted) return found.Value.Name;
        if (asked is not null && !Usual.Contains(asked)) return Failure.Invalid("type", "no-such", new Noun("volume-type"), asked);
        if (!encrypted) return (string?)null;
        var all = await Ec2Lists.AllAsync(page => types.ListAsync(page, call.Cancelled), type => type.Id);
        return all.Failure is { } failure ? failure : all.Value.Find(type => type.Encrypted) is { } encrypting ? encrypting.Name : Failure.Invalid("type", "no-such", new Noun("volume-type"), "encrypted");
    }

    public async Task<Ec2Answer> DeleteVolume(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("VolumeId", Ec2Kind.Volume);
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await volumes.DeleteAsync(call.Caller, id, call.Cancelled));
    }

    public async Task<Ec2Answer> AttachVolume(Ec2Call call)
    {
        var (id, instance, device) = (call.Parameters.RequiredId("VolumeId", Ec2Kind.Volume), call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance), call.Parameters.Required("Device"));
        if (call.Parameters.Fault is { } fault) return fault;
        var slot = Ec2Devices.IsRoot(device) ? 0 : Ec2Devices.Slot(device);
        if (slot is null) return Ec2Fault.Value("Device", device);
        return Ec2Answer.Of(await attachments.AttachAsync(call.Caller, id, new AttachVolume(instance, slot), null, call.Cancelled), volume => Attachment(volume)!);
    }

    public async Task<Ec2Answer> DetachVolume(Ec2Call call)
    {
        var (id, instance) = (call.Parameters.RequiredId("VolumeId", Ec2Kind.Volume), call.Parameters.Id("InstanceId", Ec2Kind.Instance));
        if (call.Parameters.Fault is { } fault) return fault;
        var found = await volumes.GetAsync(call.Caller, id, call.Cancelled);
        if (found.Failure is { } failure) return failure;
        if (instance is not null && found.Value.Instance is { } holder && holder.Id != instance) return new Ec2Fault("InvalidAttachment.NotFound", 400, "not-found", "attachment", $"{id} {instance}");
        return Ec2Answer.Of(await attachments.DetachAsync(call.Caller, id, call.Cancelled), volume => Attachment(volume) is { } attachment ? attachment : Xml.Return);
    }

    public async Task<Ec2Answer> ModifyVolume(Ec2Call call)
    {
        foreach (var name in (string[])["Iops", "Throughput", "MultiAttachEnabled"])
            if (call.Parameters.Text(name) is not null) return Ec2Fault.Unsupported(name);
        var (id, size, asked) = (call.Parameters.RequiredId("VolumeId", Ec2Kind.Volume), call.Parameters.Integer("Size"), call.Parameters.Text("VolumeType"));
        if (call.Parameters.Fault is { } fault) return fault;
        var before = await volumes.GetAsync(call.Caller, id, call.Cancelled);
        if (before.Failure is { } failure) return failure;
        var type = asked is null ? (string?)null : await TypeAsync(call, before.Value.Encrypted);
        if (type.Failure is { } wrong) return wrong;
        return Ec2Answer.Of(await volumes.UpdateAsync(call.Caller, id, new UpdateVolume(null, size, asked is null ? null : type.Value ?? "none", null), call.Cancelled), volume => Xml.Group("volumeModification", Modification(volume, before.Value.SizeGib)));
    }

    private static object?[] Modification(Volume volume, int? before) =>
    [
        Xml.Of("volumeId", volume.Id), Xml.Of("modificationState", Settled(volume) ? "completed" : "modifying"), Xml.Of("targetSize", volume.SizeGib), Xml.Of("originalSize", before), Xml.Of("targetVolumeType", TypeOf(volume)), Xml.Of("progress", Settled(volume) ? 100 : 0),
    ];

    // One without a place has nobody who could do more to it.
    private static bool Settled(Volume volume) => volume.Host is null || volume.ObservedGeneration >= volume.Generation;

    public async Task<Ec2Answer> DescribeVolumesModifications(Ec2Call call) =>
        await DescribeAsync(call, "volumeModificationSet", new(null, new() { ["volume-id"] = volume => [volume.Id], ["modification-state"] = volume => [Settled(volume) ? "completed" : "modifying"] }), (volume, _) => Modification(volume, null));

    public async Task<Ec2Answer> DescribeVolumeStatus(Ec2Call call) =>
        await DescribeAsync(call, "volumeStatusSet", new(null, new() { ["volume-status.status"] = volume => [Health(volume)] }), (volume, zone) =>
        [
            Xml.Of("volumeId", volume.Id), Xml.Of("availabilityZone", zone), Xml.Group("volumeStatus", Xml.Of("status", Health(volume)), Xml.Set("details", [volume], one => new object?[] { Xml.Of("name", "io-enabled"), Xml.Of("status", Health(one) == "ok" ? "passed" : "failed") })),
            Xml.Set("eventsSet", Array.Empty<string>(), _ => null), Xml.Set("actionsSet", Array.Empty<string>(), _ => null),
        ]);

    private static string Health(Volume volume) => volume.Conditions.Count == 0 ? "ok" : "impaired";

    public Task<Ec2Answer> DescribeVolumes(Ec2Call call) => DescribeAsync(call, "volumeSet", new(TagsOf, new()
    {
        ["volume-id"] = volume => [volume.Id], ["status"] = volume => [Status(volume)], ["size"] = volume => [volume.SizeGib.ToString(CultureInfo.InvariantCulture)], ["snapshot-id"] = volume => [volume.Snapshot?.Id], ["volume-type"] = volume => [TypeOf(volume)],
        ["encrypted"] = volume => [volume.Encrypted ? "true" : "false"], ["create-time"] = volume => [Xml.Time(volume.CreatedAt)], ["attachment.instance-id"] = volume => [volume.Instance?.Id], ["attachment.device"] = volume => [volume.Slot is { } slot ? Ec2Devices.Of(slot) : null],
        ["attachment.status"] = volume => [volume.Instance is null ? null : AttachmentStatus(volume)], ["attachment.delete-on-termination"] = volume => [volume.Instance is null ? null : volume.DeleteOnTermination ? "true" : "false"],
    }), Fields);

    private async Task<Ec2Answer> DescribeAsync(Ec2Call call, string set, Ec2Filters<Volume> filters, Func<Volume, string?, object?[]> fields)
    {
        var ids = call.Parameters.Ids("VolumeId", Ec2Kind.Volume);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await AllAsync(call);
        if (all.Failure is { } failure) return failure;
        var zonesOf = await zones.OfHostsAsync([.. all.Value.Select(volume => volume.Host?.Id).OfType<string>().Distinct()], call.Cancelled);
        return Ec2Lists.Describe(call, set, all.Value, ids, volume => volume.Id, Ec2Kind.Volume.NoSuch, filters, volume => fields(volume, volume.Host is { } host ? zonesOf.GetValueOrDefault(host.Id) : null));
    }

    /// <summary>The account's volumes.</summary>
    public Task<Result<List<Volume>>> AllAsync(Ec2Call call, string? instance = null) => Ec2Lists.AllAsync(page => volumes.ListAsync(call.Caller, null, instance, null, Any, page, call.Cancelled), volume => volume.Id);

    private static IReadOnlyDictionary<string, string> TagsOf(Volume volume) => Ec2TagSource.Named(volume.Tags, volume.Id, volume.Name);

    private static string TypeOf(Volume volume) => volume.Type?.Name ?? "standard";

    // What is asked for of one that is being attached may have to wait until its host has made it.
    private static string Status(Volume volume) => volume.Instance is not null && volume.State != "attaching" ? "in-use" : volume.State is "creating" or "deleting" ? volume.State : "available";

    private static string AttachmentStatus(Volume volume) => volume.State is "attaching" or "detaching" ? volume.State : "attached";

    public static object?[]? Attachment(Volume volume) => volume.Instance is null ? null :
    [
        Xml.Of("volumeId", volume.Id), Xml.Of("instanceId", volume.Instance.Id), Xml.Of("device", Ec2Devices.Of(volume.Slot!.Value)), Xml.Of("status", AttachmentStatus(volume)), Xml.Of("deleteOnTermination", volume.DeleteOnTermination),
    ];

    /// <summary>As an instance's description has it.</summary>
    public static object?[] Mapping(Volume volume) =>
        [Xml.Of("deviceName", Ec2Devices.Of(volume.Slot!.Value)), Xml.Group("ebs", Xml.Of("volumeId", volume.Id), Xml.Of("status", AttachmentStatus(volume)), Xml.Of("deleteOnTermination", volume.DeleteOnTermination))];

    private static object?[] Fields(Volume volume, string? zone) =>
    [
        Xml.Of("volumeId", volume.Id), Xml.Of("size", volume.SizeGib), Xml.Of("snapshotId", volume.Snapshot?.Id ?? ""), Xml.Of("availabilityZone", zone), Xml.Of("status", Status(volume)), Xml.Of("createTime", volume.CreatedAt),
        Xml.Set("attachmentSet", volume.Instance is null ? Array.Empty<Volume>() : [volume], Attachment), Xml.Tags(TagsOf(volume)), Xml.Of("volumeType", TypeOf(volume)), Xml.Of("encrypted", volume.Encrypted), Xml.Of("multiAttachEnabled", false),
    ];
}
