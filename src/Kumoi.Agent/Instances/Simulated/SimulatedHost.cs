using Kumoi.Agent.Control;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>One simulated host: its machine, and the agents that run on it one after another.</summary>
internal sealed class SimulatedHost : ISimulatedLinkWatch
{
    // Nothing on a simulated machine changes without telling the agent; a long period keeps ten thousand idle hosts idle.
    private static readonly TimeSpan Resync = TimeSpan.FromMinutes(5);

    private readonly SimulatedFleet _fleet;
    private readonly AgentOptions _options;
    private readonly SimulatedMachine _machine;
    private readonly TimeProvider _clock;
    private CancellationTokenSource? _life;
    private TimeSpan? _down;
    private int _seed;

    public SimulatedHost(SimulatedFleet fleet, string name, int number, SimulatedDisks disks)
    {
        (_fleet, _seed) = (fleet, number * 1_000_003 ^ fleet.Settings.Seed);
        var skew = fleet.Settings.ClockSkew;
        _clock = skew == TimeRange.Zero ? fleet.Clock : new SkewedTime(fleet.Clock, skew.At(fleet.Chance.Of(name)));
        _machine = new SimulatedMachine(disks, fleet.Settings.Size.Storage, fleet.Clock);
        _options = new AgentOptions
        {
            // No file is used: the fleet keeps what a host has to keep.
            StateDirectory = "/nonexistent", Tag = "51a1", Name = name, Address = $"127.{1 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}", Hypervisor = "simulated", ResyncPeriod = Resync, LeaseLookPeriod = Resync,
        };
    }

    public string Name => _options.Name;

    public bool Joined { get; private set; }

    /// <summary>The last request to a server was answered.</summary>
    public bool Connected { get; private set; }

    public int Running => _machine.Guests.Count;

    /// <summary>What a host of this kind says of itself.</summary>
    public HostFacts Facts() => new(
        Name, _options.Address, Hosts.HostFactsReader.Version, "simulated", "simulated", "Guests are simulated.", _fleet.Settings.Size.Vcpus, _fleet.Settings.Size.MemoryMib,
        _fleet.Settings.Size.DiskGib, _machine.BootId, _fleet.Settings.Size.Storage);

    /// <summary>Joins if need be and runs one agent after another. A <see cref="ServerRefusedException"/> tells that the host cannot join.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var identity = _fleet.State.Find(Name) ?? await _fleet.JoinAsync(this, stop);
        Joined = true;
        while (!stop.IsCancellationRequested)
        {
            using (var life = CancellationTokenSource.CreateLinkedTokenSource(stop))
            {
                _life = life;
                await RunAgentAsync(_fleet.State.Find(Name) ?? identity, life.Token);
                _life = null;
            }
            Connected = false;
            if (_down is not { } down) continue;
            // After the agent's last step, or a guest it was just starting would outlive the power.
            _machine.CutPower();
            _down = null;
            if (!stop.IsCancellationRequested) await Task.Delay(down, _clock, stop);
        }
    }

    private async Task RunAgentAsync(Identity identity, CancellationToken life)
    {
        Task<IServerLink> Connect(CancellationToken cancel)
        {
            var real = HostLink.For(identity, renewed => _fleet.State.Keep(Name, renewed), keepsPeers: false, new Random(_seed), _clock, NullLogger.Instance);
            return Task.FromResult<IServerLink>(new SimulatedLink(real, _fleet.Settings.Network, _fleet.Chance, this, _clock));
        }
        var edges = AgentEdges.Simulated(_options, _machine, _fleet.Faults, Facts, Connect, _clock);
        await using var agent = new HostAgent(_options, edges, _seed++, _clock, NullLogger.Instance);
        try
        {
            await agent.RunAsync(life);
        }
        catch (OperationCanceledException) when (life.IsCancellationRequested)
        {
            // The agent's life is over.
        }
    }

    /// <summary>The agent dies and is made anew; guests run on.</summary>
    public void CrashAgent() => End();

    /// <summary>The machine stops at once and is away for a while; its guests are lost.</summary>
    public void CrashHost(TimeSpan down)
    {
        _down = down;
        End();
    }

    /// <summary>One of the guests ends by itself; which one is the choice's business.</summary>
    public void LoseGuest(Func<int, int> choose)
    {
        var guests = _machine.Guests;
        if (guests.Count > 0) _machine.End(guests[choose(guests.Count)], lost: true);
    }

    private void End()
    {
        try
        {
            _life?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself meanwhile.
        }
    }

    public void Heard(bool answered)
    {
        Connected = answered;
        if (!answered) _fleet.CountFailure();
    }

    public void Reported() => _fleet.CountReport();

    public void Told(DesiredDocument? before, DesiredDocument document) => _fleet.Tell(before, document);
}

/// <summary>A host's clock that is wrong by a fixed time; its timers run as they should.</summary>
internal sealed class SkewedTime(TimeProvider real, TimeSpan skew) : TimeProvider
{
    public override long TimestampFrequency => real.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => real.GetUtcNow() + skew;

    public override long GetTimestamp() => real.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => real.CreateTimer(callback, state, dueTime, period);
}
