using System.Globalization;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>What a guest's command line is made from, beside its record.</summary>
/// <param name="User">The numeric user and group the process runs as.</param>
/// <param name="Root">The cached image under a disk of the instance's own; null if it starts from a volume.</param>
/// <param name="Cards">In their order in the guest.</param>
/// <param name="Drives">Volumes, in their order in the guest.</param>
/// <param name="KvmGroup">Group that may open /dev/kvm; null if not needed.</param>
public sealed record QemuSetting(
    AgentPaths Paths, string Accelerator, uint User, uint? KvmGroup, QemuRoot? Root, IReadOnlyList<QemuCard> Cards, IReadOnlyList<QemuDrive> Drives)
{
    public QemuMachine Machine { get; init; } = QemuMachine.Usual;
}

public sealed record QemuRoot(string ImageFile, string ImageFormat);

/// <param name="Descriptor">The open tap of its interface.</param>
public sealed record QemuCard(CardIntent Intent, int Descriptor);

/// <summary>The command line of a guest: a pure function, kept by golden files.</summary>
public static class QemuCommand
{
    public const string Program = "setpriv", Emulator = "qemu-system-x86_64";

    /// <summary>Translated code kept by TCG, in MiB. The default of 1 GiB would weigh more than most guests.</summary>
    private const int TranslationCacheMib = 256;

    public static IReadOnlyList<string> Build(DesiredInstance instance, QemuSetting setting)
    {
        var paths = setting.Paths;
        string Socket(string name) => Escape(paths.Socket(instance.Id, name));
        string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
        var uuid = ObjectNames.MachineUuid(instance.Id);
        var arguments = new List<string>
        {
            "--reuid", Number(setting.User), "--regid", Number(setting.User),
        };
        arguments.AddRange(setting.KvmGroup is { } group ? ["--groups", Number(group)] : ["--clear-groups"]);
        arguments.AddRange(
        [
            "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--", Emulator,
            "-name", ObjectNames.Guest(instance.Id, instance.Incarnation, instance.BootEpoch),
            "-nodefaults", "-no-user-config", "-S",
            // Not -daemonize: it forks after the sandbox is up, which then forbids just that.
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            .. MachineParts.Machine(setting.Machine.Firmware),
            // Cards come and go by PCI Express' own hot-plugging. By ACPI a card that is asked back while the guest still starts is lost: the guest
            // misses it, and QEMU does not ask twice.
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
        ]);
        // Nehalem's instructions (x86-64-v2) are what current distributions ask for, and cost nothing under TCG.
        arguments.AddRange(setting.Accelerator == "kvm"
            ? ["-accel", "kvm", "-cpu", "host"]
            : ["-accel", $"tcg,thread=multi,tb-size={TranslationCacheMib}", "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt"]);
        arguments.AddRange(
        [
            "-smp", Number(instance.Vcpus), "-m", Number(instance.MemoryMib), "-uuid", uuid,
            // cloud-init takes a machine for EC2 if UUID and serial number are equal and begin with "ec2".
            "-smbios", $"type=1,manufacturer=Kumoi,product=Kumoi Instance,serial={uuid},uuid={uuid},sku={instance.Id}",
            // A guest that switches itself off stays as a held process, to be told from one that was lost.
            "-action", "shutdown=pause",
            "-rtc", "base=utc",
        ]);
        // Before all others: guests name disks by their place.
        if (setting.Root is { } root) arguments.AddRange([.. RootNodes(root, paths.Disk(instance.Id)), "-device", DriveParts.Argument(DriveParts.StartDevice("disk0", "root", setting.Machine.Emulated))]);
        arguments.AddRange(setting.Drives.Where(drive => drive.Volume.Slot == 0).SelectMany(drive => DriveParts.Arguments(drive, setting.Machine.Emulated)));
        arguments.AddRange(CdParts.Arguments(setting.Machine.Cd));
        for (var slot = 1; slot <= CardPorts.Count + DrivePorts.Count; slot++)
        {
            var port = slot <= CardPorts.Count ? CardPorts.Name(slot) : CardPorts.SparePrefix + Number(slot - CardPorts.Count);
            arguments.AddRange(["-device", $"pcie-root-port,id={port},chassis={Number(slot)},slot={Number(slot)}"]);
        }
        foreach (var drive in setting.Drives.Where(drive => drive.Volume.Slot != 0))
        {
            if (drive.Volume.Slot is not (>= 1 and <= DrivePorts.Count)) throw new HypervisorException("no-free-slot", $"The volume {drive.Volume.Id} has a slot that a guest does not have.", null);
            arguments.AddRange(DriveParts.Arguments(drive, emulated: false));
        }
        foreach (var (card, port) in setting.Cards.Zip(CardPorts.Assign([.. setting.Cards.Select(card => card.Intent.Interface.Index)])))
        {
            var wanted = card.Intent.Interface;
            if (port is null) throw new HypervisorException("no-free-slot", $"The instance has more than {CardPorts.Count} network interfaces, which is more than a guest has slots for.", null);
            arguments.AddRange(
            [
                "-netdev", $"tap,id={QemuCards.BackendOf(wanted.Id)},fd={Number(card.Descriptor)},vhost=off",
                "-device", $"{MachineParts.CardDriver(card.Intent.Emulated)},netdev={QemuCards.BackendOf(wanted.Id)},id={wanted.Id},mac={wanted.MacAddress},bus={port},addr=0x0{MachineParts.CardTraits(card.Intent)},romfile=",
            ]);
        }
        arguments.AddRange(
        [
            "-device", "virtio-rng-pci", "-device", "virtio-balloon-pci,id=balloon0,deflate-on-oom=on", "-device", "virtio-serial-pci",
            "-chardev", $"socket,id=agent,path={Socket("agent")},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            "-chardev", $"socket,id=serial,path={Socket("serial")},server=on,wait=off,logfile={Escape(paths.ConsoleLog(instance.Id))},logappend=on",
            "-serial", "chardev:serial",
            "-chardev", $"socket,id=qmp,path={Socket("qmp")},server=on,wait=off", "-mon", "chardev=qmp,mode=control",
            "-display", "none", "-vga", "std", "-vnc", $"unix:{Socket("screen")},share=force-shared",
        ]);
        return arguments;
    }

    private static IEnumerable<string> RootNodes(QemuRoot root, string disk)
    {
        // An instance that was launched from a CD has a disk without anything below it; that is said, so that nothing is opened because the file names it.
        if (root.ImageFormat == ImageFormats.Iso)
            return ["-blockdev", $"driver=file,node-name=root-file,filename={Escape(disk)},discard=unmap", "-blockdev", """{"driver":"qcow2","node-name":"root","file":"root-file","backing":null,"discard":"unmap"}"""];
        return
        [
            "-blockdev", $"driver=file,node-name=base-file,filename={Escape(root.ImageFile)},read-only=on",
            "-blockdev", $"driver={root.ImageFormat},node-name=base,file=base-file,read-only=on",
            "-blockdev", $"driver=file,node-name=root-file,filename={Escape(disk)},discard=unmap",
            "-blockdev", "driver=qcow2,node-name=root,file=root-file,backing=base,discard=unmap",
        ];
    }

    /// <summary>QEMU's option lists end a value at a comma; a doubled one stands for itself.</summary>
    internal static string Escape(string text) => text.Replace(",", ",,", StringComparison.Ordinal);
}
