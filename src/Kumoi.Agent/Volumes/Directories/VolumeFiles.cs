using System.Globalization;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>The files of one volume: a directory with its layers, and a file that tells what they mean.</summary>
internal sealed class VolumeFiles(StoreDirectory store, DesiredVolume volume)
{
    private const string DeletedSuffix = ".deleted", MadeSuffix = ".tmp";

    public DesiredVolume Volume => volume;

    public string Directory { get; } = store.DirectoryOf(volume.Id);

    public LayerState State => LayerState.Read(Directory);

    /// <summary>What a guest writes to; null if that is removed.</summary>
    public string? Head => State.Head is { } head ? PathOf(head) : null;

    public string PathOf(int layer) => Path.Combine(Directory, LayerNames.File(layer));

    private string First => PathOf(0);

    /// <summary>Where it is made: each incarnation has a file of its own, since a host that was slow may be at it still.</summary>
    public string Beginning => string.Create(CultureInfo.InvariantCulture, $"{First}.{volume.Incarnation}{MadeSuffix}");

    /// <summary>Where a later layer is made.</summary>
    public string BeginningOf(int layer) => PathOf(layer) + MadeSuffix;

    /// <summary>What somebody had begun to write, and has not put in its place.</summary>
    public IReadOnlyList<string> Begun => System.IO.Directory.Exists(Directory) ? System.IO.Directory.GetFiles(Directory, "*" + MadeSuffix) : [];

    public bool IsMade => Head is { } head && File.Exists(head);

    public VolumeSight Look()
    {
        if (!System.IO.Directory.Exists(Directory)) return new VolumeSight(false, null, 0, false, false, 0);
        var used = System.IO.Directory.EnumerateFiles(Directory).Sum(FileStates.BytesUsed);
        var granted = store.Granted(volume.Id);
        if (Head is not { } head || !File.Exists(head)) return new VolumeSight(true, null, used, false, false, granted);
        // One that is damaged has no size; it is refused when something is to be done with it, and can be removed.
        return new VolumeSight(true, Qcow2Header.Read(head)?.Size ?? 0, used, QemuLocks.AreHeld(head), FileStates.UserOf(head) is not (null or 0), granted);
    }

    /// <param name="beside">What a program of the agent's does to them.</param>
    /// <param name="copied">Layers that another volume is being filled from, or a backup made.</param>
    /// <param name="hasImage">Whether the image of this name is on the host.</param>
    public LayersSight See(LayerProcess? process, LayerWork? beside, IReadOnlySet<int> copied, Func<string, bool> hasImage)
    {
        var layers = System.IO.Directory.Exists(Directory) ? System.IO.Directory.EnumerateFiles(Directory).Select(See).OfType<Layer>().ToDictionary(layer => layer.Number) : [];
        return new LayersSight(State, layers, process, beside, copied, layers.Values.Where(layer => layer.OverImage).All(layer => ImageOf(layer.Number) is { } name && hasImage(name)));
    }

    /// <summary>The layers as their files alone tell them.</summary>
    public LayersSight See() => See(null, null, new HashSet<int>(), _ => true);

    /// <summary>The name of the image that a layer is over; null if it is over none.</summary>
    public string? ImageOf(int layer) => Qcow2Header.Read(PathOf(layer))?.Backing is { } name && LayerNames.IsImage(name) ? name : null;

    private Layer? See(string path)
    {
        if (LayerNames.NumberOf(Path.GetFileName(path)) is not { } number) return null;
        try
        {
            // One that is not encrypted where all should be was put there by others, as was one that is where none should be.
            var (backing, overImage, isDamaged) = Qcow2Header.Read(path) is { HasDataFile: false } header && header.IsEncrypted == volume.Encryption is not null ? BelowOf(number, header.Backing) : (null, false, true);
            return new Layer(number, backing, overImage, isDamaged, QemuLocks.AreHeld(path), QemuLocks.IsWritten(path), FileStates.IsSealed(path), Qcow2Header.Read(path)?.Size ?? 0, FileStates.BytesUsed(path));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>What a layer may say that it is over: one that was made before it, an image by its bare name, or nothing.</summary>
    private static (int? Backing, bool OverImage, bool IsDamaged) BelowOf(int number, string? name) =>
        name is null ? (null, false, false) : LayerNames.NumberOf(name) is { } below ? (below, false, below >= number) : (null, LayerNames.IsImage(name), !LayerNames.IsImage(name));

    /// <summary>
    /// Checks a layer and all below it before another process opens them, and gives them from the lowest on: a guest that took its own process over may have
    /// written anything to its files, and what one names beside its own layers and its image would be opened in the next guest's name, or in the host's.
    /// </summary>
    public IReadOnlyList<Layer> Check(int top, DesiredImage? image)
    {
        var chain = new List<Layer>();
        for (int? next = top; next is { } number && chain.Count < LayersSight.DepthMax; next = chain[^1].Backing)
        {
            if (See(PathOf(number)) is not { IsDamaged: false } layer) throw Refused();
            chain.Add(layer);
        }
        // The first layer is over the image; one into which all below was brought may be over nothing, and one that is encrypted has its image's content itself.
        if (chain[^1].Backing is not null || (volume.Encryption is not null ? chain[^1].OverImage : chain[^1].OverImage ? Qcow2Header.Read(PathOf(chain[^1].Number))?.Backing != BackingOf(image) : image is not null && chain[^1].Number == 0)) throw Refused();
        chain.Reverse();
        return chain;
    }

    public HypervisorException Refused() =>
        new("volume-refused", $"The files of volume {volume.Id} are not as they were made: they are damaged, or a guest has put other files in their place. They are not opened.", null);

    /// <summary>What the layer says that it is over: the image's name without a place, which differs from host to host.</summary>
    public static string? BackingOf(DesiredImage? image) => image is null ? null : ImageCache.NameOf(image);

    /// <summary>Puts what was made into its place; nothing happens if that is taken.</summary>
    public void Finish()
    {
        if (!IsMade) File.Move(Beginning, First);
        foreach (var left in System.IO.Directory.EnumerateFiles(Directory, LayerNames.Base + ".*" + MadeSuffix)) File.Delete(left);
        DurableFiles.FlushDirectory(Directory);
        DurableFiles.FlushDirectory(store.Disks);
    }

    /// <summary>Throws if the volume was removed in part: what is left of it is not to be covered by an empty one.</summary>
    public void CheckNotRemoved()
    {
        if (File.Exists(First + DeletedSuffix) || State.Head is null) throw new HypervisorException("volume-removed", "The volume was removed, and its removal has not ended; it is not made anew.", null);
    }

    /// <summary>Removes what guests write to; with its snapshots it is all that goes, and without any, everything does.</summary>
    public void Remove()
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        var state = State;
        using (var mine = IsMade ? QemuLocks.TryTake(Head!) ?? throw InUse() : null)
        {
            if (!ReferenceEquals(state, LayerState.Initial)) (state with { Head = null, Inserted = null }).Write(Directory);
            if (state.Snapshots.Count > 0) return;
            // Without the first layer nothing looks like a volume, whatever else is left of it.
            if (File.Exists(First)) File.Move(First, First + DeletedSuffix, overwrite: true);
            DurableFiles.FlushDirectory(Directory);
        }
        System.IO.Directory.Delete(Directory, recursive: true);
        DurableFiles.FlushDirectory(store.Disks);
    }

    public static HypervisorException InUse() => new("volume-in-use", "A process on the host still has the volume open.", null);
}
