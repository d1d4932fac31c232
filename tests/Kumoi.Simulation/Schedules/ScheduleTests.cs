using System.Diagnostics;
using System.Globalization;
using Kumoi.Reconcile;
using Xunit;

namespace Kumoi.Simulation.Schedules;

/// <summary>The cloud under every trouble the seeds can bring.</summary>
public sealed class ScheduleTests(ITestOutputHelper output)
{
    /// <summary>So many every time; a night runs some millions. They take about a minute on two processors.</summary>
    private const int Schedules = 10_000;

    [Fact]
    public void Nothing_is_lost_destroyed_or_held_twice_and_all_comes_right_in_the_end()
    {
        var watch = Stopwatch.StartNew();
        var found = Search.Run(1, Schedules, PlantedBug.None);
        output.WriteLine(Search.Describe(found, watch.Elapsed));
        if (found.First is { } first) Assert.Fail(Search.Describe(first));
        Assert.Equal(Schedules, found.Schedules);
    }

    /// <summary>One seed, given as KUMOI_SEED, with all that happens in it.</summary>
    [Fact(Explicit = true)]
    public void One_seed_is_replayed()
    {
        var result = Schedule.Run(Given("KUMOI_SEED"), traced: true);
        foreach (var line in result.Lines) Console.WriteLine(line);
        Console.WriteLine($"seed {result.Seed}: {result.Steps} steps, {result.Simulated.TotalSeconds:0.000} s, {result.Violation?.Invariant ?? "no invariant broken"} {result.Violation?.Detail}");
        Assert.Null(result.Violation);
    }

    /// <summary>From the seed given as KUMOI_SEED on, until an invariant breaks or the process is ended.</summary>
    [Fact(Explicit = true)]
    public void Seeds_are_run_until_one_fails()
    {
        var watch = Stopwatch.StartNew();
        for (var seed = Given("KUMOI_SEED"); ; seed += Schedules)
        {
            var found = Search.Run(seed, Schedules, PlantedBug.None);
            Console.WriteLine($"{seed}: {Search.Describe(found, watch.Elapsed)}");
            if (found.First is { } first) Assert.Fail(Search.Describe(first));
            Assert.Equal(Schedules, found.Schedules);
            watch.Restart();
        }
    }

    private static ulong Given(string name) => ulong.Parse(
        Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} must be set; use ./test simulate."), CultureInfo.InvariantCulture);
}
