using System.Globalization;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>The files of one volume: a directory with the layer that guests write to.</summary>
internal sealed class VolumeFiles(StoreDirectory store, DesiredVolume volume)
{
    private const string ActiveName = "base.qcow2", DeletedSuffix = ".deleted", MadeSuffix = ".tmp";

    public string Directory { get; } = store.DirectoryOf(volume.Id);

    /// <summary>What a guest has open.</summary>
    public string Active => Path.Combine(Directory, ActiveName);

    /// <summary>Where it is made: each incarnation has a file of its own, since a host that was slow may be at it still.</summary>
    public string Beginning => string.Create(CultureInfo.InvariantCulture, $"{Active}.{volume.Incarnation}{MadeSuffix}");

    public bool IsMade => File.Exists(Active);

    public VolumeSight See()
    {
        if (!System.IO.Directory.Exists(Directory)) return new VolumeSight(false, null, 0, false, false, 0);
        var used = System.IO.Directory.EnumerateFiles(Directory).Sum(FileStates.BytesUsed);
        var granted = store.Granted(volume.Id);
        if (!IsMade) return new VolumeSight(true, null, used, false, false, granted);
        // One that is damaged has no size; it is refused when something is to be done with it, and can be removed.
        return new VolumeSight(true, Qcow2Header.Read(Active)?.Size ?? 0, used, QemuLocks.AreHeld(Active), FileStates.UserOf(Active) is not (null or 0), granted);
    }

    /// <summary>
    /// Checks the file before another process opens it: a guest that took its own process over may have written anything to it, and what it names
    /// beside its image would be opened in the next guest's name, or in the host's.
    /// </summary>
    public void Check(DesiredImage? image)
    {
        if (Qcow2Header.Read(Active) is not { IsEncrypted: false, HasDataFile: false } header || header.Backing != BackingOf(image))
            throw new HypervisorException("volume-refused", $"The file of volume {volume.Id} is not as it was made: it is damaged, or a guest has put other files in its place. It is not opened.", null);
    }

    /// <summary>What the layer says that it is over: the image's name without a place, which differs from host to host.</summary>
    public static string? BackingOf(DesiredImage? image) => image is null ? null : ImageCache.NameOf(image);

    /// <summary>Puts what was made into its place; nothing happens if that is taken.</summary>
    public void Finish()
    {
        if (!IsMade) File.Move(Beginning, Active);
        foreach (var left in System.IO.Directory.EnumerateFiles(Directory, ActiveName + ".*" + MadeSuffix)) File.Delete(left);
        DurableFiles.FlushDirectory(Directory);
        DurableFiles.FlushDirectory(store.Disks);
    }

    /// <summary>Throws if the volume was removed in part: what is left of it is not to be covered by an empty one.</summary>
    public void CheckNotRemoved()
    {
        if (File.Exists(Active + DeletedSuffix)) throw new HypervisorException("volume-removed", "The volume was removed, and its removal has not ended; it is not made anew.", null);
    }

    public void Remove()
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        if (IsMade)
        {
            using var mine = QemuLocks.TryTake(Active) ?? throw InUse();
            File.Move(Active, Active + DeletedSuffix, overwrite: true);
            DurableFiles.FlushDirectory(Directory);
        }
        System.IO.Directory.Delete(Directory, recursive: true);
        DurableFiles.FlushDirectory(store.Disks);
    }

    public static HypervisorException InUse() => new("volume-in-use", "A process on the host still has the volume open.", null);
}
