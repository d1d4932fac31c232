using System.Globalization;
using System.Text;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Networks;

/// <summary>
/// Counts what guests send and receive, for the servers every few minutes and for whoever asks this agent. Nothing is kept: the kernel counts on while no
/// agent runs, and the servers add up what is more than they know.
/// </summary>
public sealed class InterfaceTraffic(AgentState state, INetworkDriver driver, string bootId, Random random, TimeProvider clock)
{
    /// <summary>Too low: rows are written for every interface of the cloud again and again; too high: what a guest does in its last minutes is lost with its host.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, ObservedTraffic> _told = [];
    private readonly Lock _gate = new();
    private IReadOnlyList<ObservedTraffic> _seen = [];

    /// <summary>Looks until stopped, each host at times of its own. The next report tells.</summary>
    public async Task RunAsync(Action<Exception> broken, CancellationToken stop)
    {
        await Task.Delay(Period * random.NextDouble(), clock, stop);
        await Resync.RunAsync(new Doorbell(clock), Period, cancel => LookAsync(cancel), broken, stop);
    }

    /// <summary>Reads what the kernel has counted, for the next report.</summary>
    public async Task<IReadOnlyList<ObservedTraffic>> LookAsync(CancellationToken cancel)
    {
        var seen = await ReadAsync(cancel);
        lock (_gate) _seen = seen;
        return seen;
    }

    private async Task<IReadOnlyList<ObservedTraffic>> ReadAsync(CancellationToken cancel)
    {
        if (state.Document is not { } document) return [];
        var counters = await driver.CountersAsync(cancel);
        var seen = new List<ObservedTraffic>();
        foreach (var id in document.Instances.SelectMany(instance => instance.Interfaces).Select(port => port.Id).Where(ObjectNames.IsId).Distinct())
            if (counters.TryGetValue(ObjectNames.Tap(id), out var tap))
                seen.Add(new ObservedTraffic(id, string.Create(CultureInfo.InvariantCulture, $"{bootId}/{tap.Device}"), tap.BytesSent, tap.BytesReceived, tap.PacketsSent, tap.PacketsReceived));
        return seen;
    }

    /// <summary>What the servers have not heard; null if nothing.</summary>
    public IReadOnlyList<ObservedTraffic>? Untold()
    {
        lock (_gate)
        {
            ObservedTraffic[] untold = [.. _seen.Where(one => _told.GetValueOrDefault(one.Interface) != one)];
            return untold.Length == 0 ? null : untold;
        }
    }

    /// <summary>The servers have heard it. Hearing it twice would do no harm.</summary>
    public void Told(IReadOnlyList<ObservedTraffic> told)
    {
        lock (_gate)
        {
            foreach (var one in told) _told[one.Interface] = one;
            var present = _seen.Select(one => one.Interface).ToHashSet();
            foreach (var gone in _told.Keys.Where(id => !present.Contains(id)).ToArray()) _told.Remove(gone);
        }
    }

    /// <summary>The counts now, in Prometheus' text format. The ids are this cloud's own and need no escaping.</summary>
    public async Task<string> MetricsAsync(CancellationToken cancel)
    {
        // What the servers are told stays as it is: they need not hear as often as somebody asks here.
        var seen = await ReadAsync(cancel);
        var owners = (state.Document?.Instances ?? []).SelectMany(instance => instance.Interfaces.Select(port => (port, instance.Id))).GroupBy(one => one.port.Id)
            .ToDictionary(one => one.Key, one => (Instance: one.First().Id, Network: one.First().port.NetworkId));
        var text = new StringBuilder();
        void Write(string name, string help, Func<ObservedTraffic, long> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} counter\n");
            foreach (var one in seen.Where(one => owners.ContainsKey(one.Interface)))
                text.Append(CultureInfo.InvariantCulture, $"{name}{{interface=\"{one.Interface}\",instance=\"{owners[one.Interface].Instance}\",network=\"{owners[one.Interface].Network}\"}} {value(one)}\n");
        }
        if (seen.Count == 0) return "";
        Write("kumoi_interface_sent_bytes_total", "Bytes that the guest sent by the interface", one => one.BytesSent);
        Write("kumoi_interface_received_bytes_total", "Bytes that the guest was sent by the interface", one => one.BytesReceived);
        Write("kumoi_interface_sent_packets_total", "Packets that the guest sent by the interface", one => one.PacketsSent);
        Write("kumoi_interface_received_packets_total", "Packets that the guest was sent by the interface", one => one.PacketsReceived);
        return text.ToString();
    }
}
