using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kumoi.Agent.Backups;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>A host with a store, a guest of a real QEMU, and an agent that may die at any point: the next one begins with nothing but what it finds.</summary>
internal sealed class SnapshotStand : IAsyncDisposable
{
    private readonly Machine _machine;
    private readonly DesiredImage _image;
    private readonly Dictionary<string, DesiredVolume> _volumes = [];
    private string _store = "", _backups = "";
    private Agent? _agent;

    private SnapshotStand(Machine machine, DesiredImage image) => (_machine, _image) = (machine, image);

    public DesiredInstance Record { get; } = Samples.Instance(24, "running") with { MemoryMib = 64, Interfaces = [] };

    public Machine Machine => _machine;

    public static async Task<SnapshotStand> MakeAsync(string? store = null, string? backups = null)
    {
        var machine = new Machine("qemu");
        if (store is not null) machine.Options = machine.Options with { Stores = [$"small=directory:{store}"] };
        DurableFiles.MakeDirectory(Path.Combine(machine.State, "backups"), AgentModes.Passable);
        machine.Options = machine.Options with { BackupStores = [$"backups=directory:{backups ?? Path.Combine(machine.State, "backups")}"] };
        var file = Path.Combine(machine.State, "empty.qcow2");
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", file, "8M")).Code);
        // The image has something to read in it.
        Assert.Equal(0, (await Machine.RunAsync("qemu-io", "-c", "write -P 77 4M 64k", file)).Code);
        var bytes = await File.ReadAllBytesAsync(file);
        var image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 8 * 1024 * 1024);
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        await new ImageCache(machine.Options.Paths).FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default);
        var stand = new SnapshotStand(machine, image);
        stand._store = (await (await stand.AgentAsync()).Volumes.LookAsync(default)).There[^1].Store.Id;
        stand._backups = Assert.Single((await (await stand.AgentAsync()).Volumes.LookAtPlacesAsync(default)).There).Store.Id;
        return stand;
    }

    /// <summary>The record of a volume; the number is its slot, too.</summary>
    public DesiredVolume Volume(int number) => _volumes.TryGetValue(Id(number), out var known) ? known : new(Id(number), _store, 1, 1, VolumeDesire.Present, 1, null, Record.Id, number);

    public static string Id(int number) => $"vol-19a3f2b4c5d6e{number:x4}";

    public static string Snapshot(int number) => $"snap-19a3f2b4c5d6e{number:x4}";

    public static string Backup(int number) => $"bk-19a3f2b4c5d6e{number:x4}";

    /// <summary>Where the backups of a volume are.</summary>
    public string BackupsOf(DesiredVolume volume) => Path.Combine(StorePlace.OfBackups(_machine.Options)[0].Directory, volume.Id);

    /// <summary>The place that backups are in.</summary>
    public string BackupPlace => _backups;

    /// <summary>One round of what a backup's mailbox does; what was seen before it, and whether there was nothing to do.</summary>
    public async Task<(BackupSight Sight, bool Settled)> RoundAsync(DesiredBackup backup)
    {
        var agent = await AgentAsync();
        var volume = _volumes.GetValueOrDefault(backup.VolumeId);
        var sight = await agent.Volumes.ObserveAsync(backup, volume, default);
        var step = BackupPlanner.Plan(backup, sight);
        if (sight.Work is not null && step != BackupStep.Remove) return (sight, false);
        switch (step)
        {
            case null: return (sight, true);
            case BackupStep.Make: await agent.Volumes.MakeAsync(backup, volume!, ImageOf(volume!), default); break;
            case BackupStep.Merge: await agent.Volumes.MergeAsync(backup, default); break;
            case BackupStep.Verify: await agent.Volumes.VerifyAsync(backup, default); break;
            case BackupStep.Remove: await agent.Volumes.RemoveAsync(backup, default); break;
        }
        return (sight, false);
    }

    /// <summary>Until a backup is as its record says.</summary>
    public async Task<BackupSight> SettleAsync(DesiredBackup backup)
    {
        BackupSight? last = null;
        await WaitAsync(() => $"{last}", async () =>
        {
            try
            {
                (last, var settled) = await RoundAsync(backup);
                return settled;
            }
            catch (HypervisorException e) when (e.Message.Contains("The agent was killed", StringComparison.Ordinal))
            {
                // What it had begun was killed with it.
                throw new OperationCanceledException(e.Message);
            }
        });
        return last!;
    }

    public string DirectoryOf(DesiredVolume volume) => Path.Combine(_machine.Options.Stores is [var place, ..] ? StorePlace.Parse(place)!.Directory : _machine.Options.Paths.Volumes, volume.Id);

    public string[] FilesOf(DesiredVolume volume) => Directory.Exists(DirectoryOf(volume)) ? [.. Directory.GetFiles(DirectoryOf(volume)).Select(path => Path.GetFileName(path)).Where(name => LayerNames.NumberOf(name) is not null).Order()] : [];

    /// <summary>The agent that runs.</summary>
    public async Task<Agent> AgentAsync()
    {
        if (_agent is not null) return _agent;
        var volumes = await _machine.VolumesAsync(null);
        var agent = new Agent(volumes, new QemuHypervisor(_machine.Options, "tcg", null, new ImageCache(_machine.Options.Paths), volumes, new Commands(TimeProvider.System), TimeProvider.System));
        await volumes.LookAtPlacesAsync(default);
        // It finds its guests, and with them where the volumes are.
        await agent.Hypervisor.ObserveAsync(Record.Id, default);
        return _agent = agent;
    }

    /// <summary>The agent is killed where it would do something for the time of this number from now on: nothing after it happens. False if it came to an end before.</summary>
    public async Task<bool> KilledAsync(int number, Func<Task> act)
    {
        if (!await KilledAgent.BeforeAsync(number, _ => true, act)) return false;
        var agent = _agent!;
        _agent = null;
        await agent.Hypervisor.DisposeAsync();
        return true;
    }

    /// <summary>The agent ends; its programs with it.</summary>
    public async Task EndAgentAsync()
    {
        if (_agent is not { } agent) return;
        _agent = null;
        await agent.Volumes.DisposeAsync();
        await agent.Hypervisor.DisposeAsync();
    }

    public async Task StartGuestAsync(params DesiredVolume[] volumes)
    {
        foreach (var volume in volumes) await SettleAsync(volume);
        await StartAsync(volumes);
    }

    /// <summary>Starts the guest with volumes that are there.</summary>
    public async Task StartAsync(params DesiredVolume[] volumes)
    {
        var agent = await AgentAsync();
        await agent.Hypervisor.MakeDiskAsync(Record, _image, default);
        await agent.Hypervisor.StartAsync(Record, _image, [], [.. volumes.Select(volume => new DriveIntent(volume, ImageOf(volume)))], null, default);
        await agent.Hypervisor.ObserveAsync(Record.Id, default);
    }

    public async Task KillGuestAsync()
    {
        var agent = await AgentAsync();
        await agent.Hypervisor.CutOffAsync([Record.Id], default);
        await Wait.ForAsync("the end of the guest to be seen", async () => !await RunsAsync(), TimeSpan.FromSeconds(20));
    }

    public async Task<bool> RunsAsync() => (await (await AgentAsync()).Hypervisor.ObserveAsync(Record.Id, default)).Process is not null;

    public DesiredImage? ImageOf(DesiredVolume volume) => volume.ImageId is null ? null : _image;

    public async Task<VolumeSight> SeeAsync(DesiredVolume volume) => await (await AgentAsync()).Volumes.ObserveAsync(volume, default);

    /// <summary>One round of what a volume's mailbox does.</summary>
    public async Task<VolumePlan> RoundAsync(DesiredVolume volume)
    {
        var (agent, image) = (await AgentAsync(), ImageOf(volume));
        var plan = VolumePlanner.Plan(volume, await agent.Volumes.ObserveAsync(volume, default), true);
        switch (plan.Step)
        {
            case null: break;
            case VolumeStep.Make: await agent.Volumes.MakeAsync(volume, image, default); break;
            case VolumeStep.Copy: await agent.Volumes.CopyAsync(volume, _volumes[volume.Source!.VolumeId], ImageOf(_volumes[volume.Source.VolumeId]), default); break;
            case VolumeStep.Fill: await agent.Volumes.FillAsync(volume, default); break;
            case VolumeStep.Grow: await agent.Volumes.GrowAsync(volume, image, default); break;
            case VolumeStep.TakeBack: await agent.Volumes.TakeBackAsync(volume, default); break;
            case VolumeStep.Remove: await agent.Volumes.RemoveAsync(volume, default); break;
            case VolumeStep.Prepare: await agent.Volumes.PrepareAsync(volume, default); break;
            case VolumeStep.Take: await agent.Volumes.TakeAsync(volume, SnapshotGroups.Of(volume, Document), default); break;
            case VolumeStep.Forget: await agent.Volumes.ForgetAsync(volume, default); break;
            case VolumeStep.Restore: await agent.Volumes.RestoreAsync(volume, default); break;
            case VolumeStep.Export: await agent.Volumes.ExportAsync(volume, image, default); break;
            case VolumeStep.EndExport: await agent.Volumes.EndExportAsync(volume, default); break;
            case VolumeStep.Tidy: await agent.Volumes.TidyAsync(volume, image, default); break;
            default: throw new InvalidOperationException($"{plan.Step}");
        }
        return plan;
    }

    private DesiredDocument Document => Samples.Document(1, null, []) with { Instances = [Record], Volumes = [.. _volumes.Values] };

    /// <summary>The documents have these records from now on.</summary>
    public void Know(params DesiredVolume[] volumes)
    {
        foreach (var volume in volumes) _volumes[volume.Id] = volume;
    }

    /// <summary>Layers of a chain, as their files tell.</summary>
    public int ChainOf(DesiredVolume volume, int top) =>
        Kumoi.Agent.Storage.Qcow2Header.Read(Path.Combine(DirectoryOf(volume), LayerNames.File(top)))?.Backing is { } below && LayerNames.NumberOf(below) is { } next ? 1 + ChainOf(volume, next) : 1;

    /// <summary>Until each volume is as its record says, and nothing is left to tidy.</summary>
    public async Task SettleAsync(params DesiredVolume[] volumes)
    {
        foreach (var volume in volumes) _volumes[volume.Id] = volume;
        var last = "";
        await WaitAsync(() => last, async () =>
        {
            var settled = true;
            foreach (var volume in volumes)
            {
                try
                {
                    var plan = await RoundAsync(volume);
                    last = $"{plan} with {await SeeAsync(volume)}";
                    settled &= plan is { Settled: true, Step: null } && (await SeeAsync(volume)).Snapshots is { Work: null, Untidy: false };
                }
                catch (HypervisorException e) when (e.Reason is "volume-busy" or "volume-in-use" or "volume-failed" or "disk-full")
                {
                    (settled, last) = (false, e.Message);
                }
            }
            return settled;
        });
    }

    private static async Task WaitAsync(Func<string> last, Func<Task<bool>> condition)
    {
        try
        {
            await Wait.ForAsync("the volumes to settle", condition, TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; {last()}", e);
        }
    }

    /// <summary>The guest reads or writes, through its disk.</summary>
    public async Task GuestAsync(DesiredVolume volume, params string[] commands) => await GuestDisk.AskAsync((await AgentAsync()).Volumes.Guests.With(volume.Id)!, volume, commands);

    /// <summary>The same of a volume that another host gives it.</summary>
    public async Task AskGuestAsync(string instanceId, DesiredVolume volume, params string[] commands) => await GuestDisk.AskAsync((await AgentAsync()).Volumes.Guests.Of(instanceId)!, volume, commands);

    /// <summary>Writes to a volume that no guest has.</summary>
    public async Task WriteAsync(DesiredVolume volume, params string[] commands)
    {
        var state = LayerState.Read(DirectoryOf(volume));
        await QemuAsync([.. commands.SelectMany(command => new[] { "-c", command }), .. LayerOf(volume, state.Head!.Value)]);
    }

    /// <summary>Reads the volume, or a snapshot of it, with no part of the agent's.</summary>
    public async Task ReadAsync(DesiredVolume volume, string? snapshot, params string[] commands)
    {
        var state = LayerState.Read(DirectoryOf(volume));
        var layer = snapshot is null ? state.Head!.Value : Assert.Single(state.Snapshots, one => one.Id == snapshot).Layer;
        await QemuAsync(["-U", "-r", .. commands.SelectMany(command => new[] { "-c", command }), .. LayerOf(volume, layer)]);
    }

    /// <summary>The arguments by which a program opens a layer, with the volume's key if it has one.</summary>
    private string[] LayerOf(DesiredVolume volume, int layer) => volume.Encryption is not { Key: { } key } ? [Path.Combine(DirectoryOf(volume), LayerNames.File(layer))]
        : ["--object", $"secret,id=key,data={key}", "json:" + Encrypted(volume, layer).ToJsonString()];

    private JsonObject Encrypted(DesiredVolume volume, int layer)
    {
        var path = Path.Combine(DirectoryOf(volume), LayerNames.File(layer));
        return new JsonObject
        {
            ["driver"] = "qcow2", ["encrypt"] = new JsonObject { ["format"] = "luks", ["key-secret"] = "key" }, ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = path },
            ["backing"] = Kumoi.Agent.Storage.Qcow2Header.Read(path)!.Backing is { } below ? Encrypted(volume, LayerNames.NumberOf(below)!.Value) : null,
        };
    }

    private async Task QemuAsync(string[] arguments)
    {
        // The image is named without its place, which is no matter of the tests.
        foreach (var volume in Directory.GetDirectories(Path.GetDirectoryName(DirectoryOf(Volume(1)))!, "vol-*"))
            if (!File.Exists(Path.Combine(volume, ImageCache.NameOf(_image)))) File.CreateSymbolicLink(Path.Combine(volume, ImageCache.NameOf(_image)), new ImageCache(_machine.Options.Paths).PathOf(_image));
        var (code, output) = await Machine.RunAsync("qemu-io", arguments);
        Assert.True(code == 0 && !output.Contains("failed", StringComparison.OrdinalIgnoreCase), $"{string.Join(' ', arguments)}: {output}");
    }

    public async ValueTask DisposeAsync()
    {
        await EndAgentAsync();
        await _machine.DisposeAsync();
    }

    internal sealed record Agent(DirectoryVolumes Volumes, QemuHypervisor Hypervisor);
}
