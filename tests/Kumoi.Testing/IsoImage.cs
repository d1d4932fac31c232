using System.Buffers.Binary;
using System.Text;

namespace Kumoi.Testing;

/// <summary>CDs for tests, sector by sector (ECMA-119; El Torito 1.0), and programs of a sector that a guest can start.</summary>
public static class IsoImage
{
    public const int Sector = 2048;

    /// <summary>The least CD that a PC starts from: it prints the words on the first serial line and halts.</summary>
    public static byte[] Bootable(string words)
    {
        var cd = new byte[32 * Sector];
        Primary(cd.AsSpan(16 * Sector, Sector), 32);
        var record = Descriptor(cd.AsSpan(17 * Sector, Sector), 0);
        "EL TORITO SPECIFICATION"u8.CopyTo(record[7..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record[0x47..], 19);
        Descriptor(cd.AsSpan(18 * Sector, Sector), 255);
        var catalogue = cd.AsSpan(19 * Sector, 64);
        // The validation entry, whose words add up to nothing, and the one to start: without emulation of a disk, four sectors of 512 bytes.
        (catalogue[0], catalogue[0x1E], catalogue[0x1F]) = (1, 0x55, 0xAA);
        BinaryPrimitives.WriteUInt16LittleEndian(catalogue[0x1C..], unchecked((ushort)(-1 - 0xAA55)));
        catalogue[0x20] = 0x88;
        BinaryPrimitives.WriteUInt16LittleEndian(catalogue[0x26..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(catalogue[0x28..], 20);
        Program(words).CopyTo(cd.AsSpan(20 * Sector));
        return cd;
    }

    /// <summary>The first sector of a disk that a PC starts from: it prints the words on the first serial line and halts.</summary>
    public static byte[] BootSector(string words)
    {
        var sector = new byte[512];
        Program(words).CopyTo(sector, 0);
        (sector[510], sector[511]) = (0x55, 0xAA);
        return sector;
    }

    /// <summary>8086 code for the address 0x7C00: each byte of the words to the port of COM1, then HLT for ever.</summary>
    private static byte[] Program(string words) =>
    [
        0xBA, 0xF8, 0x03, 0xBE, 0x17, 0x7C, 0x31, 0xC0, 0x8E, 0xD8, 0xFC, 0xAC, 0x84, 0xC0, 0x74, 0x03, 0xEE, 0xEB, 0xF8, 0xFA, 0xF4, 0xEB, 0xFC,
        .. Encoding.ASCII.GetBytes(words), 0,
    ];

    private static void Primary(Span<byte> sector, uint sectors)
    {
        Descriptor(sector, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[80..], sectors);
        BinaryPrimitives.WriteUInt32BigEndian(sector[84..], sectors);
        BinaryPrimitives.WriteUInt16LittleEndian(sector[128..], Sector);
        BinaryPrimitives.WriteUInt16BigEndian(sector[130..], Sector);
    }

    private static Span<byte> Descriptor(Span<byte> sector, byte type)
    {
        (sector[0], sector[6]) = (type, 1);
        "CD001"u8.CopyTo(sector[1..]);
        return sector;
    }
}
