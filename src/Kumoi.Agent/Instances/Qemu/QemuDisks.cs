using System.Globalization;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>Makes root disks: a thin layer over the cached image, owned by the guest's user.</summary>
internal sealed class QemuDisks(AgentPaths paths, StoreDirectory? shared, Commands commands)
{
    private const long Gib = 1024L * 1024 * 1024;

    public async Task MakeAsync(DesiredInstance instance, DesiredImage image, string imageFile, uint user, CancellationToken cancel)
    {
        var log = paths.ConsoleLog(instance.Id);
        if (!File.Exists(log)) DurableFiles.Write(log, [], AgentModes.PrivateFile);
        DurableFiles.Own(log, user);
        await HoldAsync(instance, () => DurableFiles.MakeDirectory(paths.DiskDirectory(instance.Id), AgentModes.Passable), cancel);
        // The layer's image is noted before the layer is there, so the cache never takes it away, even while no document has come.
        var empty = image.Format == ImageFormats.Iso;
        if (!empty) NoteImage(instance.Id, image);
        var disk = paths.Disk(instance.Id);
        if (File.Exists(disk)) return;
        // A host that had an earlier placement may be at it still: each has a file of its own, and only the holder's becomes the disk.
        var temporary = string.Create(CultureInfo.InvariantCulture, $"{disk}.{instance.Incarnation}.tmp");
        File.Delete(temporary);
        // An image is never cut: a flavor with a smaller disk gets the image's own size.
        var size = (empty ? instance.DiskGib * Gib : Math.Max(instance.DiskGib * Gib, image.VirtualSizeBytes)).ToString(CultureInfo.InvariantCulture);
        // -u: the image is not opened, as it is neither needed for a given size nor to be parsed by a process of root's.
        string[] arguments = empty ? ["create", "-q", "-f", "qcow2", temporary, size] : ["create", "-q", "-u", "-f", "qcow2", "-F", image.Format, "-b", imageFile, temporary, size];
        var result = await commands.TryRunAsync("qemu-img", arguments, cancel);
        if (!result.Succeeded)
        {
            throw result.Error.Contains("No space left", StringComparison.Ordinal)
                ? new HypervisorException("disk-full", "The host's disk is full: the root disk could not be made.", null)
                : new HypervisorException("disk-failed", $"The root disk could not be made: {result.Error.Trim()}", null);
        }
        File.SetUnixFileMode(temporary, AgentModes.PrivateFile);
        DurableFiles.Own(temporary, user);
        await HoldAsync(instance, () => File.Move(temporary, disk), cancel);
    }

    /// <summary>Gets the disk ready for a guest's process of this incarnation, as whose user it may have been another's on another host.</summary>
    public Task OpenAsync(DesiredInstance instance, DesiredImage image, uint user, CancellationToken cancel)
    {
        if (image.Format != ImageFormats.Iso) NoteImage(instance.Id, image);
        return HoldAsync(instance, () => DurableFiles.Own(paths.Disk(instance.Id), user), cancel);
    }

    /// <summary>Gets the variables of the guest's firmware ready, and says where they are: beside the disk, so that they are where it is, and go with it.</summary>
    public async Task<string> OpenVariablesAsync(DesiredInstance instance, FirmwareFiles firmware, uint user, CancellationToken cancel)
    {
        var path = Path.Combine(paths.DiskDirectory(instance.Id), "uefi-vars.fd");
        await HoldAsync(instance, () =>
        {
            DurableFiles.MakeDirectory(paths.DiskDirectory(instance.Id), AgentModes.Passable);
            firmware.Keep(path, user);
        }, cancel);
        return path;
    }

    /// <summary>False if another host was granted the disk since.</summary>
    public bool IsHeld(DesiredInstance instance) => shared is null || shared.Granted(instance.Id) <= instance.Incarnation;

    /// <summary>Removes the disk. On shared storage only the holder of the highest incarnation may.</summary>
    public async Task RemoveAsync(DesiredInstance instance, CancellationToken cancel)
    {
        if (shared is not null || paths.DisksRoot is not null) await HoldAsync(instance, () => Delete(paths.DiskDirectory(instance.Id)), cancel);
    }

    /// <summary>Removes a disk of the host's own; one on shared storage stays.</summary>
    public void Discard(string id)
    {
        if (shared is null && paths.DisksRoot is not null) Delete(paths.DiskDirectory(id));
    }

    /// <summary>True if the shared storage has something of the instance.</summary>
    public bool OnShared(string id) => shared is not null && Directory.Exists(paths.DiskDirectory(id));

    private Task HoldAsync(DesiredInstance instance, Action act, CancellationToken cancel)
    {
        if (shared is not null) return shared.HoldAsync(instance.Id, instance.Incarnation, act, cancel);
        act();
        return Task.CompletedTask;
    }

    private void NoteImage(string id, DesiredImage image)
    {
        var noted = System.Text.Encoding.ASCII.GetBytes(image.Sha256);
        if (!File.Exists(BaseRecord(id)) || !File.ReadAllBytes(BaseRecord(id)).AsSpan().SequenceEqual(noted)) DurableFiles.Write(BaseRecord(id), noted, AgentModes.PrivateFile);
    }

    private static void Delete(string directory)
    {
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
    }

    /// <summary>True if the disk is whole.</summary>
    public bool Ready(string id) => File.Exists(paths.Disk(id));

    /// <summary>The images under all disks of the host.</summary>
    public IReadOnlyCollection<string> ImagesInUse() =>
        Directory.Exists(paths.Instances)
            ? [.. Directory.EnumerateDirectories(paths.Instances).Select(path => Path.Combine(path, "image")).Where(File.Exists).Select(File.ReadAllText).Distinct()]
            : [];

    private string BaseRecord(string id) => Path.Combine(paths.Instance(id), "image");
}
