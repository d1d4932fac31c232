using Kumoi.Api.Agent;
using Kumoi.Cli.Client;
using Xunit;

namespace Kumoi.Agent.Tests.Client;

/// <summary>Goal: the time left is told when it can be known, and nothing is divided by what is not there.</summary>
public sealed class WorkTextTests
{
    private static readonly DateTimeOffset Since = DateTimeOffset.UnixEpoch;

    [Theory]
    [InlineData(0, 100, 10, null, 0L)]
    [InlineData(25, 100, 10, 30.0, 25L)]
    [InlineData(100, 100, 10, 0.0, 100L)]
    [InlineData(50, 0, 10, null, null)]
    [InlineData(25, 100, 0, null, 25L)]
    [InlineData(1, long.MaxValue, 1_000_000, 99 * 86_400.0, 0L)]
    public void The_time_left_is_as_long_as_it_took_so_far_for_as_much(long done, long total, int seconds, double? left, long? percent)
    {
        var work = new VolumeWork(VolumeWorks.Copy, done, total, Since);
        Assert.Equal((left, percent), (WorkText.Left(work, Since.AddSeconds(seconds))?.TotalSeconds, WorkText.Percent(work)));
    }

    [Fact]
    public void Snapshots_are_taken_and_put_back_by_commands()
    {
        Assert.Empty(SnapshotCommands.Make().Parse(["list", "--volume", "data", "--state", "available"]).Errors);
        Assert.Empty(VolumeCommands.All().First().Parse(["restore", "data", "monday", "--wait"]).Errors);
        Assert.Empty(VolumeCommands.All().First().Parse(["create", "copy", "--from-snapshot", "monday", "--size", "20GiB"]).Errors);
        Assert.Empty(InstanceCommands.Make().Parse(["snapshot", "web-1", "night", "--wait"]).Errors);
        Assert.NotEmpty(VolumeCommands.All().First().Parse(["snapshot", "data"]).Errors);
    }
}
