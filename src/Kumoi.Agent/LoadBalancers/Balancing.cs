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
    private readonly ILogger _log;
    private readonly HealthChecks _checks;
    private readonly ConcurrentDictionary<string, NetworkIntent> _taken = new();
    private readonly BalancerTallies _tallies;
    private readonly ConcurrentDictionary<(string Listener, string Member), HealthState> _proxied = new();

    /// <summary>Networks whose haproxy answered last time.</summary>
    private readonly ConcurrentDictionary<string, bool> _serving = new();
    private int _round;

    /// <param name="random">Spreads questions to members over time.</param>
    public Balancing(AgentOptions options, Commands commands, Random random, TimeProvider clock, ILogger log)
    {
        (_options, _commands, _clock, _log, _tallies) = (options, commands, clock, log, new BalancerTallies(clock));
        _checks = new HealthChecks(DirectoryOf, random, clock, log.LoopFailed)
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
        await EndConnectionsAsync(before, intent);
        if (intent.Balancers.Count + intent.LinkedBalancers.Count == 0)
        {
            Forget(intent.Namespace);
            return;
        }
        var listeners = Ids(before);
        DurableFiles.MakeDirectory(DirectoryOf(intent.Id), AgentModes.Passable);
        _taken[intent.Namespace] = intent;
        _tallies.Keep(intent.Id, Listeners(intent));
        if (before is not null) ForgetProxied(before, [.. Proxied(intent)]);
        _checks.Take(intent);
        // At once, so that nothing that passes from now on is missed.
        if (!Ids(intent).SetEquals(listeners)) await CountAsync(intent, cancel);
    }

    /// <summary>
    /// Where connections may be: from an address and port to a member. Of TCP these are all members of the record, as connections of one that does not work end by
    /// themselves; a sender of UDP never notices, and must be led to another.
    /// </summary>
    private static IEnumerable<ConnectionWay> Ways(NetworkIntent intent) =>
        BalancerDoor.All(intent).SelectMany(door => door.Listener.Members.Where(member => door.Listener.Transport == "tcp" || member.Works).Select(door.To)).OfType<ConnectionWay>();

    /// <param name="before">Null if this agent has not had the network yet: whatever leads elsewhere was led there for a record that is not known any more.</param>
    private static async Task EndConnectionsAsync(NetworkIntent? before, NetworkIntent intent)
    {
        var (ways, doors) = (Ways(intent).ToHashSet(), before is null ? BalancerDoor.All(intent).Select(door => (door.Listener.Transport, door.Address, door.Port)).ToHashSet() : []);
        var gone = before is null ? [] : Ways(before).Except(ways).ToHashSet();
        if (gone.Count + doors.Count == 0 || !NetworkNamespaces.Exists(intent.Namespace)) return;
        bool IsGone(ConnectionWay way) => before is not null ? gone.Contains(way)
            : doors.Contains((way.Transport, way.Destination, way.DestinationPort)) && (way.Answerer, way.AnswererPort) != (way.Destination, way.DestinationPort) && !ways.Contains(way);
        await NetworkNamespaces.RunInsideAsync(intent.Namespace, () =>
        {
            foreach (var connection in ConnectionTable.Read().Where(connection => IsGone(connection.Way)).ToArray()) ConnectionTable.Delete(connection);
            return true;
        });
    }

    public void Forget(string networkNamespace)
    {
        if (!_taken.TryRemove(networkNamespace, out var intent))
        {
            // Of an agent before.
            HealthFile.Delete(Path.Combine(_options.Paths.Networks, networkNamespace));
            return;
        }
        _checks.Forget(intent.Id);
        _serving.TryRemove(intent.Id, out _);
        _tallies.Keep(intent.Id, []);
        ForgetProxied(intent, []);
    }

    private void ForgetProxied(NetworkIntent intent, HashSet<(string Listener, string Member)> kept)
    {
        foreach (var key in Proxied(intent).Where(key => !kept.Contains(key))) _proxied.TryRemove(key, out _);
    }

    private static IEnumerable<(string Listener, string Member)> Proxied(NetworkIntent intent) =>
        intent.Balancers.SelectMany(balancer => balancer.Proxied).SelectMany(listener => listener.Members.Select(member => (listener.Id, member.Id)));

    private static IEnumerable<ListenerIntent> Listeners(NetworkIntent intent) => intent.Balancers.Concat(intent.LinkedBalancers).SelectMany(balancer => balancer.Listeners);

    /// <summary>Asks each haproxy, and from time to time the kernel.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        var count = _round++ % CountEvery == CountEvery - 1;
        foreach (var intent in _taken.Values)
        {
            try
            {
                if (intent.Balancers.Any(balancer => balancer.Proxied.Any())) await AskAsync(intent, cancel);
                if (count) await CountAsync(intent, cancel);
            }
#pragma warning disable CA1031 // What one network has must not keep the others from being looked at; the log has it.
            catch (Exception e) when (!cancel.IsCancellationRequested)
#pragma warning restore CA1031
            {
                _log.BalancersUnseen(e, intent.Namespace);
            }
        }
    }

    /// <summary>The load balancers' listeners as this host sees them.</summary>
    /// <param name="only">Ids of those that are wanted; null: all.</param>
    public IReadOnlyList<ObservedListener> Observed(IReadOnlySet<string>? only)
    {
        var sums = _tallies.Sum(only);
        return [.. _taken.Values.SelectMany(intent => intent.Balancers.SelectMany(balancer => balancer.Listeners)).Where(listener => only?.Contains(listener.Id) != false)
            .Select(listener => Observed(listener, sums)).OrderBy(listener => listener.Id, StringComparer.Ordinal)];
    }

    private ObservedListener Observed(ListenerIntent listener, BalancerTallies.Sums sums)
    {
        var ((active, connections, bytesIn, bytesOut), since) = sums.Of(listener);
        return new ObservedListener(listener.Id, since, active, connections, bytesIn, bytesOut, [.. listener.Members.Select(member => Observed(listener, member, sums.Of(listener, member)))]);
    }

    private ObservedBackend Observed(ListenerIntent listener, MemberIntent member, CountsSince seen)
    {
        var state = listener.IsProxied ? _proxied.GetValueOrDefault((listener.Id, member.Id))
            : listener.Health.Protocol == "none" ? new HealthState(BackendHealth.Healthy, null, seen.Since, 0) : _checks.StateOf(listener, member);
        state ??= HealthState.Unknown(_clock.GetUtcNow());
        var (active, connections, bytesIn, bytesOut) = seen.Counts;
        return new ObservedBackend(member.Id, state.Health, state.Works ? null : state.Reason, state.Since, active, connections, bytesIn, bytesOut);
    }

    private async Task AskAsync(NetworkIntent intent, CancellationToken cancel)
    {
        var socket = Haproxy.SocketIn(DirectoryOf(intent.Id));
        var source = File.Exists(socket) ? Haproxy.PidIn(await HaproxySocket.AskAsync(socket, "show info", _clock, cancel)) : null;
        var answer = source is null ? null : await HaproxySocket.AskAsync(socket, "show stat", _clock, cancel);
        if (answer is null)
        {
            // Once: if it cannot be started, the next full look tries again.
            if (!_serving.TryRemove(intent.Id, out _)) return;
            ForgetProxied(intent, []);
            Ended(intent.Id);
            return;
        }
        _serving[intent.Id] = true;
        var lines = HaproxyStatistics.Read(answer).ToDictionary(line => (line.Proxy, line.Name));
        foreach (var listener in intent.Balancers.SelectMany(balancer => balancer.Proxied))
        {
            if (lines.TryGetValue((HaproxyConfiguration.FrontendOf(listener), "FRONTEND"), out var front)) _tallies.TakeListener(intent.Id, listener.Id, front.Counts, $"{source}");
            foreach (var member in listener.Members)
            {
                if (!lines.TryGetValue((HaproxyConfiguration.BackendOf(listener), HaproxyConfiguration.ServerOf(member)), out var line)) continue;
                _tallies.TakeMember(intent.Id, listener.Id, member.Id, line.Counts, $"{source}", false);
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
        BalancerDoor[] doors = [.. BalancerDoor.All(intent)];
        if (doors.Length == 0) return;
        var counters = await _commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, "nft", "-j", "list", "counters", "table", "inet", "kumoi"), cancel);
        // A network that is just being taken away.
        if (!counters.Succeeded) return;
        var counts = await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => BalancerCounts.Read(doors, counters.Output, ConnectionTable.Read()));
        foreach (var ((listener, member), seen) in counts) _tallies.TakeMember(intent.Id, listener, member, seen, "kernel", true);
    }

    private static HashSet<string> Ids(NetworkIntent? intent) =>
        [.. (intent is null ? [] : Listeners(intent)).SelectMany(listener => listener.Members.Select(member => $"{listener.Id} {member.Id}"))];

    public ValueTask DisposeAsync() => _checks.DisposeAsync();
}
