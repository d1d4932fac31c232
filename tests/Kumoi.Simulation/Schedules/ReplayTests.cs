using Xunit;

namespace Kumoi.Simulation.Schedules;

/// <summary>A seed is all that a schedule depends on.</summary>
public sealed class ReplayTests
{
    [Fact]
    public void Two_runs_of_a_seed_are_the_same_step_by_step()
    {
        for (var seed = 1UL; seed <= 25; seed++)
        {
            var (first, second) = (Schedule.Run(seed, traced: true), Schedule.Run(seed, traced: true));
            Assert.Equal(first.Lines, second.Lines);
            Assert.Equal((first.Steps, first.Simulated, first.Fingerprint), (second.Steps, second.Simulated, second.Fingerprint));
        }
    }

    [Fact]
    public void Reading_a_schedule_does_not_change_it_nor_does_running_others_beside_it()
    {
        var alone = Enumerable.Range(1, 50).Select(seed => Schedule.Run((ulong)seed, traced: true)).ToArray();
        Parallel.For(1, 51, seed =>
        {
            var beside = Schedule.Run((ulong)seed, traced: false);
            Assert.Empty(beside.Lines);
            Assert.Equal((alone[seed - 1].Steps, alone[seed - 1].Fingerprint), (beside.Steps, beside.Fingerprint));
        });
    }

    [Fact]
    public void Different_seeds_are_different_schedules() =>
        Assert.Equal(200, Enumerable.Range(1, 200).Select(seed => Schedule.Run((ulong)seed, traced: false).Fingerprint).Distinct().Count());
}
