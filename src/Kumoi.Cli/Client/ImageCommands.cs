using System.CommandLine;
using System.Net;
using Kumoi.Api;
using Kumoi.Cli.Text;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Images: from a file here or a URL that the cloud fetches, with progress.</summary>
public static class ImageCommands
{
    public static Command Make()
    {
        var noun = new Noun<Image>("image", "images", i => i.Name,
        [
            new("name", i => i.Name), new("id", i => i.Id), new("state", State), new("visibility", i => i.Visibility), new("format", i => i.Format),
            new("size", i => i.SizeBytes is { } bytes ? $"{bytes / 1048576.0:0.0} MiB" : "-"), new("user", i => i.DefaultUser),
        ]).List((Options.New<string?>("--state"), "state"), (Options.New<string?>("--visibility"), "visibility")).Show().Delete();
        var (name, file, url) = (Options.Name(), Options.New<FileInfo?>("--file"), Options.New<string?>("--url"));
        var (format, sha256, user, open, wait, timeout) = (
            Options.New<string?>("--format"), Options.New<string?>("--sha256"), Options.New<string?>("--default-user"), Options.New<bool>("--public"), Options.New<bool>("--wait"), Options.Timeout());
        var create = new Command("create", Messages.Text("image-create")) { name, file, url, format, sha256, user, open, wait, timeout };
        create.Validators.Add(result =>
        {
            if (result.GetValue(file) is null == result.GetValue(url) is null) result.AddError(Messages.Text("file-or-url"));
            if (result.GetValue(file) is { Exists: false } missing) result.AddError(Messages.Text("no-file", missing.FullName));
        });
        noun.Act(create, async (session, parsed, cancel) =>
        {
            var body = new CreateImage(parsed.GetValue(name)!, parsed.GetValue(format), parsed.GetValue(url), parsed.GetValue(sha256), parsed.GetValue(open) ? "public" : null, parsed.GetValue(user));
            var image = await session.Client.PostAsync<CreateImage, Image>("images", body, Guid.CreateVersion7().ToString(), cancel);
            if (parsed.GetValue(file) is { } source) image = await UploadAsync(session.Client, image, source, cancel);
            else if (parsed.GetValue(wait)) image = await Waiting.ForAsync<Image>(session.Client, "images/" + image.Id, "available", i => State(i), parsed.GetValue(timeout), cancel);
            session.Write(image);
            return ExitCodes.Ok;
        });
        return noun.Command;
    }

    private static string State(Image image) => image.State == "pending" && image.ExpectedBytes is > 0 ? $"pending {100 * image.ReceivedBytes / image.ExpectedBytes} %" : image.State;

    /// <summary>Sends a file's bytes. An image that was refused is deleted again: its name is free for the next try.</summary>
    public static async Task<Image> UploadAsync(KumoiClient client, Image image, FileInfo source, CancellationToken cancel)
    {
        try
        {
            return await Session.Errors.Progress().AutoClear(true).HideCompleted(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn()).StartAsync(async progress =>
            {
                var task = progress.AddTask(Markup.Escape(source.Name), maxValue: Math.Max(1, source.Length));
                await using var stream = source.OpenRead();
                using var content = new ProgressContent(stream, source.Length, bytes => task.Increment(bytes));
                return await client.UploadAsync(image.Id, content, cancel);
            });
        }
        catch (Exception)
        {
            await client.DeleteAsync("images/" + image.Id, CancellationToken.None);
            throw;
        }
    }

    private sealed class ProgressContent(Stream source, long length, Action<int> sent) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var buffer = new byte[256 * 1024];
            for (int read; (read = await source.ReadAsync(buffer)) > 0; sent(read)) await stream.WriteAsync(buffer.AsMemory(0, read));
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
