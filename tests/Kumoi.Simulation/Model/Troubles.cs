using Kumoi.Agent.Instances;
using Kumoi.Server.Hosts;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>Brings troubles over the cloud at random times, and ends each after a random while.</summary>
internal sealed class Troubles
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1), Long = TimeSpan.FromSeconds(160);

    private readonly Cloud _cloud;

    public Troubles(Cloud cloud)
    {
        _cloud = cloud;
        foreach (var (trouble, pause) in cloud.Faults.Troubles) Plan(trouble, pause);
    }

    private Dice Dice => _cloud.Dice;

    private void Plan(Trouble trouble, TimeSpan pause) => _cloud.Simulator.After(Dice.Between(TimeSpan.Zero, pause * 3), () =>
    {
        if (_cloud.Healed) return;
        Bring(trouble);
        Plan(trouble, pause);
    });

    /// <summary>Undoes something after a while, or at the end of all faults.</summary>
    private void Later(Action undo) => _cloud.Simulator.After(Dice.Between(Short, Long), () =>
    {
        if (!_cloud.Healed) undo();
    });

    private void Bring(Trouble trouble)
    {
        var host = Dice.Of(_cloud.Hosts);
        var server = _cloud.AnyServer();
        switch (trouble)
        {
            case Trouble.AgentKilled:
                Tell(trouble, host.Name);
                host.KillAgent();
                Later(host.StartAgent);
                break;
            case Trouble.AgentPaused when host.Agent is { Paused: false }:
                Tell(trouble, host.Name);
                host.PauseAgent();
                Later(host.ResumeAgent);
                break;
            case Trouble.ServerKilled:
                Tell(trouble, server.Name);
                Restart(server);
                break;
            case Trouble.ServerPaused when !server.Node.Paused:
                Tell(trouble, server.Name);
                server.Node.Pause();
                Later(server.Node.Resume);
                break;
            case Trouble.HostLosesPower when host.HasPower:
                Tell(trouble, host.Name);
                host.LosePower();
                Later(host.GetPower);
                break;
            case Trouble.HostCutOff:
                CutOff(trouble, host.Name);
                break;
            case Trouble.ServerCutOff:
                CutOff(trouble, server.Name);
                break;
            case Trouble.GuestDies or Trouble.GuestSwitchesItselfOff or Trouble.GuestHangs:
                Afflict(trouble, host);
                break;
            case Trouble.ClockSet:
                Tell(trouble, host.Name);
                host.Timepiece.Skew = _cloud.NewSkew() * (Dice.OneIn(3) ? 60 : 1);
                break;
            case Trouble.DatabaseAway:
                Tell(trouble, "database");
                _cloud.Records.Away = true;
                Later(() => _cloud.Records.Away = false);
                break;
            case Trouble.ServerLosesDatabase:
                Tell(trouble, server.Name);
                server.LosesDatabase = true;
                Later(() => server.LosesDatabase = false);
                break;
            case Trouble.BackupStoreAway:
                Tell(trouble, "backups");
                _cloud.Backups.Away = true;
                Later(() => _cloud.Backups.Away = false);
                break;
            case Trouble.HostGivenUp when _cloud.Records.Hosts.Values.FirstOrDefault(one => one.State == HostStates.Down && !_cloud.Records.OnHost(one.Id).Any()) is { } lost:
                Tell(trouble, lost.Name);
                _cloud.Records.GiveUp(lost);
                var machine = _cloud.Hosts.First(one => one.Id == lost.Id);
                // Its agent is refused from then on, and begins anew when somebody has the machine join again.
                machine.KillAgent();
                Later(machine.StartAgent);
                break;
            case Trouble.RecordForgotten:
                var living = _cloud.Records.Instances.Values.Where(row => row.Record.Desired != "terminated").ToList();
                if (living.Count == 0) break;
                var forgotten = Dice.Of(living);
                Tell(trouble, forgotten.Record.Id);
                _cloud.Records.Forget(forgotten);
                _cloud.Ledger.Forget(forgotten.Record.Id);
                break;
            case Trouble.HostEmptied:
                Tell(trouble, host.Name);
                SetMaintenance(host, true);
                Later(() => SetMaintenance(host, false));
                break;
        }
    }

    private void Tell(Trouble trouble, string whom) => _cloud.Trace.Note("world", $"{trouble}: {whom}");

    /// <summary>A server that ends is started again at once or later; it has lost all it knew. Its name is all that stays.</summary>
    private void Restart(ModelServer server)
    {
        server.Node.Kill();
        if (Dice.OneIn(2)) _cloud.Wire.Break(server);
        Later(() => Replace(server));
    }

    private void Replace(ModelServer server)
    {
        var place = _cloud.Servers.IndexOf(server);
        if (place < 0) return;
        var fresh = new ModelServer(_cloud, server.Name, new Node(_cloud.Simulator, server.Name, _cloud.NewTimepiece()));
        _cloud.Servers[place] = fresh;
        fresh.Start();
    }

    /// <summary>A machine that sleeps; half of them wake up without a network.</summary>
    public void Suspend(ModelHost host)
    {
        if (host.Agent is not { Paused: false }) return;
        _cloud.Trace.Note("world", $"{host.Name} is suspended");
        host.PauseAgent();
        Later(() =>
        {
            if (Dice.OneIn(2)) CutOff(Trouble.HostCutOff, host.Name);
            host.ResumeAgent();
        });
    }

    private void SetMaintenance(ModelHost host, bool maintenance) =>
        _cloud.Records.Transaction(() => _cloud.Records.Hosts[host.Id].Maintenance = maintenance);

    private void CutOff(Trouble trouble, string name)
    {
        Tell(trouble, name);
        _cloud.Wire.CutOff.Add(name);
        Later(() => _cloud.Wire.CutOff.Remove(name));
    }

    private void Afflict(Trouble trouble, ModelHost host)
    {
        var running = host.Guests.Where(guest => guest.Value.Process is { State: RunState.Running }).ToList();
        if (running.Count == 0) return;
        var (id, guest) = Dice.Of(running);
        Tell(trouble, id);
        guest.Process = trouble switch
        {
            Trouble.GuestDies => null,
            Trouble.GuestSwitchesItselfOff => guest.Process! with { State = RunState.Shutdown },
            _ => guest.Process! with { State = RunState.Unknown },
        };
        if (trouble == Trouble.GuestHangs) Later(() => Recover(host, id));
        host.Changed(id);
    }

    private static void Recover(ModelHost host, string id)
    {
        if (host.Guests.GetValueOrDefault(id) is not { Process: { State: RunState.Unknown } process } guest) return;
        guest.Process = process with { State = RunState.Running };
        host.Changed(id);
    }

    /// <summary>Undoes all that lasts.</summary>
    public void End()
    {
        _cloud.Wire.CutOff.Clear();
        (_cloud.Records.Away, _cloud.Backups.Away) = (false, false);
        foreach (var server in _cloud.Servers.ToArray())
        {
            if (server.Node.Dead) Replace(server);
            else server.Node.Resume();
            server.LosesDatabase = false;
        }
        foreach (var host in _cloud.Hosts)
        {
            SetMaintenance(host, false);
            host.GetPower();
            host.StartAgent();
            host.ResumeAgent();
            foreach (var id in host.Guests.Keys.ToArray()) Recover(host, id);
        }
    }
}
