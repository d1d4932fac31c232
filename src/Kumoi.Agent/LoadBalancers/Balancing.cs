using System.Collections.Concurrent;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// What this host knows of load balancers beside what is set in the kernel: which members work, and what has passed. The kernel's part is asked by the host itself
/// (<see cref="HealthChecks"/>), haproxy's by haproxy.
/// </summary>
public sealed class Balancing : IAsyncDisposable
{
    /// <summary>How often haproxy is asked. Too low: idle hosts do not rest; too high: a process that died is missed for long.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>The kernel's counts are read with every so many questions to haproxy, since its whole table of connections is gone through.</summary>
    private const int CountEvery = 10;

    private readonly AgentOptions _options;
    private readonly Commands _commands;
    private readonly TimeProvider _clock;
    private readonly HealthChecks _checks;
    private readonly ConcurrentDictionary<string, NetworkIntent> _taken = new();
    private readonly ConcurrentDictionary<(string Network, string Listener, string Member), Tally> _tallies = new();
    private readonly ConcurrentDictionary<(string Listener, string Member), HealthState> _proxied = new();

    /// <summary>Networks whose haproxy answered last time.</summary>
    private readonly ConcurrentDictionary<string, bool> _serving = new();
    private int _round;

    public Balancing(AgentOptions options, Commands commands, TimeProvider clock, ILogger log)
    {
        (_options, _commands, _clock) = (options, commands, clock);
        _checks = new HealthChecks(DirectoryOf, (target, cancel) => HealthProbe.AskAsync(target, clock, cancel), clock, log.LoopFailed)
        {
            Changed = (network, listener) =>
            {
                Turned(network);
                Reported(listener);
            },
        };
    }

    /// <summary>Called with a network's id when members of its load balancers begin or cease to work.</summary>
    public Action<string> Turned { get; set; } = _ => { };

    /// <summary>Called with a network's id when its haproxy has ended.</summary>
    public Action<string> Ended { get; set; } = _ => { };

    /// <summary>Called with the id of a listener whose members' health has changed.</summary>
    public Action<string> Reported { get; set; } = _ => { };

    private string DirectoryOf(string networkId) => Path.Combine(_options.Paths.Networks, ObjectNames.Namespace(_options.Tag, networkId));

    /// <summary>The intent with what is known of the members of its load balancers.</summary>
    public NetworkIntent Judge(NetworkIntent intent) => _checks.Judge(intent);

    /// <summary>Has a network's members asked from now on; to be called when its rules are in force.</summary>
    public async Task TakeAsync(NetworkIntent intent, CancellationToken cancel)
    {
        var before = _taken.GetValueOrDefault(intent.Namespace);
        // The rules lead nobody there any more; connections of before go by what they were given at first.
        if (before is not null) await EndConnectionsAsync(intent, [.. Ways(before).Except(Ways(intent))]);
        if (intent.Balancers.Count + intent.LinkedBalancers.Count == 0)
        {
            Forget(intent.Namespace);
            return;
        }
        var listeners = Ids(before);
        DurableFiles.MakeDirectory(DirectoryOf(intent.Id), AgentModes.Passable);
        _taken[intent.Namespace] = intent;
        _checks.Take(intent);
        // At once, so that nothing that passes from now on is missed.
        if (!Ids(intent).SetEquals(listeners)) await CountAsync(intent, cancel);
    }

    /// <summary>
    /// Where connections may be: from an address and port to a member. Of TCP these are all members of the record, as connections of one that does not work end by
    /// themselves; a sender of UDP never notices, and must be led to another.
    /// </summary>
    private static IEnumerable<ConnectionWay> Ways(NetworkIntent intent) =>
        intent.Balancers.Concat(intent.LinkedBalancers).SelectMany(balancer => balancer.Translated.SelectMany(listener => listener.Members
            .Where(member => listener.Transport == "tcp" || member.Works).SelectMany(member => member.Places).Where(member => balancer.Of(member.IsIpv6) is not null)
            .Select(member => new ConnectionWay(listener.Transport, balancer.Of(member.IsIpv6)!, listener.Port, member.Address, member.Port))));

    private static async Task EndConnectionsAsync(NetworkIntent intent, HashSet<ConnectionWay> ways)
    {
        if (ways.Count == 0) return;
        await NetworkNamespaces.RunInsideAsync(intent.Namespace, () =>
        {
            foreach (var connection in ConnectionTable.Read().Where(connection => ways.Contains(connection.Way)).ToArray()) ConnectionTable.Delete(connection);
            return true;
        });
    }

    public void Forget(string networkNamespace)
    {
        if (!_taken.TryRemove(networkNamespace, out var intent)) return;
        _checks.Forget(intent.Id);
        _serving.TryRemove(intent.Id, out _);
        foreach (var key in _tallies.Keys.Where(key => key.Network == intent.Id)) _tallies.TryRemove(key, out _);
        ForgetProxied(intent);
    }

    private void ForgetProxied(NetworkIntent intent)
    {
        foreach (var listener in intent.Balancers.SelectMany(balancer => balancer.Proxied))
            foreach (var member in listener.Members) _proxied.TryRemove((listener.Id, member.Id), out _);
    }

    /// <summary>Asks each haproxy, and from time to time the kernel.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        var count = _round++ % CountEvery == CountEvery - 1;
        foreach (var intent in _taken.Values)
        {
            if (intent.Balancers.Any(balancer => balancer.Proxied.Any())) await AskAsync(intent, cancel);
            if (count) await CountAsync(intent, cancel);
        }
    }

    /// <summary>The load balancers' listeners as this host sees them.</summary>
    /// <param name="only">Ids of those that are wanted; null: all.</param>
    public IReadOnlyList<ObservedListener> Observed(IReadOnlySet<string>? only) =>
        [.. _taken.Values.SelectMany(intent => intent.Balancers.SelectMany(balancer => balancer.Listeners)).Where(listener => only?.Contains(listener.Id) != false).Select(Observed)
            .OrderBy(listener => listener.Id, StringComparer.Ordinal)];

    private ObservedListener Observed(ListenerIntent listener)
    {
        ObservedBackend[] members = [.. listener.Members.Select(member => Observed(listener, member))];
        var own = TalliesOf(listener.Id, listener.IsProxied ? "" : null);
        var counts = Counts.Sum(own.Select(tally => tally.Counts));
        return new ObservedListener(
            listener.Id, own.Select(tally => tally.Since).DefaultIfEmpty(_clock.GetUtcNow()).Min(), counts.Active, counts.Connections, counts.BytesIn, counts.BytesOut, members);
    }

    private ObservedBackend Observed(ListenerIntent listener, MemberIntent member)
    {
        var counts = Counts.Sum(TalliesOf(listener.Id, member.Id).Select(tally => tally.Counts));
        var state = listener.IsProxied ? _proxied.GetValueOrDefault((listener.Id, member.Id)) : _checks.StateOf(listener, member);
        if (!listener.IsProxied && listener.Health.Protocol == "none") state = new HealthState(BackendHealth.Healthy, null, TalliesOf(listener.Id, member.Id).Select(tally => tally.Since).DefaultIfEmpty(_clock.GetUtcNow()).Min(), 0);
        state ??= HealthState.Unknown(_clock.GetUtcNow());
        return new ObservedBackend(member.Id, state.Health, state.Works ? null : state.Reason, state.Since, counts.Active, counts.Connections, counts.BytesIn, counts.BytesOut);
    }

    /// <summary>Of one listener in all networks of the host from which it is reached.</summary>
    /// <param name="member">Empty: the listener itself, as haproxy counts it; null: all of its members.</param>
    private Tally[] TalliesOf(string listener, string? member) =>
        [.. _tallies.Where(tally => tally.Key.Listener == listener && (member is null || tally.Key.Member == member)).Select(tally => tally.Value)];

    private async Task AskAsync(NetworkIntent intent, CancellationToken cancel)
    {
        var socket = Haproxy.SocketIn(DirectoryOf(intent.Id));
        var source = File.Exists(socket) ? Haproxy.PidIn(await HaproxySocket.AskAsync(socket, "show info", _clock, cancel)) : null;
        var answer = source is null ? null : await HaproxySocket.AskAsync(socket, "show stat", _clock, cancel);
        if (answer is null)
        {
            // Once: if it cannot be started, the next full look tries again.
            if (!_serving.TryRemove(intent.Id, out _)) return;
            ForgetProxied(intent);
            Ended(intent.Id);
            return;
        }
        _serving[intent.Id] = true;
        var lines = HaproxyStatistics.Read(answer).ToDictionary(line => (line.Proxy, line.Name));
        foreach (var listener in intent.Balancers.SelectMany(balancer => balancer.Proxied))
        {
            if (lines.TryGetValue((HaproxyConfiguration.FrontendOf(listener), "FRONTEND"), out var front)) Add(intent, listener.Id, "", front.Counts, $"{source}");
            foreach (var member in listener.Members)
            {
                if (!lines.TryGetValue((HaproxyConfiguration.BackendOf(listener), HaproxyConfiguration.ServerOf(member)), out var line)) continue;
                Add(intent, listener.Id, member.Id, line.Counts, $"{source}");
                Judged(listener.Id, member.Id, line);
            }
        }
    }

    private void Judged(string listener, string member, HaproxyLine line)
    {
        var known = _proxied.GetValueOrDefault((listener, member));
        if (known?.Health == line.Health && known.Reason == line.Reason) return;
        // A process that has just taken over has not asked yet; what was known before is still the best.
        if (line.Health == BackendHealth.Unknown && known is not null) return;
        _proxied[(listener, member)] = new HealthState(line.Health, line.Reason, known?.Health == line.Health ? known.Since : _clock.GetUtcNow() - (known is null ? line.Unchanged : TimeSpan.Zero), 0);
        if (known?.Health != line.Health) Reported(listener);
    }

    private async Task CountAsync(NetworkIntent intent, CancellationToken cancel)
    {
        BalancerIntent[] balancers = [.. intent.Balancers.Concat(intent.LinkedBalancers).Where(balancer => balancer.Translated.Any())];
        if (balancers.Length == 0) return;
        var counters = await _commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, "nft", "-j", "list", "counters", "table", "inet", "kumoi"), cancel);
        // A network that is just being taken away.
        if (!counters.Succeeded) return;
        var counts = await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => BalancerCounts.Read(balancers, counters.Output, ConnectionTable.Read()));
        foreach (var ((listener, member), seen) in counts) Add(intent, listener, member, seen, "kernel");
    }

    private void Add(NetworkIntent intent, string listener, string member, Counts counts, string source)
    {
        var tally = _tallies.GetOrAdd((intent.Id, listener, member), _ => new Tally(_clock.GetUtcNow()));
        lock (tally) tally.Take(counts, source);
    }

    private static HashSet<string> Ids(NetworkIntent? intent) =>
        [.. (intent is null ? [] : intent.Balancers.Concat(intent.LinkedBalancers)).SelectMany(balancer => balancer.Listeners.SelectMany(listener => listener.Members.Select(member => $"{listener.Id} {member.Id}")))];

    public ValueTask DisposeAsync() => _checks.DisposeAsync();
}
