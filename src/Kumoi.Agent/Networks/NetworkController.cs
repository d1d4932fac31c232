using System.Collections.Concurrent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Networks;

/// <summary>
/// Keeps the host's networks as the document says, one namespace after another and different ones together, and knows for each interface
/// what is in force.
/// </summary>
public sealed class NetworkController : IAsyncDisposable
{
    /// <summary>Networks put in order together. Too low: they wait for each other; too high: ip and nft crowd a small machine.</summary>
    private const int Parallelism = 4;

    private readonly AgentOptions _options;
    private readonly AgentState _state;
    private readonly INetworkDriver _driver;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Func<string, bool?> _hasProcess;
    private readonly WorkQueue<string> _queue;
    private readonly SemaphoreSlim _hostGate = new(1, 1);
    private readonly ConcurrentDictionary<string, Applied> _applied = new();
    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _strays = new();
    private readonly ConcurrentDictionary<string, Condition> _conditions = new();
    private readonly ConcurrentDictionary<string, Condition> _lacking = new();
    private readonly ConcurrentDictionary<string, Port> _known = new();
    private readonly ConcurrentDictionary<string, IReadOnlySet<string>> _making = new();

    /// <summary>Networks of which more may have changed than who else is in them.</summary>
    private readonly ConcurrentDictionary<string, bool> _whole = new();
    private readonly VpnSights _vpns;
    private volatile string _hostApplied = "";
    private readonly DocumentNetworks _networks;

    /// <param name="hasProcess">Whether a guest's process lives; null if that is not known: its tap is then neither made nor removed.</param>
    public NetworkController(
        AgentOptions options, AgentState state, INetworkDriver driver, Func<string, bool?> hasProcess, Random random, TimeProvider clock, ILogger log)
    {
        (_options, _state, _driver, _hasProcess, _clock, _log) = (options, state, driver, hasProcess, clock, log);
        _vpns = new VpnSights(clock);
        _networks = new DocumentNetworks(options, hasProcess);
        _queue = new WorkQueue<string>(
            Parallelism, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(1), random), clock, LookAsync, Broken);
    }

    /// <summary>Called with the ids of instances whose network has changed.</summary>
    public Action<string> Rung { get; set; } = _ => { };

    /// <summary>Called when a namespace is there and its metadata socket is wanted, with the network's id; and with null when it goes.</summary>
    public Func<string, string?, CancellationToken, Task> Served { get; set; } = (_, _, _) => Task.CompletedTask;

    /// <summary>Adds what is known of load balancers' members.</summary>
    public Func<NetworkIntent, NetworkIntent> Judge { get; set; } = intent => intent;

    /// <summary>Called when a network is in force.</summary>
    public Func<NetworkIntent, CancellationToken, Task> Balanced { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Called with the namespace of a network that has gone.</summary>
    public Action<string> Unbalanced { get; set; } = _ => { };

    /// <summary>Namespaces and taps no record explains.</summary>
    public IReadOnlyList<string> Strays => [.. _strays.Values.SelectMany(names => names).Order(StringComparer.Ordinal)];

    public IReadOnlyList<Condition> Conditions => [.. _conditions.Values, .. _vpns.Conditions, .. _lacking.Values];

    /// <summary>The VPN gateways that the host is: all of them, or those of which something has changed since it was told; null if there is nothing to tell.</summary>
    public IReadOnlyList<ObservedVpn>? TellVpns(bool all) => _vpns.Tell(all);

    /// <summary>Looks at everything, also at what is being made for a document of before.</summary>
    public void RingAll()
    {
        if (_state.Document is not { } document) return;
        foreach (var name in document.Networks.Where(network => ObjectNames.IsId(network.Id)).Select(network => NamespaceOf(network.Id)).Union(_driver.List()).Union(_making.Keys))
            RingWhole(name);
    }

    public void Ring(string networkId)
    {
        if (ObjectNames.IsId(networkId)) RingWhole(NamespaceOf(networkId));
    }

    /// <summary>Only who else is in the network has changed, or which members of its load balancers work. Networks that are linked to it have hosts and load balancers in common
    /// with it, and take the news too.</summary>
    public void RingPeers(string networkId)
    {
        if (ObjectNames.IsId(networkId)) _queue.Ring(NamespaceOf(networkId));
        foreach (var network in _state.Document?.Networks.Where(network => ObjectNames.IsId(network.Id) && DocumentNetworks.IsLinked(network, networkId)) ?? []) _queue.Ring(NamespaceOf(network.Id));
    }

    private void RingWhole(string name)
    {
        _whole[name] = true;
        _queue.Ring(name);
    }

    /// <summary>True if the network could not be put in order, and waits to be tried again.</summary>
    public bool IsFailing(string networkId) => _conditions.ContainsKey(NamespaceOf(networkId));

    /// <summary>How far the network of an instance is, compared with its record.</summary>
    public NetworkReadiness ReadinessOf(DesiredInstance instance, DesiredDocument document)
    {
        var wanted = instance.Interfaces;
        if (instance.Leaves()) return wanted.Any(MayBeThere) ? NetworkReadiness.Pending : NetworkReadiness.Gone;
        return wanted.All(port => InForce(port, document)) ? NetworkReadiness.Ready : NetworkReadiness.Pending;
    }

    /// <summary>The condition that keeps an instance's network from being ready; null if none is known.</summary>
    public Condition? ConditionOf(DesiredInstance instance) =>
        instance.Interfaces.Where(port => ObjectNames.IsId(port.NetworkId))
            .Select(port => _conditions.GetValueOrDefault(NamespaceOf(port.NetworkId))).FirstOrDefault(condition => condition is not null);

    /// <summary>A namespace not looked at yet, after a restart of the agent, may still hold the tap; and one being looked at may get it.</summary>
    private bool MayBeThere(DesiredInterface port)
    {
        if (!ObjectNames.IsId(port.Id) || !ObjectNames.IsId(port.NetworkId)) return false;
        var (name, tap) = (NamespaceOf(port.NetworkId), ObjectNames.Tap(port.Id));
        if (_making.TryGetValue(name, out var making) && making.Contains(tap)) return true;
        return _applied.TryGetValue(name, out var applied) ? applied.Taps.Contains(tap) : _driver.List().Contains(name);
    }

    private bool InForce(DesiredInterface wanted, DesiredDocument document)
    {
        if (!ObjectNames.IsId(wanted.NetworkId) || !_applied.TryGetValue(NamespaceOf(wanted.NetworkId), out var applied)) return false;
        return applied.Ports.TryGetValue(wanted.Id, out var fingerprint) && _networks.FingerprintsOf(document).TryGetValue(wanted.Id, out var port) && fingerprint == port;
    }

    private string NamespaceOf(string networkId) => ObjectNames.Namespace(_options.Tag, networkId);

    private async Task<Outcome> LookAsync(string name, CancellationToken cancel)
    {
        if (_state.Document is not { } document) return Outcome.Done;
        // Taken before the look: what rings during it is for the next one.
        var whole = _whole.TryRemove(name, out _);
        var quiet = false;
        TimeSpan? again = null;
        try
        {
            // Before it is decided what is made: whoever asks from now on whether a tap may be there hears of those that may come, until what
            // is there is known again.
            _making[name] = TapsIn(document, name);
            var network = document.Networks.FirstOrDefault(network => ObjectNames.IsId(network.Id) && NamespaceOf(network.Id) == name);
            var intent = network is null ? null : Retain(_networks.Read(document, network.Id)) is { } read ? Judge(read) : null;
            if (network is null) await Task.WhenAll(ApplyHostAsync(document, cancel), RemoveAsync(name, document, cancel));
            else if (intent is null) throw new IOException($"The record of network {network.Id} cannot be understood by this agent.");
            else if (!whole && _applied.ContainsKey(name) && await TryApplyPeersAsync(intent, document, cancel)) quiet = true;
            else again = await ApplyAsync(intent, document, cancel);
            _making.TryRemove(name, out _);
            _conditions.TryRemove(name, out _);
        }
        catch (IOException e)
        {
            _log.NetworkFailed(name, e.Message);
            Report(name, e.Message);
            _whole[name] = true;
            return Outcome.Failure;
        }
        finally
        {
            // Who else is in a network is no news for its instances.
            if (!quiet) RingInstances(document, name);
        }
        if (again is not { } wait) return Outcome.Done;
        _whole[name] = true;
        return Outcome.LookAgain(wait);
    }

    private void RingInstances(DesiredDocument document, string name)
    {
        foreach (var instance in document.Instances.Where(instance => instance.Interfaces.Any(port => ObjectNames.IsId(port.NetworkId) && NamespaceOf(port.NetworkId) == name)))
            Rung(instance.Id);
    }

    private HashSet<string> TapsIn(DesiredDocument document, string name) =>
        [.. document.Instances.SelectMany(instance => instance.Interfaces).Where(port => ObjectNames.IsId(port.Id) && ObjectNames.IsId(port.NetworkId) && NamespaceOf(port.NetworkId) == name)
            .Select(port => ObjectNames.Tap(port.Id))];

    private async Task ApplyHostAsync(DesiredDocument document, CancellationToken cancel)
    {
        await _hostGate.WaitAsync(cancel);
        try
        {
            NetworkIntent[] all = [.. document.Networks.Select(network => _networks.Read(document, network.Id)).OfType<NetworkIntent>()];
            var key = string.Join(' ', all.SelectMany(network => HostRuleset.Outer(network).Concat(network.Remotes.Select(remote => "h" + remote.Address)).Prepend(network.Segment is null ? network.Uplink : "")));
            // Once for each document's addresses; a full look at the table comes with the first network of every resync.
            if (_hostApplied == key) return;
            await _driver.ApplyHostAsync(all, cancel);
            _hostApplied = key;
        }
        finally
        {
            _hostGate.Release();
        }
    }

    /// <summary>Has the host's own table looked at again, changed or not.</summary>
    public void ForgetHost() => _hostApplied = "";

    private async Task<bool> TryApplyPeersAsync(NetworkIntent intent, DesiredDocument document, CancellationToken cancel)
    {
        var network = _driver.TryApplyPeersAsync(intent, cancel);
        await Task.WhenAll(network, ApplyHostAsync(document, cancel));
        if (!await network) return false;
        await Balanced(intent, cancel);
        return true;
    }

    /// <returns>When to look again; null if all is done.</returns>
    private async Task<TimeSpan?> ApplyAsync(NetworkIntent intent, DesiredDocument document, CancellationToken cancel)
    {
        // The host's rules first: they say whose packets may come from other hosts.
        await ApplyHostAsync(document, cancel);
        var sight = await _driver.ApplyAsync(intent, Removable(document), cancel);
        await Served(intent.Namespace, intent.Id, cancel);
        _vpns.Take(intent.Namespace, sight.Vpn);
        await Balanced(intent, cancel);
        Lacks(intent, sight.Lacking);
        foreach (var port in intent.Ports) _known[port.Tap] = port;
        // A network that was there before this one has its end of their link to be put in order.
        if (!_applied.ContainsKey(intent.Namespace)) foreach (var link in intent.Links) RingWhole(link.Namespace);
        _applied[intent.Namespace] = new Applied(intent.Ports.ToDictionary(port => port.Id, DocumentNetworks.Fingerprint), sight.Taps.ToHashSet());
        var explained = document.Instances.SelectMany(instance => instance.Interfaces).Where(port => ObjectNames.IsId(port.Id)).Select(port => ObjectNames.Tap(port.Id)).ToHashSet();
        _strays[intent.Namespace] = [.. sight.Taps.Where(tap => !explained.Contains(tap)).Select(tap => $"{intent.Namespace}/{tap}")];
        return sight.Again;
    }

    /// <summary>Interfaces whose record is missing keep the rules they last had: absence is no order to take anything away.</summary>
    private NetworkIntent? Retain(NetworkIntent? intent)
    {
        if (intent is null || !_applied.TryGetValue(intent.Namespace, out var applied)) return intent;
        var document = _state.Document!;
        var recorded = document.Instances.SelectMany(instance => instance.Interfaces).Where(port => ObjectNames.IsId(port.Id)).Select(port => ObjectNames.Tap(port.Id)).ToHashSet();
        var lost = applied.Taps.Where(tap => !recorded.Contains(tap)).Select(tap => _known.GetValueOrDefault(tap)).OfType<Port>().ToArray();
        return lost.Length == 0 ? intent : intent with { Ports = [.. intent.Ports.Concat(lost).OrderBy(port => port.Tap, StringComparer.Ordinal)] };
    }

    private async Task RemoveAsync(string name, DesiredDocument document, CancellationToken cancel)
    {
        var left = await _driver.TryRemoveAsync(name, Removable(document), cancel);
        _vpns.Take(name, null);
        if (left is null)
        {
            await Served(name, null, cancel);
            Unbalanced(name);
            _lacking.TryRemove(name, out _);
            _applied.TryRemove(name, out _);
            _strays.TryRemove(name, out _);
        }
        else
        {
            _applied[name] = new Applied(new Dictionary<string, string>(), left.ToHashSet());
            _strays[name] = [name, .. left.Select(tap => $"{name}/{tap}")];
        }
    }

    private HashSet<string> Removable(DesiredDocument document) =>
        [.. document.Instances.Where(instance => instance.Leaves() && _hasProcess(instance.Id) == false)
            .SelectMany(instance => instance.Interfaces).Where(port => ObjectNames.IsId(port.Id)).Select(port => ObjectNames.Tap(port.Id))];

    /// <summary>What does not work while the network does.</summary>
    private void Lacks(NetworkIntent intent, string? lacking)
    {
        var message = string.Join(' ', intent.LeftOut.Concat(lacking is null ? [] : [lacking]));
        if (message.Length == 0)
        {
            _lacking.TryRemove(intent.Namespace, out _);
            return;
        }
        if (!_lacking.TryGetValue(intent.Namespace, out var known) || known.Message != message) _log.BalancersLacking(intent.Namespace, message);
        _lacking.AddOrUpdate(
            intent.Namespace, _ => new Condition("LoadBalancers", "load-balancers-incomplete", message, _clock.GetUtcNow(), null), (_, known) => known with { Message = message });
    }

    private void Report(string name, string message) =>
        _conditions.AddOrUpdate(
            name, _ => new Condition("Network", "network-failed", message, _clock.GetUtcNow(), null),
            (_, known) => known with { Message = message });

    private void Broken(string name, Exception e)
    {
        _whole[name] = true;
        _log.NetworkBroken(e, name);
        Report(name, "The network could not be put in order because of an error in the agent; its log has the details.");
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        _hostGate.Dispose();
    }

    private sealed record Applied(IReadOnlyDictionary<string, string> Ports, IReadOnlySet<string> Taps);
}
