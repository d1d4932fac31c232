using System.Text.Json.Nodes;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>A disk as its place tells of it.</summary>
/// <param name="SizeBytes">What a guest sees.</param>
/// <param name="UsedBytes">What it takes in its place, its points apart.</param>
/// <param name="IsOpen">A process has it open.</param>
/// <param name="Since">When it was made, as far as that was asked.</param>
/// <param name="Marks">What was noted of it, by key.</param>
public sealed record BlockDisk(string Name, long SizeBytes, long UsedBytes, bool IsOpen, DateTimeOffset Since, IReadOnlyDictionary<string, string> Marks, IReadOnlyList<BlockPoint> Points)
{
    /// <summary>What the place calls it inside, if it is asked by that.</summary>
    public string? Handle { get; init; }
}

/// <summary>A disk's content at one moment.</summary>
public sealed record BlockPoint(string Name, long SizeBytes, long UsedBytes);

/// <summary>How full a place is.</summary>
public sealed record BlockRoom(long CapacityBytes, long UsedBytes);

/// <summary>What a process of QEMU's opens.</summary>
/// <param name="Options">Of the node, without its name.</param>
/// <param name="Secret">The key that the node names by <c>key-secret</c>, in base64; null: it needs none.</param>
public sealed record BlockNode(JsonObject Options, string? Secret);

/// <summary>
/// The edge between volumes and a place that keeps disks by itself: each call is one change that happens or does not, by the tools of that place. Names are those of
/// <see cref="BlockNames"/>, and hold nothing but letters, digits, dashes and dots.
/// </summary>
public interface IBlockTool
{
    /// <summary>How full the place is.</summary>
    /// <exception cref="IOException">It is not there, or cannot be used; the message says why.</exception>
    Task<BlockRoom> RoomAsync(CancellationToken cancel);

    /// <summary>The id that the place is marked with; null: none.</summary>
    Task<string?> IdAsync(CancellationToken cancel);

    Task SetIdAsync(string id, CancellationToken cancel);

    /// <summary>Disks with names that are wanted, as they are now.</summary>
    Task<IReadOnlyList<BlockDisk>> ListAsync(Func<string, bool> wanted, CancellationToken cancel);

    /// <summary>All disks, by one question for all of them. Whether they are open, and in some places their marks, only a closer look tells.</summary>
    Task<IReadOnlyList<BlockDisk>> SurveyAsync(CancellationToken cancel);

    /// <summary>What the survey does not tell; null: the disk is not there any more.</summary>
    Task<BlockDisk?> LookCloserAsync(BlockDisk disk, CancellationToken cancel);

    /// <summary>Makes a disk that reads as zeros.</summary>
    Task CreateAsync(string name, long size, CancellationToken cancel);

    /// <summary>Makes a disk with the content of another's point, without copying it. It has no marks.</summary>
    Task CloneAsync(string disk, string point, string name, CancellationToken cancel);

    Task GrowAsync(string name, long size, CancellationToken cancel);

    Task PointAsync(string disk, string point, CancellationToken cancel);

    /// <summary>Removes a point. Disks that began with it keep their content.</summary>
    Task RemovePointAsync(string disk, string point, CancellationToken cancel);

    /// <param name="value">Null: the mark is taken away.</param>
    Task MarkAsync(string disk, string key, string? value, CancellationToken cancel);

    /// <summary>Gives a disk without points another name.</summary>
    Task RenameAsync(string from, string to, CancellationToken cancel);

    /// <summary>Removes a disk; false if another one began with a point of it and still needs it.</summary>
    Task<bool> RemoveAsync(string name, CancellationToken cancel);

    /// <summary>Lets a user open the disk, and tells what its processes open. With user 0 it is taken from whoever had it.</summary>
    Task<BlockNode> GiveAsync(string name, uint user, CancellationToken cancel);

    /// <summary>Lets a user read a point, and tells what its processes open. Who reads is none of those that have the disk open.</summary>
    Task<BlockNode> GivePointAsync(string disk, string point, uint user, CancellationToken cancel);

    /// <summary>Nobody reads the point any more.</summary>
    Task TakePointBackAsync(string disk, string point, CancellationToken cancel);

    /// <summary>Points that somebody of this host may read.</summary>
    /// <param name="disks">All that are there.</param>
    IEnumerable<(string Disk, string Point)> LentOf(IReadOnlyList<BlockDisk> disks);

    /// <summary>Whether a user other than root may open the disk.</summary>
    Task<bool> IsGivenAsync(string name, CancellationToken cancel);

    /// <summary>Cuts off every process, of any host, that has the disk open: nothing that it still sends is written.</summary>
    Task CutOffAsync(string name, CancellationToken cancel);

    /// <summary>The highest incarnation that a volume was granted to; 0 if none was, or no other host reaches the place.</summary>
    Task<int> GrantedAsync(string volumeId, CancellationToken cancel);

    /// <summary>Does something alone among all hosts, in the name of an incarnation: the grant is raised to it first, and one that is lower is refused.</summary>
    /// <param name="act">Changes things by the tool that it is given, which refuses to when others may have come in between.</param>
    Task HoldAsync(string volumeId, int incarnation, Func<IBlockTool, Task> act, CancellationToken cancel);

    /// <summary>Forgets the grant of a volume of which nothing is left.</summary>
    Task ForgetAsync(string volumeId, CancellationToken cancel);

    /// <summary>What is noted in the place for whoever reaches it, by name; empty if no other host does.</summary>
    Task<IReadOnlyDictionary<string, string>> NotesAsync(CancellationToken cancel);

    /// <param name="text">Null: the note is taken away.</param>
    Task NoteAsync(string name, string? text, CancellationToken cancel);
}
