using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Volumes;

/// <summary>What of a volume is where it is kept.</summary>
/// <param name="Traces">Anything of it is there.</param>
/// <param name="SizeBytes">What a guest sees; null if it is not made.</param>
/// <param name="UsedBytes">What it takes there.</param>
/// <param name="InUse">A process has it open.</param>
/// <param name="IsGiven">A guest may open it.</param>
/// <param name="Granted">The highest incarnation that was ever granted it; 0 if none was, or nobody else reaches it.</param>
public sealed record VolumeSight(bool Traces, long? SizeBytes, long UsedBytes, bool InUse, bool IsGiven, int Granted)
{
    public SnapshotsSight Snapshots { get; init; } = SnapshotsSight.None;

    /// <summary>To whom it is given over the network; null: to nobody.</summary>
    public ExportSight? Export { get; init; }

    /// <summary>What its image is needed for on the host, if it begins as one.</summary>
    public ImageUse Image { get; init; }
}

/// <summary>What a volume's image is needed for on the host that has the volume.</summary>
public enum ImageUse
{
    /// <summary>The volume is a layer over it.</summary>
    Below,

    /// <summary>The volume is made with its content.</summary>
    Content,

    /// <summary>The volume has all of it.</summary>
    None,
}

/// <summary>A process of the host's gives a volume to an instance of another host, or to what takes its place.</summary>
public sealed record ExportSight(string InstanceId, int Incarnation, int Port)
{
    /// <summary>It is what the record asks for.</summary>
    public bool IsOf(DesiredVolume desired) => PlantedBugs.Has(PlantedBug.GivenToWhoeverHasIt) || desired.Export is { } wanted && (wanted.InstanceId, wanted.Incarnation) == (InstanceId, Incarnation);
}

/// <summary>What of a volume's snapshots is where it is kept.</summary>
/// <param name="Taken">Those that are there for good.</param>
/// <param name="Prepared">Ids of those that are of the moment at which the guest's process is told to write elsewhere, or ends.</param>
/// <param name="Restored">Number of the last restoration that was done.</param>
/// <param name="Untidy">Something is there that nobody needs, and can go now.</param>
/// <param name="Refused">They cannot be told from one another any more; nothing is done to them.</param>
/// <param name="Work">What takes its time, and is under way.</param>
public sealed record SnapshotsSight(IReadOnlyList<ObservedSnapshot> Taken, IReadOnlyList<string> Prepared, long Restored, bool Untidy, bool Refused, VolumeWork? Work)
{
    public static SnapshotsSight None { get; } = new([], [], 0, false, false, null);

    public bool Has(string id) => Prepared.Contains(id) || Taken.Any(taken => taken.Id == id);
}

/// <summary>A store that is there.</summary>
/// <param name="Volumes">What was found in it, if nobody else reaches it: ids, and where.</param>
public sealed record StoreSight(ObservedStore Store, IReadOnlyList<(string Id, string Path)> Volumes);

/// <summary>A store that should be there.</summary>
/// <param name="Words">Why it is not, and what to do.</param>
public sealed record StoreMissed(string Place, string Words);

/// <param name="Missed">Those that are not there now.</param>
public sealed record StoresSight(IReadOnlyList<StoreSight> There, IReadOnlyList<StoreMissed> Missed);

/// <summary>The edge between the agent and the places where volumes are kept. Every call may be repeated after it was cut off at any point.</summary>
public interface IVolumeDriver : IAsyncDisposable
{
    /// <param name="changed">Called with a volume's id when something that takes its time has come further.</param>
    /// <param name="told">Gives a volume as the servers ask for it now; null if they do not.</param>
    void Watch(Action<string> changed, Func<string, DesiredVolume?> told);

    /// <summary>Looks at the stores, and opens those that have come. Returns within seconds, whatever a store does.</summary>
    Task<StoresSight> LookAsync(CancellationToken cancel);

    Task<VolumeSight> ObserveAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Makes the volume; over its image, if it has one.</summary>
    Task MakeAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Begins to make the volume from the snapshot that it begins with, or looks after that; it is there when it is whole.</summary>
    /// <param name="source">The volume that the snapshot is of.</param>
    /// <param name="image">What that is a layer over.</param>
    Task CopyAsync(DesiredVolume volume, DesiredVolume source, DesiredImage? image, CancellationToken cancel);

    /// <summary>Begins to make the volume from the backup that it begins with, or looks after that; it is there when it is whole, and each file that it was made from as it was written.</summary>
    Task FillAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Begins to make the volume with what the volume has whose place it takes, or looks after that; it is there when it is whole.</summary>
    Task ReceiveAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Makes the snapshots ready that are wanted and not there. Of a volume that no process has they are taken with that.</summary>
    Task PrepareAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Takes those that are ready from the guest that has the volume, all of one group at one moment; false while others of it are not ready.</summary>
    /// <param name="group">Other volumes that have snapshots of the same groups.</param>
    Task<bool> TakeAsync(DesiredVolume volume, IReadOnlyList<DesiredVolume> group, CancellationToken cancel);

    /// <summary>Forgets the snapshots that are to be deleted; what they take goes by and by.</summary>
    Task ForgetAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Puts a volume that no process has back to a snapshot.</summary>
    Task RestoreAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Begins, or goes on with, the removal of what nobody needs any more.</summary>
    Task TidyAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Gives the volume to the instance of another host that its record names; nobody but that can open it then.</summary>
    Task ExportAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Cuts off whom the volume is given to: when this returns, nothing that it still sends is written.</summary>
    Task EndExportAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Lets a volume grow that no process has open, but for one that gives it to another host.</summary>
    Task GrowAsync(DesiredVolume volume, DesiredImage? image, CancellationToken cancel);

    /// <summary>Takes a volume from the guest that had it: it cannot be opened by that any more.</summary>
    Task TakeBackAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>Removes a volume that no process has open. Its snapshots stay.</summary>
    Task RemoveAsync(DesiredVolume volume, CancellationToken cancel);

    /// <summary>The file that holds all of a volume that is a layer over nothing and that no process writes to; null if it is not in a file of its own.</summary>
    string? WholeFileOf(DesiredVolume volume) => null;

    /// <summary>Whether what is made from the volume's snapshots needs the volume's image on the host.</summary>
    bool NeedsImage(DesiredVolume volume) => true;

    /// <summary>Whether an image can be made of the volume.</summary>
    bool MakesImages(DesiredVolume volume) => true;

    /// <summary>What can be told of volumes found in stores that nobody else reaches; of one that cannot be looked at, nothing. Returns within seconds, whatever a store does; null if that hangs.</summary>
    Task<IReadOnlyList<StrayVolume>?> DescribeAsync(IReadOnlyCollection<string> found, CancellationToken cancel);

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
