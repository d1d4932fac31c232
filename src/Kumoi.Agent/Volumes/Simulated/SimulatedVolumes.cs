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
            return new VolumeSight(volume.SizeGib > 0, volume.SizeGib > 0 ? volume.SizeGib * VolumeSizes.Gib : null, 0, volume.Holder is not null, false, volume.Granted);
        }
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
            _volumes.Remove(id);
            if (volume.SizeGib > 0) journal?.Removed(store, Line(id, volume.SizeGib));
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

    /// <summary>True if a line of the journal is of a volume.</summary>
    internal static bool IsLine(string id) => id.Contains('=', StringComparison.Ordinal);

    /// <summary>Puts back what the journal remembers.</summary>
    internal void Restore(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            if (line.Split('=') is [var id, var size] && int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var gib))
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
        public object? Holder;
    }
}
