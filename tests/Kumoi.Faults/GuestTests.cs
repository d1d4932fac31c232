using Kumoi.Api;
using Kumoi.Faults.Cloud;
using Kumoi.Faults.Work;
using Xunit;

namespace Kumoi.Faults;

/// <summary>
/// Goal: on a real host with real guests (QEMU without hardware acceleration), what breaks under the agent ends as it does with simulated hosts, and
/// once everything is terminated nothing is left on the machine.
/// </summary>
public sealed class GuestTests
{
    [Fact]
    public async Task Guests_and_their_agent_are_killed_and_held_the_disk_fills_up_and_nothing_is_left()
    {
        await using var rack = await RackNetwork.MakeAsync();
        await using var host = await GuestHost.MakeAsync(rack);
        await using var cloud = await FaultCloud.StartAsync(servers: 1, hosts: 0, agentAddress: rack.ServerAddress, image: await TinyImage.ReadAsync());
        await host.JoinAsync(cloud);
        var work = await Workload.WhileAsync(cloud, Pace.Guests, 51, async () =>
        {
            List<int> guests = [];
            // As the records know it, too: of one that nobody has seen running, nobody is told that it was lost.
            await FaultCloud.UntilAsync("four guests run", TimeSpan.FromSeconds(90), async () =>
                (guests = host.Guests(await Verdict.TextsAsync(cloud, "SELECT id FROM instances WHERE desired = 'running' AND power = 'running' AND generation = observed_generation"))).Count >= 4);
            OwnProcess.KillHard(guests[0]);
            OwnProcess.Hold(guests[1]);
            await Task.Delay(TimeSpan.FromSeconds(2));
            host.Agent.KillHard();
            OwnProcess.KillHard(guests[2]);
            host.Agent.Start();
            await Task.Delay(TimeSpan.FromSeconds(4));
            OwnProcess.Resume(guests[1]);
            await host.Disk.FillAsync();
            // A guest that writes, or whoever launches one; it may be gone again by now.
            await FaultCloud.UntilAsync("somebody is told that the disk is full", TimeSpan.FromSeconds(60), async () => (await Verdict.TextsAsync(cloud,
                "SELECT id FROM instances WHERE conditions::text ~ 'disk-full|disk-error|No space left|is full' UNION SELECT resource_id FROM events WHERE action = 'instance.condition' AND message ~ 'is full|No space left|could not store'")).Count > 0);
            host.Disk.Empty();
        });
        await Verdict.HoldsAsync(cloud, work);
        Assert.NotEmpty(await Verdict.TextsAsync(cloud, "SELECT resource_id FROM events WHERE action IN ('instance.lost', 'instance.restarted')"));
        Assert.Empty(await Verdict.HostEventsAsync(cloud, "host.down"));
        var running = await Verdict.TextsAsync(cloud, "SELECT id FROM instances WHERE desired = 'running' AND terminated_at IS NULL");
        Assert.Equal(running.Count, host.Guests().Count);

        var tenant = FaultCloud.Client(cloud.Servers[0].Url, cloud.Token);
        foreach (var id in await Verdict.TextsAsync(cloud, "SELECT id FROM instances WHERE desired <> 'terminated'")) await tenant.DeleteAsync<Instance>($"/instances/{id}");
        await FaultCloud.UntilAsync("everything is terminated", TimeSpan.FromSeconds(30), async () => (await Verdict.TextsAsync(cloud, "SELECT id FROM instances WHERE terminated_at IS NULL")).Count == 0);
        IReadOnlyList<string> left = [];
        await FaultCloud.UntilAsync("nothing is left on the host", TimeSpan.FromSeconds(30), async () => (left = await host.LeftAsync()).Count == 0, () => Task.FromResult(string.Join('\n', left)));
    }
}
