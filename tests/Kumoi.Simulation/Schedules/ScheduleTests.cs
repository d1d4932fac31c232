using System.Diagnostics;
using Xunit;

namespace Kumoi.Simulation.Schedules;

/// <summary>The cloud under every trouble the seeds can bring.</summary>
public sealed class ScheduleTests(ITestOutputHelper output)
{
    private const int Schedules = 10_000;

    [Fact]
    public void Nothing_is_lost_destroyed_or_held_twice_and_all_comes_right_in_the_end()
    {
        var watch = Stopwatch.StartNew();
        var found = Search.Run(1, Schedules, Kumoi.Reconcile.PlantedBug.None);
        output.WriteLine($"{found.Schedules} schedules, {found.Steps} steps, {found.Simulated.TotalHours:0} simulated hours in {watch.Elapsed.TotalSeconds:0.0} s");
        Assert.True(found.First is null, found.First is { } first ? Search.Describe(first) : "");
        Assert.Equal(Schedules, found.Schedules);
    }

    /// <summary>One seed, given as KUMOI_SEED, with all that happens in it.</summary>
    [Fact(Explicit = true)]
    public void One_seed_is_replayed()
    {
        var seed = ulong.Parse(Environment.GetEnvironmentVariable("KUMOI_SEED")!, System.Globalization.CultureInfo.InvariantCulture);
        var result = Schedule.Run(seed, traced: true);
        foreach (var line in result.Lines) Console.WriteLine(line);
        Console.WriteLine($"seed {seed}: {result.Steps} steps, {result.Simulated.TotalSeconds:0.000} s, {result.Violation?.Invariant ?? "nothing broken"} {result.Violation?.Detail}");
        Assert.Null(result.Violation);
    }
}
