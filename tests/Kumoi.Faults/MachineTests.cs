using Kumoi.Api;
using Kumoi.Faults.Cloud;
using Kumoi.Faults.Work;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Faults;

/// <summary>Goal: a cut network, a full disk and a lost rack end as processes' faults do: in what was asked, or in a wait whose reason is told.</summary>
public sealed class MachineTests
{
    [Fact]
    public async Task The_network_between_hosts_and_servers_is_cut_and_heals()
    {
        await using var rack = await RackNetwork.MakeAsync();
        await using var cloud = await FaultCloud.StartAsync(servers: 2, hosts: 0, agentAddress: rack.ServerAddress);
        await cloud.AddHostsAsync("a", 20, prefix: rack.Enter);
        var work = await Workload.WhileAsync(cloud, 31, async () =>
        {
            await rack.CutAsync();
            await Task.Delay(TimeSpan.FromSeconds(5));
            await rack.HealAsync();
        });
        Assert.NotEmpty(await Verdict.HostEventsAsync(cloud, "host.unreachable"));
        await Verdict.HoldsAsync(cloud, work);
        Assert.Empty(await Verdict.TextsAsync(cloud, "SELECT resource_id FROM events WHERE action IN ('instance.lost', 'instance.restarted')"));
    }

    [Fact]
    public async Task The_disk_of_the_database_fills_up_and_gets_room_again()
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 220);
        await using var cloud = await FaultCloud.StartAsync(servers: 1, hosts: 20, await PostgresServer.StartAsync(Directory.CreateDirectory(Path.Combine(disk.Path, "postgres")).FullName));
        var work = await Workload.WhileAsync(cloud, 32, async () =>
        {
            disk.Fill();
            await Task.Delay(TimeSpan.FromSeconds(6));
            disk.Empty();
            // PostgreSQL itself may have stopped for want of room for its log.
            if (!cloud.Postgres.Lives()) await cloud.Postgres.StartProcessAsync();
        });
        await Verdict.HoldsAsync(cloud, work);
    }

    [Fact]
    public async Task What_may_move_from_a_lost_rack_is_restarted_and_the_rest_waits_and_says_so()
    {
        const string shared = "host:\n  storage: store-1\n";
        await using var cloud = await FaultCloud.StartAsync(servers: 2, hosts: 10, config: shared);
        await cloud.AddHostsAsync("b", 10, shared);
        var work = await Workload.WhileAsync(cloud, 33, () => Task.CompletedTask);
        await Verdict.HoldsAsync(cloud, work);
        cloud.Hosts[0].KillHard();
        await FaultCloud.UntilAsync("all hosts of the rack are down", TimeSpan.FromSeconds(40), async () => (await cloud.HostsAsync()).Count(h => h.State == "down") == 10);
        await FaultCloud.UntilAsync("what may move has moved, and runs", TimeSpan.FromSeconds(60), async () => (await Verdict.TextsAsync(cloud,
            """
            SELECT v.id FROM instances v JOIN hosts h ON h.id = v.host_id WHERE v.terminated_at IS NULL AND (
                v.recovery = 'restart' AND (h.state <> 'up' OR v.state <> v.desired) OR v.recovery = 'wait' AND h.state = 'down' AND v.notices->0->>'reason' IS DISTINCT FROM 'host-down')
            """)).Count == 0);
        Assert.NotEmpty(await Verdict.TextsAsync(cloud, "SELECT resource_id FROM events WHERE action = 'instance.recover' AND message LIKE 'Host a-% is down%'"));
        Assert.Empty(await Verdict.TextsAsync(cloud, "SELECT e.resource_id FROM events e JOIN instances v ON v.id = e.resource_id WHERE e.action = 'instance.recover' AND v.recovery = 'wait'"));
        cloud.Hosts[0].Start();
        await FaultCloud.UntilAsync("the rack is back and has let go of what moved", TimeSpan.FromSeconds(60), async () =>
            (await cloud.HostsAsync()).All(h => h.State == "up") && (await Verdict.TextsAsync(cloud, "SELECT instance_id FROM former_placements")).Count == 0);
        await Verdict.HoldsAsync(cloud, work);
    }
}
