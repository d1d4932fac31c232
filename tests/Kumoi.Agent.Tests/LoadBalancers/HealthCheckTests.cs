using System.Net.Sockets;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: what is known of members stays as long as it tells of them, and asking many of them costs little.</summary>
public sealed class HealthCheckTests
{
    private static NetworkIntent Intent(DesiredListener listener) =>
        NetworkIntents.Read(Shared.Document([Shared.Network().With(listener)], []), Samples.Network, "abc1", "172.31.0.1", _ => false)!;

    [Fact]
    public async Task A_check_that_is_asked_otherwise_takes_nobody_out_and_one_of_something_else_does()
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-health").FullName;
        try
        {
            var clock = new ManualTime();
            var listener = Balanced.Of("tcp", 80, Balanced.Member(11));
            var key = (Balanced.Listener, Balanced.MemberId(11));
            HealthFile.Write(directory, new Dictionary<(string, string), HealthState> { [key] = new(BackendHealth.Healthy, null, clock.GetUtcNow(), 0) });
            await using var checks = new HealthChecks(_ => directory, new Random(1), clock, _ => { });
            bool Works(NetworkIntent intent) => checks.Judge(intent).Balancers[0].Listeners[0].Members[0].Works;

            checks.Take(Intent(listener));
            Assert.True(Works(Intent(listener)));
            foreach (var check in new[] { Balanced.Check with { IntervalSeconds = 9 }, Balanced.Check with { Rise = 5, Fall = 5, TimeoutSeconds = 1 } })
            {
                checks.Take(Intent(listener with { Health = check }));
                Assert.True(Works(Intent(listener with { Health = check })));
            }
            var other = listener with { Health = Balanced.Check with { Port = 81 } };
            checks.Take(Intent(other));
            Assert.False(Works(Intent(other)));

            // What was known goes with the last load balancer.
            Assert.True(File.Exists(Path.Combine(directory, "health")));
            checks.Forget(Samples.Network);
            Assert.False(File.Exists(Path.Combine(directory, "health")));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Sockets_for_many_questions_are_opened_together()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var guest = await hosts.GuestAsync(hosts.All[0], Shared.Interface(11, Samples.Group));
        var sockets = new ProbeSockets(TimeProvider.System);
        var asked = Enumerable.Range(0, 300).Select(_ => sockets.OpenAsync(guest.Namespace, guest.Ipv4, default)).ToArray();
        foreach (var socket in await Task.WhenAll(asked)) socket.Dispose();
        Assert.InRange(sockets.Visits, 1, 30);
        // One that cannot be opened spoils none of the others.
        var (good, bad) = (sockets.OpenAsync(guest.Namespace, guest.Ipv4, default), sockets.OpenAsync(guest.Namespace, "10.0.0.99", default));
        await Assert.ThrowsAsync<SocketException>(() => bad);
        (await good).Dispose();
        await Assert.ThrowsAnyAsync<IOException>(() => sockets.OpenAsync("kumoi-none", guest.Ipv4, default));
        (await sockets.OpenAsync(guest.Namespace, guest.Ipv4, default)).Dispose();
    }
}
