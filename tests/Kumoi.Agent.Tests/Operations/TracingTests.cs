using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kumoi.Api.Agent;
using Kumoi.Cli.Roles;
using Kumoi.Server.Platform;
using Xunit;

namespace Kumoi.Agent.Tests.Operations;

/// <summary>Goal: what is asked of the server and what the agent does for it are one trace, and arrive at a collector. Method: a collector that
/// keeps the bytes it gets; ids stand in them as they are.</summary>
public sealed class TracingTests
{
    [Fact]
    public async Task A_change_and_the_steps_it_causes_arrive_at_the_collector_as_one_trace()
    {
        var port = FreePort();
        using var collector = new HttpListener();
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        var received = ReceiveAsync(collector);
        ActivityTraceId trace;
        var spans = new List<ActivitySpanId>();
        using (Tracing.Export("kumoi-test", new Uri($"http://127.0.0.1:{port}")))
        {
            string parent;
            using (var change = ServerTrace.Source.StartActivity("instance.launch"))
            {
                (trace, parent) = (change!.TraceId, change.Id!);
                spans.Add(change.SpanId);
            }
            Assert.Null(Activity.Current);
            using var step = AgentTrace.Step(Instance(parent), "Start");
            Assert.Equal((trace, spans[0]), (step!.TraceId, step.ParentSpanId));
            spans.Add(step.SpanId);
            await new Linux.Commands(TimeProvider.System).TryRunAsync("true", [], default);
        }
        var body = await received;
        Assert.True(Count(body, Convert.FromHexString(trace.ToHexString())) >= 3, "the spans of change, step and process carry the trace");
        foreach (var span in spans) Assert.NotEqual(0, Count(body, Convert.FromHexString(span.ToHexString())));
        foreach (var name in (string[])["instance.launch", "instance.Start", "run true", "kumoi-test"]) Assert.NotEqual(0, Count(body, System.Text.Encoding.UTF8.GetBytes(name)));
    }

    [Fact]
    public void Outside_of_a_step_and_without_a_request_that_was_traced_nothing_is_made()
    {
        Assert.Null(AgentTrace.Part("qmp stop"));
        Assert.Null(AgentTrace.Step(Instance("nonsense"), "Start"));
    }

    private static DesiredInstance Instance(string parent) => Samples.Instance(1, "running") with { TraceParent = parent };

    private static async Task<byte[]> ReceiveAsync(HttpListener collector)
    {
        var context = await collector.GetContextAsync();
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        Assert.Equal("/v1/traces", context.Request.Url!.AbsolutePath);
        context.Response.ContentType = "application/x-protobuf";
        context.Response.Close();
        return body.ToArray();
    }

    private static int Count(byte[] body, byte[] part)
    {
        var count = 0;
        for (var at = 0; (at = body.AsSpan(at).IndexOf(part) is >= 0 and var next ? at + next : -1) >= 0; at += part.Length) count++;
        return count;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
