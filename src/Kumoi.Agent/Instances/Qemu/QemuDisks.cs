using System.Globalization;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>Makes root disks: a thin layer over the cached image, owned by the guest's user.</summary>
internal sealed class QemuDisks(AgentPaths paths, Commands commands)
{
    private const long Gib = 1024L * 1024 * 1024;

    public async Task MakeAsync(DesiredInstance instance, DesiredImage image, string imageFile, uint user, CancellationToken cancel)
    {
        var log = paths.ConsoleLog(instance.Id);
        if (!File.Exists(log)) DurableFiles.Write(log, [], AgentModes.PrivateFile);
        DurableFiles.Own(log, user);
        var disk = paths.Disk(instance.Id);
        if (File.Exists(disk)) return;
        var temporary = disk + ".tmp";
        File.Delete(temporary);
        // An image is never cut: a flavor with a smaller disk gets the image's own size.
        var size = Math.Max(instance.DiskGib * Gib, image.VirtualSizeBytes);
        var arguments = new[]
        {
            // -u: the image is not opened, as it is neither needed for a given size nor to be parsed by a process of root's.
            "create", "-q", "-u", "-f", "qcow2", "-F", image.Format, "-b", imageFile, temporary, size.ToString(CultureInfo.InvariantCulture),
        };
        var result = await commands.TryRunAsync("qemu-img", arguments, cancel);
        if (!result.Succeeded)
        {
            throw result.Error.Contains("No space left", StringComparison.Ordinal)
                ? new HypervisorException("disk-full", "The host's disk is full: the root disk could not be made.", null)
                : new HypervisorException("disk-failed", $"The root disk could not be made: {result.Error.Trim()}", null);
        }
        File.SetUnixFileMode(temporary, AgentModes.PrivateFile);
        DurableFiles.Own(temporary, user);
        // The layer's image is noted before the layer is there, so the cache never takes it away, even while no document has come.
        DurableFiles.Write(BaseRecord(instance.Id), System.Text.Encoding.ASCII.GetBytes(image.Sha256), AgentModes.PrivateFile);
        File.Move(temporary, disk);
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
