using System.Buffers.Binary;
using System.Collections.ObjectModel;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Images;

/// <summary>What checking found: a good image's format and size, or the rule it breaks.</summary>
public sealed record Inspection(string Format, long VirtualSizeBytes, Violation? Refused)
{
    public static Inspection Refuse(string rule, params object[] arguments) => new("", 0, new Violation("content", rule, arguments));
}

/// <summary>
/// Checks image bytes before anything trusts them. The header is read here first, so that what makes qemu open other files (backing
/// file, external data file) is refused before qemu-img sees it; then qemu-img checks the rest, with limits on memory, time and writes.
/// </summary>
public sealed class ImageInspector(ServerOptions options, TimeProvider clock)
{
    private static readonly TimeSpan CheckLimit = TimeSpan.FromMinutes(5);

    // qcow2 header, docs/interop/qcow2.txt of QEMU: version 2 has 72 bytes, version 3 at least 104.
    private const int HeaderBytes = 104;
    private const ulong ExternalDataFile = 1 << 2, Dirty = 1 << 0, Corrupt = 1 << 1, KnownIncompatible = 0x1F;

    public async Task<Inspection> InspectAsync(string path, string? expectedFormat, CancellationToken cancel)
    {
        var header = new byte[IsoHeader.HeadBytes];
        long length;
        await using (var file = File.OpenRead(path))
        {
            length = file.Length;
            await file.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, cancel);
        }
        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        var format = magic == 0x514649FB ? ImageFormats.Qcow2 : IsoHeader.Looks(header) && expectedFormat != ImageFormats.Raw ? ImageFormats.Iso : ImageFormats.Raw;
        if (expectedFormat is not null && expectedFormat != format) return Inspection.Refuse("image-format", expectedFormat, format);
        return format switch
        {
            ImageFormats.Qcow2 => await InspectQcow2Async(path, header[..HeaderBytes], cancel),
            ImageFormats.Iso => await InspectIsoAsync(path, length, cancel),
            _ => await InspectRawAsync(path, length, cancel),
        };
    }

    private async Task<Inspection> InspectIsoAsync(string path, long length, CancellationToken cancel)
    {
        if (length > options.ImageBytesMax) return Inspection.Refuse("image-too-large", length, options.ImageBytesMax);
        await using var file = File.OpenRead(path);
        return await IsoHeader.ProblemAsync(file, cancel) is { } problem ? Inspection.Refuse("iso-damaged", problem) : new Inspection(ImageFormats.Iso, length, null);
    }

    private async Task<Inspection> InspectRawAsync(string path, long length, CancellationToken cancel)
    {
        if (length > options.ImageBytesMax) return Inspection.Refuse("image-too-large", length, options.ImageBytesMax);
        if (length < 1024 || length % 512 != 0) return Inspection.Refuse("not-an-image");
        // A disk that boots has a boot sector (or a protective one, for GPT). Other containers would be handed to guests as garbage.
        var sector = new byte[512];
        await using var file = File.OpenRead(path);
        await file.ReadExactlyAsync(sector, cancel);
        return sector[510] == 0x55 && sector[511] == 0xAA ? new Inspection("raw", length, null) : Inspection.Refuse("not-an-image");
    }

    private async Task<Inspection> InspectQcow2Async(string path, byte[] header, CancellationToken cancel)
    {
        var version = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        var virtualSize = BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(24));
        var incompatible = version >= 3 ? BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(72)) : 0;
        if (version is not (2 or 3)) return Inspection.Refuse("qcow2-version", version);
        if (BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(8)) != 0) return Inspection.Refuse("qcow2-backing-file");
        if ((incompatible & ExternalDataFile) != 0) return Inspection.Refuse("qcow2-data-file");
        if (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(32)) != 0) return Inspection.Refuse("qcow2-encrypted");
        if ((incompatible & (Dirty | Corrupt)) != 0 || (incompatible & ~KnownIncompatible) != 0) return Inspection.Refuse("qcow2-damaged", "header");
        if (virtualSize == 0 || virtualSize > (ulong)options.ImageBytesMax) return Inspection.Refuse("image-too-large", virtualSize, options.ImageBytesMax);
        if (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(60)) != 0) return Inspection.Refuse("qcow2-snapshots");

        var info = await QemuImgAsync(path, ["info", "--output=json"], cancel);
        if (info.ExitCode != 0 || !SaysSame(info.Output, virtualSize)) return Inspection.Refuse("qcow2-damaged", LastLine(info.Error, path));
        var check = await QemuImgAsync(path, ["check", "--output=json"], cancel);
        return check.ExitCode == 0 ? new Inspection("qcow2", (long)virtualSize, null) : Inspection.Refuse("qcow2-damaged", LastLine(check.Error, path));
    }

    private Task<CommandOutcome> QemuImgAsync(string path, string[] command, CancellationToken cancel)
    {
        // The file is named as a block device of a fixed driver: no probing, and no name that qemu-img would read as a protocol.
        string[] file = ["--image-opts", $"driver=qcow2,file.driver=file,file.filename={path.Replace(",", ",,", StringComparison.Ordinal)}"];
        string[] limits = ["--as=2147483648", "--cpu=240", "--fsize=0", "--nofile=64", "--core=0"];
        // As root there would be no limit to what a flaw in qemu-img could do; as the server's own user there is nothing to give up.
        string[] user = Environment.IsPrivilegedProcess
            ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
            : ["setpriv", "--no-new-privs"];
        return Commands.RunAsync("prlimit", [.. limits, .. user, "qemu-img", .. command, .. file], ReadOnlyDictionary<string, string?>.Empty, CheckLimit, clock, cancel);
    }

    private static bool SaysSame(string output, ulong virtualSize)
    {
        try
        {
            using var document = JsonDocument.Parse(output);
            var root = document.RootElement;
            return root.GetProperty("virtual-size").GetUInt64() == virtualSize && !root.TryGetProperty("backing-filename", out _);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return false;
        }
    }

    // What qemu-img says, without the places of this server.
    private static string LastLine(string error, string path)
    {
        var line = error.Trim().Split('\n')[^1];
        var end = line.LastIndexOf(path + "': ", StringComparison.Ordinal);
        if (end >= 0) line = line[(end + path.Length + 3)..];
        line = line.Replace(path, "image", StringComparison.Ordinal);
        return line.Length is > 0 and <= 200 ? line : "qemu-img check";
    }
}
