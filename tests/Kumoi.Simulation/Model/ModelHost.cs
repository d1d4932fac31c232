using Kumoi.Agent;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>A machine: what of guests, disks and networks is really there, whatever any agent or record says. The real agent runs on it.</summary>
internal sealed class ModelHost
{
    private readonly Cloud _cloud;
    private readonly AgentOptions _options;
    private int _boots, _starts;

    public ModelHost(Cloud cloud, int number, SharedStorage? shared)
    {
        Shared = shared;
        Record = new ModelRecord(this, () => cloud.Simulator.Elapsed);
        (_cloud, Id, Name) = (cloud, $"h-19a3f2b4c5d6e{number:x4}", $"host{number}");
        Timepiece = cloud.NewTimepiece();
        ReachesBackups = !cloud.Dice.OneIn(4);
        _options = new AgentOptions { StateDirectory = "/nonexistent", Tag = "51a1", Name = Name, Address = $"192.0.2.{number}", Hypervisor = "simulated", Parallelism = 4, ResyncPeriod = cloud.ResyncPeriod, LeaseLookPeriod = TimeSpan.FromSeconds(10) };
    }

    public string Id { get; }

    /// <summary>Where its disks are; null: on its own.</summary>
    public SharedStorage? Shared { get; }

    /// <summary>What the agent keeps in memory that outlives it.</summary>
    public ModelRecord Record { get; private set; }

    /// <summary>Since when the agent has been running without a pause; null while it does not.</summary>
    public TimeSpan? AwakeSince { get; set; }

    public string BootId => $"{Name}-{_boots}";

    public string Name { get; }

    public Timepiece Timepiece { get; }

    /// <summary>Guests with a disk or a process, by instance.</summary>
    public SortedDictionary<string, Guest> Guests { get; } = new(StringComparer.Ordinal);

    /// <summary>Volumes on its own store, and how large each is, in GiB.</summary>
    public SortedDictionary<string, int> Volumes { get; } = new(StringComparer.Ordinal);

    /// <summary>What volumes and their snapshots hold.</summary>
    public SortedDictionary<string, ModelContent> Contents { get; } = new(StringComparer.Ordinal);

    public ModelContent ContentOf(string volume) => Contents.TryGetValue(volume, out var content) ? content : Contents[volume] = new ModelContent();

    /// <summary>It has mounted the store of backups.</summary>
    public bool ReachesBackups { get; }

    public string StoreId => StoreOf(Id);

    public static string StoreOf(string hostId) => $"st-{hostId[2..]}";

    /// <summary>Volumes that an agent was killed while it filled them.</summary>
    public HashSet<string> Begun { get; } = [];

    /// <summary>To whom its volumes are given over the network, by processes of their own.</summary>
    public SortedDictionary<string, ExportSight> Exports { get; } = new(StringComparer.Ordinal);

    /// <summary>True if a guest's process has the volume open.</summary>
    public bool HasOpen(string volume) => Guests.Values.Any(guest => guest.Process?.Drives?.Any(drive => drive.Id == volume && !drive.Remote) == true);

    /// <summary>Taps by namespace; gone with the power.</summary>
    public SortedDictionary<string, IReadOnlyList<string>> Namespaces { get; } = new(StringComparer.Ordinal);

    /// <summary>The agent's process; null while none runs.</summary>
    public Node? Agent { get; private set; }

    public bool HasPower { get; private set; } = true;

    /// <summary>Grows with every change of what is there.</summary>
    public int Version { get; private set; }

    /// <summary>What the hypervisor of the present agent wants to be told.</summary>
    public Action<string> GuestChanged { get; set; } = _ => { };

    public void Changed(string id)
    {
        Version++;
        var tell = GuestChanged;
        Agent?.Start(() => tell(id));
    }

    public void StartAgent()
    {
        if (Agent is not null || !HasPower) return;
        var node = new Node(_cloud.Simulator, $"{Name}/{++_starts}", Timepiece);
        Agent = node;
        AwakeSince = _cloud.Simulator.Elapsed;
        GuestChanged = _ => { };
        _cloud.Trace.Note(Name, $"agent starts");
        node.Start(async () =>
        {
            var link = new ModelLink(_cloud, this, node);
            var edges = new AgentEdges(
                new AgentState(), new ModelHypervisor(_cloud, this, node), new ModelNetworks(_cloud, this, node), new ImageCache(_options.Paths), new ModelVolumes(_cloud, this, node), null, Facts,
                _ => Task.FromResult<Kumoi.Agent.Control.IServerLink>(link), Record, node.Clock)
            { Backups = new ModelBackups(_cloud, this, node) };
            var agent = new HostAgent(_options, edges, (int)_cloud.Dice.Next(), node.Clock, new ModelLog(_cloud, Name));
            await agent.RunAsync(CancellationToken.None);
            throw new InvalidOperationException("The agent ended by itself.");
        });
    }

    public void PauseAgent()
    {
        AwakeSince = null;
        Agent?.Pause();
    }

    public void ResumeAgent()
    {
        if (Agent is not { Paused: true } agent) return;
        AwakeSince = _cloud.Simulator.Elapsed;
        agent.Resume();
    }

    public bool HasDisk(string id) => Shared is { } shared ? shared.Disks.Contains(id) : Guests.GetValueOrDefault(id) is { Disk: true };

    public void KillAgent()
    {
        Agent?.Kill();
        (Agent, AwakeSince) = (null, null);
    }

    /// <summary>Everything that ran is gone; what was written stays.</summary>
    public void LosePower()
    {
        KillAgent();
        HasPower = false;
        foreach (var (id, guest) in Guests.ToArray())
        {
            guest.Process = null;
            if (!HasDisk(id)) Guests.Remove(id);
        }
        Namespaces.Clear();
        Exports.Clear();
        Record = new ModelRecord(this, () => _cloud.Simulator.Elapsed);
        Version++;
    }

    public void GetPower()
    {
        if (HasPower) return;
        HasPower = true;
        _boots++;
        StartAgent();
    }

    private HostFacts Facts() => new(Name, _options.Address, "0", "simulated", "simulated", "", 8, 8192, 100, BootId, Shared?.Id);
}

/// <summary>What of an instance is on a host.</summary>
internal sealed class Guest
{
    public bool Disk { get; set; }

    public GuestProcess? Process { get; set; }

    /// <summary>The record's generation that the process was started for.</summary>
    public long Generation { get; set; }

    /// <summary>Does not react to the power button.</summary>
    public bool Deaf { get; set; }

    /// <summary>The hosts that give it volumes, and the incarnation in which each does, whose key its process has.</summary>
    public SortedDictionary<string, (string HostId, int Incarnation)> Connections { get; } = new(StringComparer.Ordinal);

    /// <summary>The host that gives the volume and lets the guest write to it now; null if none does.</summary>
    public ModelHost? Connected(Cloud cloud, ModelHost own, string volumeId)
    {
        if (!Connections.TryGetValue(volumeId, out var connection)) return null;
        var keeper = cloud.Hosts.First(host => host.Id == connection.HostId);
        return keeper.Exports.GetValueOrDefault(volumeId)?.Incarnation == connection.Incarnation && !cloud.Wire.CutOff.Contains(keeper.Name) && !cloud.Wire.CutOff.Contains(own.Name) ? keeper : null;
    }

    /// <summary>Its process has the key by which the volume is given now.</summary>
    public bool MayWrite(string volumeId, ExportSight export) =>
        Process?.Drives?.Any(drive => drive.Id == volumeId && drive.Remote) == true && Connections.GetValueOrDefault(volumeId).Incarnation == export.Incarnation;
}
