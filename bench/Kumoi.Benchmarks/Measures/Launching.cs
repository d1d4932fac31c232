using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Kumoi.Api;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Measures;

/// <summary>Real guests on the real host, one after another. Image and network are there already: a guest that stays sees to that.</summary>
public sealed class Launching(Tenant tenant, Sizes sizes)
{
    private const string Zone = "default";

    // As in the command line: a half-done key exchange would cost an emulated guest seconds, so one patient connection follows another.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromMilliseconds(100), BannerLimit = TimeSpan.FromMinutes(3);

    public async Task<IReadOnlyList<Figure>> MeasureAsync()
    {
        using var client = tenant.Client();
        var standing = await RunAsync(client, "standing");
        await BannerAsync(standing.Interfaces[0].FloatingAddress!);
        await RunAndDeleteAsync(client, "warm");
        var launches = new List<(double Running, double Process)>();
        for (var run = 0; run < sizes.Launches; run++) launches.Add(await RunAndDeleteAsync(client, string.Create(CultureInfo.InvariantCulture, $"launch-{run}")));
        var banners = await Clock.RepeatAsync(sizes.Banners, async run =>
        {
            Instance? instance = null;
            var taken = await Clock.MillisecondsAsync(async () =>
            {
                instance = await client.PostAsync<LaunchInstance, Instance>("instances", Tenant.Launch(string.Create(CultureInfo.InvariantCulture, $"ssh-{run}"), Zone));
                await BannerAsync(instance.Interfaces[0].FloatingAddress!);
            });
            await DeleteAsync(client, instance!.Id);
            return taken / 1000;
        });
        await DeleteAsync(client, standing.Id);
        return
        [
            new Figure("create → running, as the API tells", new Sample(launches.Select(l => l.Running)), "ms", 0, new Goal(300)),
            new Figure("create → QEMU's process begins (steps of 10 ms)", new Sample(launches.Select(l => l.Process)), "ms", 0, null),
            new Figure("QEMU's process begins → running, as the API tells", new Sample(launches.Select(l => l.Running - l.Process)), "ms", 0, null),
            new Figure("create → ssh banner at the floating address", new Sample(banners), "s", 2, null),
        ];
    }

    private static async Task<(double RunningMs, double ProcessMs)> RunAndDeleteAsync(KumoiClient client, string name)
    {
        var (clock, begin) = (ProcessFiles.NowMs(), Stopwatch.GetTimestamp());
        var instance = await RunAsync(client, name);
        var running = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        var qemu = ProcessFiles.Find("qemu-system-x86_64", instance.Id) ?? throw new InvalidOperationException($"{name} runs and has no process.");
        var process = ProcessFiles.StartedAtMs(qemu)!.Value - clock;
        await DeleteAsync(client, instance.Id);
        return (running, process);
    }

    private static async Task<Instance> RunAsync(KumoiClient client, string name)
    {
        var made = await client.PostAsync<LaunchInstance, Instance>("instances", Tenant.Launch(name, Zone));
        return await client.GetAsync<Instance>($"instances/{made.Id}?wait=running&timeout=120");
    }

    private static async Task DeleteAsync(KumoiClient client, string id)
    {
        await client.DeleteAsync("instances/" + id);
        await client.GetAsync<Instance>($"instances/{id}?wait=terminated&timeout=120");
    }

    private static async Task BannerAsync(string address)
    {
        var begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < BannerLimit)
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(address, 22, patience.Token);
                var buffer = new byte[4];
                if (await socket.ReceiveAsync(buffer, patience.Token) > 0 && buffer[0] == 'S') return;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Not yet: the guest has no address, no ssh, or is too busy.
            }
            await Task.Delay(Pause);
        }
        throw new TimeoutException($"No ssh at {address}.");
    }
}
