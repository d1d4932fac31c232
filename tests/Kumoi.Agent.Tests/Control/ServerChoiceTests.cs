using Kumoi.Agent.Control;
using Xunit;

namespace Kumoi.Agent.Tests.Control;

/// <summary>
/// Goal: ten thousand hosts that lose a server come evenly, and spread over time, to those that are left. Method: as many choices from seeds in
/// a row, so that the numbers are the same in each run.
/// </summary>
public sealed class ServerChoiceTests
{
    private const int Hosts = 10_000;

    private static readonly string[] Three = ["https://192.0.2.1:8481", "https://192.0.2.2:8481", "https://192.0.2.3:8481"];

    [Fact]
    public void Hosts_begin_spread_over_all_servers_and_those_of_a_failed_one_spread_over_the_others()
    {
        var hosts = Enumerable.Range(0, Hosts).Select(seed => new ServerChoice(Three[0], Three, new Random(seed))).ToArray();
        Assert.All(Three, server => Assert.InRange(hosts.Count(host => host.Current == server), 3_100, 3_570));
        var before = hosts.Select(host => host.Current).ToArray();
        foreach (var host in hosts) host.Failed(Three[1]);
        for (var index = 0; index < Hosts; index++)
            if (before[index] != Three[1]) Assert.Equal(before[index], hosts[index].Current);
        var moved = hosts.Where((_, index) => before[index] == Three[1]).ToArray();
        Assert.InRange(moved.Count(host => host.Current == Three[0]), moved.Length * 45 / 100, moved.Length * 55 / 100);
        Assert.DoesNotContain(moved, host => host.Current == Three[1]);
    }

    [Fact]
    public void Waits_after_a_failure_are_spread_evenly_from_nothing_to_a_limit_that_doubles()
    {
        foreach (var (heartbeat, failures, limit) in new[] { (10, 1, 1.0), (10, 2, 2), (10, 4, 8), (10, 5, 15), (10, 1_000, 15), (1, 1, 0.1), (1, 9, 1.5), (30, 1, 3), (30, 3, 12), (30, 4, 15) })
        {
            var waits = Enumerable.Range(0, Hosts).Select(seed => new FullJitter(new Random(seed)).After(failures, TimeSpan.FromSeconds(heartbeat)).TotalSeconds).ToArray();
            Assert.All(waits, wait => Assert.InRange(wait, 0, limit));
            // Each tenth of the time sees about a tenth of the hosts.
            for (var tenth = 0; tenth < 10; tenth++) Assert.InRange(waits.Count(wait => wait >= limit * tenth / 10 && wait < limit * (tenth + 1) / 10), 850, 1_150);
        }
    }

    [Fact]
    public void Nobody_comes_back_to_a_server_only_because_it_is_back()
    {
        var choice = new ServerChoice(Three[0], Three, new Random(1));
        var first = choice.Current;
        Assert.True(choice.Failed(first));
        var second = choice.Current;
        Assert.NotEqual(first, second);
        Assert.False(choice.Failed(first));
        Assert.False(choice.Learn([.. Three.Reverse()]));
        Assert.Equal(second, choice.Current);
    }

    [Fact]
    public void What_is_no_address_of_a_server_is_left_out_and_no_more_than_32_are_kept()
    {
        var choice = new ServerChoice("https://192.0.2.1:8481/", [], new Random(1));
        Assert.Equal(Three[..1], choice.Known);
        Assert.False(choice.Failed(choice.Current));
        Assert.False(choice.Learn([]));
        Assert.False(choice.Learn(["http://192.0.2.1", "https://root@192.0.2.1", "https://192.0.2.1/?a=b", "ftp://192.0.2.1", "x", "https://" + new string('a', 600)]));
        Assert.True(choice.Learn([.. Enumerable.Range(1, 100).Select(number => $"https://192.0.2.{number}:8481/")]));
        Assert.Equal(32, choice.Known.Count);
        Assert.Equal("https://192.0.2.1:8481", choice.Find("https://192.0.2.1:8481/"));
        Assert.Null(choice.Find("https://evil.example"));
    }

    [Fact]
    public void When_all_others_fail_the_address_of_the_join_is_tried_too()
    {
        var choice = new ServerChoice("https://cloud.example:8481", Three[..1], new Random(1));
        Assert.Equal(Three[0], choice.Current);
        Assert.True(choice.Failed(Three[0]));
        Assert.Equal("https://cloud.example:8481", choice.Current);
        Assert.Equal(Three[..1], choice.Known);
    }
}
