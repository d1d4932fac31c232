using System.Globalization;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Roles;

/// <summary>Tells every few seconds how simulated hosts are: a line for people, or a line of JSON.</summary>
public sealed class SimulateStatus(bool json, TimeProvider clock)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    /// <summary>Tells until stopped, and once more at the end.</summary>
    public async Task RunAsync(Func<FleetStatus> look, CancellationToken stop)
    {
        var (before, at) = (look(), clock.GetTimestamp());
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(Period, clock, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            var now = look();
            Console.Out.WriteLine(Line(now, (now.Reports - before.Reports) / Math.Max(0.001, clock.GetElapsedTime(at).TotalSeconds)));
            (before, at) = (now, clock.GetTimestamp());
        }
    }

    private string Line(FleetStatus now, double reportsPerSecond) => json
        ? new JsonObject
        {
            ["time"] = clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture), ["hosts"] = now.Hosts, ["joined"] = now.Joined, ["connected"] = now.Connected,
            ["instancesRunning"] = now.Running, ["reportsPerSecond"] = Math.Round(reportsPerSecond, 1), ["requestsFailed"] = now.Failures,
        }.ToJsonString()
        : Messages.Text("simulate-status", clock.GetUtcNow(), now.Hosts, now.Joined, now.Connected, now.Running, reportsPerSecond, now.Failures);
}
