using Kumoi.Api.Agent;
using Kumoi.Testing.Networks;

namespace Kumoi.Benchmarks.Networks;

/// <summary>Three guests of one network, of which the first two are on one host.</summary>
internal sealed record KumoiHosts(StandInGuest First, StandInGuest Second, StandInGuest Third)
{
    public static async Task<KumoiHosts> MakeAsync(StandIns hosts, IReadOnlyList<DesiredRule> rules)
    {
        var (one, two) = (hosts.All[0], hosts.All[1]);
        var (a, b, c) = (Shared.Interface(11, Samples.Group), Shared.Interface(12, Samples.Group), Shared.Interface(13, Samples.Group));
        var made = new KumoiHosts(await hosts.GuestAsync(one, a), await hosts.GuestAsync(one, b), await hosts.GuestAsync(two, c));
        var (network, group) = (Shared.Network(Shared.HostOf(one, a, b), Shared.HostOf(two, c)), Shared.Group(Samples.Group, [.. rules, Samples.EgressAll], a, b, c));
        await StandIns.ApplyAsync(one, Shared.Document([network], [group], Shared.Instance(11, a), Shared.Instance(12, b)));
        await StandIns.ApplyAsync(two, Shared.Document([network], [group], Shared.Instance(13, c)));
        return made;
    }
}
