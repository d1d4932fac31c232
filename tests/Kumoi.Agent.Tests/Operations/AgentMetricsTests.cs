using System.Net;
using System.Net.Sockets;
using Kumoi.Api.Metrics;
using Xunit;

namespace Kumoi.Agent.Tests.Operations;

/// <summary>Goal: an agent tells its numbers to its own machine, and only when asked to.</summary>
public sealed class AgentMetricsTests
{
    [Fact]
    public async Task Steps_are_counted_by_kind_and_outcome_and_nothing_else_is_served()
    {
        Assert.Null(await AgentMetrics.ServeAsync(null, Nothing, default));
        var address = new IPEndPoint(IPAddress.Loopback, FreePort());
        await using var serving = await AgentMetrics.ServeAsync(address, _ => Task.FromResult("more_total 1\n"), default);
        AgentMeter.Steps.Add(2, new("step", "Start"), new KeyValuePair<string, object?>("outcome", "failed"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://{address}") };
        var text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.True(MetricSamples.Read(text).Where("outcome", outcome => outcome == "failed").By("kumoi_agent_steps_total", "step")["Start"] >= 2);
        Assert.EndsWith("\nmore_total 1\n", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_gc_collections_total", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri("/", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public void Another_address_than_the_loopbacks_is_refused()
    {
        var options = new AgentOptions { StateDirectory = "/var/lib/kumoi", Tag = "abcdef", Name = "h", Address = "10.0.0.1", Metrics = new IPEndPoint(IPAddress.Any, 9480) };
        Assert.Contains(options.Validate(), sentence => sentence.Contains("0.0.0.0:9480", StringComparison.Ordinal));
        Assert.Empty((options with { Metrics = new IPEndPoint(IPAddress.Loopback, 9480) }).Validate());
    }

    private static Task<string> Nothing(CancellationToken cancel) => Task.FromResult("");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
