using System.Security.Cryptography;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Images;

/// <summary>Bytes received: their number and SHA-256.</summary>
public sealed record Received(long Bytes, string Sha256);

/// <summary>
/// Image bytes on disk, one file per image. A file under its final name is whole and checked; what comes in is written beside it and renamed at the end. What
/// came of an image is kept when its sender breaks off, so that the rest can follow: only bytes that were flushed count.
/// </summary>
public sealed class ImageFiles
{
    private readonly ServerOptions _options;

    public ImageFiles(ServerOptions options)
    {
        _options = options;
        Directory.CreateDirectory(_options.ImageDirectory);
    }

    private const int BufferBytes = 128 * 1024;

    public string PathOf(string imageId) => Path.Combine(_options.ImageDirectory, Path.GetFileName(imageId));

    public string PartOf(string imageId, string holder) => $"{PathOf(imageId)}.{Path.GetFileName(holder)}.part";

    private string IdleOf(string imageId) => PartOf(imageId, "idle");

    /// <summary>Gives a writer what is kept of an image; how many bytes of it count. What was left by a writer that may live still is copied: its own file it may write to as it likes.</summary>
    public async Task<long> AdoptAsync(string imageId, string holder, long flushed, CancellationToken cancel)
    {
        var (part, idle) = (PartOf(imageId, holder), IdleOf(imageId));
        if (flushed > 0 && File.Exists(idle)) File.Move(idle, part);
        else if (flushed > 0 && Directory.GetFiles(_options.ImageDirectory, Path.GetFileName(imageId) + ".*.part").MaxBy(left => new FileInfo(left).Length) is { } left)
        {
            // Its writer may have it open.
            await using var from = new FileStream(left, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await using var to = Open(part, FileMode.Create);
            await from.CopyToAsync(to, cancel);
            to.Flush(flushToDisk: true);
        }
        foreach (var other in Directory.GetFiles(_options.ImageDirectory, Path.GetFileName(imageId) + ".*.part").Where(other => other != part)) File.Delete(other);
        return File.Exists(part) ? Math.Min(flushed, new FileInfo(part).Length) : 0;
    }

    /// <summary>Leaves what came for whoever goes on: nobody writes to it any more.</summary>
    public void Leave(string imageId, string holder)
    {
        if (File.Exists(PartOf(imageId, holder))) File.Move(PartOf(imageId, holder), IdleOf(imageId), overwrite: true);
    }

    /// <summary>Images of which something has been kept since before a time.</summary>
    public IEnumerable<string> Abandoned(DateTime before) =>
        Directory.GetFiles(_options.ImageDirectory, "*.idle.part").Where(path => File.GetLastWriteTimeUtc(path) < before).Select(path => Path.GetFileName(path).Split('.')[0]);

    /// <summary>Writes a stream behind the bytes that are kept; how many there are then. Refuses more than the largest image. <paramref name="flushed"/> is told now and then how many are on the disk.</summary>
    public async Task<Result<long>> ReceiveAsync(string part, long offset, Stream from, TimeSpan often, TimeProvider clock, Func<long, Task> flushed, CancellationToken cancel)
    {
        await using var file = Open(part, FileMode.OpenOrCreate);
        file.SetLength(offset);
        file.Seek(offset, SeekOrigin.Begin);
        var buffer = new byte[BufferBytes];
        var (total, told) = (offset, (long?)null);
        try
        {
            for (int read; (read = await from.ReadAsync(buffer, cancel)) > 0;)
            {
                if (total + read > _options.ImageBytesMax) return new Failure("image-bytes", 413, _options.ImageBytesMax);
                await file.WriteAsync(buffer.AsMemory(0, read), cancel);
                total += read;
                if (told is { } last && clock.GetElapsedTime(last) < often) continue;
                told = clock.GetTimestamp();
                file.Flush(flushToDisk: true);
                await flushed(total);
            }
        }
        finally
        {
            file.Flush(flushToDisk: true);
        }
        return total;
    }

    /// <summary>SHA-256 of what is on the disk: what was sent is checked as it will be read.</summary>
    public static async Task<string> HashAsync(string path, CancellationToken cancel)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancel));
    }

    private static FileStream Open(string path, FileMode mode) => new(path, new FileStreamOptions
    {
        Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.Asynchronous,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
    });

    public void Keep(string part, string imageId) => File.Move(part, PathOf(imageId), overwrite: true);

    public void Delete(string imageId)
    {
        File.Delete(PathOf(imageId));
        DeleteParts(imageId);
    }

    public void DeleteParts(string imageId)
    {
        foreach (var part in Directory.GetFiles(_options.ImageDirectory, Path.GetFileName(imageId) + ".*.part")) File.Delete(part);
    }

    /// <summary>Ids of the images that have any file here.</summary>
    public IEnumerable<string> Present() =>
        Directory.GetFiles(_options.ImageDirectory).Select(path => Path.GetFileName(path).Split('.')[0]).Distinct();
}
