using Kumoi.Api;
using Kumoi.Server.Images;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Images. Wherever an id is taken, a name is, too: an own image's or a public one's.</summary>
public sealed class Ec2Images(ImageUseCases images, Ec2TagSource tags)
{
    private const string Self = "self", All = "all", Amazon = "amazon";

    /// <summary>What use cases take for it: an id of ours, or the name as it is.</summary>
    public static string Key(string text) => Ec2Kind.Image.Read(text) ?? text;

    public async Task<Ec2Answer> DescribeImages(Ec2Call call)
    {
        var (ids, owners, executable) = (call.Parameters.Texts("ImageId"), call.Parameters.Texts("Owner"), call.Parameters.Texts("ExecutableBy"));
        var deprecated = call.Parameters.Boolean("IncludeDeprecated") ?? false;
        if (call.Parameters.Fault is { } fault) return fault;
        Task<Result<Page<Image>>> Some(string? visibility, PageRequest page) => images.ListAsync(call.Caller, visibility, null, null, true, page, call.Cancelled);
        var (known, shared) = (await Ec2Lists.AllAsync(page => Some(null, page), image => image.Id), await Ec2Lists.AllAsync(page => Some("shared", page), image => image.Id));
        if ((known.Failure ?? shared.Failure) is { } failure) return failure;
        var own = call.Caller.AccountId;
        List<Image> all = [.. known.Value, .. shared.Value];
        // An own image comes before a public one of the same name.
        var asked = ids.Select(id => all.Find(image => Ec2Kind.Image.Of(image.Id) == id) ?? known.Value.Where(image => image.Name == id).OrderByDescending(image => image.Account.Id == own).FirstOrDefault()).ToList();
        if (asked.IndexOf(null) is >= 0 and var missing) return ids[missing].StartsWith("ami-", StringComparison.Ordinal) && Ec2Kind.Image.Read(ids[missing]) is null ? Ec2Kind.Image.NoId(ids[missing]) : Ec2Kind.Image.NoSuch(ids[missing]);
        var listed = (ids.Count > 0 ? asked.OfType<Image>().Distinct() : all.Where(image => deprecated || image.DeprecatedAt is null || image.Account.Id == own))
            .Where(image => owners.Count == 0 || owners.Any(owner => owner == All || owner == image.Account.Id || owner == image.Account.Name || (owner == Self && image.Account.Id == own) || (owner == Amazon && image.Visibility == "public")))
            .Where(image => executable.Count == 0 || executable.Any(by => by == All ? image.Visibility == "public" : image.Account.Id != own && image.Visibility != "public")).ToList();
        var tagsOf = await tags.OfAsync(call, "image", listed.Where(image => image.Account.Id == own).Select(image => image.Id));
        return Ec2Lists.Describe(call, "imagesSet", listed, [], image => image.Id, Ec2Kind.Image.NoSuch, Filters(tagsOf), image => Fields(image, tagsOf(image.Id)));
    }

    private static Ec2Filters<Image> Filters(Func<string, IReadOnlyDictionary<string, string>> tagsOf) => new(image => tagsOf(image.Id), new()
    {
        ["image-id"] = image => [Ec2Kind.Image.Of(image.Id)], ["name"] = image => [image.Name], ["description"] = image => [image.Description], ["state"] = image => [image.State], ["is-public"] = image => [image.Visibility == "public" ? "true" : "false"],
        ["owner-id"] = image => [image.Account.Id], ["owner-alias"] = image => [image.Account.Name], ["architecture"] = image => [image.Architecture], ["root-device-type"] = _ => ["ebs"], ["root-device-name"] = _ => [Ec2Devices.Root], ["virtualization-type"] = _ => ["hvm"],
        ["image-type"] = _ => ["machine"], ["hypervisor"] = _ => ["xen"], ["manifest-location"] = image => [Location(image)], ["platform"] = image => [Platform(image)], ["boot-mode"] = image => [BootMode(image)], ["ena-support"] = _ => ["true"], ["creation-date"] = image => [Xml.Time(image.CreatedAt)],
    });

    private static string Location(Image image) => image.SourceUrl ?? $"{image.Account.Name}/{image.Name}";

    private static string? Platform(Image image) => image.Os.Contains("windows", StringComparison.OrdinalIgnoreCase) ? "windows" : null;

    private static string BootMode(Image image) => image.Firmware == ImageFirmware.Uefi ? "uefi" : "legacy-bios";

    private static object?[] Fields(Image image, IReadOnlyDictionary<string, string> tags) =>
    [
        Xml.Of("imageId", Ec2Kind.Image.Of(image.Id)), Xml.Of("imageLocation", Location(image)), Xml.Of("imageState", image.State), Xml.Of("imageOwnerId", image.Account.Id), Xml.Of("isPublic", image.Visibility == "public"), Xml.Of("architecture", image.Architecture),
        Xml.Of("imageType", "machine"), Xml.Of("platform", Platform(image)), Xml.Of("name", image.Name), Xml.Of("description", image.Description), Xml.Of("rootDeviceType", "ebs"), Xml.Of("rootDeviceName", Ec2Devices.Root),
        Xml.Set("blockDeviceMapping", image.VirtualSizeBytes is { } bytes ? [bytes] : Array.Empty<long>(), size => new object?[] { Xml.Of("deviceName", Ec2Devices.Root), Xml.Group("ebs", Xml.Of("volumeSize", (size + (1L << 30) - 1) >> 30), Xml.Of("deleteOnTermination", true), Xml.Of("encrypted", false)) }),
        Xml.Of("virtualizationType", "hvm"), Xml.Of("hypervisor", "xen"), Xml.Of("creationDate", image.CreatedAt), Xml.Of("enaSupport", true), Xml.Of("bootMode", BootMode(image)), Xml.Of("deprecationTime", image.DeprecatedAt), Xml.Tags(tags),
        image.State == "failed" ? Xml.Group("stateReason", Xml.Of("code", "Client.InvalidImage"), Xml.Of("message", string.Join(' ', image.Conditions.Select(condition => condition.Message)))) : null,
    ];

    /// <summary>Of an instance's disk, while it runs or not.</summary>
    public async Task<Ec2Answer> CreateImage(Ec2Call call) =>
        await MakeAsync(call, Empty(call) with { FromInstance = call.Parameters.RequiredId("InstanceId", Ec2Kind.Instance) });

    /// <summary>Of a snapshot, or of a file that the cloud fetches: <c>ImageLocation</c> is its URL.</summary>
    public async Task<Ec2Answer> RegisterImage(Ec2Call call)
    {
        if (call.Parameters.Text("Architecture") is { } architecture && architecture != ImageArchitectures.X64) return Ec2Fault.Unsupported($"Architecture {architecture}");
        var snapshot = call.Parameters.Items("BlockDeviceMapping").Select(one => one.Below("Ebs").Id("SnapshotId", Ec2Kind.Snapshot)).FirstOrDefault(id => id is not null);
        var url = call.Parameters.Text("ImageLocation");
        if (call.Parameters.Fault is { } fault) return fault;
        if (snapshot is null == url is null) return snapshot is null ? Ec2Fault.Missing("ImageLocation") : Ec2Fault.Combination("ImageLocation", "BlockDeviceMapping.1.Ebs.SnapshotId");
        return await MakeAsync(call, Empty(call) with { FromSnapshot = snapshot, Url = url, Firmware = call.Parameters.Text("BootMode") is "uefi" or "uefi-preferred" ? ImageFirmware.Uefi : null });
    }

    private static CreateImage Empty(Ec2Call call) => new(call.Parameters.Required("Name"), null, null, null, null, null, call.Parameters.Text("Description"), Tags: call.Parameters.TagsFor("image", "snapshot"));

    private async Task<Ec2Answer> MakeAsync(Ec2Call call, CreateImage asked) =>
        call.Parameters.Fault is { } fault ? fault : Ec2Answer.Of(await images.CreateAsync(call.Caller, asked, null, call.Cancelled), made => Xml.Of("imageId", Ec2Kind.Image.Of(made.Id))!);

    public async Task<Ec2Answer> DeregisterImage(Ec2Call call) => Ec2Answer.Done(await images.DeleteAsync(call.Caller, Key(call.Parameters.Required("ImageId")), call.Cancelled));

    public async Task<Ec2Answer> DescribeImageAttribute(Ec2Call call) => Ec2Answer.Of(await images.GetAsync(call.Caller, Key(call.Parameters.Required("ImageId")), call.Cancelled), image => call.Parameters.Required("Attribute") switch
    {
        "description" => new object?[] { Xml.Of("imageId", Ec2Kind.Image.Of(image.Id)), Xml.Group("description", Xml.Of("value", image.Description)) },
        "launchPermission" => new object?[]
        {
            Xml.Of("imageId", Ec2Kind.Image.Of(image.Id)),
            Xml.Set("launchPermission", (image.Visibility == "public" ? [Xml.Of("group", All)] : Array.Empty<object?>()).Concat((image.Accounts ?? []).Select(account => Xml.Of("userId", account.Id))), one => one),
        },
        "bootMode" => new object?[] { Xml.Of("imageId", Ec2Kind.Image.Of(image.Id)), Xml.Group("bootMode", Xml.Of("value", BootMode(image))) },
        var other => Ec2Fault.Value("Attribute", other),
    });

    /// <summary>Its description, and who may launch from it.</summary>
    public async Task<Ec2Answer> ModifyImageAttribute(Ec2Call call)
    {
        var (key, parameters) = (Key(call.Parameters.Required("ImageId")), call.Parameters);
        var operation = parameters.Text("OperationType");
        string[] users = [.. parameters.Texts("UserId")], groups = [.. parameters.Texts("UserGroup")];
        string[] added = [.. parameters.Below("LaunchPermission").Items("Add").Select(one => one.Text("UserId")).OfType<string>(), .. operation == "add" ? users : []];
        string[] removed = [.. parameters.Below("LaunchPermission").Items("Remove").Select(one => one.Text("UserId")).OfType<string>(), .. operation == "remove" ? users : []];
        var opened = parameters.Below("LaunchPermission").Items("Add").Any(one => one.Text("Group") == All) || (operation == "add" && groups.Contains(All));
        var closed = parameters.Below("LaunchPermission").Items("Remove").Any(one => one.Text("Group") == All) || (operation == "remove" && groups.Contains(All));
        var description = parameters.Below("Description").Text("Value") ?? (parameters.Text("Attribute") == "description" ? parameters.Text("Value") : null);
        if (parameters.Fault is { } fault) return fault;
        var image = await images.GetAsync(call.Caller, key, call.Cancelled);
        if (image.Failure is { } failure) return failure;
        IReadOnlyList<string>? accounts = added.Length + removed.Length == 0 ? null : [.. (image.Value.Accounts ?? []).Select(account => account.Id).Union(added).Except(removed)];
        return Ec2Answer.Done(await images.UpdateAsync(call.Caller, image.Value.Id, new UpdateImage(null, description, null, null, null, null, opened ? "public" : closed ? "private" : null, null, accounts), call.Cancelled));
    }

    /// <summary>Nobody else may launch from it any more.</summary>
    public async Task<Ec2Answer> ResetImageAttribute(Ec2Call call) => call.Parameters.Required("Attribute") is not "launchPermission" and var other ? Ec2Fault.Value("Attribute", other)
        : Ec2Answer.Done(await images.UpdateAsync(call.Caller, Key(call.Parameters.Required("ImageId")), new UpdateImage(null, null, null, null, null, null, "private", null, []), call.Cancelled));
}
