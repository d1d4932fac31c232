using System.Globalization;
using System.Text.RegularExpressions;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Storage;

/// <summary>
/// How long a guest stands still for a snapshot of all that it has, seen from outside: it is pinged every two milliseconds while it writes, and the longest
/// time between two answers counts. What that is without a snapshot is measured in turn.
/// </summary>
public static partial class Pauses
{
    private const double LimitMs = 100;
    private const string Pings = "700", Interval = "0.002";

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(StorageCloud cloud, StorageSizes sizes)
    {
        var address = (await cloud.JsonAsync("instance", "show", StorageCloud.Here)).GetProperty("interfaces")[0].GetProperty("floatingAddress").GetString()!;
        await cloud.KumoiAsync("volume", "create", "data", "--size", "1GiB");
        await cloud.KumoiAsync("volume", "attach", "data", StorageCloud.Here, "--wait");
        var device = await cloud.DeviceAsync(StorageCloud.Here, "data");
        await cloud.InGuestAsync(StorageCloud.Here, $"(while [ ! -e /tmp/stop ]; do dd if=/dev/zero of={device} bs=64k count=256 conv=fsync 2>/dev/null; sleep 0.1; done) >/dev/null 2>&1 </dev/null &");
        var (quiet, taken) = (new List<double>(), new List<double>());
        for (var run = 0; run < sizes.Snapshots; run++)
        {
            quiet.Add(await LongestAsync(address, () => Task.CompletedTask));
            var name = string.Create(CultureInfo.InvariantCulture, $"pause-{run}");
            taken.Add(await LongestAsync(address, () => cloud.KumoiAsync("instance", "snapshot", StorageCloud.Here, name, "--wait")));
            foreach (var snapshot in (string[])[name, name + "-data"]) await cloud.KumoiAsync("snapshot", "delete", snapshot, "--wait");
        }
        await cloud.InGuestAsync(StorageCloud.Here, "touch /tmp/stop");
        await cloud.DetachAsync("data");
        await cloud.KumoiAsync("volume", "delete", "data");
        return
        [
            new Figure("longest time between two answers of a guest that writes", new Sample(quiet), "ms", 1, null),
            new Figure("the same while a snapshot of its two volumes is taken", new Sample(taken), "ms", 1, new Goal(LimitMs)),
        ];
    }

    private static async Task<double> LongestAsync(string address, Func<Task> meanwhile)
    {
        var pings = Programs.SayAsync("ping", "-n", "-D", "-i", Interval, "-c", Pings, address);
        await meanwhile();
        var times = AnswerForm().Matches(await pings).Select(match => double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * 1000).ToList();
        return times.Zip(times.Skip(1), (one, next) => next - one).Max();
    }

    [GeneratedRegex(@"^\[([0-9.]+)\] .*bytes from", RegexOptions.Multiline)] private static partial Regex AnswerForm();
}
