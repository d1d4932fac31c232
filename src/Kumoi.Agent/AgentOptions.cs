using System.Net;
using System.Text.RegularExpressions;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Blocks;

namespace Kumoi.Agent;

/// <summary>How an agent is told to run. <see cref="Validate"/> names what is wrong in words for a person.</summary>
public sealed partial record AgentOptions
{
    /// <summary>Where the agent keeps its key, the image cache and the disks (under <c>agent/</c>). Its parents must be passable for
    /// other users, since each guest runs as a user of its own.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>4 to 8 hex digits that name this cloud on the machine: every kernel object the agent makes carries it.</summary>
    public required string Tag { get; init; }

    /// <summary>The host's name in the cloud.</summary>
    public required string Name { get; init; }

    /// <summary>The address at which other hosts reach this one.</summary>
    public required string Address { get; init; }

    /// <summary>A token to join with; needed only until the host has its certificate.</summary>
    public string? JoinToken { get; init; }

    /// <summary><c>qemu</c>, or <c>simulated</c> (guests and networks only in memory and a state file).</summary>
    public string Hypervisor { get; init; } = "qemu";

    /// <summary><c>auto</c> (probe), <c>kvm</c> or <c>tcg</c>.</summary>
    public string Accelerator { get; init; } = "auto";

    /// <summary>Where sockets live; short, because Linux limits the path of a unix socket to 107 bytes. Null: <c>/run/kumoi-TAG</c>.</summary>
    public string? RunDirectory { get; init; }

    /// <summary>A device of the host on whose segment floating addresses are answered; null if a router sends them here, or only this
    /// host uses them. Without it traffic of floating addresses leaves the host under the host's own address.</summary>
    public string? UplinkDevice { get; init; }

    /// <summary>Bridges and devices of the host that bridged networks may be attached to.</summary>
    public IReadOnlyList<string> SegmentDevices { get; init; } = [];

    /// <summary>Where root disks are; null: under the state directory.</summary>
    public string? DisksDirectory { get; init; }

    /// <summary>True if several hosts have mounted that directory: an instance may then be started on another of them when this one is lost.</summary>
    public bool SharedDisks { get; init; }

    /// <summary>Places for volumes, each <c>POOL=directory:/path</c> or <c>POOL=directory:/path,shared</c>; empty: one beside the root disks.</summary>
    public IReadOnlyList<string> Stores { get; init; } = [];

    /// <summary>Places for backups, each <c>NAME=directory:/path</c> or <c>NAME=directory:/path,shared</c>; empty: none.</summary>
    public IReadOnlyList<string> BackupStores { get; init; } = [];

    /// <summary>The first and the last port at which volumes are given to other hosts, one port for each. The firewall lets the other hosts, and nobody else, in there.</summary>
    public (int First, int Last) ExportPorts { get; init; } = (10809, 11808);

    /// <summary>Where control groups may be made for the processes that do it, the best place first.</summary>
    internal IReadOnlyList<string> ProcessHierarchies { get; init; } = Linux.ProcessGroups.Hierarchies;

    /// <summary>How many hosts share the machine: each offers one part of its memory and of what is free on its disk. Processors are shared by turns.</summary>
    public int MachineShare { get; init; } = 1;

    /// <summary>An address of the loopback at which <c>/metrics</c> is served; null: nowhere.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>The log's form: <c>text</c>, or <c>json</c>, one object a line.</summary>
    public string LogFormat { get; init; } = Kumoi.Api.Logging.LogFormats.Text;

    /// <summary>How long a guest may take to stop by itself before it is stopped hard. Too low loses data of slow guests.</summary>
    public TimeSpan StopLimit { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>The same for a reboot, which people wait for.</summary>
    public TimeSpan RebootLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Everything is looked at again after this time, whether anything rang or not.</summary>
    public TimeSpan ResyncPeriod { get; init; } = TimeSpan.FromSeconds(10);

    // Looking at one network takes some hundredths of a second of a processor: five of them a second are a tenth of one.
    private static readonly TimeSpan ForEachNetwork = TimeSpan.FromMilliseconds(200);

    /// <summary>How often networks are looked at on a host that has so many of them.</summary>
    public TimeSpan NetworksPeriod(int networks) => networks * ForEachNetwork is var all && all > ResyncPeriod ? all : ResyncPeriod;

    /// <summary>How often the lease is looked at beside its end. Too low: a host without work does not rest; too high: after a suspend guests
    /// whose lease ended in it run on that long.</summary>
    public TimeSpan LeaseLookPeriod { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Guests looked at together. Too low: one slow guest delays others; too high: they crowd the machine.</summary>
    public int Parallelism { get; init; } = Math.Max(4, Environment.ProcessorCount * 2);

    /// <summary>Bytes of images kept beyond those in use. Too low: images are fetched again and again; too high: the disk fills.</summary>
    public long ImageCacheBytes { get; init; } = 20L * 1024 * 1024 * 1024;

    /// <summary>The port at the host's address at which it gives images to other hosts of its zone; 0: any that is free. Null: it gives none.</summary>
    public int? ImagePort { get; init; } = 0;

    // What servers take of one host. More would not be listened to.
    private const int StoresMax = 16;

    public AgentPaths Paths => new(StateDirectory, RunDirectory ?? $"/run/kumoi-{Tag}", DisksDirectory);

    /// <summary>What is wrong with the options, one sentence each; empty if nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        var wrong = new List<string>();
        if (!TagForm().IsMatch(Tag)) wrong.Add("The tag must be 4 to 8 digits of 0-9 and a-f.");
        if (!NameForm().IsMatch(Name)) wrong.Add("The host's name must be 1 to 63 letters, digits, '-' and '.'.");
        if (!IPAddress.TryParse(Address, out _)) wrong.Add("The host's address must be an IP address.");
        if (!Path.IsPathRooted(StateDirectory)) wrong.Add("The state directory must be an absolute path.");
        if (DisksDirectory is not null && !Path.IsPathRooted(DisksDirectory)) wrong.Add("The directory of disks must be an absolute path.");
        if (SharedDisks && DisksDirectory is null) wrong.Add("Shared disks need the directory they are in (--disks).");
        if (Stores.Select(BlockPlace.TooLong).FirstOrDefault(words => words is not null) is { } words) wrong.Add(words);
        else if (Stores.FirstOrDefault(store => StorePlace.Parse(store) is null && BlockPlace.Parse(store) is null) is { } unknown)
            wrong.Add($"The store '{unknown}' must be POOL=directory:/path, with ,shared at its end if several hosts have mounted it, POOL=lvm-thin:GROUP/THINPOOL, POOL=zfs:ZPOOL/DATASET or POOL=rbd:CEPHPOOL, with @/path/ceph.conf and #client at its end if they are others than /etc/ceph/ceph.conf and admin; the pool's name has 1 to 63 letters, digits, '-' and '.', and the path is absolute.");
        if (BackupStores.FirstOrDefault(store => StorePlace.Parse(store) is null) is { } strange)
            wrong.Add($"The backup store '{strange}' must be NAME=directory:/path, with ,shared at its end if several hosts have mounted it; the name has 1 to 63 letters, digits, '-' and '.', and the path is absolute.");
        if (BackupStores.Count > StoresMax) wrong.Add($"A host has {StoresMax} backup stores at most.");
        if (Stores.Concat(BackupStores).Select(StorePlace.Parse).OfType<StorePlace>().GroupBy(place => place.Directory).FirstOrDefault(same => same.Count() > 1) is { } twice) wrong.Add($"The directory of stores {twice.Key} is named twice.");
        if (BlockPlace.Of(this).GroupBy(place => (place.Driver, place.Name, place.Configuration)).FirstOrDefault(same => same.Count() > 1) is { } again) wrong.Add($"The store {again.First()} is named twice.");
        if (Stores.Count > StoresMax) wrong.Add($"A host has {StoresMax} stores at most.");
        if (Hypervisor is not ("qemu" or "simulated")) wrong.Add("The hypervisor must be qemu or simulated.");
        if (Accelerator is not ("auto" or "kvm" or "tcg")) wrong.Add("The accelerator must be auto, kvm or tcg.");
        if (UplinkDevice is not null && !DeviceForm().IsMatch(UplinkDevice)) wrong.Add("The uplink device must be the name of a network device.");
        if (SegmentDevices.FirstOrDefault(device => !DeviceForm().IsMatch(device)) is { } nameless) wrong.Add($"The device of segments '{nameless}' must be the name of a network device.");
        if (ImagePort is < 0 or > ushort.MaxValue) wrong.Add("The port for images must be 0 to 65535.");
        if (ExportPorts is not ( >= 1024, <= 65535) || ExportPorts.First > ExportPorts.Last) wrong.Add("The ports at which volumes are given to other hosts must be FIRST-LAST, between 1024 and 65535.");
        if (MachineShare < 1) wrong.Add("The machine must be shared by one host or more.");
        if (Metrics is { } metrics && !IPAddress.IsLoopback(metrics.Address)) wrong.Add($"The address of metrics {metrics} must be one of the loopback: they need no permission, so only this machine may ask.");
        if (System.Text.Encoding.UTF8.GetByteCount(Paths.LongestSocket) > 107)
            wrong.Add($"The run directory's path is too long: sockets in it may have 107 bytes, {Paths.LongestSocket} has more.");
        if (JoinToken is not null && Api.Agent.JoinTokenContent.Decode(JoinToken) is null) wrong.Add("The join token is not one of Kumoi's.");
        if (StopLimit < TimeSpan.Zero || RebootLimit < TimeSpan.Zero || ResyncPeriod <= TimeSpan.Zero || LeaseLookPeriod <= TimeSpan.Zero || ImageCacheBytes < 0)
            wrong.Add("Times and limits must not be negative.");
        return wrong;
    }

    [GeneratedRegex("^[0-9a-f]{4,8}\\z")] private static partial Regex TagForm();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9.-]{0,62}\\z")] private static partial Regex NameForm();

    [GeneratedRegex("^[A-Za-z0-9._-]{1,15}\\z")] private static partial Regex DeviceForm();
}

/// <summary>Every path the agent uses, in one place.</summary>
/// <param name="StateRoot">Survives a restart of the machine.</param>
/// <param name="RunRoot">Does not.</param>
/// <param name="DisksRoot">Where root disks are; null: beside the instances' other files.</param>
public sealed record AgentPaths(string StateRoot, string RunRoot, string? DisksRoot)
{
    public string State => Path.Combine(StateRoot, "agent");

    public string Identity => Path.Combine(State, "identity");

    public string Images => Path.Combine(State, "images");

    public string Instances => Path.Combine(State, "instances");

    public string Guests => Path.Combine(RunRoot, "g");

    public string Networks => Path.Combine(RunRoot, "n");

    public string Instance(string id) => Path.Combine(Instances, id);

    public string Disks => DisksRoot ?? Instances;

    public string DiskDirectory(string id) => Path.Combine(Disks, id);

    public string Disk(string id) => Path.Combine(DiskDirectory(id), "disk.qcow2");

    public string ConsoleLog(string id) => Path.Combine(Instance(id), "console.log");

    /// <summary>Volumes, unless other places are named.</summary>
    public string Volumes => Path.Combine(DisksRoot ?? State, "volumes");

    /// <summary>Which store was where.</summary>
    public string Stores => Path.Combine(State, "stores");

    /// <summary>What is noted of volumes that are given to other hosts.</summary>
    public string Exports => Path.Combine(State, "exports");

    /// <summary>The sockets and keys of the processes that do it.</summary>
    public string ExportProcesses => Path.Combine(RunRoot, "x");

    /// <summary>Keys of volumes that other hosts have, as long as a guest's process reads them.</summary>
    public string VolumeKeys => Path.Combine(RunRoot, "k");

    public string Sockets(string id) => Path.Combine(Guests, id);

    public string Socket(string id, string name) => Path.Combine(Sockets(id), name);

    public string LongestSocket => Socket(new string('x', 25), "screen");
}
