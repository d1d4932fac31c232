using System.Collections.Concurrent;
using System.Globalization;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: however many members a network has, a host asks so many of them at once, and all in turn.</summary>
public sealed class HealthTurnTests
{
    [Fact]
    public async Task Members_that_do_not_answer_take_the_turns_of_their_own_network_only()
    {
        var (first, second) = (Intent(Samples.Network, 600), Intent("net-19a3f2b4c5d6e7f99", 2));
        var (asked, silent, running, most) = (new ConcurrentDictionary<string, bool>(), new TaskCompletionSource(), 0, 0);
        var gate = new Lock();
        await using (var checks = new HealthChecks(_ => "/nonexistent", new Random(1), TimeProvider.System, e => Assert.Fail(e.ToString()))
        {
            Ask = async (target, cancel) =>
        {
            asked[target.MemberId] = true;
            if (target.NetworkId != Samples.Network) return null;
            lock (gate) most = Math.Max(most, ++running);
            try
            {
                await silent.Task.WaitAsync(cancel);
            }
            finally
            {
                lock (gate) running--;
            }
            return "no answer";
        },
        })
        {
            checks.Take(first);
            await Wait.ForAsync("all turns", () => Volatile.Read(ref running) == HealthChecks.AtOnceMax, TimeSpan.FromSeconds(30));
            checks.Take(second);
            await Wait.ForAsync("the other network's members", () => second.Balancers[0].Listeners[0].Members.All(member => asked.ContainsKey(member.Id)), TimeSpan.FromSeconds(30));
            Assert.Equal(HealthChecks.AtOnceMax + 2, asked.Count);
            silent.SetResult();
            await Wait.ForAsync("all members", () => asked.Count == 602, TimeSpan.FromSeconds(30));
        }
        Assert.Equal(HealthChecks.AtOnceMax, most);
    }

    private static NetworkIntent Intent(string network, int members)
    {
        var document = Shared.Document([Shared.Network().With(Balanced.Of("tcp", 80, Balanced.Member(11)))], []);
        var intent = NetworkIntents.Read(document, Samples.Network, "abc1", "172.31.0.1", _ => false)!;
        var balancer = intent.Balancers[0];
        var listener = balancer.Listeners[0] with { Members = [.. Enumerable.Range(1, members).Select(i => new MemberIntent(string.Create(CultureInfo.InvariantCulture, $"{network} {i}"), "10.0.0.11", i, 1, false, false))] };
        return intent with { Id = network, Balancers = [balancer with { Listeners = [listener] }] };
    }
}
