using System.Buffers.Binary;

namespace Kumoi.Server.Images;

/// <summary>
/// The volume descriptors of a CD (ECMA-119, which is ISO 9660): from sector 16 on, each with the word CD001, up to one that says that it is the last.
/// Only these are read: what is on the CD is its guests' business, and to QEMU it is a row of sectors.
/// </summary>
public static class IsoHeader
{
    public const int SectorBytes = 2048;

    private const int FirstSector = 16, DescriptorsMax = 64;
    private const byte Primary = 1, Last = 255;

    /// <summary>True if the bytes say that they are a CD. <paramref name="head"/> begins at the file's beginning.</summary>
    public static bool Looks(ReadOnlySpan<byte> head) => head.Length >= HeadBytes && IsNamed(head[(FirstSector * SectorBytes)..]);

    /// <summary>How many bytes <see cref="Looks"/> needs.</summary>
    public const int HeadBytes = FirstSector * SectorBytes + 6;

    /// <summary>What is wrong with it, in a word for the log of whoever made it; null if nothing is.</summary>
    public static async Task<string?> ProblemAsync(Stream file, CancellationToken cancel)
    {
        if (file.Length % SectorBytes != 0) return "length";
        var sector = new byte[SectorBytes];
        var hasPrimary = false;
        for (var number = FirstSector; number < FirstSector + DescriptorsMax; number++)
        {
            file.Seek((long)number * SectorBytes, SeekOrigin.Begin);
            if (await file.ReadAtLeastAsync(sector, SectorBytes, throwOnEndOfStream: false, cancel) < SectorBytes) return "descriptors";
            if (!IsNamed(sector)) return "descriptors";
            if (sector[0] == Last) return hasPrimary ? null : "primary descriptor";
            if (sector[0] != Primary) continue;
            if (ProblemOf(sector, file.Length) is { } problem) return problem;
            hasPrimary = true;
        }
        return "descriptors";
    }

    /// <summary>Numbers are there twice, the lower byte first and last (8.4.8, 8.4.12).</summary>
    private static string? ProblemOf(ReadOnlySpan<byte> primary, long length)
    {
        var (sectors, again) = (BinaryPrimitives.ReadUInt32LittleEndian(primary[80..]), BinaryPrimitives.ReadUInt32BigEndian(primary[84..]));
        var (block, blockAgain) = (BinaryPrimitives.ReadUInt16LittleEndian(primary[128..]), BinaryPrimitives.ReadUInt16BigEndian(primary[130..]));
        if (sectors != again || block != blockAgain || block != SectorBytes || sectors <= FirstSector) return "primary descriptor";
        return (long)sectors * SectorBytes > length ? "truncated" : null;
    }

    private static bool IsNamed(ReadOnlySpan<byte> descriptor) => descriptor.Slice(1, 5).SequenceEqual("CD001"u8);
}
