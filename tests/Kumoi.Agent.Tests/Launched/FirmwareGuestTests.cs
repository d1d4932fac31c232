using System.Buffers.Binary;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>Goal: a system that was not made for virtio, and is started by UEFI, runs. Method: the tiny guest with a kernel for all hardware, by its serial line.</summary>
public sealed class FirmwareGuestTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Boot = TimeSpan.FromSeconds(180), Soon = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_guest_starts_by_uefi_from_an_emulated_disk_and_has_its_cd_and_card()
    {
        await using var stand = new CdStand();
        stand.Record = stand.Record with { MemoryMib = 384, Machine = new DesiredMachine(ImageFirmware.Uefi, ImageDevices.Emulated), Interfaces = Samples.Instance(24, "running").Interfaces };
        var card = new CardIntent(stand.Record.Interfaces[0], 1400) { Emulated = true };
        var space = ObjectNames.Namespace(stand.Machine.Tag, Samples.Network);
        Assert.Equal(0, (await Machine.RunAsync("ip", "netns", "add", space)).Code);
        Assert.Equal(0, (await Machine.RunAsync("ip", "-n", space, "tuntap", "add", "dev", ObjectNames.Tap(card.Interface.Id), "mode", "tap")).Code);
        var bytes = await File.ReadAllBytesAsync(await TinyImage.FindGenericAsync());
        var image = await stand.KeepAsync(Samples.Image, ImageFormats.Qcow2, bytes, BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(24)));
        var cd = await stand.CdAsync(1, "never started from\n");
        await stand.StartAsync(image, null, card);
        var variables = Path.Combine(stand.Paths.DiskDirectory(stand.Record.Id), "uefi-vars.fd");
        await using (var guest = await SerialShell.OpenAsync(stand.Machine, stand.Record.Id, Boot))
        {
            Assert.Equal("/sys/firmware/efi", await guest.RunAsync("ls -d /sys/firmware/efi"));
            Assert.Contains("sda", await guest.RunAsync("ls /sys/block"), StringComparison.Ordinal);
            Assert.DoesNotContain("vda", await guest.RunAsync("ls /sys/block"), StringComparison.Ordinal);
            await Wait.ForAsync("the card in the guest", async () => (await guest.RunAsync("readlink /sys/class/net/*/device/driver")).EndsWith("/e1000e", StringComparison.Ordinal), Soon);
            Assert.Equal(new GuestCard(card.Interface.Id, true, true), Assert.Single((await ProcessAsync(stand)).Cards!));

            // A CD is put in and read.
            await stand.ChangeAsync(cd, force: false);
            await Wait.ForAsync("the CD in the guest", async () => await guest.RunAsync("dd if=/dev/sr0 bs=1 skip=32769 count=5 2>/dev/null") == "CD001", Soon);
            // While a program has it open, the guest keeps the tray closed; it is opened by force in the end.
            await guest.RunAsync("sleep 1000 </dev/sr0 & sleep 1");
            await Wait.ForAsync("the lock", async () => (await stand.CdOfAsync())!.Locked, Soon);
            await stand.ChangeAsync(null, force: false);
            Assert.Equal(new GuestCd(cd.Id, false, true), await stand.CdOfAsync());
            await stand.ChangeAsync(null, force: true);
            Assert.Null((await stand.CdOfAsync())!.ImageId);

            // What the firmware remembers is this guest's own, and still there at its next start.
            await guest.RunAsync("modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars");
            await guest.RunAsync("printf '\\007\\000\\000\\000mine' >/sys/firmware/efi/efivars/Kumoi-12345678-1234-1234-1234-123456789abc");
            Assert.Equal("mine", await guest.RunAsync("tail -c 4 /sys/firmware/efi/efivars/Kumoi-12345678-1234-1234-1234-123456789abc"));
        }
        await stand.OnceAsync(hypervisor => hypervisor.KillAsync(stand.Record.Id, default));
        output.WriteLine($"the variables have {new FileInfo(variables).Length} bytes");
        await stand.StartAsync(image, null, card);
        await using (var guest = await SerialShell.OpenAsync(stand.Machine, stand.Record.Id, Boot))
        {
            await guest.RunAsync("modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars");
            Assert.Equal("mine", await guest.RunAsync("tail -c 4 /sys/firmware/efi/efivars/Kumoi-12345678-1234-1234-1234-123456789abc"));
        }
        await stand.OnceAsync(hypervisor => hypervisor.KillAsync(stand.Record.Id, default));
        await stand.OnceAsync(hypervisor => hypervisor.RemoveAsync(stand.Record, default));
        Assert.False(File.Exists(variables));
    }

    [Fact]
    public void A_host_without_uefi_names_the_package()
    {
        Assert.Null(FirmwareFiles.Find([new FirmwareFiles("/nonexistent/CODE.fd", "/nonexistent/VARS.fd")]));
        Assert.Equal("/usr/share/OVMF/OVMF_CODE_4M.fd", FirmwareFiles.Need().Code);
    }

    private static async Task<GuestProcess> ProcessAsync(CdStand stand)
    {
        GuestProcess? process = null;
        await stand.OnceAsync(async hypervisor => process = (await hypervisor.ObserveAsync(stand.Record.Id, default)).Process);
        return process!;
    }
}
