using Kumoi.Faults.Cloud;
using Kumoi.Faults.Work;
using Kumoi.Testing;
using Npgsql;
using Xunit;

namespace Kumoi.Faults;

/// <summary>Goal: the servers follow a pair of PostgreSQL through a failover, and nothing that was acknowledged is lost with the primary.</summary>
public sealed class FailoverTests
{
    [Fact]
    public async Task The_standby_takes_over_and_nothing_acknowledged_is_lost()
    {
        var primary = await PostgresServer.StartAsync();
        await using var standby = await primary.StartStandbyAsync();
        var name = new NpgsqlConnectionStringBuilder(await primary.CreateDatabaseAsync()).Database;
        await using var cloud = await FaultCloud.StartAsync(servers: 2, hosts: 20, primary, $"Host={primary.Directory},{standby.Directory};Username=postgres;Database={name}");
        var work = await Workload.WhileAsync(cloud, 21, async () =>
        {
            await primary.StopProcessAsync();
            await Task.Delay(TimeSpan.FromSeconds(1));
            await standby.PromoteAsync();
        });
        Assert.True(work.Unavailable > 0, "no client noticed that the primary was away");
        await Verdict.HoldsAsync(cloud, work);
        Assert.Empty(await Verdict.HostEventsAsync(cloud, "host.down"));
    }
}
