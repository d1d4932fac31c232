using Kumoi.Reconcile;
using Kumoi.Simulation.Checks;
using Kumoi.Simulation.Model;

namespace Kumoi.Simulation.Schedules;

/// <summary>What came of one schedule.</summary>
/// <param name="Fingerprint">Of every choice made: equal for two runs of a seed.</param>
/// <param name="Lines">What happened, if it was kept.</param>
internal sealed record ScheduleResult(ulong Seed, int Steps, TimeSpan Simulated, ulong Fingerprint, Violation? Violation, IReadOnlyList<string> Lines);

/// <summary>Runs one seed from a fresh cloud through its troubles until all has come right, or something is wrong.</summary>
internal static class Schedule
{
    // The longest wait of the cloud is two minutes; a schedule that takes longer to come right waits for something that does not come.
    private static readonly TimeSpan SettleLimit = TimeSpan.FromMinutes(15);

    // Ten times what the longest take. Too low: long schedules are taken for endless ones; too high: an endless one delays the rest.
    private const int StepLimit = 1_000_000;

    public static ScheduleResult Run(ulong seed, bool traced, PlantedBug bug = PlantedBug.None)
    {
        PlantedBugs.Plant(bug);
        try
        {
            return Run(new Cloud(seed, traced), seed);
        }
        finally
        {
            PlantedBugs.Plant(PlantedBug.None);
        }
    }

    private static ScheduleResult Run(Cloud cloud, ulong seed)
    {
        var (simulator, checks) = (cloud.Simulator, cloud.Checks);
        var troubled = TimeSpan.FromSeconds(20 + cloud.Dice.Below(200));
        var missing = "";
        while (checks.Violation is null)
        {
            var goesOn = simulator.Step();
            if (simulator.Broken is { } broken) checks.Violate("expected-errors", broken.ToString());
            if (!goesOn) checks.Violate("goes-on", "Nothing is left to do, and nothing to wait for.");
            if (checks.Changed())
            {
                checks.Check();
                if (cloud.Healed) missing = Settled.Missing(cloud);
                if (missing is null) break;
            }
            if (!cloud.Healed && simulator.Elapsed > troubled) cloud.Heal();
            if (simulator.Elapsed > troubled + SettleLimit) checks.Violate("settles", $"{SettleLimit.TotalMinutes} minutes after all faults ended, {missing}");
            if (simulator.Steps > StepLimit) checks.Violate("settles", $"After {StepLimit} steps, {missing}");
        }
        return new ScheduleResult(seed, simulator.Steps, simulator.Elapsed, simulator.Fingerprint, checks.Violation, cloud.Trace.Lines);
    }
}
