using Kumoi.Reconcile;

namespace Kumoi.Simulation.Schedules;

/// <summary>What a search has seen.</summary>
/// <param name="First">The schedule of the lowest seed that broke an invariant; null if none did.</param>
internal sealed record Found(int Schedules, long Steps, TimeSpan Simulated, ScheduleResult? First);

/// <summary>Runs many seeds, each on one thread, on all processors.</summary>
internal static class Search
{
    private const int LinesShown = 80;

    public static Found Run(ulong firstSeed, int count, PlantedBug bug)
    {
        var gate = new Lock();
        var found = new Found(0, 0, TimeSpan.Zero, null);
        Parallel.For(0L, count, (number, state) =>
        {
            if (state.ShouldExitCurrentIteration) return;
            var result = Schedule.Run(firstSeed + (ulong)number, traced: false, bug);
            if (result.Violation is not null) state.Break();
            lock (gate)
                found = new Found(
                    found.Schedules + 1, found.Steps + result.Steps, found.Simulated + result.Simulated,
                    result.Violation is not null && (found.First is null || result.Seed < found.First.Seed) ? result : found.First);
        });
        return found;
    }

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
