using Kumoi.Agent.Backups;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes;

/// <summary>All volumes of a host: each is looked after by the driver of its store. Snapshots of volumes of both drivers are of one moment, too.</summary>
public sealed class VolumeDrivers(DirectoryVolumes directories, BlockVolumes blocks) : IVolumeDriver, IGuestVolumes
{
    /// <summary>All that the options name.</summary>
    /// <param name="shared">The directory of root disks that several hosts have mounted; null if they are on the host's own.</param>
    public static VolumeDrivers Open(AgentOptions options, StoreDirectory? shared, Commands commands, TimeProvider clock)
    {
        var (backups, exports) = (new Stores(options, StorePlace.OfBackups(options), null, clock), new ExportProcesses(options, commands, clock));
        var directories = new DirectoryVolumes(new Stores(options, StorePlace.Of(options), shared, clock), exports, commands, clock) { BackupPlaces = backups };
        var changes = new BlockChanges(commands, options.Paths);
        IBlockTool ToolOf(BlockPlace place) => place.Driver switch
        {
            StoreDrivers.Rbd => new RbdTool(place, BlockNames.HostWord(options), commands, changes, clock),
            StoreDrivers.Zfs => new ZfsTool(place, Devices, commands, changes, clock),
            _ => new LvmThinTool(place, Devices, commands, changes, clock),
        };
        return Of(directories, new BlockVolumes(options, new BlockStores(options, BlockPlace.Of(options), ToolOf, changes, clock), backups, directories.Guests, exports, commands, clock));
    }

    private const string Devices = "/dev";

    internal static VolumeDrivers Of(DirectoryVolumes directories, BlockVolumes blocks)
    {
        directories.Blocks = blocks;
        blocks.IsWrittenBeside = other => other.Split('/') is [var store, var volume] && directories.IsHeadWritten(volume, store);
        return new VolumeDrivers(directories, blocks);
    }

    /// <summary>Backups of volumes of all drivers are files in directories.</summary>
    public IBackupDriver Backups => directories;

    public GuestLinks Guests => directories.Guests;

    public void Watch(Action<string> changed, Func<string, DesiredVolume?> told)
    {
        directories.Watch(changed, told);
        blocks.Watch(changed, told);
    }

    public async Task<StoresSight> LookAsync(CancellationToken cancel)
    {
        var (files, devices) = (directories.LookAsync(cancel), blocks.LookAsync(cancel));
        await Task.WhenAll(files, devices);
        return new StoresSight([.. (await files).There, .. (await devices).There], [.. (await files).Missed, .. (await devices).Missed]);
    }

    private bool IsBlock(DesiredVolume volume) => blocks.Keeps(volume.Store);

    private GuestLink? LinkOf(DesiredVolume volume) => IsBlock(volume) ? blocks.LinkOf(volume) : Guests.With(volume.Id);

    private IVolumeDriver Of(DesiredVolume volume) => IsBlock(volume) ? blocks : directories;

    private IGuestVolumes ForGuests(DesiredVolume volume) => IsBlock(volume) ? blocks : directories;

    public Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).ObserveAsync(volume, cancel);

    public Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => Of(volume).MakeAsync(volume, image, cancel);

    public Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel) => Of(volume).CopyAsync(volume, source, image, cancel);

    public Task FillAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).FillAsync(volume, cancel);

    public Task ReceiveAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).ReceiveAsync(volume, cancel);

    public Task PrepareAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).PrepareAsync(volume, cancel);

    public async Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel)
    {
        DesiredVolume[] all = [volume, .. group];
        if (all.All(IsBlock) || !all.Any(IsBlock)) return await Of(volume).TakeAsync(volume, group, cancel);
        if (LinkOf(volume) is not { } link) throw BlockVolumes.Silent(volume);
        var groups = SnapshotGroups.GroupsOf(volume);
        foreach (var other in group)
            if (!(IsBlock(other) ? await blocks.IsReadyAsync(other, groups, cancel) : directories.IsReady(other, groups))) return false;
        DesiredVolume[] members = [volume, .. group.Where(other => LinkOf(other)?.InstanceId == link.InstanceId)];
        var (files, devices) = (members.Where(member => !IsBlock(member)).ToArray(), members.Where(IsBlock).ToArray());
        var gates = new List<IDisposable>();
        try
        {
            foreach (var member in members.OrderBy(member => member.Id, StringComparer.Ordinal)) gates.Add(await GateAsync(member, cancel));
            foreach (var member in members)
                if (!await IsHeldAsync(member, cancel)) throw StoreDirectory.Fenced(member.Incarnation);
            if (!members.All(directories.IsCurrent)) return false;
            await directories.SwitchAsync(link, files, act => blocks.TakeAsync(link, devices, [.. files.Select(one => $"{one.Store}/{one.Id}")], act, cancel), cancel);
        }
        finally
        {
            foreach (var gate in gates) gate.Dispose();
        }
        foreach (var member in members) Changed(member.Id);
        return true;
    }

    private void Changed(string volumeId) => directories.Changed(volumeId);

    private Task<IDisposable> GateAsync(DesiredVolume volume, CancellationToken cancel) => ForGuests(volume).GateAsync(volume.Id, cancel);

    public Task ForgetAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).ForgetAsync(volume, cancel);

    public Task RestoreAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).RestoreAsync(volume, cancel);

    public Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => Of(volume).TidyAsync(volume, image, cancel);

    public Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => Of(volume).ExportAsync(volume, image, cancel);

    public Task EndExportAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).EndExportAsync(volume, cancel);

    public Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel) => Of(volume).GrowAsync(volume, image, cancel);

    public Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).TakeBackAsync(volume, cancel);

    public Task RemoveAsync(DesiredVolume volume, CancellationToken cancel) => Of(volume).RemoveAsync(volume, cancel);

    public string? WholeFileOf(DesiredVolume volume) => Of(volume).WholeFileOf(volume);

    public bool NeedsImage(DesiredVolume volume) => Of(volume).NeedsImage(volume);

    public bool MakesImages(DesiredVolume volume) => Of(volume).MakesImages(volume);

    public async Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel) =>
        await directories.DescribeAsync(found, cancel) is { } files && await blocks.DescribeAsync(found, cancel) is { } devices ? [.. files, .. devices] : null;

    public IReadOnlyCollection<string> ImagesInUse() => directories.ImagesInUse();

    // No volume is in stores of both, and the gate of one that is in neither keeps nobody out.
    public async Task<IDisposable> GateAsync(string volumeId, CancellationToken cancel) => new Both(await directories.GateAsync(volumeId, cancel), await blocks.GateAsync(volumeId, cancel));

    public Task<OpenedVolume> OpenAsync(DesiredVolume volume, DesiredImage? image, uint user, CancellationToken cancel) => ForGuests(volume).OpenAsync(volume, image, user, cancel);

    public Task<bool> IsAsOpenedAsync(DesiredVolume volume, OpenedVolume opened, CancellationToken cancel) => ForGuests(volume).IsAsOpenedAsync(volume, opened, cancel);

    public Task<bool> IsHeldAsync(DesiredVolume volume, CancellationToken cancel) => ForGuests(volume).IsHeldAsync(volume, cancel);

    public QemuDrive DriveOf(DesiredVolume volume, DesiredImage? image, OpenedVolume opened) => ForGuests(volume).DriveOf(volume, image, opened);

    public Task<bool> IsBetweenAsync(DesiredVolume volume, QmpClient qmp, CancellationToken cancel) => ForGuests(volume).IsBetweenAsync(volume, qmp, cancel);

    public Task GrowForGuestAsync(DesiredVolume volume, CancellationToken cancel) => ForGuests(volume).GrowForGuestAsync(volume, cancel);

    public async ValueTask DisposeAsync()
    {
        await blocks.DisposeAsync();
        await directories.DisposeAsync();
    }

    private sealed class Both(IDisposable one, IDisposable other) : IDisposable
    {
        public void Dispose()
        {
            other.Dispose();
            one.Dispose();
        }
    }
}
