using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Storage;

/// <summary>A guest's disk on its own host and over the network, and the same file of QEMU's format read and written by qemu-img in the same run.</summary>
public static partial class DiskTransfers
{
    private const double Mega = 1_000_000;

    private const long Mebi = 1024 * 1024;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(StorageCloud cloud, StorageSizes sizes)
    {
        var results = new Dictionary<(string Where, string What), List<double>>();
        await cloud.KumoiAsync("volume", "create", "disk", "--size", "1GiB");
        for (var round = 0; round < sizes.Rounds; round++)
        {
            // The volume stays where its first guest is.
            foreach (var (where, guest, protocol) in ((string, string, string)[])[("own host", StorageCloud.Here, "nbd"), ("other host, NBD over TLS", StorageCloud.There, "nbd"), ("other host, iSCSI", StorageCloud.There, "iscsi")])
            {
                await cloud.OperatorAsync("pool", "update", "local", "--protocol", protocol);
                await cloud.KumoiAsync("volume", "attach", "disk", guest, "--wait");
                var device = await cloud.DeviceAsync(guest, "disk");
                Add(where, "write", await GuestAsync(cloud, guest, $"dd if=/dev/zero of={device} bs=64k count={sizes.Mebibytes * 16} oflag=direct conv=fsync", sizes.Mebibytes * Mebi));
                Add(where, "read", await GuestAsync(cloud, guest, $"dd if={device} of=/dev/null bs=64k count={sizes.Mebibytes * 16} iflag=direct", sizes.Mebibytes * Mebi));
                Add(where, "small", await GuestAsync(cloud, guest, $"dd if=/dev/zero of={device} bs=4k count={sizes.Writes} oflag=direct", sizes.Writes * 4096L));
                await cloud.DetachAsync("disk");
            }
            var file = cloud.FileOf((await cloud.JsonAsync("volume", "show", "disk")).GetProperty("id").GetString()!);
            Add("bare file, qemu-img bench", "write", await BareAsync(file, "65536", sizes.Mebibytes * 16, true));
            Add("bare file, qemu-img bench", "read", await BareAsync(file, "65536", sizes.Mebibytes * 16, false));
            Add("bare file, qemu-img bench", "small", await BareAsync(file, "4096", sizes.Writes, true));
        }
        await cloud.KumoiAsync("volume", "delete", "disk");
        await cloud.OperatorAsync("pool", "update", "local", "--protocol", "nbd");
        return
        [
            .. Figures("write", "sequential writes of 64 KiB, one at a time", 1, "MB/s"), .. Figures("read", "sequential reads of 64 KiB, one at a time", 1, "MB/s"),
            .. Figures("small", "writes of 4 KiB, one at a time", 4096 / Mega, "/s"),
        ];

        void Add(string where, string what, double bytesPerSecond)
        {
            if (!results.TryGetValue((where, what), out var values)) results[(where, what)] = values = [];
            values.Add(bytesPerSecond);
        }

        IEnumerable<Figure> Figures(string what, string words, double per, string unit) =>
            results.Where(one => one.Key.What == what).Select(one => new Figure($"{words}: {one.Key.Where}", new Sample(one.Value.Select(value => value / Mega / per)), unit, 0, null));
    }

    /// <summary>Bytes in a second, by the guest's own clock, which tells hundredths: not every dd tells how long it took.</summary>
    private static async Task<double> GuestAsync(StorageCloud cloud, string guest, string command, long bytes)
    {
        var said = await cloud.InGuestAsync(guest, $"a=$(cut -d' ' -f1 /proc/uptime); {command} 2>/dev/null || exit; echo $a $(cut -d' ' -f1 /proc/uptime)");
        var times = said.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(time => double.Parse(time, CultureInfo.InvariantCulture)).ToArray();
        return bytes / (times[1] - times[0]);
    }

    private static async Task<double> BareAsync(string file, string size, int count, bool write)
    {
        var said = await Programs.SayAsync("qemu-img", ["bench", "-f", "qcow2", "-t", "none", "-d", "1", "-s", size, "-c", count.ToString(CultureInfo.InvariantCulture), .. write ? ["-w"] : Array.Empty<string>(), file], new Dictionary<string, string>());
        return double.Parse(size, CultureInfo.InvariantCulture) * count / double.Parse(BenchForm().Match(said).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Run completed in ([0-9.]+) seconds")] private static partial Regex BenchForm();
}
