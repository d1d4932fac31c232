using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;

namespace Kumoi.Benchmarks.Measures;

/// <summary><c>./kumoi up</c> by the clock on the wall, of clouds made for that only.</summary>
public static class Starting
{
    // Seconds.
    private static readonly Goal Up = new(5);

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(string tree, string home, int port, Sizes sizes)
    {
        var (fresh, again) = (new List<double>(), new List<double>());
        for (var run = 0; run < sizes.Starts; run++)
        {
            var cloud = new LocalCloud(tree, Path.Combine(home, $"up-{run}"), port);
            fresh.Add(await Clock.MillisecondsAsync(() => cloud.KumoiAsync("up")) / 1000);
            await cloud.KumoiAsync("down");
            again.Add(await Clock.MillisecondsAsync(() => cloud.KumoiAsync("up")) / 1000);
            await cloud.KumoiAsync("destroy", "--yes");
        }
        return [new Figure("`./kumoi up`, a new cloud", new Sample(fresh), "s", 2, Up), new Figure("`./kumoi up` after `./kumoi down`", new Sample(again), "s", 2, Up)];
    }

    /// <summary>What one command of the command line costs a person.</summary>
    public static async Task<Figure> CommandAsync(Tenant tenant, Sizes sizes) => new(
        "`./kumoi instance list`, from shell to prompt",
        new Sample(await Clock.RepeatAsync(sizes.Commands, _ => Clock.MillisecondsAsync(() => tenant.Cloud.KumoiAsAsync(tenant.Token, "instance", "list")))), "ms", 0, null);
}
