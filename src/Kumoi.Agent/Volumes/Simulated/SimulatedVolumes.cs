using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Instances.Simulated;

namespace Kumoi.Agent.Volumes.Simulated;

/// <summary>The volumes on one simulated storage. They outlive agents and power cuts, and with a journal the process too.</summary>
/// <param name="store">Names the storage in the journal.</param>
/// <param name="journal">Null: the volumes are gone with the process.</param>
public sealed class SimulatedVolumes(string store, SimulatedJournal? journal)
{
    // What volumes have that are given for a move, by the keys that they are given with: machines of one process reach each other so.
    private static readonly ConcurrentDictionary<string, Func<long>> Given = new();

    private readonly Lock _gate = new();
    // Made with the first volume: most of ten thousand idle hosts have none.
    private Dictionary<string, Volume>? _volumes;

    /// <summary>An id that is always the same for a storage of this name.</summary>
    public string Id { get; } = "st-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(store)))[..17];

    public IReadOnlyList<string> List()
    {
        lock (_gate) return _volumes is null ? [] : [.. _volumes.Where(volume => volume.Value.SizeGib > 0).Select(volume => volume.Key).Order(StringComparer.Ordinal)];
    }

    /// <summary>GiB of all volumes.</summary>
    public int Total
    {
        get { lock (_gate) return _volumes?.Values.Sum(volume => volume.SizeGib) ?? 0; }
    }

    public VolumeSight Look(string id)
    {
        lock (_gate)
        {
            if (_volumes?.GetValueOrDefault(id) is not { } volume) return new VolumeSight(false, null, 0, false, false, 0);
            return new VolumeSight(volume.SizeGib > 0 || volume.Snapshots.Count > 0, volume.SizeGib > 0 ? volume.SizeGib * VolumeSizes.Gib : null, 0, volume.Holder is not null, false, volume.Granted)
            {
                Export = volume.Holder as ExportSight,
                Snapshots = new SnapshotsSight(
                    [.. volume.Snapshots.Where(one => one.TakenAt is not null).Select(one => one.Observed)], [.. volume.Snapshots.Where(one => one.TakenAt is null).Select(one => one.Id)], volume.Restored, false, false, null),
            };
        }
    }

    /// <summary>What the volume holds: a number that grows with each write.</summary>
    public long ContentOf(string id)
    {
        lock (_gate) return _volumes?.GetValueOrDefault(id)?.Content ?? 0;
    }

    /// <summary>What a snapshot holds; null if it is not there, or not taken.</summary>
    public long? ContentOf(string id, string snapshotId)
    {
        lock (_gate) return _volumes?.GetValueOrDefault(id)?.Snapshots.FirstOrDefault(one => one.Id == snapshotId && one.TakenAt is not null)?.Content;
    }

    /// <summary>A guest writes to the volume.</summary>
    public void Write(string id)
    {
        lock (_gate) Find(id).Content++;
    }

    /// <summary>Makes snapshots ready; without a guest they are taken.</summary>
    public void Prepare(string id, IEnumerable<string> snapshots, DateTimeOffset now)
    {
        lock (_gate)
        {
            var volume = Find(id);
            foreach (var snapshot in snapshots.Where(snapshot => volume.Snapshots.All(one => one.Id != snapshot)).ToArray()) Add(id, volume, new SimulatedSnapshot(snapshot, volume.Content, volume.Holder is null ? now : null));
        }
    }

    /// <summary>Takes what is ready, of all these volumes at one moment.</summary>
    public void Take(IEnumerable<string> ids, DateTimeOffset now)
    {
        lock (_gate)
            foreach (var id in ids)
            {
                var volume = Find(id);
                foreach (var ready in volume.Snapshots.Where(one => one.TakenAt is null).ToArray())
                {
                    Forget(id, volume, ready);
                    Add(id, volume, ready with { Content = volume.Content, TakenAt = now });
                }
            }
    }

    public void Forget(string id, IEnumerable<string> snapshots)
    {
        lock (_gate)
            if (_volumes?.GetValueOrDefault(id) is { } volume)
            {
                foreach (var due in volume.Snapshots.Where(one => snapshots.Contains(one.Id)).ToArray()) Forget(id, volume, due);
                if (volume is { SizeGib: 0, Snapshots.Count: 0, Granted: 0 }) _volumes.Remove(id);
            }
    }

    /// <summary>Puts a volume back; false if a guest has it, or the snapshot is not there.</summary>
    public bool Restore(string id, string snapshotId, long number)
    {
        lock (_gate)
        {
            var volume = Find(id);
            if (volume.Holder is not null || volume.Snapshots.FirstOrDefault(one => one.Id == snapshotId && one.TakenAt is not null) is not { } snapshot) return false;
            (volume.Content, volume.Restored) = (snapshot.Content, number);
            return true;
        }
    }

    /// <summary>Makes a volume that begins with what another's snapshot holds; false if that is not there.</summary>
    public bool Copy(string id, int sizeGib, string source, string snapshotId)
    {
        lock (_gate)
        {
            if (ContentOf(source, snapshotId) is not { } content) return false;
            Make(id, sizeGib);
            Find(id).Content = content;
            return true;
        }
    }

    /// <summary>What a volume has that is given for a move with this key; false if none is.</summary>
    public static bool TryGiven(string key, out long content)
    {
        var found = Given.TryGetValue(key, out var read);
        content = found ? read!() : 0;
        return found;
    }

    /// <summary>Makes a volume with this content; nothing happens if it is there.</summary>
    public void Make(string id, int sizeGib, long content)
    {
        lock (_gate)
        {
            if (Find(id).SizeGib > 0) return;
            Make(id, sizeGib);
            Find(id).Content = content;
        }
    }

    private void Add(string id, Volume volume, SimulatedSnapshot snapshot)
    {
        volume.Snapshots.Add(snapshot);
        journal?.Made(store, snapshot.Line(id));
    }

    private void Forget(string id, Volume volume, SimulatedSnapshot snapshot)
    {
        volume.Snapshots.Remove(snapshot);
        journal?.Removed(store, snapshot.Line(id));
    }

    /// <summary>Notes the incarnation that has the volume from now on; false if a higher one does. Lasts as long as the process.</summary>
    public bool Grant(string id, int incarnation)
    {
        lock (_gate)
        {
            var volume = Find(id);
            if (volume.Granted > incarnation) return false;
            volume.Granted = incarnation;
            return true;
        }
    }

    /// <summary>Makes the volume, or lets it grow; nothing happens if it is as large.</summary>
    public void Make(string id, int sizeGib)
    {
        lock (_gate)
        {
            var volume = Find(id);
            if (volume.SizeGib >= sizeGib) return;
            if (volume.SizeGib > 0) journal?.Removed(store, Line(id, volume.SizeGib));
            volume.SizeGib = sizeGib;
            journal?.Made(store, Line(id, sizeGib));
        }
    }

    /// <summary>False if a guest has it.</summary>
    public bool Remove(string id)
    {
        lock (_gate)
        {
            if (_volumes is null || !_volumes.TryGetValue(id, out var volume)) return true;
            if (volume.Holder is not null) return false;
            if (volume.SizeGib > 0) journal?.Removed(store, Line(id, volume.SizeGib));
            volume.SizeGib = 0;
            // What waited for a guest to write elsewhere is of the moment at which nobody writes any more.
            if (volume.Snapshots.Count == 0) _volumes.Remove(id);
            return true;
        }
    }

    /// <summary>Opens the volume for a guest, as QEMU's own locks do; false if another one has it, or it is not there.</summary>
    internal bool Open(string id, object guest)
    {
        lock (_gate)
        {
            if (_volumes?.GetValueOrDefault(id) is not { SizeGib: > 0 } volume || (volume.Holder is not null && volume.Holder != guest)) return false;
            volume.Holder = guest;
            return true;
        }
    }

    internal void Close(string id, object guest)
    {
        lock (_gate)
        {
            if (_volumes?.GetValueOrDefault(id) is { } volume && volume.Holder == guest) volume.Holder = null;
        }
    }

    /// <summary>Gives the volume to an instance of another host; false if a guest has it, or another instance.</summary>
    /// <param name="key">With which it is given for a move; null: it is given to a guest.</param>
    public bool Export(string id, ExportSight export, string? key)
    {
        lock (_gate)
        {
            if (_volumes?.GetValueOrDefault(id) is not { SizeGib: > 0 } volume || (volume.Holder is not null && !export.Equals(volume.Holder))) return false;
            volume.Holder = export;
            if (volume.Key is { } before) Given.TryRemove(before, out _);
            if ((volume.Key = key) is not null) Given[key!] = () => ContentOf(id);
            return true;
        }
    }

    public void EndExport(string id)
    {
        lock (_gate)
            if (_volumes?.GetValueOrDefault(id) is { Holder: ExportSight } volume)
            {
                volume.Holder = null;
                if (volume.Key is { } key) Given.TryRemove(key, out _);
                volume.Key = null;
            }
    }

    /// <summary>Snapshots that wait for a guest which has ended are of that moment.</summary>
    public void Settle(string id, DateTimeOffset now)
    {
        lock (_gate)
            if (_volumes?.GetValueOrDefault(id) is { Holder: null }) Take([id], now);
    }

    /// <summary>True if a line of the journal is of a volume.</summary>
    internal static bool IsLine(string id) => id.Contains('=', StringComparison.Ordinal);

    /// <summary>Puts back what the journal remembers.</summary>
    internal void Restore(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            if (SimulatedSnapshot.Read(line) is { } snapshot)
                lock (_gate) Find(snapshot.VolumeId).Snapshots.Add(snapshot.Snapshot);
            else if (line.Split('=') is [var id, var size] && int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var gib))
                lock (_gate) Find(id).SizeGib = gib;
    }

    private static string Line(string id, int sizeGib) => string.Create(CultureInfo.InvariantCulture, $"{id}={sizeGib}");

    private Volume Find(string id)
    {
        _volumes ??= [];
        return _volumes.TryGetValue(id, out var volume) ? volume : _volumes[id] = new Volume();
    }

    private sealed class Volume
    {
        public int SizeGib, Granted;
        public long Content, Restored;
        public object? Holder;
        public string? Key;

        public List<SimulatedSnapshot> Snapshots { get; } = [];
    }
}
