using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Cli.Local;
using Spectre.Console;

namespace Kumoi.Cli.Client;

/// <summary>Bytes of images, there and back, told on a terminal as they go. Whatever breaks off goes on where it was.</summary>
public static class ImageTransfers
{
    // Less is more requests; more is sent again after a line that breaks off.
    private const int PartBytes = 32 * 1024 * 1024, BufferBytes = 256 * 1024;

    private const int Tries = 12;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>Sends a file, part by part. An image that was refused is deleted again: its name is free for the next try.</summary>
    public static async Task<Image> UploadAsync(KumoiClient client, Image image, FileInfo source, CancellationToken cancel)
    {
        try
        {
            return await ShowAsync(source.Name, source.Length, async told =>
            {
                await using var stream = source.OpenRead();
                for (var failures = 0; ; )
                {
                    try
                    {
                        // The server knows how much of it is there.
                        if (failures > 0) image = await client.GetAsync<Image>("images/" + image.Id, cancel);
                        told(image.ReceivedBytes);
                        image = await SendAsync(client, image, stream, image.ReceivedBytes, told, cancel);
                        failures = 0;
                        if (image.State != "pending" || image.ReceivedBytes >= source.Length) return image;
                    }
                    catch (Exception e) when (IsPassing(e) && ++failures < Tries)
                    {
                        await Task.Delay(Pause * failures, TimeProvider.System, cancel);
                    }
                }
            });
        }
        catch (Exception)
        {
            await GiveUpAsync(client, image);
            throw;
        }
    }

    /// <summary>A connection that broke, or servers that are busy with what came over it: one that was killed is waited for by the others for a minute.</summary>
    private static bool IsPassing(Exception e) => e is HttpRequestException or HttpIOException || e is ProblemException { Problem: var problem } && (problem.Status == 503 || problem.Code is "image-busy" or "upload-offset");

    private static async Task GiveUpAsync(KumoiClient client, Image image)
    {
        try
        {
            await client.DeleteAsync("images/" + image.Id, CancellationToken.None);
        }
        catch (Exception e) when (e is HttpRequestException or ProblemException)
        {
            // Why the upload failed is what counts. What is left is listed as pending, and deleted like any other.
        }
    }

    private static async Task<Image> SendAsync(KumoiClient client, Image image, FileStream source, long from, Action<long> told, CancellationToken cancel)
    {
        var count = Math.Min(PartBytes, source.Length - from);
        source.Seek(from, SeekOrigin.Begin);
        using var content = new PartContent(source, count, sent => told(from + sent));
        if (source.Length > 0) content.Headers.ContentRange = new ContentRangeHeaderValue(from, from + count - 1, source.Length);
        return await client.UploadAsync(image.Id, content, cancel);
    }

    /// <summary>Writes an image to a file, which has its name when all is there and its sum is right.</summary>
    public static async Task DownloadAsync(KumoiClient client, Image image, FileInfo target, CancellationToken cancel)
    {
        var part = target.FullName + ".part";
        await ShowAsync(target.Name, image.SizeBytes ?? 0, async told =>
        {
            for (var failures = 0; ; )
            {
                try
                {
                    await ReceiveAsync(client, image, part, told, cancel);
                    return 0;
                }
                catch (Exception e) when (e is HttpRequestException or HttpIOException && ++failures < Tries)
                {
                    await Task.Delay(Pause * failures, TimeProvider.System, cancel);
                }
            }
        });
        await using (var file = File.OpenRead(part))
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancel)) is var sum && sum != image.Sha256)
            {
                File.Delete(part);
                throw new UserException("export-differs", image.Name, sum, image.Sha256);
            }
        File.Move(part, target.FullName, overwrite: true);
    }

    private static async Task ReceiveAsync(KumoiClient client, Image image, string part, Action<long> told, CancellationToken cancel)
    {
        await using var file = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write);
        if (file.Length > image.SizeBytes) file.SetLength(0);
        var from = file.Length;
        if (from == image.SizeBytes) return;
        using var answer = await client.RequestAsync(HttpMethod.Get, $"images/{image.Id}/content", null, null, cancel, from > 0 ? new RangeHeaderValue(from, null) : null);
        if (answer.StatusCode != HttpStatusCode.PartialContent) file.SetLength(from = 0);
        file.Seek(from, SeekOrigin.Begin);
        await using var body = await answer.Content.ReadAsStreamAsync(cancel);
        var buffer = new byte[BufferBytes];
        for (int read; (read = await body.ReadAsync(buffer, cancel)) > 0; told(from += read)) await file.WriteAsync(buffer.AsMemory(0, read), cancel);
        file.Flush(flushToDisk: true);
    }

    private static Task<T> ShowAsync<T>(string name, long length, Func<Action<long>, Task<T>> work) => Session.Errors.Progress().AutoClear(true).HideCompleted(true)
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn()).StartAsync(progress =>
        {
            var task = progress.AddTask(Markup.Escape(name), maxValue: Math.Max(1, length));
            return work(done => task.Value = done);
        });

    private sealed class PartContent(Stream source, long length, Action<long> sent) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var buffer = new byte[BufferBytes];
            long done = 0;
            for (int read; done < length && (read = await source.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - done)))) > 0; sent(done += read)) await stream.WriteAsync(buffer.AsMemory(0, read));
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
