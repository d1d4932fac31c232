using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// The directories that the host keeps volumes in. One that is not there is missed and opened when it comes; what was once a store is never taken for a new
/// and empty one: which store a place is, is noted on the host itself.
/// </summary>
/// <param name="places">Where they should be.</param>
/// <param name="shared">The directory of root disks that several hosts have mounted; null if they are on the host's own.</param>
public sealed class Stores(AgentOptions options, IReadOnlyList<StorePlace> places, StoreDirectory? shared, TimeProvider clock)
{
    /// <summary>What conditions of stores that are not there begin with.</summary>
    public const string Away = "store-away";

    /// <summary>How long to wait for a directory. Too low: one on a busy network is missed; too high: the report of all others waits for one that is gone.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    // What a file system has in its directory that nobody has used.
    private const string NewFileSystem = "lost+found";

    private readonly Place[] _places = [.. places.Select(place => new Place(place))];

    /// <summary>The store with this id.</summary>
    /// <exception cref="HypervisorException">It is not there now.</exception>
    public StoreDirectory Need(string storeId) =>
        _places.FirstOrDefault(place => place.Opened?.Id == storeId) is not { Opened: { } directory } found
            ? throw new HypervisorException(Away, $"The store {storeId} is not on this host: its directory is not mounted, or is not named to the agent any more.", null)
            : found.IsSilent ? throw new HypervisorException(Away, $"The directory {directory.Disks} of the store {storeId} does not answer.", null) : directory;

    /// <summary>Where the host keeps images.</summary>
    internal ImageCache Images { get; } = new(options.Paths);

    /// <summary>Stores that no other host reaches, as far as they are open.</summary>
    public IReadOnlyList<StoreDirectory> Own => [.. _places.Where(place => place is { Is.Shared: false, IsSilent: false }).Select(place => place.Opened).OfType<StoreDirectory>()];

    public async Task<StoresSight> LookAsync(CancellationToken cancel)
    {
        var (there, missed) = (new List<StoreSight>(), new List<StoreMissed>());
        foreach (var (place, sight) in _places.Zip(await Task.WhenAll(_places.Select(place => LookAsync(place, cancel)))))
        {
            if (sight is null) missed.Add(new StoreMissed(place.Is.Directory, place.Words));
            else if (there.Any(other => other.Store.Id == sight.Store.Id)) missed.Add(new StoreMissed(place.Is.Directory, $"The directory {place.Is.Directory} is the store {sight.Store.Id}, which is already at another place of this host."));
            else there.Add(sight);
        }
        return new StoresSight(there, missed);
    }

    private async Task<StoreSight?> LookAsync(Place place, CancellationToken cancel)
    {
        // A network file system whose server is gone holds whoever touches it, for as long as that is gone: one thread is held, and no more.
        if (place.Look is not { IsCompleted: false }) place.Look = Task.Run(() => See(place), CancellationToken.None);
        try
        {
            var sight = await place.Look.WaitAsync(AnswerLimit, clock, cancel);
            place.IsSilent = false;
            return sight;
        }
        catch (TimeoutException)
        {
            (place.IsSilent, place.Words) = (true, $"The directory {place.Is.Directory} does not answer: its server or its disk hangs.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            place.Words = e.Message;
        }
        return null;
    }

    private StoreSight See(Place place)
    {
        var directory = place.Opened ??= Open(place.Is);
        directory.CheckMounted();
        var drive = new DriveInfo(directory.Disks);
        var used = drive.TotalSize - drive.TotalFreeSpace;
        return new StoreSight(
            new ObservedStore(
                directory.Id, place.Is.Pool, StoreDrivers.Directory, place.Is.Shared, place.Is.Own, (int)((used + drive.AvailableFreeSpace) / VolumeSizes.Gib), (int)((used + VolumeSizes.Gib - 1) / VolumeSizes.Gib), place.Is.Root),
            // In one that others reach, it is not for this host to say what is nobody's.
            place.Is.Shared ? [] : [.. Directory.EnumerateDirectories(directory.Disks).Where(path => ObjectNames.IsVolume(Path.GetFileName(path))).Order(StringComparer.Ordinal).Select(path => (Path.GetFileName(path), directory.Disks))]);
    }

    private StoreDirectory Open(StorePlace place)
    {
        if (shared is not null && place.Directory == options.Paths.Volumes) return shared.Part(Path.GetFileName(place.Directory), Away);
        var note = NoteOf(place.Directory);
        var known = File.Exists(note) ? File.ReadAllText(note).Trim() : null;
        if (place.Own && known is null) DurableFiles.MakeDirectory(place.Directory, AgentModes.Passable);
        if (!Directory.Exists(place.Directory)) throw new IOException($"The directory {place.Directory} is missing: make it, or mount it.");
        var id = StoreDirectory.IdOf(place.Directory);
        if (known is not null && id != known)
            throw new IOException($"The directory {place.Directory} is not the store {known} that it was: it is not mounted, or another is. If that store is given up for good, remove {note}.");
        if (id is null && Directory.EnumerateFileSystemEntries(place.Directory).Any(path => !IsOfNobody(Path.GetFileName(path))))
            throw new IOException($"The directory {place.Directory} is no store, and not empty: name an empty one, or mount the store there.");
        if ((File.GetUnixFileMode(place.Directory) & UnixFileMode.OtherExecute) == 0)
            throw new IOException($"The directory {place.Directory} cannot be passed by other users, as whom guests run: chmod o+x it.");
        var opened = StoreDirectory.Open(place.Directory, place.Shared, Away, clock);
        if (known is null)
        {
            DurableFiles.MakeDirectory(options.Paths.Stores, AgentModes.PrivateDirectory);
            DurableFiles.Write(note, Encoding.ASCII.GetBytes(opened.Id), AgentModes.PrivateFile);
            DurableFiles.FlushDirectory(options.Paths.Stores);
        }
        return opened;
    }

    private static bool IsOfNobody(string name) => name == NewFileSystem || name.StartsWith(StoreDirectory.Mark, StringComparison.Ordinal);

    private string NoteOf(string directory) => Path.Combine(options.Paths.Stores, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..32]);

    private sealed class Place(StorePlace place)
    {
        public StorePlace Is => place;

        public volatile StoreDirectory? Opened;

        public volatile bool IsSilent;

        public Task<StoreSight>? Look { get; set; }

        public string Words { get; set; } = "";
    }
}
