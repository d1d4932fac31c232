using System.Security.Cryptography;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Images;

/// <summary>Bytes received: their number and SHA-256.</summary>
public sealed record Received(long Bytes, string Sha256);

/// <summary>
/// Image bytes on disk, one file per image. A file under its final name is whole and checked; what comes in is written beside it and
/// renamed at the end, so a crash leaves only <c>.part</c> files, which belong to nobody once their image's lease is over.
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

    /// <summary>Writes a stream, hashing as it goes; refuses more than the largest image. <paramref name="progress"/> is told now and then.</summary>
    public async Task<Result<Received>> ReceiveAsync(string part, Stream from, Func<long, Task> progress, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = new FileStream(part, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
        });
        var buffer = new byte[BufferBytes];
        var total = 0L;
        for (int read; (read = await from.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel)) > 0;)
        {
            total += read;
            if (total > _options.ImageBytesMax) return new Failure("image-bytes", 413, _options.ImageBytesMax);
            hash.AppendData(buffer, 0, read);
            await file.WriteAsync(buffer.AsMemory(0, read), cancel);
            await progress(total);
        }
        file.Flush(flushToDisk: true);
        return new Received(total, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

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
