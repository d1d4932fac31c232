using Kumoi.Agent.Volumes.Blocks;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// The volumes whose files a guest's process has open, as the kernel tells it: a guest that has taken its process over may answer that it has given
/// a volume back, and keep its file open to write to it when it is another guest's.
/// </summary>
internal static class OpenVolumes
{
    /// <summary>The drives that the process tells of, and those that it does not.</summary>
    public static IReadOnlyList<GuestDrive> AddedTo(IReadOnlyList<GuestDrive> told, int process)
    {
        var open = Of(process).Except(told.Select(drive => drive.Id)).ToArray();
        return open.Length == 0 ? told : [.. told.Concat(open.Select(id => new GuestDrive(id, false, true, 0, null))).OrderBy(drive => drive.Id, StringComparer.Ordinal)];
    }

    /// <summary>The volumes that the process has open.</summary>
    public static HashSet<string> Of(int process)
    {
        var open = new HashSet<string>();
        try
        {
            foreach (var descriptor in Directory.EnumerateFiles($"/proc/{process}/fd"))
                if (VolumeOf(TargetOf(descriptor)) is { } id) open.Add(id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended, and so have its files.
        }
        return open;
    }

    private static string? TargetOf(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            // Closed meanwhile.
            return null;
        }
    }

    /// <summary>A volume's files are in a directory of its name; its disk is known by its node.</summary>
    private static string? VolumeOf(string? path) => Path.GetFileName(Path.GetDirectoryName(path)) is { } directory && ObjectNames.IsVolume(directory) ? directory : LocalDevices.VolumeAt(path);
}
