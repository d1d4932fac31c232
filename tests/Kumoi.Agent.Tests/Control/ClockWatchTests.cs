using Kumoi.Agent.Control;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Control;

/// <summary>Goal: a clock that is wrong is told, one that a slow network makes look wrong is not, and a drift is no news with each report.</summary>
public sealed class ClockWatchTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static Condition? Told(ClockWatch watch, double ahead, double takes = 0.1)
    {
        watch.Answered(Noon, Noon.AddSeconds(ahead - takes), Noon.AddSeconds(ahead));
        return watch.Conditions.SingleOrDefault();
    }

    [Theory]
    [InlineData(0, 0.1, null)]
    [InlineData(9, 0.1, null)]
    [InlineData(-9, 0.1, null)]
    [InlineData(40, 45, null)]
    [InlineData(42, 1, "about 40 seconds ahead of its server's")]
    [InlineData(-3600, 1, "about 3600 seconds behind its server's")]
    public void A_difference_is_told_that_the_way_of_the_answer_does_not_explain(double ahead, double takes, string? expected)
    {
        var told = Told(new ClockWatch(), ahead, takes);
        if (expected is null) Assert.Null(told);
        else Assert.Contains(expected, told!.Message);
    }

    [Fact]
    public void A_drift_keeps_its_condition_and_a_clock_that_was_set_loses_it()
    {
        var watch = new ClockWatch();
        var first = Told(watch, 61);
        Assert.Same(first, Told(watch, 63));
        var later = Told(watch, 85);
        Assert.Equal(first!.Since, later!.Since);
        Assert.NotEqual(first.Message, later.Message);
        Assert.Null(Told(watch, 1));
    }

    [Fact]
    public async Task An_agent_tells_of_its_clock_with_the_next_report()
    {
        var (time, server) = (new ManualTime(), new MemoryServer());
        server.Answer = new ReportAnswer(10, 60, At: time.GetUtcNow().AddHours(-2));
        server.Set(Samples.Document(1, null, []));
        var host = new MemoryHost(time, server, new Kumoi.Agent.Instances.Simulated.SimulatedDisks("host1", null), null);
        await using var agent = host.Start();
        for (var look = 0; look < 200 && server.Reports.All(report => report.Conditions.Count == 0); look++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        Assert.Contains(server.Reports, report => report.Conditions.Any(condition => condition.Reason == "clock-differs"));
    }
}
