using Kumoi.Agent.Networks;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>Networks of a machine: which taps are there. Every step may be slow, fail on either side of its effect, or be cut off.</summary>
internal sealed class ModelNetworks(Cloud cloud, ModelHost host, Node node) : INetworkDriver
{
    public TimeSpan? WatchPeriod => null;

    public IReadOnlyList<string> List() => [.. host.Namespaces.Keys];

    public bool IsServed(string networkNamespace) => true;

    public Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel) => StepAsync(() => { }, cancel);

    public async Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        await StepAsync(() =>
        {
            var there = host.Namespaces.GetValueOrDefault(intent.Namespace) ?? [];
            host.Namespaces[intent.Namespace] = [.. intent.Ports.Select(port => port.Tap).Concat(there.Where(tap => !removable.Contains(tap))).Distinct().Order(StringComparer.Ordinal)];
        }, cancel);
        return new NetworkSight(host.Namespaces.GetValueOrDefault(intent.Namespace) ?? []);
    }

    public async Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        await StepAsync(() =>
        {
            if (!host.Namespaces.TryGetValue(networkNamespace, out var there)) return;
            string[] left = [.. there.Where(tap => !removable.Contains(tap))];
            if (left.Length == 0) host.Namespaces.Remove(networkNamespace);
            else host.Namespaces[networkNamespace] = left;
        }, cancel);
        return host.Namespaces.GetValueOrDefault(networkNamespace);
    }

    private async Task StepAsync(Action effect, CancellationToken cancel)
    {
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new IOException("It fails before it began.");
        effect();
        await cloud.DawdleAsync(node, cancel);
        if (cloud.StepFails()) throw new IOException("It fails though it was done.");
    }
}
