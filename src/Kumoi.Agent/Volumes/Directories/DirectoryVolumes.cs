using System.Globalization;
using System.Text.Json.Nodes;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>Volumes as files (qcow2) in directories of the host's, or of several hosts'.</summary>
public sealed class DirectoryVolumes(Stores stores, Commands commands, TimeProvider clock) : IVolumeDriver
{
    /// <summary>How long to wait for a look at a volume. Too low: a busy store is missed; too high: one that hangs keeps the report of everything else waiting.</summary>
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(5);

    private const string ImageTool = "qemu-img";

    public Task<StoresSight> LookAsync(CancellationToken cancel) => stores.LookAsync(cancel);

    public async Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        try
        {
            return await Task.Run(() =>
            {
                store.CheckMounted();
                return files.See();
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
        await store.HoldAsync(volume.Id, volume.Incarnation, () =>
        {
            DurableFiles.MakeDirectory(files.Directory, AgentModes.Passable);
            files.CheckNotRemoved();
        }, cancel);
        if (files.IsMade) return;
        File.Delete(files.Beginning);
        try
        {
            // -u: the image is not opened, as it is neither needed for a given size nor to be parsed by a process of root's.
            string[] over = image is null ? [] : ["-u", "-F", image.Format, "-b", VolumeFiles.BackingOf(image)!];
            var arguments = new[] { "create", "-q", "-f", "qcow2" }.Concat(over).Append(files.Beginning).Append(VolumeSizes.BytesOf(volume, image).ToString(CultureInfo.InvariantCulture)).ToArray();
            Check(await commands.TryRunAsync(ImageTool, arguments, cancel), "made");
            File.SetUnixFileMode(files.Beginning, AgentModes.PrivateFile);
            DurableFiles.Flush(files.Beginning);
            await store.HoldAsync(volume.Id, volume.Incarnation, files.Finish, cancel);
        }
        finally
        {
            // Also on a disk that is full.
            File.Delete(files.Beginning);
        }
    }

    public async Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        await store.HoldAsync(volume.Id, volume.Incarnation, async () =>
        {
            files.Check(image);
            // The layers below have no part in it, so the file is opened without them, whatever it says. By whoever it belongs to: a guest has written it.
            var file = new JsonObject { ["driver"] = "qcow2", ["backing"] = null, ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = files.Active } };
            var user = (FileStates.UserOf(files.Active) ?? 0).ToString(CultureInfo.InvariantCulture);
            string[] arguments =
            [
                "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--",
                ImageTool, "resize", "-q", "json:" + file.ToJsonString(), VolumeSizes.BytesOf(volume, image).ToString(CultureInfo.InvariantCulture),
            ];
            Check(await commands.TryRunAsync("setpriv", arguments, cancel), "made larger");
        }, cancel);
    }

    public Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        return store.HoldAsync(volume.Id, volume.Incarnation, () =>
        {
            if (files.IsMade && !QemuLocks.AreHeld(files.Active)) DurableFiles.Own(files.Active, 0);
        }, cancel);
    }

    public Task RemoveAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        return store.HoldAsync(volume.Id, volume.Incarnation, files.Remove, cancel);
    }

    /// <summary>Gets a volume ready for a guest's process that is about to open it, and tells where it is.</summary>
    public async Task<string> OpenAsync(DesiredVolume volume, DesiredImage? image, uint user, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        await store.HoldAsync(volume.Id, volume.Incarnation, () =>
        {
            if (!files.IsMade) throw new HypervisorException("volume-not-ready", $"The volume {volume.Id} is not on the host.", null);
            files.Check(image);
            DurableFiles.Own(files.Active, user);
        }, cancel);
        return files.Active;
    }

    /// <summary>False if another host was granted the volume since.</summary>
    public bool IsHeld(DesiredVolume volume) => stores.Need(volume.Store).Granted(volume.Id) <= volume.Incarnation;

    public IReadOnlyList<StrayVolume> Describe(IReadOnlyCollection<string> found)
    {
        var told = new List<StrayVolume>();
        foreach (var store in stores.Own)
            foreach (var id in found.Where(id => Directory.Exists(store.DirectoryOf(id))))
                try
                {
                    told.Add(FoundVolume.Describe(store, id));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Removed meanwhile, or on a disk that fails: it is looked at again with the next report.
                }
        return told;
    }

    public IReadOnlyCollection<string> ImagesInUse() =>
        [.. stores.Own.SelectMany(store => Directory.EnumerateDirectories(store.Disks).Where(path => ObjectNames.IsVolume(Path.GetFileName(path))))
            .SelectMany(path => Directory.EnumerateFiles(path, "*.qcow2")).Select(path => Qcow2Header.Read(path)?.Backing?.Split('.')[0]).OfType<string>().Distinct()];

    private (StoreDirectory, VolumeFiles) Find(DesiredVolume volume)
    {
        var store = stores.Need(volume.Store);
        return (store, new VolumeFiles(store, volume));
    }

    private static void Check(CommandResult result, string done)
    {
        if (result.Succeeded) return;
        var words = result.Error.Trim();
        throw words.Contains("No space left", StringComparison.Ordinal) ? new HypervisorException("disk-full", $"The store is full: the volume could not be {done}.", null)
            : words.Contains("Failed to get \"write\" lock", StringComparison.Ordinal) ? VolumeFiles.InUse()
            : new HypervisorException("volume-failed", $"The volume could not be {done}: {(words.Length > 500 ? words[^500..] : words)}", null);
    }
}
