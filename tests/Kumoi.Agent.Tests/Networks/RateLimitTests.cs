using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Goal: a guest is limited in what it sends and is sent, the limit follows the record, and packets still pass. Method: what the kernel says is set.</summary>
public sealed class RateLimitTests
{
    [Fact]
    public async Task A_limit_is_set_both_ways_changed_put_back_and_taken_away()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        var (limited, free) = (Shared.Interface(11, Samples.Group) with { RateMbps = 50 }, Shared.Interface(12, Samples.Group));
        var group = Shared.Group(Samples.Group, [Samples.Ingress("tcp", 80, 80, "0.0.0.0/0", null), Samples.EgressAll], limited, free);
        DesiredDocument With(int? rate) => Shared.Document([Shared.Network(Shared.HostOf(host, limited, free))], [group], Shared.Instance(11, limited with { RateMbps = rate }), Shared.Instance(12, free));
        var (a, b) = (await hosts.GuestAsync(host, limited), await hosts.GuestAsync(host, free));
        await hosts.ServeAsync(a.Namespace, 80);
        await hosts.ServeAsync(b.Namespace, 80);
        var tap = ObjectNames.Tap(limited.Id);
        var space = host.Network(Samples.Network);
        using var links = new NetworkLinks(hosts.Commands, host.Namespace);
        async Task CheckAsync(int? rate)
        {
            await StandIns.ApplyAsync(host, With(rate));
            var intent = StandIns.IntentsOf(host, With(rate))[0];
            var seen = await links.SeeAsync(intent, default);
            Assert.True(LinkPlan.Between(seen, LinkState.Wanted(intent, new HashSet<string>()), intent, new HashSet<string>()).IsEmpty);
            var limits = await hosts.Commands.RunAsync("tc", ["-n", space, "qdisc", "show"], default);
            Assert.Equal(rate is null ? 0 : 2, limits.Split($"tbf").Length - 1);
            if (rate is not null) Assert.Equal(2, limits.Split($"rate {rate}Mbit").Length - 1);
            Assert.Equal(limited.Address, await StandIns.TcpAsync(a.Namespace, free.Address, 80));
            Assert.Equal(free.Address, await StandIns.TcpAsync(b.Namespace, limited.Address, 80));
        }
        await CheckAsync(50);
        await CheckAsync(200);
        // Someone takes a part away.
        await hosts.Commands.RunAsync("tc", ["-n", space, "qdisc", "delete", "dev", tap, "ingress"], default);
        await CheckAsync(200);
        await hosts.IpAsync(space, $"link delete {RateLimits.DeviceOf(tap)}");
        await CheckAsync(200);
        await hosts.Commands.RunAsync("tc", ["-n", space, "qdisc", "delete", "dev", tap, "root"], default);
        await CheckAsync(200);
        await CheckAsync(null);
    }
}
