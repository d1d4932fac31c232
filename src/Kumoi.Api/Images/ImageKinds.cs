namespace Kumoi.Api;

/// <summary>Forms of an image's bytes.</summary>
public static class ImageFormats
{
    /// <summary>A disk, as QEMU keeps it.</summary>
    public const string Qcow2 = "qcow2";

    /// <summary>A disk, sector by sector.</summary>
    public const string Raw = "raw";

    /// <summary>A CD (ISO 9660): an instance launched from it has an empty disk, and the CD in its drive.</summary>
    public const string Iso = "iso";
}

/// <summary>What starts a guest.</summary>
public static class ImageFirmware
{
    public const string Bios = "bios", Uefi = "uefi";
}

/// <summary>What a guest sees of its disk and its network cards.</summary>
public static class ImageDevices
{
    /// <summary>Virtual devices (virtio), the quickest; the guest needs drivers for them.</summary>
    public const string Virtio = "virtio";

    /// <summary>A SATA disk and Intel's 82574L (e1000e) as network cards, which systems without drivers for virtio know.</summary>
    public const string Emulated = "emulated";
}

/// <summary>Processors that an image is for.</summary>
public static class ImageArchitectures
{
    /// <summary>What the hosts are.</summary>
    public const string X64 = "x86_64";
}
