using System.Net;
using System.Security.Cryptography;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Images;

/// <summary>An image could not be had; the message is for the owner of the instances that wait for it.</summary>
public sealed class ImageException(string reason, string message) : IOException(message)
{
    public string Reason { get; } = reason;
}

/// <summary>
/// The host's images, by content: a file under its sha256 is complete, checked and read-only, or it is not there. A broken download goes on
/// where it stopped.
/// </summary>
public sealed class ImageCache(AgentPaths paths)
{
    private const int BufferSize = 256 * 1024;
    private const string PartSuffix = ".part";

    public string PathOf(DesiredImage image) => Path.Combine(paths.Images, NameOf(image));

    /// <summary>Where the image with a file of this name is.</summary>
    public string PathOf(string name) => Path.Combine(paths.Images, name);

    /// <summary>What the image's file is called on every host.</summary>
    public static string NameOf(DesiredImage image) => $"{Digest(image.Sha256)}.{Format(image.Format)}";

    /// <summary>The whole and checked image of a file's name; null if there is none, or it is no image's name.</summary>
    public string? Find(string name) =>
        name.Split('.') is [{ Length: 64 } digest, ImageFormats.Qcow2 or ImageFormats.Raw or ImageFormats.Iso] && digest.All(char.IsAsciiHexDigitLower) && Path.Combine(paths.Images, name) is var path && File.Exists(path) ? path : null;

    public bool Has(DesiredImage image) => File.Exists(PathOf(image));

    /// <summary>Fetches an image unless it is there. <paramref name="open"/> opens its bytes from an offset on; the answer says where they begin.</summary>
    public async Task FetchAsync(
        DesiredImage image, Func<long, CancellationToken, Task<HttpResponseMessage>> open, CancellationToken cancel)
    {
        if (Has(image)) return;
        DurableFiles.MakeDirectory(paths.Images, AgentModes.Passable);
        var partial = PathOf(image) + PartSuffix;
        await using (var file = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, BufferSize))
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            if (file.Length > image.SizeBytes) file.SetLength(0);
            await HashAsync(file, hash, cancel);
            if (file.Length < image.SizeBytes) await DownloadAsync(image, file, hash, open, cancel);
            var actual = Convert.ToHexStringLower(hash.GetHashAndReset());
            if (file.Length != image.SizeBytes || !actual.Equals(image.Sha256, StringComparison.OrdinalIgnoreCase))
            {
                file.SetLength(0);
                throw new ImageException("image-corrupt", $"Image {image.Id} arrived damaged: its SHA-256 is not the one recorded. It is fetched again.");
            }
            Check(file, image);
            file.Flush(flushToDisk: true);
        }
        File.SetUnixFileMode(partial, AgentModes.ReadableFile);
        File.Move(partial, PathOf(image), overwrite: true);
    }

    private static async Task HashAsync(FileStream file, IncrementalHash hash, CancellationToken cancel)
    {
        var buffer = new byte[BufferSize];
        int read;
        while ((read = await file.ReadAsync(buffer, cancel)) > 0) hash.AppendData(buffer.AsSpan(0, read));
    }

    private static async Task DownloadAsync(
        DesiredImage image, FileStream file, IncrementalHash hash, Func<long, CancellationToken, Task<HttpResponseMessage>> open, CancellationToken cancel)
    {
        using var answer = await open(file.Length, cancel);
        if (!answer.IsSuccessStatusCode)
            throw new ImageException("image-unavailable", $"Image {image.Id} could not be fetched: the server answered {(int)answer.StatusCode}.");
        if (file.Length > 0 && answer.StatusCode != HttpStatusCode.PartialContent)
        {
            // The server sent it from the start; so does the file begin.
            _ = hash.GetHashAndReset();
            file.SetLength(0);
        }
        await using var content = await answer.Content.ReadAsStreamAsync(cancel);
        var buffer = new byte[BufferSize];
        int read;
        while ((read = await content.ReadAsync(buffer, cancel)) > 0)
        {
            if (file.Length + read > image.SizeBytes) throw new ImageException("image-corrupt", $"Image {image.Id} is longer than recorded.");
            hash.AppendData(buffer.AsSpan(0, read));
            await file.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
        if (file.Length < image.SizeBytes) throw new ImageException("image-unavailable", $"Image {image.Id} arrived only in part; the rest is fetched next time.");
    }

    /// <summary>A qcow2 that names other files would have the host open them for the guest: refused, whatever the server thought of it.</summary>
    private static void Check(FileStream file, DesiredImage image)
    {
        if (image.Format == "qcow2" && Qcow2Header.Read(file) is not { Backing: null, HasDataFile: false })
            throw new ImageException("image-refused", $"Image {image.Id} is no self-contained qcow2 file.");
    }

    /// <summary>What is there, whole or in part, by its SHA-256.</summary>
    public IReadOnlyList<ObservedImage> List() => !Directory.Exists(paths.Images) ? [] :
        [.. new DirectoryInfo(paths.Images).EnumerateFiles().Where(file => DigestOf(file).Length == 64)
            .GroupBy(DigestOf).Select(same => same.OrderBy(file => file.Extension == PartSuffix).First()).Select(file => new ObservedImage(DigestOf(file), SizeOf(file), file.Extension != PartSuffix))
            .Where(image => image.Bytes >= 0).OrderBy(image => image.Sha256, StringComparer.Ordinal)];

    private static string DigestOf(FileInfo file) => file.Name.Split('.')[0];

    /// <summary>-1 of a file that has gone since it was listed.</summary>
    private static long SizeOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return -1;
        }
    }

    /// <summary>
    /// Removes images nobody uses, the longest unused first, until those left beside the used ones fit into <paramref name="most"/> bytes. When an image was last
    /// used is noted here as its file's time of change: times of access are kept by few file systems, and its bytes never change.
    /// </summary>
    public void Trim(IReadOnlySet<string> used, long most, DateTimeOffset now)
    {
        if (!Directory.Exists(paths.Images)) return;
        var files = new DirectoryInfo(paths.Images).EnumerateFiles().ToLookup(file => used.Contains(DigestOf(file)));
        foreach (var file in files[true]) file.LastWriteTimeUtc = now.UtcDateTime;
        long kept = 0;
        foreach (var file in files[false].OrderByDescending(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal))
        {
            kept += file.Length;
            if (kept > most) file.Delete();
        }
    }

    private static string Digest(string sha256) =>
        sha256.Length == 64 && sha256.All(char.IsAsciiHexDigitLower) ? sha256 : throw new ImageException("image-refused", "The image has no valid SHA-256.");

    private static string Format(string format) =>
        format is ImageFormats.Qcow2 or ImageFormats.Raw or ImageFormats.Iso ? format : throw new ImageException("image-refused", $"Images of format '{format}' cannot be run on this host.");
}
