namespace Kumoi.Agent.Hosts;

/// <summary>
/// A 64 KiB firmware that measures an accelerator: from the reset vector into 64-bit mode, four million turns of a loop, then exit
/// status 67 through isa-debug-exit. The loop is the point: an accelerator that emulates instruction by instruction gets there in
/// minutes, a working one (and TCG) in a fraction of a second. Assembled by hand, since users' machines have no assembler.
/// </summary>
public static class ProbeRom
{
    /// <summary>What QEMU exits with when the guest writes 33 to the port: 2 · 33 + 1.</summary>
    public const int Answer = 67;

    private const int Size = 64 * 1024, ResetVector = 0xFFF0;

    private static ReadOnlySpan<byte> Code =>
    [
        // 0x00, 16 bits at F000:0000. Page tables at 0x1000: zero them, then PML4 → PDPT → one 2 MiB page that maps itself.
        0xFA,                                                   // cli
        0x66, 0x31, 0xC0,                                       // xor eax, eax
        0x8E, 0xD8, 0x8E, 0xC0,                                 // mov ds, ax; mov es, ax
        0xBF, 0x00, 0x10, 0xB9, 0x00, 0x0C,                     // mov di, 0x1000; mov cx, 0x0C00
        0xFC, 0x66, 0xF3, 0xAB,                                 // cld; rep stosd
        0x66, 0xC7, 0x06, 0x00, 0x10, 0x03, 0x20, 0x00, 0x00,   // mov dword [0x1000], 0x2003
        0x66, 0xC7, 0x06, 0x00, 0x20, 0x03, 0x30, 0x00, 0x00,   // mov dword [0x2000], 0x3003
        0x66, 0xC7, 0x06, 0x00, 0x30, 0x83, 0x00, 0x00, 0x00,   // mov dword [0x3000], 0x83
        0x2E, 0x66, 0x0F, 0x01, 0x16, 0x90, 0x00,               // lgdt [cs:0x90]
        0x66, 0xB8, 0x20, 0x00, 0x00, 0x00, 0x0F, 0x22, 0xE0,   // cr4 = PAE
        0x66, 0xB8, 0x00, 0x10, 0x00, 0x00, 0x0F, 0x22, 0xD8,   // cr3 = 0x1000
        0x66, 0xB9, 0x80, 0x00, 0x00, 0xC0,                     // EFER |= LME
        0x0F, 0x32, 0x66, 0x0D, 0x00, 0x01, 0x00, 0x00, 0x0F, 0x30,
        0x0F, 0x20, 0xC0, 0x66, 0x0D, 0x01, 0x00, 0x00, 0x80, 0x0F, 0x22, 0xC0, // cr0 |= PG | PE
        0x66, 0xEA, 0x6A, 0x00, 0x0F, 0x00, 0x08, 0x00,         // jmp far 8:0xF006A
        // 0x6A, 64 bits.
        0xB9, 0x00, 0x09, 0x3D, 0x00,                           // mov ecx, 4 000 000
        0xFF, 0xC9, 0x75, 0xFC,                                 // dec ecx; jnz -2
        0xB0, 0x21, 0xE6, 0xF4,                                 // mov al, 33; out 0xF4, al
        0xF4, 0xEB, 0xFD,                                       // hlt; jmp hlt
        0, 0, 0, 0, 0, 0,                                       // alignment to 0x80
        0, 0, 0, 0, 0, 0, 0, 0,                                 // GDT: null,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x9A, 0x20, 0x00,         // 64-bit code
        0x0F, 0x00, 0x80, 0x00, 0x0F, 0x00,                     // 0x90: its limit, and its address 0xF0080
    ];

    /// <summary>The whole image.</summary>
    public static byte[] Build()
    {
        var rom = new byte[Size];
        Code.CopyTo(rom);
        // The reset vector jumps far, to F000:0000: only a loaded segment register makes the code's addresses those of low memory.
        ReadOnlySpan<byte> reset = [0xEA, 0x00, 0x00, 0x00, 0xF0];
        reset.CopyTo(rom.AsSpan(ResetVector));
        return rom;
    }
}
