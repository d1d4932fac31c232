using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>A volume's files as a guest's process is to open them.</summary>
/// <param name="File">The layer that the guest writes to.</param>
/// <param name="Layers">All of them, from the lowest to that.</param>
/// <param name="OverImage">The lowest is over the volume's image.</param>
public sealed record OpenedVolume(string File, IReadOnlyList<QemuLayer> Layers, bool OverImage)
{
    /// <summary>What is opened of one that is no files; null for files.</summary>
    public Blocks.BlockNode? Block { get; init; }
}

/// <summary>Volumes as files (qcow2) in directories of the host's, or of several hosts'. A volume is made of layers, one over another, since it has snapshots.</summary>
public sealed partial class DirectoryVolumes(Stores stores, ExportProcesses exports, Commands commands, TimeProvider clock) : IVolumeDriver, IGuestVolumes
{
    /// <summary>How long to wait for a look at a volume. Too low: a busy store is missed; too high: one that hangs keeps the report of everything else waiting.</summary>
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(5);

    private const string ImageTool = "qemu-img";

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();
    private readonly LayerPrograms _programs = new(commands, clock);
    private Action<string> _changed = _ => { };
    private Func<string, DesiredVolume?> _told = _ => null;
    private Task<IReadOnlyList<StrayVolume>>? _describing;

    public GuestLinks Guests { get; } = new();

    public void Watch(Action<string> changed, Func<string, DesiredVolume?> told) => (_changed, Guests.Worked, _told) = (changed, changed, told);

    internal bool IsCurrent(DesiredVolume volume) => SnapshotGroups.IsCurrent(volume, _told(volume.Id));

    /// <summary>Tells that something has become of a volume.</summary>
    internal void Changed(string volumeId) => _changed(volumeId);

    public Task<StoresSight> LookAsync(CancellationToken cancel) => stores.LookAsync(cancel);

    public async Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        var export = await exports.FindAsync(volume, UserOf(volume), Guests, _changed, cancel);
        var process = await ProcessAsync(volume, cancel);
        try
        {
            return await Task.Run(() =>
            {
                store.CheckMounted();
                return See(volume, files, process) with { Export = export };
            }, cancel).WaitAsync(LookLimit, clock, cancel);
        }
        catch (TimeoutException)
        {
            throw new HypervisorException(Stores.Away, $"The directory {store.Disks} of the store {store.Id} does not answer.", null);
        }
    }

    public async Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        if (volume.ImageId is not null && image is null) throw new HypervisorException("image-unavailable", "The servers have not told this host of the volume's image.", null);
        var (store, files) = Find(volume);
        await BeginAsync(volume, store, files, cancel);
        if (files.IsMade) return;
        if (volume.Encryption is not null && image is not null)
        {
            await FillAsync(volume, image, store, files, cancel);
            return;
        }
        File.Delete(files.Beginning);
        try
        {
            await CreateAsync(volume, files.Beginning, image is null ? null : (image.Format, VolumeFiles.BackingOf(image)!), VolumeSizes.BytesOf(volume, image), cancel);
            DurableFiles.Flush(files.Beginning);
            await store.HoldAsync(volume.Id, volume.Incarnation, files.Finish, cancel);
        }
        finally
        {
            // Also on a disk that is full.
            File.Delete(files.Beginning);
        }
    }

    private static Task BeginAsync(DesiredVolume volume, StoreDirectory store, VolumeFiles files, CancellationToken cancel) => store.HoldAsync(volume.Id, volume.Incarnation, () =>
    {
        DurableFiles.MakeDirectory(files.Directory, AgentModes.Passable);
        files.CheckNotRemoved();
    }, cancel);

    private async Task CreateAsync(DesiredVolume volume, string path, (string Format, string Name)? over, long size, CancellationToken cancel)
    {
        // -u: what is below is not opened, as it is neither needed for a given size nor to be parsed by a process of root's.
        string[] below = over is { } layer ? ["-u", "-F", layer.Format, "-b", layer.Name] : [];
        using var key = LayerKey.Of(volume, 0);
        string[] options = key.Path is null ? [] : ["-o", LayerKey.Options];
        string[] arguments = ["create", "-q", "-f", "qcow2", .. key.Arguments, .. options, .. below, path, size.ToString(CultureInfo.InvariantCulture)];
        Check(await CreateAsync(arguments, key, cancel), "made");
        File.SetUnixFileMode(path, AgentModes.PrivateFile);
    }

    public async Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await store.HoldAsync(volume.Id, volume.Incarnation, async () =>
        {
            var head = files.State.Head ?? throw NotThere(volume);
            files.Check(head, image);
            if (Guests.With(volume.Id) is { } link && link.InstanceId == volume.Id)
            {
                if (await IsBetweenAsync(volume, link.Qmp, cancel)) throw new HypervisorException("volume-busy", $"A snapshot of the volume {volume.Id} is being taken; it is changed after that.", null);
                await exports.GrowAsync(volume, UserOf(volume), Guests, _changed, cancel);
                return;
            }
            await EndProgramAsync(volume, files, cancel);
            // The layers below have no part in it, so the file is opened without them, whatever it says. By whoever it belongs to: a guest has written it.
            var user = FileStates.UserOf(files.PathOf(head)) ?? 0;
            using var key = LayerKey.Of(volume, user);
            string[] arguments = [.. As(user, []), ImageTool, "resize", "-q", .. key.Arguments, "json:" + key.Layer(files.PathOf(head), null).ToJsonString(), VolumeSizes.BytesOf(volume, image).ToString(CultureInfo.InvariantCulture)];
            Check(await RunAsync("setpriv", arguments, key, cancel), "made larger");
        }, cancel);
    }

    public async Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await store.HoldAsync(volume.Id, volume.Incarnation, () =>
        {
            if (files.IsMade && files.Head is { } head && !QemuLocks.AreHeld(head)) DurableFiles.Own(head, 0);
        }, cancel);
    }

    public async Task RemoveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await store.HoldAsync(volume.Id, volume.Incarnation, async () =>
        {
            await EndProgramAsync(volume, files, cancel);
            _programs.Forget(volume.Id);
            files.Remove();
        }, cancel);
    }

    public async Task<OpenedVolume> OpenAsync(DesiredVolume volume, DesiredImage? image, uint user, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        IReadOnlyList<Layer> chain = [];
        await store.HoldAsync(volume.Id, volume.Incarnation, async () =>
        {
            if (!files.IsMade) throw NotThere(volume);
            chain = files.Check(files.State.Head!.Value, image);
            // What is written into a layer beside a guest is no more than was there: it may be broken off at any point.
            await EndProgramAsync(volume, files, cancel);
            foreach (var layer in chain.SkipLast(1)) DurableFiles.Seal(files.PathOf(layer.Number), user);
            DurableFiles.Own(files.PathOf(chain[^1].Number), user, AgentModes.PrivateFile);
        }, cancel);
        return new OpenedVolume(files.PathOf(chain[^1].Number), [.. chain.Select(layer => new QemuLayer(layer.Number, files.PathOf(layer.Number)))], chain[0].OverImage);
    }

    public Task<bool> IsAsOpenedAsync(DesiredVolume volume, OpenedVolume opened, CancellationToken cancel) => Task.FromResult(IsAsOpened(volume, opened));

    private bool IsAsOpened(DesiredVolume volume, OpenedVolume opened)
    {
        var (_, files) = Find(volume);
        return files.State.Head is { } head && files.See().ChainOf(head)?.Select(layer => layer.Number).Reverse().SequenceEqual(opened.Layers.Select(layer => layer.Number)) == true;
    }

    /// <summary>False if another host was granted the volume since.</summary>
    public Task<bool> IsHeldAsync(DesiredVolume volume, CancellationToken cancel) => Task.FromResult(IsHeld(volume));

    // QEMU makes a file larger by itself.
    public Task GrowForGuestAsync(DesiredVolume volume, CancellationToken cancel) => Task.CompletedTask;

    public bool IsHeld(DesiredVolume volume) => stores.Need(volume.Store).Granted(volume.Id) <= volume.Incarnation;

    public string? WholeFileOf(DesiredVolume volume)
    {
        var (_, files) = Find(volume);
        return volume is { ImageId: null, InstanceId: null } && files.IsMade && Qcow2Header.Read(files.PathOf(0)) is { Backing: null, HasDataFile: false } ? files.PathOf(0) : null;
    }

    public async Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel)
    {
        // A store that hangs holds one thread, and no more.
        if (_describing is not { IsCompleted: false }) _describing = Task.Run(() => Describe(found), CancellationToken.None);
        try
        {
            return await _describing.WaitAsync(LookLimit, clock, cancel);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private IReadOnlyList<StrayVolume> Describe(IReadOnlyCollection<string> found)
    {
        var told = new List<StrayVolume>();
        foreach (var store in stores.Own)
            foreach (var id in found.Where(id => Directory.Exists(store.DirectoryOf(id))))
                try
                {
                    told.Add(FoundVolume.Describe(store, id));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
                {
                    // Removed meanwhile, on a disk that fails, or something that is no file: it is looked at again with the stores.
                }
        return told;
    }

    public IReadOnlyCollection<string> ImagesInUse() =>
        [.. stores.Own.SelectMany(store => Directory.EnumerateDirectories(store.Disks).Where(path => ObjectNames.IsVolume(Path.GetFileName(path))))
            .SelectMany(path => Directory.EnumerateFiles(path, "*.qcow2")).Select(path => Qcow2Header.Read(path)?.Backing).OfType<string>().Where(LayerNames.IsImage).Select(name => name.Split('.')[0]).Distinct()];

    public async ValueTask DisposeAsync()
    {
        await _programs.DisposeAsync();
        await exports.DisposeAsync();
    }

    private (StoreDirectory, VolumeFiles) Find(DesiredVolume volume)
    {
        var store = stores.Need(volume.Store);
        return (store, new VolumeFiles(store, volume));
    }

    public async Task<IDisposable> GateAsync(string volumeId, CancellationToken cancel)
    {
        var gate = _gates.GetOrAdd(volumeId, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(cancel);
        return new Held(gate);
    }

    /// <summary>Ends what is done beside any guest to a volume, and removes what that had begun to write: of this agent's, or of one before it, whose work shows by nothing else.</summary>
    private async Task EndProgramAsync(DesiredVolume volume, VolumeFiles files, CancellationToken cancel)
    {
        if (_programs.Of(volume.Id) is null && files.State.Merge is null && files.Begun.Count == 0) return;
        await _programs.EndAsync(volume.Id, files.Directory, cancel);
        foreach (var begun in files.Begun) File.Delete(begun);
    }

    /// <summary>The arguments by which <c>setpriv</c> runs a program as a user that may do nothing else.</summary>
    internal static IEnumerable<string> As(uint user, IReadOnlyCollection<uint> groups)
    {
        var number = user.ToString(CultureInfo.InvariantCulture);
        string[] more = groups.Count == 0 ? ["--clear-groups"] : ["--groups", string.Join(',', groups.Select(group => group.ToString(CultureInfo.InvariantCulture)))];
        return ["--reuid", number, "--regid", number, .. more, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"];
    }

    private static HypervisorException NotThere(DesiredVolume volume) => new("volume-not-ready", $"The volume {volume.Id} is not on the host.", null);

    private static void Check(CommandResult result, string done)
    {
        if (result.Succeeded) return;
        throw Failed(result.Error.Trim(), done);
    }

    private static HypervisorException Failed(string words, string done) =>
        words.Contains("No space left", StringComparison.Ordinal) ? new HypervisorException("disk-full", $"The store is full: the volume could not be {done}.", null)
            : words.Contains("\" lock", StringComparison.Ordinal) ? VolumeFiles.InUse()
            : LayerKey.IsRefused(words) ? LayerKey.Wrong(null, null)
            : new HypervisorException("volume-failed", $"The volume could not be {done}: {(words.Length > 500 ? words[^500..] : words)}", null);

    private sealed class Held(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
