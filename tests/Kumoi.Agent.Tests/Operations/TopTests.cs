using Kumoi.Api;
using Kumoi.Api.Metrics;
using Kumoi.Cli.Operations;
using Spectre.Console;
using Xunit;

namespace Kumoi.Agent.Tests.Operations;

/// <summary>Goal: the frame shows what two looks say, and nothing that they do not.</summary>
public sealed class TopTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private static Host Host(string name, string state) => new(
        "h-" + name, name, new Ref("z-1", "default"), state, true, "qemu", "kvm", "", new Capacity(16, 8192, 100), new Capacity(4, 4096, 10), 3, "127.0.0.1", "1", [], [], Now, Now.AddSeconds(-4), false, null, 10, null, null, null, new Ref("hp-1", "default"), null, new Dictionary<string, string>());

    private static MetricSamples Samples(int created, int slow) => MetricSamples.Read(
        $"# TYPE x counter\nkumoi_database_up 1\nkumoi_instances{{state=\"running\"}} 7\nkumoi_instances_created_total {created}\nhttp_server_request_duration_seconds_bucket{{http_route=\"/api/v1/instances\",le=\"0.01\"}} 90\n" +
        $"http_server_request_duration_seconds_bucket{{http_route=\"/api/v1/instances\",le=\"1\"}} {90 + slow}\nhttp_server_request_duration_seconds_bucket{{http_route=\"/api/v1/instances\",le=\"+Inf\"}} {90 + slow}\nhttp_server_request_duration_seconds_count{{http_route=\"/api/v1/instances\"}} {90 + slow}\nhttp_server_request_duration_seconds_count{{http_route=\"/agent/v1/desired\"}} {created * 50}\n");

    [Fact]
    public void Rates_are_the_difference_of_two_looks_by_the_time_between()
    {
        var frame = TopFrame.Of(new TopLook(Now, [Host("a", "up")], Samples(30, 10)), new TopLook(Now.AddSeconds(-2), [], Samples(10, 0)));
        Assert.Equal((10, 5, true), (frame.CreatesPerSecond, frame.RequestsPerSecond, frame.DatabaseUp));
        Assert.InRange(frame.RequestMsP99!.Value, 10, 1000);
        Assert.Equal(7, frame.Instances["running"]);
        Assert.Equal(4, frame.Hosts.Single().ReportSecondsAgo);
        Assert.Null(TopFrame.Of(new TopLook(Now, [], Samples(30, 10)), null).CreatesPerSecond);
    }

    [Fact]
    public void A_server_that_tells_no_numbers_leaves_them_out_and_silent_hosts_come_first()
    {
        var frame = TopFrame.Of(new TopLook(Now, [Host("a", "up"), Host("b", "down")], null), null);
        Assert.Null(frame.DatabaseUp);
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text), Ansi = AnsiSupport.No });
        console.Profile.Width = 200;
        console.Write(TopCommand.Draw(frame));
        var lines = text.ToString().Split('\n');
        Assert.True(Array.FindIndex(lines, l => l.StartsWith("b ", StringComparison.Ordinal)) < Array.FindIndex(lines, l => l.StartsWith("a ", StringComparison.Ordinal)));
        Assert.Contains("4096/8192 MiB #####.....", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_low_screen_shows_the_hosts_that_need_a_look_and_counts_the_others()
    {
        var frame = TopFrame.Of(new TopLook(Now, [.. Enumerable.Range(0, 30).Select(i => Host($"host-{i}", i == 29 ? "down" : "up"))], null), null);
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text), Ansi = AnsiSupport.No });
        console.Profile.Width = 200;
        console.Write(TopCommand.Draw(frame, 4));
        var shown = text.ToString().Split('\n').Where(line => line.StartsWith("host-", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, shown.Count);
        Assert.StartsWith("host-29 ", shown[0], StringComparison.Ordinal);
        Assert.Contains("26", text.ToString().TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }
}
