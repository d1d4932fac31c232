using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kumoi.Agent.Backups;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>
/// A host with a place of one kind, beside its own directory, a guest of a real QEMU, and an agent that may die at any point. Ceph is the real one that <c>KUMOI_TEST_CEPH</c> names by its
/// configuration (<c>tests/ceph-cluster</c>); for LVM and ZFS, of which this machine's kernel has nothing, tools stand in that do what those are documented to do.
/// </summary>
internal sealed partial class BlockStand : IAsyncDisposable
{
    private readonly Machine _machine;
    private readonly string _kind, _places;
    private readonly DesiredImage _image;
    private readonly Dictionary<string, DesiredVolume> _volumes = [];
    private Agent? _agent;

    private BlockStand(Machine machine, string kind, string places, DesiredImage image) => (_machine, _kind, _places, _image) = (machine, kind, places, image);

    public const string LvmThin = StoreDrivers.LvmThin, Zfs = StoreDrivers.Zfs, Rbd = StoreDrivers.Rbd;

    public DesiredInstance Record { get; } = Samples.Instance(24, "running") with { MemoryMib = 64, Interfaces = [] };

    public Machine Machine => _machine;

    public string Store { get; private set; } = "";

    public string OwnStore { get; private set; } = "";

    public string BackupPlace { get; private set; } = "";

    public DesiredImage Image => _image;

    private static string? Ceph => Environment.GetEnvironmentVariable("KUMOI_TEST_CEPH");

    private static readonly Lock Gate = new();

    /// <param name="like">A stand of another host that reaches the same place; null: the place is a new one.</param>
    public static async Task<BlockStand> MakeAsync(string kind, BlockStand? like = null, [CallerFilePath] string here = "")
    {
        if (kind == Rbd) Assert.SkipWhen(Ceph is null, "Set KUMOI_TEST_CEPH to the configuration of a Ceph cluster: see CONTRIBUTING.md.");
        var machine = new Machine("qemu");
        var places = like?._places ?? Path.Combine(machine.State, "places");
        var store = kind switch { Rbd => $"fast=rbd:kumoi@{Ceph}#kumoi", LvmThin => "fast=lvm-thin:vg/thin", _ => "fast=zfs:tank/data" };
        DurableFiles.MakeDirectory(Path.Combine(machine.State, "backups"), AgentModes.Passable);
        machine.Options = machine.Options with { Name = like is null ? "host1" : "host2", Stores = [store], BackupStores = [$"backups=directory:{Path.Combine(machine.State, "backups")}"] };
        if (kind != Rbd) Prepare(places, Path.Combine(Path.GetDirectoryName(here)!, "place-tools"));
        var file = Path.Combine(machine.State, "empty.qcow2");
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", file, "8M")).Code);
        Assert.Equal(0, (await Machine.RunAsync("qemu-io", "-c", "write -P 77 4M 64k", "-c", $"write -P {RandomNumberGenerator.GetInt32(1, 255)} 6M 64k", file)).Code);
        var bytes = await File.ReadAllBytesAsync(file);
        var image = like?._image ?? Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 8 * 1024 * 1024);
        if (like is not null) bytes = await File.ReadAllBytesAsync(new ImageCache(like._machine.Options.Paths).PathOf(image));
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        await new ImageCache(machine.Options.Paths).FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default);
        var stand = new BlockStand(machine, kind, places, image);
        var agent = await stand.AgentAsync();
        var sight = await agent.Volumes.LookAsync(default);
        Assert.True(sight.Missed.Count == 0, string.Join("; ", sight.Missed.Select(missed => missed.Words)));
        (stand.Store, stand.OwnStore) = (sight.There.Single(one => one.Store.Driver == kind).Store.Id, sight.There.Single(one => one.Store.Root).Store.Id);
        stand.BackupPlace = Assert.Single((await agent.Volumes.Backups.LookAtPlacesAsync(default)).There).Store.Id;
        return stand;
    }

    /// <summary>Lays the tools before those of the machine.</summary>
    private static void Prepare(string places, string tools)
    {
        foreach (var directory in new[] { "bin", "dev", "lvm/vg", "zfs/tank/data" }) Directory.CreateDirectory(Path.Combine(places, directory));
        foreach (var directory in new[] { "", "dev", "dev/vg", "dev/zvol", "dev/zvol/tank", "dev/zvol/tank/data" }) DurableFiles.MakeDirectory(Path.Combine(places, directory), AgentModes.Passable);
        File.WriteAllText(Path.Combine(places, "lvm/vg/zero"), "zero");
        File.WriteAllText(Path.Combine(places, "lvm/vg/percent"), "1.00");
        foreach (var tool in new[] { "lvs", "vgs", "vgchange", "lvcreate", "lvextend", "lvchange", "lvrename", "lvremove", "zfs" })
            File.WriteAllText(Path.Combine(places, "bin", tool), $"#!/bin/bash\nKUMOI_TEST_PLACES={places} KUMOI_TEST_TOOL={tool} exec bash {tools} \"$@\"\n");
        foreach (var tool in Directory.GetFiles(Path.Combine(places, "bin"))) File.SetUnixFileMode(tool, AgentModes.Passable | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        // One test at a time has its tools first.
        lock (Gate) Environment.SetEnvironmentVariable("PATH", $"{Path.Combine(places, "bin")}:{string.Join(':', Environment.GetEnvironmentVariable("PATH")!.Split(':').Where(path => !path.EndsWith("/places/bin", StringComparison.Ordinal)))}");
    }

    /// <summary>The record of a volume in the place; the number is its slot, too.</summary>
    public DesiredVolume Volume(int number) => new(Id(number), Store, 1, 1, VolumeDesire.Present, 1, null, Record.Id, number);

    private readonly string _mark = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));

    // A Ceph cluster lives on from test to test.
    public string Id(int number) => $"vol-19a{_mark}{number:x4}";

    public string Snapshot(int number) => $"snap-19a{_mark}{number:x4}";

    public async Task<Agent> AgentAsync()
    {
        if (_agent is not null) return _agent;
        var (options, clock, commands) = (_machine.Options, TimeProvider.System, new Commands(TimeProvider.System));
        var (backups, exports) = (new Stores(options, StorePlace.OfBackups(options), null, clock), new ExportProcesses(options, commands, clock));
        var directories = new DirectoryVolumes(new Stores(options, StorePlace.Of(options), null, clock), exports, commands, clock) { BackupPlaces = backups };
        var (devices, changes) = (Path.Combine(_places, "dev"), new BlockChanges(commands, options.Paths));
        var blocks = new BlockVolumes(options, new BlockStores(options, BlockPlace.Of(options), place => _kind switch
        {
            Rbd => new RbdTool(place, BlockNames.HostWord(options), commands, changes, clock),
            LvmThin => new LvmThinTool(place, devices, commands, changes, clock),
            _ => new ZfsTool(place, devices, commands, changes, clock),
        }, changes, clock), backups, directories.Guests, exports, commands, clock);
        var volumes = VolumeDrivers.Of(directories, blocks);
        await volumes.LookAsync(default);
        await volumes.Backups.LookAtPlacesAsync(default);
        var agent = new Agent(volumes, blocks, new QemuHypervisor(options, "tcg", null, new ImageCache(options.Paths), volumes, commands, clock));
        await agent.Hypervisor.ObserveAsync(Record.Id, default);
        return _agent = agent;
    }

    /// <summary>The agent is killed where it would do something for the time of this number from now on. False if it came to an end before.</summary>
    public Task<bool> KilledAsync(int number, Func<Task> act) => LeaveAsync(KilledAgent.BeforeAsync(number, what => what is not ("run lvs" or "run vgs"), act));

    /// <summary>The agent is killed where it would do this.</summary>
    public Task<bool> KilledAsync(Func<string, bool> isThere, Func<Task> act) => LeaveAsync(KilledAgent.WhereAsync(isThere, act));

    private async Task<bool> LeaveAsync(Task<bool> killed)
    {
        if (!await killed) return false;
        var agent = _agent!;
        _agent = null;
        await agent.Hypervisor.DisposeAsync();
        return true;
    }

    public async Task StartGuestAsync(params DesiredVolume[] volumes)
    {
        await SettleAsync(volumes);
        var agent = await AgentAsync();
        await agent.Hypervisor.MakeDiskAsync(Record, _image, default);
        await agent.Hypervisor.StartAsync(Record, _image, [], [.. volumes.Select(volume => new DriveIntent(volume, ImageOf(volume)))], null, default);
        await agent.Hypervisor.ResumeAsync(Record.Id, default);
        await agent.Hypervisor.ObserveAsync(Record.Id, default);
    }

    public async Task KillGuestAsync()
    {
        await (await AgentAsync()).Hypervisor.KillAsync(Record.Id, default);
        await (await AgentAsync()).Hypervisor.ObserveAsync(Record.Id, default);
    }

    public DesiredImage? ImageOf(DesiredVolume volume) => volume.ImageId is null ? null : _image;

    public async Task<GuestProcess?> GuestAsync() => (await (await AgentAsync()).Hypervisor.ObserveAsync(Record.Id, default)).Process;

    public async Task<VolumeSight> SeeAsync(DesiredVolume volume) => await (await AgentAsync()).Volumes.ObserveAsync(volume, default);

    public async Task<VolumePlan> RoundAsync(DesiredVolume volume)
    {
        var (volumes, image) = ((await AgentAsync()).Volumes, ImageOf(volume));
        var plan = VolumePlanner.Plan(volume, await volumes.ObserveAsync(volume, default), true);
        await (plan.Step switch
        {
            null => Task.CompletedTask,
            VolumeStep.Make => volumes.MakeAsync(volume, image, default),
            VolumeStep.Copy => volumes.CopyAsync(volume, _volumes[volume.Source!.VolumeId], null, default),
            VolumeStep.Fill => volumes.FillAsync(volume, default),
            VolumeStep.Receive => volumes.ReceiveAsync(volume, default),
            VolumeStep.Grow => volumes.GrowAsync(volume, image, default),
            VolumeStep.TakeBack => volumes.TakeBackAsync(volume, default),
            VolumeStep.Remove => volumes.RemoveAsync(volume, default),
            VolumeStep.Prepare => volumes.PrepareAsync(volume, default),
            VolumeStep.Take => volumes.TakeAsync(volume, SnapshotGroups.Of(volume, Samples.Document(1, null, []) with { Volumes = [.. _volumes.Values] }), default),
            VolumeStep.Forget => volumes.ForgetAsync(volume, default),
            VolumeStep.Restore => volumes.RestoreAsync(volume, default),
            VolumeStep.Tidy => volumes.TidyAsync(volume, image, default),
            VolumeStep.Export => volumes.ExportAsync(volume, image, default),
            VolumeStep.EndExport => volumes.EndExportAsync(volume, default),
            _ => throw new InvalidOperationException($"{plan.Step}"),
        });
        return plan;
    }

    /// <summary>Until each volume is as its record says, and nothing is left to tidy.</summary>
    public async Task SettleAsync(params DesiredVolume[] volumes)
    {
        foreach (var volume in volumes) _volumes[volume.Id] = volume;
        var last = "";
        try
        {
            await Wait.ForAsync("the volumes to settle", async () =>
            {
                var settled = true;
                // A killed agent may have left the guest held: its mailbox looks at it.
                await (await AgentAsync()).Hypervisor.ObserveAsync(Record.Id, default);
                foreach (var volume in volumes)
                    try
                    {
                        var plan = await RoundAsync(volume);
                        var seen = await SeeAsync(volume);
                        last = $"{plan} with {seen}";
                        settled &= plan is { Settled: true, Step: null } && seen.Snapshots is { Work: null, Untidy: false };
                    }
                    catch (HypervisorException e) when (e.Reason is "volume-busy" or "volume-in-use" or "volume-failed")
                    {
                        (settled, last) = (false, e.Message);
                    }
                return settled;
            }, TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; {last}", e);
        }
    }

    /// <summary>Until a backup is as its record says.</summary>
    public async Task<BackupSight> SettleAsync(DesiredBackup backup)
    {
        BackupSight? sight = null;
        await Wait.ForAsync("the backup to settle", async () =>
        {
            var (backups, volume) = ((await AgentAsync()).Volumes.Backups, _volumes.GetValueOrDefault(backup.VolumeId));
            sight = await backups.ObserveAsync(backup, volume, default);
            if (BackupPlanner.Plan(backup, sight) is not { } step) return true;
            if (sight.Work is null) await (step switch { BackupStep.Make => backups.MakeAsync(backup, volume!, null, default), BackupStep.Verify => backups.VerifyAsync(backup, default), _ => backups.RemoveAsync(backup, default) });
            return false;
        }, TimeSpan.FromSeconds(60));
        return sight!;
    }

    /// <summary>A file of the tools that stand in.</summary>
    public string PlaceFile(string name) => Path.Combine(_places, name);

    /// <summary>What the place is spoken to with.</summary>
    public IBlockTool Tool => _kind switch
    {
        Rbd => new RbdTool(BlockPlace.Of(_machine.Options)[0], "test", new Commands(TimeProvider.System), Changes, TimeProvider.System),
        LvmThin => new LvmThinTool(BlockPlace.Of(_machine.Options)[0], Path.Combine(_places, "dev"), new Commands(TimeProvider.System), Changes, TimeProvider.System),
        _ => new ZfsTool(BlockPlace.Of(_machine.Options)[0], Path.Combine(_places, "dev"), new Commands(TimeProvider.System), Changes, TimeProvider.System),
    };

    /// <summary>The same as one host has it.</summary>
    public IBlockTool ToolOf(string host) => new RbdTool(BlockPlace.Of(_machine.Options)[0], host, new Commands(TimeProvider.System), Changes, TimeProvider.System);

    private BlockChanges Changes => new(new Commands(TimeProvider.System), _machine.Options.Paths);

    /// <summary>Names of all that is there of the test's volumes and of its image.</summary>
    public async Task<string[]> NamesAsync() => [.. (await Tool.SurveyAsync(default)).Select(disk => disk.Name).Where(name => name.Contains(_mark, StringComparison.Ordinal) || name.Contains(_image.Sha256, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>The agent ends; its programs with it.</summary>
    public async Task EndAgentAsync()
    {
        if (_agent is not { } agent) return;
        _agent = null;
        await agent.Volumes.DisposeAsync();
        await agent.Hypervisor.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await (await AgentAsync()).Hypervisor.KillAsync(Record.Id, default);
        await EndAgentAsync();
        if (_kind == Rbd)
        {
            var tool = Tool;
            // Clones before what they were made from.
            for (var left = await NamesAsync(); left.Length > 0; left = await NamesAsync())
                foreach (var disk in await tool.ListAsync(left.Contains, default))
                {
                    await tool.CutOffAsync(disk.Name, default);
                    foreach (var point in disk.Points) await tool.RemovePointAsync(disk.Name, point.Name, default);
                    await tool.RemoveAsync(disk.Name, default);
                }
        }
        else if (Directory.Exists(_places))
            foreach (var link in Directory.EnumerateFiles(Path.Combine(_places, "dev"), "*", SearchOption.AllDirectories))
                if (new FileInfo(link).LinkTarget is { } loop) await Machine.RunAsync("losetup", "--detach", loop);
        await _machine.DisposeAsync();
    }

    internal sealed record Agent(VolumeDrivers Volumes, BlockVolumes Blocks, QemuHypervisor Hypervisor);
}
