using System.Globalization;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;

namespace Kumoi.Benchmarks.Storage;

/// <summary>What an incremental backup moves for what a running guest has changed, in clusters of 64 KiB all over the volume.</summary>
public static class Increments
{
    private const int Cluster = 65536, Changed = 256, Apart = 37;
    private const double Limit = 1.1;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(StorageCloud cloud, StorageSizes sizes)
    {
        await cloud.KumoiAsync("volume", "create", "saved", "--size", "1GiB");
        await cloud.KumoiAsync("volume", "attach", "saved", StorageCloud.Here, "--wait");
        var device = await cloud.DeviceAsync(StorageCloud.Here, "saved");
        await cloud.InGuestAsync(StorageCloud.Here, $"dd if=/dev/urandom of={device} bs=64k count=4096 conv=fsync 2>/dev/null");
        await cloud.KumoiAsync("backup", "create", "saved", "--name", "full", "--wait");
        var (moved, times) = (new List<double>(), new List<double>());
        var names = new List<string> { "full" };
        for (var run = 0; run < sizes.Increments; run++)
        {
            await cloud.InGuestAsync(StorageCloud.Here, string.Create(CultureInfo.InvariantCulture,
                $"i=0; while [ $i -lt {Changed} ]; do dd if=/dev/urandom of={device} bs=64k count=1 seek=$((i*{Apart}+{run})) conv=notrunc 2>/dev/null; i=$((i+1)); done; sync"));
            names.Add(string.Create(CultureInfo.InvariantCulture, $"part-{run}"));
            times.Add(await Clock.MillisecondsAsync(() => cloud.KumoiAsync("backup", "create", "saved", "--incremental", "--name", names[^1], "--wait")) / 1000);
            moved.Add((await cloud.JsonAsync("backup", "show", names[^1])).GetProperty("movedBytes").GetInt64() / (double)(Changed * Cluster));
        }
        foreach (var name in Enumerable.Reverse(names)) await cloud.KumoiAsync("backup", "delete", name, "--wait");
        await cloud.DetachAsync("saved");
        await cloud.KumoiAsync("volume", "delete", "saved");
        return
        [
            new Figure("bytes moved for each byte of a changed cluster (16 MiB in 256 places)", new Sample(moved), "", 3, new Goal(Limit)),
            new Figure("an increment of 16 MiB, as the command line tells", new Sample(times), "s", 2, null),
        ];
    }
}
