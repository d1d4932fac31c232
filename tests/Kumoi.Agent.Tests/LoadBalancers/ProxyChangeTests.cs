using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.LoadBalancers;

/// <summary>Goal: a change of a listener that haproxy balances does what it says, to connections that are open as well. Method: as in <see cref="ProxyTests"/>.</summary>
public sealed class ProxyChangeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static DesiredListener Through => Balanced.Of("tcp", 82, Balanced.Member(12, 81), Balanced.Member(13, 81)) with { Algorithm = BalancingAlgorithm.LeastConnections };

    [Fact]
    public async Task A_member_that_was_found_dead_is_asked_as_the_listener_says_now()
    {
        await using var place = await ProxyPlace.StartAsync(2);
        foreach (var member in place.Members) _ = await place.ServeHttpAsync(member);
        var listener = Balanced.Of("http", 80, Balanced.Member(12, 8080), Balanced.Member(13, 8080)) with { Health = Balanced.Check with { Port = 9999 } };
        place.Replace(listener);
        await Wait.ForAsync("both are dead", () => place.Balanced.Listener(Balanced.Listener)?.Members.All(member => member.Health == BackendHealth.Unhealthy) == true, Patience);
        place.Replace(listener with { Health = Balanced.Check with { Protocol = "none" } });
        await Wait.ForAsync("those that are not asked serve", async () => (await place.GetAsync()).Status == 200, Patience);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        place.Replace(listener);
        await Wait.ForAsync("both are dead again", () => place.Balanced.Listener(Balanced.Listener)?.Members.All(member => member.Health == BackendHealth.Unhealthy) == true, Patience);
        // The right port, after which all is well.
        place.Replace(listener with { Health = Balanced.Check with { Port = 8080 } });
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        for (var i = 0; i < 4; i++) Assert.Equal(200, (await place.GetAsync()).Status);
    }

    [Fact]
    public async Task A_drain_starts_no_process_shows_what_is_open_and_outlives_a_crash()
    {
        await using var place = await ProxyPlace.StartAsync(2);
        foreach (var member in place.Members) _ = await Balanced.ServeLinesAsync(member, 81);
        var listener = Through;
        place.Replace(listener);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        using var open = await OpenToAsync(place, place.Members[0].Ipv4);
        var process = Assert.Single(place.Processes());
        var drained = listener with { Members = [listener.Members[0] with { Draining = true }, listener.Members[1] with { Weight = 7 }] };
        place.Replace(drained);
        await Wait.ForAsync("nothing new to it", async () => await OnlyAsync(place, place.Members[1].Ipv4), Patience);
        Assert.Equal(process, Assert.Single(place.Processes()));
        Assert.True(await open.LivesAsync());
        await Wait.ForAsync("the open one is told", () => place.Balanced.Listener(Balanced.Listener)?.Members is [{ Active: 1 }, _], Patience);
        open.Dispose();
        await Wait.ForAsync("it is empty", () => place.Balanced.Listener(Balanced.Listener)?.Members is [{ Active: 0 }, _], Patience);

        // The one that is started after a crash drains it, too, and lets it in again without another.
        Processes.Signal(process, 9);
        await Wait.ForAsync("another process serves", async () => place.Processes() is [var next] && next != process && await OnlyAsync(place, place.Members[1].Ipv4), Patience);
        process = Assert.Single(place.Processes());
        place.Replace(listener);
        await Wait.ForAsync("both serve", async () => (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 82, 4)).Servers.Count == 2, Patience);
        Assert.Equal(process, Assert.Single(place.Processes()));
        Assert.Empty(place.Balanced.Conditions);
    }

    [Fact]
    public async Task Connections_of_a_removed_member_end_in_every_process_and_others_go_on()
    {
        await using var place = await ProxyPlace.StartAsync(2);
        foreach (var member in place.Members) _ = await Balanced.ServeLinesAsync(member, 81);
        var listener = Through;
        place.Replace(listener);
        await place.Balanced.WorksAsync(Balanced.Listener, Balanced.MemberId(12), Balanced.MemberId(13));
        using var old = await OpenToAsync(place, place.Members[0].Ipv4);
        using var stays = await OpenToAsync(place, place.Members[1].Ipv4);
        place.Replace(listener with { IdleSeconds = 200 });
        await Wait.ForAsync("the change", () => place.Serving(200), Patience);
        using var young = await OpenToAsync(place, place.Members[0].Ipv4);
        Assert.Equal(2, place.Processes().Length);
        place.Replace(listener with { IdleSeconds = 200, Members = [listener.Members[1]] });
        await Wait.ForAsync("both have ended", async () => !await young.LivesAsync() && !await old.LivesAsync(), Patience);
        Assert.True(await stays.LivesAsync());
        // Back before anybody has noticed, or after: it serves.
        place.Replace(listener with { IdleSeconds = 200 });
        await Wait.ForAsync("both serve", async () => (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 82, 4)).Servers.Count == 2, Patience);
    }

    [Fact]
    public async Task Processes_of_before_do_not_pile_up()
    {
        await using var place = await ProxyPlace.StartAsync(1);
        _ = await Balanced.ServeLinesAsync(place.Members[0], 81);
        var listener = Through with { Members = [Balanced.Member(12, 81)] };
        var open = new List<Answered>();
        for (var idle = 100; idle < 107; idle++)
        {
            place.Replace(listener with { IdleSeconds = idle });
            await Wait.ForAsync("the change", () => place.Serving(idle), Patience);
            open.Add(await OpenToAsync(place, place.Members[0].Ipv4));
        }
        await Wait.ForAsync("one that serves and four of before", () => place.Processes().Length == 5, Patience);
        var alive = await Task.WhenAll(open.Select(each => each.LivesAsync()));
        Assert.Equal([false, false, true, true, true, true, true], alive);
        foreach (var each in open) each.Dispose();
    }

    [Fact]
    public async Task A_haproxy_that_cannot_be_put_in_order_holds_up_nothing_else_and_is_tried_again()
    {
        await using var place = await ProxyPlace.StartAsync(1);
        _ = await Balanced.ServeLinesAsync(place.Members[0], 81);
        Directory.CreateDirectory(Path.GetDirectoryName(place.Files)!);
        await File.WriteAllTextAsync(place.Files, "in the way");
        var plain = Balanced.Of("tcp", 81, Balanced.Member(12, 81)) with { Id = "lsn-19a3f2b4c5d6e7fb1" };
        place.Replace(Through with { Members = [Balanced.Member(12, 81)] }, plain);
        await place.Balanced.WorksAsync(plain.Id, Balanced.MemberId(12));
        await Wait.ForAsync("it is told", () => place.Balanced.Conditions.Any(condition => condition.Reason == "load-balancers-incomplete"), Patience);
        File.Delete(place.Files);
        await Wait.ForAsync("it serves", async () => (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 82, 1)).Servers.ContainsKey(place.Members[0].Ipv4), TimeSpan.FromSeconds(30));
        await Wait.ForAsync("nothing is lacking", () => place.Balanced.Conditions.Count == 0, Patience);
    }

    private static async Task<bool> OnlyAsync(ProxyPlace place, string server) => (await Balanced.SpreadAsync(place.Client.Namespace, Balanced.Address, 82, 4)).Servers.GetValueOrDefault(server) == 4;

    private static async Task<Answered> OpenToAsync(ProxyPlace place, string server)
    {
        Answered? open = null;
        await Wait.ForAsync($"a connection to {server}", async () =>
        {
            open = await Balanced.AskAsync(place.Client.Namespace, Balanced.Address, 82);
            if (open?.Server == server) return true;
            open?.Dispose();
            return false;
        }, Patience);
        return open!;
    }
}
