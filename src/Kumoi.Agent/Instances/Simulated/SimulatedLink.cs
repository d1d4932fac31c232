using System.Net.WebSockets;
using Kumoi.Agent.Control;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>What is told of the links of simulated hosts.</summary>
public interface ISimulatedLinkWatch
{
    /// <summary>A request was answered, or not.</summary>
    void Heard(bool answered);

    /// <summary>A report was answered.</summary>
    void Reported();

    /// <summary>A document has come.</summary>
    /// <param name="before">The one before; null if it is the first.</param>
    void Told(DesiredDocument? before, DesiredDocument document);
}

/// <summary>The way of a simulated host to its servers: the real one, on which requests are slow and get lost as the settings say.</summary>
public sealed class SimulatedLink(IServerLink real, SimulatedNetworkFaults faults, SimulatedChance chance, ISimulatedLinkWatch watch, TimeProvider clock) : IServerLink
{
    private DesiredDocument? _last;

    public async Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel)
    {
        var document = await AskAsync(() => real.DesiredAsync(after, cancel), cancel);
        if (document is null) return null;
        watch.Told(_last, document);
        return _last = document;
    }

    public async Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel)
    {
        var answer = await AskAsync(() => real.ReportAsync(report, cancel), cancel);
        watch.Reported();
        return chance.Happens(faults.RepeatedReports) ? await AskAsync(() => real.ReportAsync(report, cancel), cancel) : answer;
    }

    public Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel) => real.OpenImageAsync(imageId, offset, cancel);

    public Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel) => real.OpenConsoleAsync(console, cancel);

    public Task KeepAsync(CancellationToken stop) => real.KeepAsync(stop);

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancel)
    {
        try
        {
            if (faults.Latency != TimeRange.Zero) await Task.Delay(chance.In(faults.Latency), clock, cancel);
            if (chance.Happens(faults.LostRequests)) throw new IOException("The request was lost, as the simulation has it.");
            var answer = await ask();
            if (chance.Happens(faults.LostAnswers)) throw new IOException("The answer was lost, as the simulation has it.");
            watch.Heard(true);
            return answer;
        }
        catch (IOException)
        {
            watch.Heard(false);
            throw;
        }
    }

    public void Dispose() => real.Dispose();
}
