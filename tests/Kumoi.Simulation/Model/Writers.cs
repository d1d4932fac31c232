using Kumoi.Agent.Instances;

namespace Kumoi.Simulation.Model;

/// <summary>Guests that run write to their volumes now and then, on one after the other; each write is of a moment of its own.</summary>
internal sealed class Writers
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(4);

    private readonly Cloud _cloud;

    public Writers(Cloud cloud)
    {
        _cloud = cloud;
        WriteLater();
    }

    private void WriteLater() => _cloud.Simulator.After(_cloud.Dice.Between(TimeSpan.Zero, Pause), () =>
    {
        foreach (var host in _cloud.Hosts)
            foreach (var guest in host.Guests.Values)
                if (guest.Process is { State: RunState.Running, Drives: { Count: > 0 } drives })
                    foreach (var drive in drives) Write(host, guest, drive);
        WriteLater();
    });

    private void Write(ModelHost host, Guest guest, GuestDrive drive)
    {
        if ((drive.Remote ? guest.Connected(_cloud, host, drive.Id) : host) is not { } keeper || !keeper.Volumes.ContainsKey(drive.Id)) return;
        var moment = _cloud.NextMoment();
        keeper.ContentOf(drive.Id).Become(moment, moment);
    }
}
