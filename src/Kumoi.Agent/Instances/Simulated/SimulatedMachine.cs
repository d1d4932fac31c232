using Kumoi.Agent.Leases;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Simulated;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// A host's hardware with the guests that run on it, all in memory. It stands outside the agent, as a machine does: an agent that is
/// thrown away and made anew finds what the one before left, and a power cut takes the guests and leaves the disks.
/// </summary>
/// <param name="storage">Id of the shared storage that the disks are on; null if no other machine uses them.</param>
public sealed class SimulatedMachine(SimulatedDisks disks, string? storage, TimeProvider clock)
{
    private readonly Lock _gate = new();
    // Made with the first guest: most of ten thousand idle hosts have none.
    private Dictionary<string, SimulatedGuest>? _guests;
    private HashSet<string>? _images;
    private Action<string> _changed = _ => { };

    public SimulatedDisks Disks => disks;

    public string? Storage => storage;

    /// <summary>Changes with each power cut.</summary>
    public string BootId { get; private set; } = Guid.NewGuid().ToString();

    /// <summary>What agents keep for those after them, until the power is cut.</summary>
    public MemoryRecord Record { get; private set; } = new();

    /// <summary>Ids of the guests that have a process.</summary>
    public IReadOnlyList<string> Guests
    {
        get { lock (_gate) return _guests is null ? [] : [.. _guests.Keys]; }
    }

    /// <summary>Ids of everything on this machine that looks like an instance. A disk on shared storage is no trace of this machine.</summary>
    public IReadOnlyList<string> List() => storage is not null ? Guests : [.. Guests.Union(disks.List())];

    /// <summary>Whom to tell of changes: the agent that runs at the time.</summary>
    public void Watch(Action<string> changed)
    {
        lock (_gate) _changed = changed;
    }

    public GuestSight Look(string id)
    {
        lock (_gate)
        {
            var guest = _guests?.GetValueOrDefault(id);
            var disk = disks.Has(id);
            return new GuestSight(disk, (disk && storage is null) || guest is not null, disk && storage is not null, guest is null ? null : new GuestProcess(guest.Incarnation, guest.BootEpoch, guest.State, guest.StartedAt, [.. guest.Cards.Order(StringComparer.Ordinal).Select(card => new GuestCard(card, true, true))],
                [.. guest.Drives.Values.OrderBy(drive => drive.Id, StringComparer.Ordinal)]) { Cd = new GuestCd(guest.Cd, false, false) });
        }
    }

    /// <summary>True if this is the first disk here from the image, which then has to be copied to the host.</summary>
    public bool LacksImage(string imageId)
    {
        lock (_gate) return _images?.Contains(imageId) != true;
    }

    public void MakeDisk(string id, string imageId)
    {
        lock (_gate) (_images ??= []).Add(imageId);
        disks.Make(id);
    }

    /// <summary>False if another guest has the disk or a volume open.</summary>
    public bool Start(DesiredInstance instance, IReadOnlyList<DesiredVolume> volumes, string? cd)
    {
        if (!instance.RootVolume && !disks.Open(instance.Id, this)) return false;
        var guest = new SimulatedGuest(instance, clock.GetUtcNow()) { Cd = cd };
        if (!volumes.All(volume => guest.Take(volume, disks.Volumes)))
        {
            guest.LetGo(disks.Volumes);
            disks.Close(instance.Id, this);
            return false;
        }
        lock (_gate) (_guests ??= [])[instance.Id] = guest;
        return true;
    }

    /// <summary>False if the guest has no process, or another one has the volume.</summary>
    public bool PlugDrive(string id, DesiredVolume volume)
    {
        lock (_gate) return _guests?.GetValueOrDefault(id) is { } guest && guest.Take(volume, disks.Volumes);
    }

    /// <summary>The guest gives a volume back after some time, if it still runs then. False if it has no process.</summary>
    public bool UnplugDrive(string id, string volume, TimeSpan after)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            if (!guest.Releasing.ContainsKey(volume) && guest.Drives.ContainsKey(volume))
                guest.Releasing[volume] = clock.CreateTimer(_ => Release(id, guest, volume), null, after, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    /// <summary>False if the guest has no process.</summary>
    public bool AdjustDrive(string id, DesiredVolume volume)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            if (guest.Drives.ContainsKey(volume.Id)) guest.Set(volume);
        }
        disks.Volumes.Make(volume.Id, volume.SizeGib);
        return true;
    }

    /// <summary>False if the guest has no process.</summary>
    public bool ChangeCd(string id, string? image)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            guest.Cd = image;
            return true;
        }
    }

    /// <summary>False if the guest has no process.</summary>
    public bool Resume(string id)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            guest.State = RunState.Running;
            return true;
        }
    }

    /// <summary>False if the guest has no process.</summary>
    public bool Plug(string id, string card)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            guest.Cards.Add(card);
            return true;
        }
    }

    /// <summary>The guest gives a card back after some time, if it still runs then. False if it has no process.</summary>
    public bool Unplug(string id, string card, TimeSpan after)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            if (!guest.Releasing.ContainsKey(card) && guest.Cards.Contains(card))
                guest.Releasing[card] = clock.CreateTimer(_ => Release(id, guest, card), null, after, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    private void Release(string id, SimulatedGuest guest, string card)
    {
        Action<string> changed;
        lock (_gate)
        {
            if (guest.Releasing.Remove(card, out var timer)) timer.Dispose();
            if (_guests?.GetValueOrDefault(id) != guest) return;
            guest.Cards.Remove(card);
            if (guest.Drives.Remove(card)) disks.Volumes.Close(card, guest);
            changed = _changed;
        }
        changed(id);
    }

    /// <summary>The guest switches itself off after some time, if it still runs then. False if it has no process.</summary>
    public bool ShutDown(string id, TimeSpan after)
    {
        lock (_gate)
        {
            if (_guests?.GetValueOrDefault(id) is not { } guest) return false;
            if (guest.ShuttingDown is not null) return true;
            guest.ShuttingDown = clock.CreateTimer(_ => SwitchOff(id, guest), null, after, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    private void SwitchOff(string id, SimulatedGuest guest)
    {
        Action<string> changed;
        lock (_gate)
        {
            guest.ShuttingDown?.Dispose();
            if (_guests?.GetValueOrDefault(id) != guest) return;
            guest.State = RunState.Shutdown;
            changed = _changed;
        }
        changed(id);
    }

    /// <summary>Ends a guest's process: as the agent's deed, or as the guest's own failure of which nobody was told.</summary>
    public void End(string id, bool lost)
    {
        Action<string> changed;
        lock (_gate)
        {
            if (_guests is null || !_guests.Remove(id, out var guest)) return;
            guest.StopTimers();
            guest.LetGo(disks.Volumes);
            disks.Close(id, this);
            changed = _changed;
        }
        if (lost) changed(id);
    }

    /// <summary>Every guest is lost at once, and nobody is told. Disks stay, and images.</summary>
    public void CutPower()
    {
        lock (_gate)
        {
            foreach (var (id, guest) in _guests ?? [])
            {
                guest.StopTimers();
                guest.LetGo(disks.Volumes);
                disks.Close(id, this);
            }
            _guests = null;
            BootId = Guid.NewGuid().ToString();
            Record = new MemoryRecord();
        }
    }

    /// <summary>What the running guest has written to its serial line; empty if none runs.</summary>
    public string ConsoleLog(string id)
    {
        lock (_gate) return _guests?.GetValueOrDefault(id) is { } guest ? $"{guest.Hostname}: booted for epoch {guest.BootEpoch}\r\n" : "";
    }

    private sealed class SimulatedGuest(DesiredInstance instance, DateTimeOffset startedAt)
    {
        public string Hostname { get; } = instance.Hostname;

        public int Incarnation { get; } = instance.Incarnation;

        public int BootEpoch { get; } = instance.BootEpoch;

        /// <summary>Ids of the interfaces whose cards it has.</summary>
        public HashSet<string> Cards { get; } = [.. instance.Interfaces.Select(wanted => wanted.Id)];

        /// <summary>The image in its CD drive.</summary>
        public string? Cd { get; set; }

        /// <summary>Its volumes.</summary>
        public Dictionary<string, GuestDrive> Drives { get; } = [];

        /// <summary>False if another guest has the volume.</summary>
        public bool Take(DesiredVolume volume, SimulatedVolumes volumes)
        {
            if (volume.Remote is null && !volumes.Open(volume.Id, this)) return false;
            Set(volume);
            return true;
        }

        public void Set(DesiredVolume volume) => Drives[volume.Id] = new GuestDrive(volume.Id, true, true, volume.SizeGib * VolumeSizes.Gib, volume.Limits);

        public void LetGo(SimulatedVolumes volumes)
        {
            foreach (var id in Drives.Keys) volumes.Close(id, this);
        }

        /// <summary>Cards and volumes that it is about to give back.</summary>
        public Dictionary<string, ITimer> Releasing { get; } = [];

        public DateTimeOffset StartedAt => startedAt;

        public RunState State { get; set; } = RunState.Prepared;

        public ITimer? ShuttingDown { get; set; }

        public void StopTimers()
        {
            ShuttingDown?.Dispose();
            foreach (var releasing in Releasing.Values) releasing.Dispose();
        }
    }
}
