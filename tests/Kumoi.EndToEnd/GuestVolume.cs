using System.Globalization;
using System.Text.Json;
using Kumoi.Testing;

namespace Kumoi.EndToEnd;

/// <summary>A volume as the command line and guests see it.</summary>
public sealed class GuestVolume
{
    private readonly QuickstartCloud _cloud;

    private GuestVolume(QuickstartCloud cloud, string name, string id, string serial) => (_cloud, Name, Id, Serial) = (cloud, name, id, serial);

    public string Name { get; }

    public string Id { get; }

    public string Serial { get; }

    public static async Task<GuestVolume> MakeAsync(QuickstartCloud cloud, string name, params string[] options)
    {
        var made = await cloud.JsonAsync(["volume", "create", name, .. options]);
        return new GuestVolume(cloud, name, made.GetProperty("id").GetString()!, made.GetProperty("serial").GetString()!);
    }

    /// <summary>One that is there.</summary>
    public static async Task<GuestVolume> OfAsync(QuickstartCloud cloud, string name)
    {
        var shown = await cloud.JsonAsync("volume", "show", name);
        return new GuestVolume(cloud, name, shown.GetProperty("id").GetString()!, shown.GetProperty("serial").GetString()!);
    }

    public Task<JsonElement> ShowAsync() => _cloud.JsonAsync("volume", "show", Name);

    public async Task<string> StateAsync() => (await ShowAsync()).GetProperty("state").GetString()!;

    public async Task AttachAsync(string instance, params string[] options) => (await _cloud.KumoiAsync(["volume", "attach", Name, instance, "--wait", .. options])).Ok.ToString();

    /// <summary>The guest's name of the disk with this serial number.</summary>
    public async Task<string> DeviceInAsync(string instance)
    {
        var device = "";
        await Wait.UntilAsync(async () => (device = (await _cloud.InGuestAsync(instance, "sh", "-c", $"grep -l {Serial} /sys/block/vd*/serial | cut -d/ -f4")).Output.Trim()).Length > 0, 60, $"{instance} has the disk {Serial}");
        return device;
    }

    public async Task<long> SizeInAsync(string instance) =>
        long.Parse((await _cloud.InGuestAsync(instance, "cat", $"/sys/block/{await DeviceInAsync(instance)}/size")).Ok.Trim(), CultureInfo.InvariantCulture) * 512;

    /// <summary>Puts a file system on it, and a file whose sum is told.</summary>
    public async Task<string> FillAsync(string instance)
    {
        var device = await DeviceInAsync(instance);
        return (await _cloud.InGuestAsync(instance, "sh", "-c", $"mke2fs /dev/{device} >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/{device} /mnt && dd if=/dev/urandom of=/mnt/file bs=1M count=16 2>/dev/null && sync && sha256sum </mnt/file")).Ok.Trim();
    }

    public async Task<string> SumAsync(string instance) => (await _cloud.InGuestAsync(instance, "sh", "-c", $"mkdir -p /mnt && mount -t ext4 /dev/{await DeviceInAsync(instance)} /mnt && sha256sum </mnt/file")).Ok.Trim();

    public async Task UnmountAsync(string instance) => (await _cloud.InGuestAsync(instance, "umount", "/mnt")).Ok.ToString();

    public Task UntilAsync(string state) => Wait.UntilAsync(async () => await StateAsync() == state, 60, $"{Name} is {state}");
}
