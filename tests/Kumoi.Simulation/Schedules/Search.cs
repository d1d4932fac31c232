using System.Globalization;
using Kumoi.Reconcile;

namespace Kumoi.Simulation.Schedules;

/// <summary>What a search has seen.</summary>
/// <param name="First">The schedule of the lowest seed that broke an invariant; null if none did.</param>
internal sealed record Found(int Schedules, long Steps, TimeSpan Simulated, ScheduleResult? First);

/// <summary>Runs many seeds, each on one thread, on all processors.</summary>
internal static class Search
{
    private const int LinesShown = 80;

    /// <summary>Runs the seeds in order until one breaks an invariant, or all were run.</summary>
    public static Found Run(ulong firstSeed, int count, PlantedBug bug)
    {
        var gate = new Lock();
        var found = new Found(0, 0, TimeSpan.Zero, null);
        var next = -1;
        Parallel.For(0, Environment.ProcessorCount, _ =>
        {
            for (int number; found.First is null && (number = Interlocked.Increment(ref next)) < count;)
            {
                var result = Schedule.Run(firstSeed + (ulong)number, traced: false, bug);
                lock (gate)
                    found = new Found(
                        found.Schedules + 1, found.Steps + result.Steps, found.Simulated + result.Simulated,
                        result.Violation is not null && (found.First is null || result.Seed < found.First.Seed) ? result : found.First);
            }
        });
        return found;
    }

    /// <summary>How much was run, and how fast.</summary>
    public static string Describe(Found found, TimeSpan taken) => string.Create(
        CultureInfo.InvariantCulture,
        $"{found.Schedules} schedules, {found.Steps} steps, {found.Simulated.TotalHours:0} simulated hours in {taken.TotalSeconds:0.0} s: {found.Schedules / taken.TotalSeconds:0} schedules a second");

    /// <summary>The seed, what it broke, and the end of what happened in it.</summary>
    public static string Describe(ScheduleResult result)
    {
        var again = Schedule.Run(result.Seed, traced: true);
        return $"""
            seed {result.Seed} broke {result.Violation!.Invariant} after {result.Steps} steps, {result.Simulated.TotalSeconds:0.000} s: {result.Violation.Detail}
            {string.Join('\n', again.Lines.TakeLast(LinesShown))}
            Run it again with: ./test simulate --seed {result.Seed}
            """;
    }
}
