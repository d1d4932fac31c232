using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>What can be told of a volume's directory without its record. Nothing in it is trusted, and nothing is changed.</summary>
internal static class FoundVolume
{
    public static StrayVolume Describe(StoreDirectory store, string id)
    {
        var directory = store.DirectoryOf(id);
        var files = Directory.GetFiles(directory, "*.qcow2");
        var (size, image, encrypted) = HeadOf(directory) is { } head ? Follow(directory, LayerNames.File(head)) : (0, null, false);
        return new StrayVolume(
            id, store.Id, (int)Math.Min(size / VolumeSizes.Gib, int.MaxValue), Directory.EnumerateFiles(directory).Sum(FileStates.BytesUsed),
            new DateTimeOffset(files.Length == 0 ? Directory.GetLastWriteTimeUtc(directory) : files.Max(File.GetLastWriteTimeUtc), TimeSpan.Zero), image, encrypted);
    }

    /// <summary>What a guest would see of it, the image at the bottom, and whether it is encrypted; 0 if it cannot be read.</summary>
    private static (long Size, string? Image, bool Encrypted) Follow(string directory, string head)
    {
        var (size, encrypted) = (0L, false);
        for (var (name, layer) = (head, 0); layer < LayersSight.DepthMax; layer++)
        {
            var path = Path.Combine(directory, name);
            if (!File.Exists(path) || Qcow2Header.Read(path) is not { HasDataFile: false } header) return (0, null, false);
            if (layer == 0) (size, encrypted) = (header.Size, header.IsEncrypted);
            if (header.Backing is not { } below) return (size, null, encrypted);
            if (LayerNames.IsImage(below)) return (size, below[..64], encrypted);
            if (LayerNames.NumberOf(below) is null) return (0, null, false);
            name = below;
        }
        return (0, null, false);
    }

    private static int? HeadOf(string directory)
    {
        try
        {
            return LayerState.Read(directory).Head;
        }
        catch (HypervisorException)
        {
            return null;
        }
    }
}
