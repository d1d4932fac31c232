using Kumoi.Api;
using Kumoi.Simulation.Checks;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>Everything of one schedule, put together: machines with real agents, servers over one set of records, a user, and what goes wrong.</summary>
internal sealed class Cloud
{
    private long _moment;

    private static readonly TimeSpan SlowStep = TimeSpan.FromSeconds(6), QuickStep = TimeSpan.FromMilliseconds(200);

    public Cloud(ulong seed, bool traced)
    {
        Simulator = new Simulator(seed);
        Trace = new Trace(Simulator, traced);
        Faults = Faults.Draw(Dice);
        Records = new Records(NewTimepiece());
        ResyncPeriod = Dice.OneIn(2) ? TimeSpan.FromSeconds(10) : TimeSpan.FromDays(1);
        Wire = new Wire(this);
        Checks = new Invariants(this);
        for (var number = 1; number <= 1 + Dice.Below(3); number++)
        {
            var name = $"server{number}";
            Servers.Add(new ModelServer(this, name, new Node(Simulator, name, NewTimepiece())));
        }
        // Some hosts share storage, and only what lies there can move.
        var sharing = Dice.Below(4);
        for (var number = 1; number <= 2 + Dice.Below(2); number++)
        {
            var host = new ModelHost(this, number, number <= sharing ? Shared : null);
            Hosts.Add(host);
            Records.Hosts.Add(host.Id, new HostRow { Id = host.Id, Name = host.Name, Capacity = new Capacity(4, 2048, 20), HeardAt = Records.Now, Storage = host.Shared?.Id });
        }
        foreach (var server in Servers) server.Start();
        foreach (var host in Hosts) host.StartAgent();
        new User(this, new Node(Simulator, "user", NewTimepiece())).Start();
        _ = new Writers(this);
        Troubles = new Troubles(this);
    }

    public Simulator Simulator { get; }

    public Dice Dice => Simulator.Dice;

    public Trace Trace { get; }

    public Faults Faults { get; private set; }

    public Troubles Troubles { get; }

    public Records Records { get; }

    public Ledger Ledger { get; } = new();

    public SharedStorage Shared { get; } = new();

    public BackupPlace Backups { get; } = new();

    public Wire Wire { get; }

    public Invariants Checks { get; }

    public List<ModelServer> Servers { get; } = [];

    public List<ModelHost> Hosts { get; } = [];

    /// <summary>
    /// How often agents look at everything unasked. In half of the schedules never, as good as: what was meant to be woken must be woken
    /// without it.
    /// </summary>
    public TimeSpan ResyncPeriod { get; }

    /// <summary>True once nothing goes wrong any more, and nobody asks for anything.</summary>
    public bool Healed { get; private set; }

    /// <summary>A number that was not there before: everything that is written, and every snapshot that is asked for, has one.</summary>
    public long NextMoment() => ++_moment;

    public Timepiece NewTimepiece() => new(Simulator, NewSkew(), Dice.OneIn(2) ? 1 : 0.999 + Dice.Below(2001) * 1e-6);

    public TimeSpan NewSkew() => Dice.OneIn(2) ? TimeSpan.Zero : TimeSpan.FromSeconds(Dice.Below(121) - 60);

    public ModelServer AnyServer() => Dice.Of(Servers);

    public bool StepFails() => Dice.PerMille(Faults.FailedSteps);

    /// <summary>The time that a step takes.</summary>
    public async Task DawdleAsync(Node node, CancellationToken cancel)
    {
        if (Dice.OneIn(2)) await Task.Delay(Dice.Between(TimeSpan.Zero, Dice.PerMille(Faults.SlowSteps) ? SlowStep : QuickStep), node.Clock, cancel);
        else await Task.Yield();
    }

    /// <summary>News of a host: its own server knows at once, the others by a notice that may be lost.</summary>
    public void RingAll(string hostId, ModelServer from)
    {
        from.Ring(hostId);
        foreach (var server in Servers)
            if (server != from && !Dice.PerMille(Faults.LostRings)) server.Node.Start(() => server.Ring(hostId));
    }

    /// <summary>Ends every fault and every request: from here on, all must come right.</summary>
    public void Heal()
    {
        Trace.Note("world", $"all faults end");
        Healed = true;
        Faults = Faults.None;
        Troubles.End();
        // What they have had made stays.
        Records.Schedules.Clear();
    }
}
