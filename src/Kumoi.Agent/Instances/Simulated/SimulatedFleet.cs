using Kumoi.Agent.Control;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>How a fleet is at a moment.</summary>
/// <param name="Connected">Hosts whose last request was answered.</param>
/// <param name="Reports">Reports answered since the start.</param>
/// <param name="Failures">Requests that were not answered since the start.</param>
public sealed record FleetStatus(int Hosts, int Joined, int Connected, int Running, long Reports, long Failures);

/// <summary>
/// Many simulated hosts in one process, each with a real agent that speaks the real protocol with a certificate of its own. They share what hosts
/// need not have of their own: the clock, chance, and the connections for joining.
/// </summary>
public sealed class SimulatedFleet : IAsyncDisposable
{
    // Joins under way together. Fewer leave the server waiting; more only wait there, each with a connection.
    private const int JoinsMax = 16;

    // How often failures are drawn.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    private readonly SimulatedHost[] _hosts;
    private readonly Lazy<Task<(string Token, ServerLink Link)>> _joining;
    private readonly SemaphoreSlim _joins = new(JoinsMax);
    private readonly double _hostsPerSecond;
    private readonly TextWriter? _trace;
    private long _reports, _failures;

    /// <param name="token">Asked for a join token for so many hosts, once, and only if a host has not joined before.</param>
    /// <param name="trace">Gets a line for each instance as its host hears of it first: microseconds since 1970, and the id. Null: nothing is told.</param>
    public SimulatedFleet(
        SimulatedSettings settings, int hosts, string namePrefix, double hostsPerSecond, SimulatedState state, Func<int, CancellationToken, Task<string>> token, TextWriter? trace, TimeProvider clock)
    {
        (Settings, State, Clock, _hostsPerSecond, _trace) = (settings, state, clock, hostsPerSecond, trace is null ? null : TextWriter.Synchronized(trace));
        Chance = new SimulatedChance(settings.Seed);
        Faults = SimulatedFaults.From(settings, Chance);
        SimulatedDisks Disks(string store) => state.Journal?.Disks(store) ?? new SimulatedDisks(store, null);
        var shared = settings.Size.Storage is { } storage ? Disks($"storage {storage}") : null;
        _hosts = [.. Enumerable.Range(1, hosts).Select(number => new SimulatedHost(this, $"{namePrefix}{number}", number, shared ?? Disks($"host {namePrefix}{number}")))];
        _joining = new(async () =>
        {
            var text = await token(_hosts.Count(host => state.Find(host.Name) is null), CancellationToken.None);
            var content = JoinTokenContent.Decode(text) ?? throw new ServerRefusedException("The join token is not one of Kumoi's.");
            return (text, await ServerLink.ForJoiningAsync(content, clock, CancellationToken.None));
        });
    }

    internal SimulatedSettings Settings { get; }

    internal SimulatedState State { get; }

    internal SimulatedChance Chance { get; }

    internal SimulatedFaults Faults { get; }

    internal TimeProvider Clock { get; }

    public FleetStatus Status() => new(
        _hosts.Length, _hosts.Count(host => host.Joined), _hosts.Count(host => host.Connected), _hosts.Sum(host => host.Running), Interlocked.Read(ref _reports), Interlocked.Read(ref _failures));

    /// <summary>Runs all hosts until stopped. A <see cref="ServerRefusedException"/> tells that a host was not let in; then all end.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = new List<Task>(_hosts.Length + 1) { FailAsync(all.Token) };
        try
        {
            var begun = Clock.GetTimestamp();
            foreach (var host in _hosts)
            {
                var due = TimeSpan.FromSeconds(running.Count / _hostsPerSecond) - Clock.GetElapsedTime(begun);
                if (due > Tick) await Task.Delay(due, Clock, all.Token);
                if (all.IsCancellationRequested) break;
                running.Add(Task.Run(() => RunAsync(host, all), CancellationToken.None));
            }
        }
        catch (OperationCanceledException) when (all.IsCancellationRequested)
        {
            // Those that have begun are waited for below.
        }
        await Task.WhenAll(running);
    }

    private static async Task RunAsync(SimulatedHost host, CancellationTokenSource all)
    {
        try
        {
            await host.RunAsync(all.Token);
        }
        catch (OperationCanceledException) when (all.IsCancellationRequested)
        {
            // As asked.
        }
        catch
        {
            await all.CancelAsync();
            throw;
        }
    }

    internal async Task<Identity> JoinAsync(SimulatedHost host, CancellationToken cancel)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(15), new Random(Chance.Below(int.MaxValue)));
        var (key, request) = Identity.NewKey();
        for (var failures = 1; ; failures++)
        {
            await _joins.WaitAsync(cancel);
            try
            {
                var (token, link) = await _joining.Value;
                var answer = await link.JoinAsync(new JoinRequest(token, request, host.Facts()), cancel);
                var content = JoinTokenContent.Decode(token)!;
                var identity = Joining.Accept(content, answer, key);
                State.Keep(host.Name, identity);
                return identity;
            }
            catch (IOException e) when (e is not ServerRefusedException)
            {
                CountFailure();
            }
            finally
            {
                _joins.Release();
            }
            await Task.Delay(backoff.After(failures), Clock, cancel);
        }
    }

    /// <summary>Lets agents, hosts and guests fail as often as the settings say.</summary>
    private async Task FailAsync(CancellationToken stop)
    {
        var failures = Settings.Failures;
        if (failures is { AgentEvery: null, HostEvery: null, GuestEvery: null }) return;
        SimulatedHost Any() => _hosts[Chance.Below(_hosts.Length)];
        int Times(TimeSpan? every, int population) => every is { } mean ? Chance.Times(population * (Tick / mean)) : 0;
        try
        {
            while (true)
            {
                await Task.Delay(Tick, Clock, stop);
                for (var left = Times(failures.AgentEvery, _hosts.Length); left > 0; left--) Any().CrashAgent();
                for (var left = Times(failures.HostEvery, _hosts.Length); left > 0; left--) Any().CrashHost(Chance.In(failures.HostDown));
                if (failures.GuestEvery is null) continue;
                for (var left = Times(failures.GuestEvery, _hosts.Sum(host => host.Running)); left > 0; left--) Any().LoseGuest(Chance.Below);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // As asked.
        }
    }

    internal void CountReport() => Interlocked.Increment(ref _reports);

    internal void CountFailure() => Interlocked.Increment(ref _failures);

    internal void Tell(DesiredDocument? before, DesiredDocument document)
    {
        if (_trace is null) return;
        var now = (Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var known = before?.Instances.Select(instance => instance.Id).ToHashSet();
        foreach (var instance in document.Instances)
            if (known?.Contains(instance.Id) != true)
                _trace.Write(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{now} {instance.Id}\n"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_joining.IsValueCreated && _joining.Value.IsCompletedSuccessfully) (await _joining.Value).Link.Dispose();
        _joins.Dispose();
    }
}
