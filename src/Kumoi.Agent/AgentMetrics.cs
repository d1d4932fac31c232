using System.Diagnostics.Metrics;
using System.Net;
using Kumoi.Api.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Kumoi.Agent;

/// <summary>What the agent counts of its own work. No label holds a name or an id: only kinds. What guests' interfaces carry is counted by the kernel, see <see cref="Networks.InterfaceTraffic"/>.</summary>
public static class AgentMeter
{
    public const string Name = "Kumoi.Agent";

    private static readonly Meter Meter = new(Name);

    public static readonly Counter<long> Steps = Meter.CreateCounter<long>("kumoi.agent.steps", null, "Steps taken for guests, by kind and outcome");

    public static readonly Histogram<double> StepDuration = Meter.CreateHistogram<double>("kumoi.agent.step.duration", "s", "Time that a step for a guest took");
}

/// <summary>Serves the agent's numbers in Prometheus' text format, if asked to, at an address of this machine's loopback only.</summary>
public static class AgentMetrics
{
    private static readonly string[] Meters = [AgentMeter.Name, "System.Runtime"];

    /// <param name="more">Text to put behind the agent's own numbers.</param>
    /// <returns>What ends the serving when it is disposed; null if there is no address.</returns>
    public static async Task<IAsyncDisposable?> ServeAsync(IPEndPoint? address, Func<CancellationToken, Task<string>> more, CancellationToken cancel)
    {
        if (address is null) return null;
        var collector = new MetricCollector(Meters, null);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(address);
        });
        var app = builder.Build();
        app.Run(async http =>
        {
            if (http.Request.Path != "/metrics" || !HttpMethods.IsGet(http.Request.Method))
            {
                http.Response.StatusCode = 404;
                return;
            }
            http.Response.ContentType = MetricCollector.ContentType;
            await http.Response.WriteAsync(collector.Write() + await more(http.RequestAborted), http.RequestAborted);
        });
        await app.StartAsync(cancel);
        return new Serving(app, collector);
    }

    private sealed class Serving(WebApplication app, MetricCollector collector) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await app.DisposeAsync();
            collector.Dispose();
        }
    }
}
