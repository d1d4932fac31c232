namespace Kumoi.Agent.Instances.Qemu;

/// <summary>The machine that a guest sees: what starts it, and which devices it is given.</summary>
/// <param name="Emulated">Disk and cards are such that systems without drivers for virtio know them.</param>
/// <param name="Firmware">UEFI; null: BIOS.</param>
/// <param name="Cd">What is in the CD drive from the start; null: nothing.</param>
public sealed record QemuMachine(bool Emulated, QemuFirmware? Firmware, (string ImageId, string File)? Cd)
{
    public static QemuMachine Usual { get; } = new(false, null, null);
}

/// <summary>A UEFI firmware as one guest uses it.</summary>
/// <param name="Code">The program, the same for all guests of the host.</param>
/// <param name="Variables">What this guest's firmware remembers.</param>
public sealed record QemuFirmware(string Code, string Variables);

/// <summary>Arguments that depend on the machine that a guest sees. Pure.</summary>
internal static class MachineParts
{
    /// <summary>Card drivers: one for guests with virtio, one for those without.</summary>
    public static IReadOnlyList<string> CardDrivers { get; } = [QemuCards.Driver, EmulatedCard];

    private const string EmulatedCard = "e1000e";

    public static string CardDriver(bool emulated) => emulated ? EmulatedCard : QemuCards.Driver;

    public static IEnumerable<string> Machine(QemuFirmware? firmware) => firmware is null ? ["-machine", "q35"] :
    [
        "-blockdev", $"driver=file,node-name=firmware-file,filename={QemuCommand.Escape(firmware.Code)},read-only=on",
        "-blockdev", "driver=raw,node-name=firmware,file=firmware-file,read-only=on",
        "-blockdev", $"driver=file,node-name=variables-file,filename={QemuCommand.Escape(firmware.Variables)}",
        "-blockdev", "driver=raw,node-name=variables,file=variables-file",
        "-machine", "q35,pflash0=firmware,pflash1=variables",
    ];

    /// <summary>What a card is told beside its place and address. An emulated one cannot tell the guest its longest packet: DHCP does.</summary>
    public static string CardTraits(CardIntent card) => card.Emulated ? "" : FormattableString.Invariant($",host_mtu={card.Mtu}");
}
