using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes;

/// <summary>What of a volume is where it is kept.</summary>
/// <param name="Traces">Anything of it is there.</param>
/// <param name="SizeBytes">What a guest sees; null if it is not made.</param>
/// <param name="UsedBytes">What it takes there.</param>
/// <param name="InUse">A process has it open.</param>
/// <param name="IsGiven">A guest may open it.</param>
/// <param name="Granted">The highest incarnation that was ever granted it; 0 if none was, or nobody else reaches it.</param>
public sealed record VolumeSight(bool Traces, long? SizeBytes, long UsedBytes, bool InUse, bool IsGiven, int Granted);

/// <summary>A store that is there.</summary>
/// <param name="Volumes">What was found in it, if nobody else reaches it: ids, and where.</param>
public sealed record StoreSight(ObservedStore Store, IReadOnlyList<(string Id, string Path)> Volumes);

/// <summary>A store that should be there.</summary>
/// <param name="Words">Why it is not, and what to do.</param>
public sealed record StoreMissed(string Place, string Words);

/// <param name="Missed">Those that are not there now.</param>
public sealed record StoresSight(IReadOnlyList<StoreSight> There, IReadOnlyList<StoreMissed> Missed);

/// <summary>The edge between the agent and the places where volumes are kept. Every call may be repeated after it was cut off at any point.</summary>
public interface IVolumeDriver
{
    /// <summary>Looks at the stores, and opens those that have come. Returns within seconds, whatever a store does.</summary>
    Task<StoresSight> LookAsync(CancellationToken cancel);

    Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Makes the volume; over its image, if it has one.</summary>
    Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Lets a volume grow that no process has open.</summary>
    Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Takes a volume from the guest that had it: it cannot be opened by that any more.</summary>
    Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Removes a volume that no process has open.</summary>
    Task RemoveAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>What can be told of volumes found in stores that nobody else reaches; of one that cannot be looked at, nothing.</summary>
    IReadOnlyList<StrayVolume> Describe(IReadOnlyCollection<string> found);

    /// <summary>The files of images that volumes of the host's own stores are based on, by the image's sha256.</summary>
    IReadOnlyCollection<string> ImagesInUse();
}

/// <summary>Sizes of volumes.</summary>
public static class VolumeSizes
{
    public const long Gib = 1024L * 1024 * 1024;

    /// <summary>What the record asks for. An image is never cut: a record with a smaller size gets the image's own.</summary>
    public static long BytesOf(DesiredVolume volume, DesiredImage? image) => Math.Max(volume.SizeGib * Gib, image?.VirtualSizeBytes ?? 0);
}
