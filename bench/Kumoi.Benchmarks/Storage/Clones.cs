using System.Globalization;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;

namespace Kumoi.Benchmarks.Storage;

/// <summary>What it takes to begin a volume as an image, of any size, and what guests of one image take on disk.</summary>
public static class Clones
{
    private const string Big = "big";
    private const double Mega = 1_000_000, CloneLimitMs = 50;

    /// <summary>A volume is made when it is attached to its first guest, so attaching an empty one in the same run is what the clone is compared with.</summary>
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(StorageCloud cloud, string image, StorageSizes sizes)
    {
        var file = Path.Combine(cloud.State, "../big.qcow2");
        await Programs.SayAsync("qemu-img", "convert", "-O", "qcow2", image, file);
        await Programs.SayAsync("qemu-img", "resize", "-q", file, "3G");
        await Programs.SayAsync("qemu-io", "-c", "write -q -P 0x5a 512M 1G", "-c", "write -q -P 0xa5 1536M 1G", file);
        await cloud.KumoiAsync("image", "import", Big, "--file", file);
        // The image comes to the host once.
        await RunAsync(cloud, "warm", ["--image", Big]);
        var (empty, cloned) = (new List<double>(), new List<double>());
        for (var run = 0; run < sizes.Clones; run++)
        {
            empty.Add(await RunAsync(cloud, Named("empty", run), ["--size", "3GiB"]));
            cloned.Add(await RunAsync(cloud, Named("clone", run), ["--image", Big]));
        }
        await cloud.KumoiAsync("image", "delete", Big);
        return
        [
            new Figure("attach an empty volume, made on the way, as the command line tells", new Sample(empty), "ms", 0, null),
            new Figure("the same of one that begins as an image of 2 GiB", new Sample(cloned), "ms", 0, null),
            new Figure("the one less the other, pair by pair: the clone", new Sample(cloned.Zip(empty, (one, other) => one - other)), "ms", 0, new Goal(CloneLimitMs, OfMedian: true)),
        ];
    }

    private static async Task<double> RunAsync(StorageCloud cloud, string name, string[] options)
    {
        await cloud.KumoiAsync(["volume", "create", name, .. options]);
        var taken = await Clock.MillisecondsAsync(() => cloud.KumoiAsync("volume", "attach", name, StorageCloud.Here, "--wait"));
        await cloud.DetachAsync(name);
        await cloud.KumoiAsync("volume", "delete", name);
        return taken;
    }

    public static async Task<IReadOnlyList<Figure>> OnDiskAsync(StorageCloud cloud, StorageSizes sizes)
    {
        await cloud.KumoiAsync("instance", "create", "many", "--image", "tiny", "--flavor", "tiny", "--key", "demo", "--count", sizes.Guests.ToString(CultureInfo.InvariantCulture), "--wait", "--timeout", "1800");
        var names = Enumerable.Range(1, sizes.Guests).Select(number => Named("many", number)).ToList();
        // Each has started its services, and has written what it writes then.
        foreach (var name in names) await cloud.InGuestAsync(name, "sync");
        var taken = new List<double>();
        foreach (var name in names)
        {
            var id = (await cloud.JsonAsync("volume", "show", name + "-root")).GetProperty("id").GetString()!;
            taken.Add(double.Parse((await Programs.SayAsync("du", "-s", "--block-size=1", Path.GetDirectoryName(cloud.FileOf(id))!)).Split('\t')[0], CultureInfo.InvariantCulture) / Mega);
        }
        foreach (var name in names) await cloud.KumoiAsync("instance", "delete", name);
        return [new Figure("bytes on disk of a guest that has started", new Sample(taken), "MB", 1, null)];
    }

    private static string Named(string name, int number) => string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");
}
