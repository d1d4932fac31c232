using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>UEFI for guests: OVMF, as distributions install it, and what each guest's firmware remembers, a file of its own.</summary>
/// <param name="Code">The firmware's program.</param>
/// <param name="Variables">What the variables of a new guest begin as.</param>
public sealed record FirmwareFiles(string Code, string Variables)
{
    /// <summary>Without Secure Boot, whose keys a guest's owner would have to bring. Each pair is of one size and build.</summary>
    private static readonly FirmwareFiles[] Known =
    [
        new("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        new("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
        new("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ];

    /// <summary>What the host has; the sentence of the exception names the package that it lacks.</summary>
    public static FirmwareFiles Need() => Find(Known) ?? throw new HypervisorException(
        "firmware-missing", "The instance is started by UEFI, and its host has no OVMF. Install it on the host (Debian and Ubuntu: apt install ovmf; Fedora: dnf install edk2-ovmf); the instance is started then.", null);

    public static FirmwareFiles? Find(IEnumerable<FirmwareFiles> places) => places.FirstOrDefault(place => File.Exists(place.Code) && File.Exists(place.Variables));

    /// <summary>Gives a guest its variables; those that it has stay.</summary>
    public void Keep(string path, uint user)
    {
        if (!File.Exists(path)) DurableFiles.Write(path, File.ReadAllBytes(Variables), AgentModes.PrivateFile);
        DurableFiles.Own(path, user);
    }
}
