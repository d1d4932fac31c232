using System.Buffers.Binary;
using System.Text;

namespace Kumoi.Agent.Storage;

/// <summary>
/// The beginning of a qcow2 file, as <c>docs/interop/qcow2.txt</c> of QEMU lays it out. It is read before any other program is let near a file that
/// somebody else has written: one that names further files would have that program open them.
/// </summary>
/// <param name="Size">What a guest sees, in bytes.</param>
/// <param name="Backing">The file that it says it is a layer over; null for none.</param>
/// <param name="IsEncrypted">Its data is encrypted, by LUKS.</param>
/// <param name="HasDataFile">Its data is in another file.</param>
public sealed record Qcow2Header(long Size, string? Backing, bool IsEncrypted, bool HasDataFile)
{
    private const uint Magic = 0x514649FB;
    private const ulong ExternalDataFile = 1 << 2;
    private const uint Plain = 0, Luks = 2;
    private const int Least = 72, Read3 = 80, BackingMax = 1023;

    // Of QEMU's: 32 MiB of it.
    private const uint TableMax = 4 * 1024 * 1024;

    /// <summary>Null if the file is no qcow2 of version 2 or 3.</summary>
    public static Qcow2Header? Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        return Read(file);
    }

    /// <summary>The same of a file that is open; where it stands afterwards is not said.</summary>
    public static Qcow2Header? Read(Stream file)
    {
        Span<byte> header = stackalloc byte[Read3];
        header.Clear();
        file.Seek(0, SeekOrigin.Begin);
        var read = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (read < Least || BinaryPrimitives.ReadUInt32BigEndian(header) != Magic) return null;
        var version = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        if (version is not (2 or 3) || (version == 3 && read < Read3)) return null;
        var size = BinaryPrimitives.ReadInt64BigEndian(header[24..]);
        if (size < 0) return null;
        var (offset, length) = (BinaryPrimitives.ReadUInt64BigEndian(header[8..]), BinaryPrimitives.ReadUInt32BigEndian(header[16..]));
        string? backing = null;
        if (offset != 0)
        {
            if (offset > long.MaxValue || length is 0 or > BackingMax) return null;
            var name = new byte[length];
            file.Seek((long)offset, SeekOrigin.Begin);
            if (file.ReadAtLeast(name, name.Length, throwOnEndOfStream: false) < name.Length) return null;
            backing = Encoding.UTF8.GetString(name);
        }
        var method = BinaryPrimitives.ReadUInt32BigEndian(header[32..]);
        // The older method is no protection, and nothing of the agent's has ever made one.
        if (method is not (Plain or Luks)) return null;
        var hasDataFile = version == 3 && (BinaryPrimitives.ReadUInt64BigEndian(header[72..]) & ExternalDataFile) != 0;
        return new Qcow2Header(size, backing, method == Luks, hasDataFile);
    }

    /// <summary>Whether anything was ever written to a layer: any of its tables is there that the first one names.</summary>
    public static bool HasContent(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        if (Read(file) is null) return false;
        Span<byte> header = stackalloc byte[Least];
        file.Seek(0, SeekOrigin.Begin);
        file.ReadExactly(header);
        var (entries, at) = (BinaryPrimitives.ReadUInt32BigEndian(header[36..]), BinaryPrimitives.ReadInt64BigEndian(header[40..]));
        if (entries > TableMax || at < 0) return true;
        var table = new byte[entries * sizeof(ulong)];
        file.Seek(at, SeekOrigin.Begin);
        var read = file.ReadAtLeast(table, table.Length, throwOnEndOfStream: false);
        return table.AsSpan(0, read).ContainsAnyExcept((byte)0);
    }
}
