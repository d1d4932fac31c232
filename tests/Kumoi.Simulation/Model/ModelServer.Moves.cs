using Kumoi.Api.Agent;
using Kumoi.Server.Hosts;

namespace Kumoi.Simulation.Model;

/// <summary>
/// Volumes that move to other hosts. Rows are called by what hosts call the data: at the end the new row takes over what the volume is to people, and the former one is deleted. The records
/// of the product do it the other way round, and exchange the places; to hosts it is the same. Volumes with backups stay where they are in the model.
/// </summary>
internal sealed partial class ModelServer
{
    private string[] Move(InstanceRow row)
    {
        if (Pick(volume => volume is { MadeGib: not null, IsRestoring: false, IsFilling: false, DetachedGeneration: null } && IsUp(volume) && !IsSource(volume) && !Records.SnapshotsOf(volume.Id).Any()
            && !Records.Backups.Values.Any(backup => backup.VolumeId == volume.Id) && !Records.Schedules.Any(schedule => schedule.VolumeId == volume.Id)
            && (volume.InstanceId is null || (volume.InstanceId == row.Record.Id && IsStopped(row)))) is not { } volume) return [];
        var hosts = Records.Hosts.Values.Where(host => host.State == HostStates.Up && host.Id != volume.HostId).ToArray();
        if (hosts.Length == 0) return [];
        volume.ExportIncarnation++;
        var place = new VolumeRow { Id = $"vol-19a3f2b4c5d6e{++Records.Numbered:x4}", HostId = _cloud.Dice.Of(hosts).Id, SizeGib = volume.SizeGib, MoveOf = volume.Id, MoveIncarnation = volume.ExportIncarnation };
        Records.Volumes.Add(place.Id, place);
        (volume.MovingTo, volume.ExportPort, volume.Generation) = (place.Id, null, volume.Generation + 1);
        return [volume.HostId, place.HostId, .. volume.InstanceId is null ? Array.Empty<string>() : [row.Record.HostId]];
    }

    /// <summary>The volume stays where it is; the hosts that are to hear of it.</summary>
    private string[] CancelMove(VolumeRow volume)
    {
        if (volume.MovingTo is not { } id) return [];
        var place = Records.Volumes[id];
        (place.Desired, place.Generation) = (VolumeDesire.Deleted, place.Generation + 1);
        (volume.MovingTo, volume.Generation) = (null, volume.Generation + 1);
        if (volume is { Exported: true, HasExportKey: true }) Give(volume);
        return [volume.HostId, place.HostId, .. volume.InstanceId is { } holder ? [Records.Instances[holder].Record.HostId] : Array.Empty<string>()];
    }

    private async Task ObserveMovesAsync(string hostId, ObservedReport report)
    {
        foreach (var seen in report.Volumes ?? [])
            if (Read(() => TakenBy(hostId, seen) is not null)) await CommitAsync(() => TakenBy(hostId, seen) is { } place ? Told(place, seen.Export!.Port) : [], rings => rings);
        // Of whatever host: another server may have been killed when it had taken in that a place is whole.
        foreach (var id in Read(() => Whole().Select(place => place.Id).ToArray())) await CommitAsync(() => Whole().FirstOrDefault(place => place.Id == id) is { } place ? Exchange(place) : [], rings => rings);
    }

    /// <summary>The place that is filled from what the host says that it gives, if that is news.</summary>
    private VolumeRow? TakenBy(string hostId, ObservedVolume seen) =>
        Records.Volumes.GetValueOrDefault(seen.Id) is { Gone: false, MovingTo: { } id } volume && volume.HostId == hostId && volume.Incarnation == seen.Incarnation && seen.Export is { } export
        && Records.Volumes[id] is var place && export.Incarnation == place.MoveIncarnation && place.MovePort != export.Port ? place : null;

    private string[] Told(VolumeRow place, int port)
    {
        place.MovePort = port;
        return Touch(place.HostId);
    }

    private IEnumerable<VolumeRow> Whole() =>
        Records.Volumes.Values.Where(place => place is { Gone: false, Desired: VolumeDesire.Present, MoveOf: { } source, MadeGib: not null } && Records.Volumes[source].MovingTo == place.Id);

    private string[] Exchange(VolumeRow place)
    {
        var volume = Records.Volumes[place.MoveOf!];
        _cloud.Checks.BeforeExchange(volume, place);
        var (incarnation, generation) = (Math.Max(volume.Incarnation, place.Incarnation) + 1, Math.Max(volume.Generation, place.Generation) + 1);
        (place.InstanceId, place.Slot, place.Attachments, place.SizeGib) = (volume.InstanceId, volume.Slot, volume.Attachments, volume.SizeGib);
        (place.MoveOf, place.MovePort, place.Incarnation, place.Generation, place.ObservedGeneration) = (null, null, incarnation, generation, 0);
        (volume.InstanceId, volume.Slot, volume.Exported, volume.HasExportKey, volume.ExportPort) = (null, 0, false, false, null);
        (volume.MovingTo, volume.Desired, volume.Incarnation, volume.Generation, volume.ObservedGeneration) = (null, VolumeDesire.Deleted, incarnation, generation, 0);
        _cloud.Trace.Note(Name, $"{place.Id} is what {volume.Id} was");
        string[] told = [.. Touch(volume.HostId), .. Touch(place.HostId)];
        if (place.InstanceId is not { } holder) return told;
        var instance = Records.Instances[holder];
        if (instance.Record.HostId != place.HostId) Give(place);
        return [.. told, .. Ask(instance, []).SelectMany(Touch)];
    }
}
