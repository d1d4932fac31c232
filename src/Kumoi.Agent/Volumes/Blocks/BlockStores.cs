using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>A place that is there.</summary>
public sealed record BlockStore(string Id, BlockPlace Place, IBlockTool Tool)
{
    /// <summary>What is in it, for those who only look.</summary>
    public required BlockRound Round { get; init; }
}

/// <summary>
/// The places of a host that keep volumes by themselves. Each is marked with an id, which is noted on the host, too: one that has another id than it had, or none any more, is missed,
/// and never taken for a new one.
/// </summary>
/// <param name="tools">What each place is spoken to with.</param>
/// <param name="changes">What that makes its changes by.</param>
public sealed class BlockStores(AgentOptions options, IReadOnlyList<BlockPlace> places, Func<BlockPlace, IBlockTool> tools, BlockChanges changes, TimeProvider clock)
{
    /// <summary>How long to wait for a place. Too low: a busy one is missed; too high: the report of all others waits for one that is gone.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly Slot[] _slots = [.. places.Select(place => new Slot(place, tools(place)))];

    public bool Has(string storeId) => _slots.Any(slot => slot.Known?.Id == storeId) || _slots.Any(slot => Read(NoteOf(slot.Place)) == storeId);

    /// <summary>Whether the kernel tells which process has a volume of the store open: Ceph is spoken to over the network.</summary>
    public bool IsSeenOpen(string storeId) => !_slots.Any(slot => slot.Place.IsShared && (slot.Known?.Id == storeId || Read(NoteOf(slot.Place)) == storeId));

    /// <summary>The store with this id.</summary>
    /// <exception cref="HypervisorException">It is not there now.</exception>
    public BlockStore Need(string storeId) =>
        _slots.FirstOrDefault(slot => slot is { IsThere: true } && slot.Known?.Id == storeId)?.Known ?? throw new HypervisorException(Stores.Away, $"The store {storeId} is not there: {_slots.FirstOrDefault(slot => Read(NoteOf(slot.Place)) == storeId)?.Words ?? "it is not named to the agent any more."}", null);

    /// <summary>Those that are there.</summary>
    public IReadOnlyList<BlockStore> There => [.. _slots.Where(slot => slot.IsThere).Select(slot => slot.Known).OfType<BlockStore>()];

    public async Task<StoresSight> LookAsync(CancellationToken cancel)
    {
        var (there, missed) = (new List<StoreSight>(), new List<StoreMissed>());
        foreach (var (slot, sight) in _slots.Zip(await Task.WhenAll(_slots.Select(slot => LookAsync(slot, cancel)))))
            if (sight is null) missed.Add(new StoreMissed(slot.Place.ToString(), slot.Words));
            else if (there.Any(other => other.Store.Id == sight.Store.Id)) missed.Add(new StoreMissed(slot.Place.ToString(), $"{slot.Place.Words} is the store {sight.Store.Id}, which this host has by another name already."));
            else there.Add(sight);
        return new StoresSight(there, missed);
    }

    private async Task<StoreSight?> LookAsync(Slot slot, CancellationToken cancel)
    {
        // A cluster that is gone holds whoever asks it: one question is open, and no more.
        if (slot.Look is not { IsCompleted: false }) slot.Look = Task.Run(() => SeeAsync(slot), CancellationToken.None);
        try
        {
            var sight = await slot.Look.WaitAsync(AnswerLimit, clock, cancel);
            slot.IsThere = true;
            return sight;
        }
        catch (TimeoutException)
        {
            slot.Words = $"{slot.Place.Words} does not answer.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or System.Text.Json.JsonException)
        {
            slot.Words = e.Message;
        }
        slot.IsThere = false;
        return null;
    }

    private async Task<StoreSight> SeeAsync(Slot slot)
    {
        var (place, tool) = (slot.Place, slot.Tool);
        var room = await tool.RoomAsync(CancellationToken.None);
        var (known, id) = (Read(NoteOf(place)), await tool.IdAsync(CancellationToken.None));
        if (known is not null && id != known) throw new IOException($"{place.Words} is not the store {known} that it was: another has its name. If that store is given up for good, remove {NoteOf(place)}.");
        if (id is null)
        {
            await tool.SetIdAsync($"st-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(9))[..17]}", CancellationToken.None);
            // Of several hosts that do so together, one succeeds.
            id = await tool.IdAsync(CancellationToken.None);
        }
        if (id is null || !ObjectNames.IsId(id)) throw new IOException($"{place.Words} does not hold the id of a store.");
        if (known is null)
        {
            DurableFiles.MakeDirectory(options.Paths.Stores, AgentModes.PrivateDirectory);
            DurableFiles.Write(NoteOf(place), Encoding.ASCII.GetBytes(id), AgentModes.PrivateFile);
            DurableFiles.FlushDirectory(options.Paths.Stores);
        }
        if (slot.Known?.Id != id) slot.Known = new BlockStore(id, place, tool) { Round = new BlockRound(tool, () => changes.Count, clock) };
        // In one that others reach, it is not for this host to say what is nobody's.
        var volumes = place.IsShared ? [] : (await slot.Known.Round.AskAsync()).Select(disk => BlockNames.VolumeOf(disk.Name)).OfType<string>().Distinct().Order(StringComparer.Ordinal).Select(volume => (volume, place.Name)).ToArray();
        return new StoreSight(new ObservedStore(id, place.Pool, place.Driver, place.IsShared, false, (int)(room.CapacityBytes / VolumeSizes.Gib), (int)((room.UsedBytes + VolumeSizes.Gib - 1) / VolumeSizes.Gib)), volumes);
    }

    private static string? Read(string note) => File.Exists(note) ? File.ReadAllText(note).Trim() : null;

    private string NoteOf(BlockPlace place) => Path.Combine(options.Paths.Stores, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{place.Driver}:{place.Name}{(place.IsShared ? "@" + place.Configuration : "")}")))[..32]);

    private sealed class Slot(BlockPlace place, IBlockTool tool)
    {
        public BlockPlace Place => place;

        public IBlockTool Tool => tool;

        public volatile BlockStore? Known;

        public volatile bool IsThere;

        public Task<StoreSight>? Look { get; set; }

        public string Words { get; set; } = "it was not looked at yet.";
    }
}
