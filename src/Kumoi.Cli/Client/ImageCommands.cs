using System.CommandLine;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Images: from a file here or a URL that the cloud fetches, with progress.</summary>
public static class ImageCommands
{
    public static Command Make()
    {
        var noun = new Noun<Image>("image", "images", i => i.Name,
        [
            new("name", i => i.Name), new("id", i => i.Id), new("state", State), new("visibility", i => i.Visibility), new("format", i => i.Format), new("firmware", i => i.Firmware), new("devices", i => i.DeviceModel),
            new("size", i => i.SizeBytes is { } bytes ? $"{bytes / 1048576.0:0.0} MiB" : "-"), new("user", i => i.DefaultUser),
        ]).List((Options.New<string?>("--state"), "state"), (Options.New<string?>("--visibility"), "visibility"), (Options.New<string?>("--deprecated"), "deprecated")).Show().Delete();
        var (name, file, url) = (Options.Name(), Options.New<FileInfo?>("--file"), Options.New<string?>("--url"));
        var (format, sha256, user, open, wait, timeout) = (
            Options.New<string?>("--format"), Options.New<string?>("--sha256"), Options.New<string?>("--default-user"), Options.New<bool>("--public"), Options.New<bool>("--wait"), Options.Timeout());
        var (description, os, disk, memory) = (Options.New<string?>("--description"), Options.New<string?>("--os"), Options.New<int?>("--min-disk-gib"), Options.New<int?>("--min-memory-mib"));
        var (architecture, firmware, devices) = Machine();
        var (instance, volume, snapshot) = (Options.New<string?>("--from-instance"), Options.New<string?>("--from-volume"), new Option<string?>("--from-snapshot") { Description = Messages.Text("option-image-from-snapshot") });
        var create = new Command("create", Messages.Text("image-create")) { name, file, url, instance, volume, snapshot, format, sha256, user, open, description, os, disk, memory, architecture, firmware, devices, wait, timeout };
        create.Aliases.Add("import");
        create.Validators.Add(result =>
        {
            if (new object?[] { result.GetValue(file), result.GetValue(url), result.GetValue(instance), result.GetValue(volume), result.GetValue(snapshot) }.Count(one => one is not null) != 1) result.AddError(Messages.Text("file-or-url"));
            if (result.GetValue(file) is { Exists: false } missing) result.AddError(Messages.Text("no-file", missing.FullName));
        });
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var body = new CreateImage(parsed.GetValue(name)!, parsed.GetValue(format), parsed.GetValue(url), parsed.GetValue(sha256), parsed.GetValue(open) ? "public" : null, parsed.GetValue(user),
                parsed.GetValue(description), parsed.GetValue(os), parsed.GetValue(disk), parsed.GetValue(memory),
                parsed.GetValue(architecture), parsed.GetValue(firmware), parsed.GetValue(devices), parsed.GetValue(instance), parsed.GetValue(volume), parsed.GetValue(snapshot));
            var image = await session.Client.PostAsync<CreateImage, Image>("images", body, Guid.CreateVersion7().ToString(), cancel);
            if (parsed.GetValue(file) is { } source) image = await ImageTransfers.UploadAsync(session.Client, image, source, cancel);
            else if (parsed.GetValue(wait)) image = await Waiting.ForAsync<Image>(session.Client, "images/" + image.Id, "available", i => State(i), parsed.GetValue(timeout), cancel);
            session.Write(image);
            return ExitCodes.Ok;
        });
        Update(noun);
        Export(noun);
        PrefetchCommands.Add(noun);
        return noun.Command;
    }

    private static void Update(Noun<Image> noun)
    {
        var (key, name, description, os, disk, memory, user) = (noun.Key(), new Option<string?>("--name") { Description = Messages.Text("option-new-name") }, Options.New<string?>("--description"), Options.New<string?>("--os"),
            Options.New<int?>("--min-disk-gib"), Options.New<int?>("--min-memory-mib"), Options.New<string?>("--default-user"));
        var (visibility, deprecated, accounts) = (Options.New<string?>("--visibility"), new Option<bool?>("--deprecated") { Description = Messages.Text("option-image-deprecated") }, new Option<string[]>("--for-account") { Description = Messages.Text("option-image-accounts") });
        var (architecture, firmware, devices) = Machine();
        noun.Act(new Command("update", Messages.Text("image-update")) { key, name, description, os, disk, memory, user, visibility, deprecated, accounts, architecture, firmware, devices }, async (session, parsed, cancel) =>
        {
            session.Write(await session.Client.PutAsync<UpdateImage, Image>(noun.PathOf(parsed.GetValue(key)!), new UpdateImage(
                parsed.GetValue(name), parsed.GetValue(description), parsed.GetValue(os), parsed.GetValue(disk), parsed.GetValue(memory), parsed.GetValue(user), parsed.GetValue(visibility), parsed.GetValue(deprecated),
                parsed.GetValue(accounts) switch { null or [] => null, ["none"] => [], var some => some },
                parsed.GetValue(architecture), parsed.GetValue(firmware), parsed.GetValue(devices)), cancel));
            return ExitCodes.Ok;
        });
    }

    private static (Option<string?> Architecture, Option<string?> Firmware, Option<string?> Devices) Machine() =>
        (Options.New<string?>("--architecture"), Options.New<string?>("--firmware"), Options.New<string?>("--device-model"));

    private static void Export(Noun<Image> noun)
    {
        var (key, file) = (noun.Key(), new Option<FileInfo>("--file") { Description = Messages.Text("option-export-file"), Required = true });
        noun.Act(new Command("export", Messages.Text("image-export")) { key, file }, async (session, parsed, cancel) =>
        {
            var image = await session.Client.GetAsync<Image>(noun.PathOf(parsed.GetValue(key)!), cancel);
            await ImageTransfers.DownloadAsync(session.Client, image, parsed.GetValue(file)!, cancel);
            session.Write(image);
            return ExitCodes.Ok;
        });
    }

    private static string State(Image image) => image.State == "pending" && image.ExpectedBytes is > 0 ? $"pending {100 * image.ReceivedBytes / image.ExpectedBytes} %" : image.State;
}
