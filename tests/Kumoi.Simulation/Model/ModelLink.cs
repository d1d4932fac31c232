using System.Net.WebSockets;
using Kumoi.Agent.Control;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>The agent's way to its servers: it stays with one while that answers, and goes to another when it does not.</summary>
internal sealed class ModelLink(Cloud cloud, ModelHost host, Node node) : IServerLink
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(30), AnswerLimit = TimeSpan.FromSeconds(15);

    private int _server = cloud.Dice.Below(cloud.Servers.Count);

    public Task<DesiredDocument?> DesiredAsync(long after, CancellationToken cancel) =>
        CallAsync(Wait + AnswerLimit, repeatable: false, server => server.DesiredAsync(host.Id, after, Wait), cancel);

    public Task<ReportAnswer> ReportAsync(ObservedReport report, CancellationToken cancel)
    {
        var answer = CallAsync(AnswerLimit, repeatable: true, server => server.ObserveAsync(host.Id, report), cancel);
        if (cloud.Dice.PerMille(cloud.Faults.HeldReports)) cloud.Troubles.Suspend(host);
        return answer;
    }

    private async Task<T> CallAsync<T>(TimeSpan limit, bool repeatable, Func<ModelServer, Task<T>> handle, CancellationToken cancel)
    {
        // A balancer before the servers may send the next connection to another.
        if (cloud.Dice.OneIn(8)) _server = cloud.Dice.Below(cloud.Servers.Count);
        try
        {
            return await cloud.Wire.CallAsync(host.Name, node, cloud.Servers[_server], limit, repeatable, handle, cancel);
        }
        catch (IOException)
        {
            _server = cloud.Dice.Below(cloud.Servers.Count);
            throw;
        }
    }

    public Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel) => throw new NotSupportedException("Images are not part of the model.");

    public Task<WebSocket> OpenConsoleAsync(DesiredConsole console, CancellationToken cancel) => throw new NotSupportedException("Consoles are not part of the model.");

    public Task KeepAsync(CancellationToken stop) => Task.CompletedTask;

    public void Dispose()
    {
    }
}
