using System.Collections.Concurrent;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// Asks the members that the kernel balances to, each at its own interval, and knows which of them work. No server is asked: a host finds out for itself, so a
/// member that dies leaves everywhere, whatever else is away.
/// </summary>
/// <param name="directoryOf">Where a network's files are.</param>
/// <param name="random">Spreads questions over time.</param>
public sealed class HealthChecks(Func<string, string> directoryOf, Random random, TimeProvider clock, Action<Exception> broken) : IAsyncDisposable
{
    /// <summary>Between first questions to members that begin together. Too short: all of a host's ask at the same moments ever after; too long: the last of many waits for clients.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(5);

    /// <summary>Questions of one network at once; the others wait. Too low: members that do not answer delay the questions to those that do; too high: one network takes the
    /// host's sockets from all.</summary>
    public const int AtOnceMax = 256;

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new();

    private readonly ProbeSockets _sockets = new(clock);

    private readonly ConcurrentDictionary<(string Listener, string Member), Asked> _asked = new();

    /// <summary>Networks whose targets are taken over.</summary>
    private readonly ConcurrentDictionary<string, bool> _known = new();

    /// <summary>Of one network's file: written by several tasks.</summary>
    private readonly Lock _files = new();

    /// <summary>Called with the id of the network and the listener when a member begins or ceases to work.</summary>
    public Action<string, string> Changed { get; set; } = (_, _) => { };

    /// <summary>The intent with what is known of its members. Those that were never asked do not work, unless an agent before has known better.</summary>
    public NetworkIntent Judge(NetworkIntent intent)
    {
        if (intent.Balancers.Count + intent.LinkedBalancers.Count == 0) return intent;
        var before = intent.Balancers.Concat(intent.LinkedBalancers).Where(balancer => !_known.ContainsKey(balancer.NetworkId)).Select(balancer => balancer.NetworkId).Distinct()
            .SelectMany(network => HealthFile.Read(directoryOf(network))).DistinctBy(state => state.Key).ToDictionary();
        bool Works(ListenerIntent listener, MemberIntent member) =>
            listener.Health.Protocol == "none" || (_asked.TryGetValue((listener.Id, member.Id), out var asked) ? asked.State.Works : before.TryGetValue((listener.Id, member.Id), out var state) && state.Works);
        BalancerIntent[] Judged(IReadOnlyList<BalancerIntent> balancers) =>
            [.. balancers.Select(balancer => balancer with { Listeners = [.. balancer.Listeners.Select(listener => listener with { Members = [.. listener.Members.Select(member => member with { Works = Works(listener, member) })] })] })];
        return intent with { Balancers = Judged(intent.Balancers), LinkedBalancers = Judged(intent.LinkedBalancers) };
    }

    /// <summary>What is known of a member.</summary>
    public HealthState StateOf(ListenerIntent listener, MemberIntent member) =>
        _asked.TryGetValue((listener.Id, member.Id), out var asked) ? asked.State : HealthState.Unknown(clock.GetUtcNow());

    /// <summary>Asks the members of this network from now on, and no others of it.</summary>
    public void Take(NetworkIntent intent)
    {
        var wanted = Targets(intent).ToDictionary(target => (target.ListenerId, target.MemberId));
        var before = _known.ContainsKey(intent.Id) ? null : HealthFile.Read(directoryOf(intent.Id));
        var carried = new Dictionary<(string Listener, string Member), HealthState>();
        foreach (var (key, asked) in _asked)
        {
            var target = wanted.GetValueOrDefault(key);
            if (asked.Target.NetworkId != intent.Id || target == asked.Target || !_asked.TryRemove(key, out _)) continue;
            asked.End();
            // How often it is asked, and how many answers it takes, says nothing against what it has answered.
            if (target?.IsLike(asked.Target) == true) carried[key] = asked.State with { Against = 0 };
        }
        KeyValuePair<(string Listener, string Member), HealthTarget>[] fresh = [.. wanted.Where(target => !_asked.ContainsKey(target.Key))];
        _known[intent.Id] = true;
        foreach (var (key, target) in fresh)
        {
            var made = new Asked(target, carried.GetValueOrDefault(key) ?? before?.GetValueOrDefault(key) ?? HealthState.Unknown(clock.GetUtcNow()));
            if (_asked.TryAdd(key, made)) made.Begin(AskAsync(made, FirstWait(made, fresh.Length)));
        }
    }

    /// <summary>Members that are known take their turn within their interval; nobody is led to the others before they are asked, so those begin as soon as the host bears it.</summary>
    private TimeSpan FirstWait(Asked asked, int together)
    {
        var interval = TimeSpan.FromSeconds(asked.Target.Check.IntervalSeconds);
        var soon = (together - 1) * Spacing;
        lock (random) return (asked.State.Health != BackendHealth.Unknown || interval < soon ? interval : soon) * random.NextDouble();
    }

    public void Forget(string networkId)
    {
        lock (_files)
        {
            _known.TryRemove(networkId, out _);
            HealthFile.Delete(directoryOf(networkId));
        }
        _turns.TryRemove(networkId, out _);
        foreach (var (key, asked) in _asked)
            if (asked.Target.NetworkId == networkId && _asked.TryRemove(key, out _)) asked.End();
    }

    private static IEnumerable<HealthTarget> Targets(NetworkIntent intent) =>
        intent.Balancers.SelectMany(balancer => balancer.Translated.Where(listener => listener.Health.Protocol != "none").SelectMany(listener => listener.Members
            .Where(member => balancer.Of(member.IsIpv6) is not null)
            .Select(member => new HealthTarget(
                intent.Namespace, intent.Id, listener.Id, member.Id, balancer.Of(member.IsIpv6)!, member.Address, listener.Health.Port ?? member.Port, listener.Health))));

    private async Task AskAsync(Asked asked, TimeSpan wait)
    {
        // The caller has other things to do.
        await Task.Yield();
        var target = asked.Target;
        var turns = _turns.GetOrAdd(target.NetworkId, _ => new SemaphoreSlim(AtOnceMax));
        if (!await WaitAsync(wait, asked.Ended)) return;
        while (!asked.Ended.IsCancellationRequested)
        {
            try
            {
                var began = clock.GetTimestamp();
                var reason = await InTurnAsync(turns, asked);
                var before = asked.State;
                asked.State = before.After(reason, target.Check, clock.GetUtcNow());
                if (asked.State.Health != before.Health)
                {
                    Keep(target.NetworkId);
                    Changed(target.NetworkId, target.ListenerId);
                }
                var rest = TimeSpan.FromSeconds(target.Check.IntervalSeconds) - clock.GetElapsedTime(began);
                if (rest > TimeSpan.Zero) await Task.Delay(rest, clock, asked.Ended);
            }
            catch (OperationCanceledException) when (asked.Ended.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // The question must be repeated whatever became of this one; the exception is handed on.
            catch (Exception e)
#pragma warning restore CA1031
            {
                broken(e);
                await Task.Delay(TimeSpan.FromSeconds(1), clock);
            }
        }
    }

    private async Task<string?> InTurnAsync(SemaphoreSlim turns, Asked asked)
    {
        await turns.WaitAsync(asked.Ended);
        try
        {
            return await (Ask is null ? HealthProbe.AskAsync(asked.Target, _sockets, clock, asked.Ended) : Ask(asked.Target, asked.Ended));
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>Asks a member once: why it does not work, or null.</summary>
    public Func<HealthTarget, CancellationToken, Task<string?>>? Ask { get; init; }

    /// <summary>False if that has ended meanwhile.</summary>
    private async Task<bool> WaitAsync(TimeSpan wait, CancellationToken ended)
    {
        try
        {
            await Task.Delay(wait, clock, ended);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Keep(string networkId)
    {
        lock (_files)
            if (_known.ContainsKey(networkId)) HealthFile.Write(directoryOf(networkId), _asked.Where(asked => asked.Value.Target.NetworkId == networkId).Select(asked => KeyValuePair.Create(asked.Key, asked.Value.State)));
    }

    public async ValueTask DisposeAsync()
    {
        var all = _asked.Values.ToArray();
        _asked.Clear();
        foreach (var asked in all) asked.End();
        foreach (var asked in all) await asked.DisposeAsync();
    }

    private sealed class Asked(HealthTarget target, HealthState state) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ended = new();
        private Task _task = Task.CompletedTask;
        private volatile HealthState _state = state;

        public HealthTarget Target { get; } = target;

        public CancellationToken Ended => _ended.Token;

        public HealthState State { get => _state; set => _state = value; }

        public void Begin(Task task) => _task = task;

        public void End() => _ended.Cancel();

        public async ValueTask DisposeAsync()
        {
            await _task;
            _ended.Dispose();
        }
    }
}
