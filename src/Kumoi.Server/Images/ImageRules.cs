using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Images;

/// <summary>What is said of images.</summary>
public static class ImageRules
{
    private const int DescriptionMax = 1000, OsMax = 100, DiskMax = 65_536, MemoryMax = 16_777_216, UserMax = 32, AccountsMax = 1000;

    public static IEnumerable<Violation> Check(UpdateImage update) =>
    [
        .. update.Name is { } name && Names.Check("name", Names.Normal(name)) is { } violation ? (Violation[])[violation] : [],
        .. Check(update.DefaultUser, update.Description, update.Os, update.MinDiskGib, update.MinMemoryMib),
        .. update.Visibility is null or "private" or "public" ? (Violation[])[] : [new Violation("visibility", "one-of", "private, public")],
        .. CheckMachine(update.Architecture, update.Firmware, update.DeviceModel),
        .. update.Accounts is { Count: > AccountsMax } ? (Violation[])[new Violation("accounts", "at-most", AccountsMax)] : [],
    ];

    public static IEnumerable<Violation> CheckMachine(string? architecture, string? firmware, string? deviceModel)
    {
        if (architecture is not (null or ImageArchitectures.X64)) yield return new Violation("architecture", "architecture", ImageArchitectures.X64);
        if (firmware is not (null or ImageFirmware.Bios or ImageFirmware.Uefi)) yield return new Violation("firmware", "one-of", "bios, uefi");
        if (deviceModel is not (null or ImageDevices.Virtio or ImageDevices.Emulated)) yield return new Violation("deviceModel", "one-of", "virtio, emulated");
    }

    public static IEnumerable<Violation> Check(string? user, string? description, string? os, int? minDiskGib, int? minMemoryMib)
    {
        if (user is not null && !(user.Length is > 0 and <= UserMax && user.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))) yield return new Violation("defaultUser", "user-name");
        if (description?.Length > DescriptionMax) yield return new Violation("description", "too-long", DescriptionMax);
        if (os?.Length > OsMax || os?.Any(char.IsControl) == true) yield return new Violation("os", "too-long", OsMax);
        if (minDiskGib is < 0 or > DiskMax) yield return new Violation("minDiskGib", "between", 0, DiskMax);
        if (minMemoryMib is < 0 or > MemoryMax) yield return new Violation("minMemoryMib", "between", 0, MemoryMax);
    }
}
