using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Directories;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>All points of snapshots of one moment are there.</summary>
/// <param name="At">The moment, in milliseconds since 1970.</param>
/// <param name="Others">Volumes of other drivers, as <c>store/volume</c>, that are to be written elsewhere from the same moment on; empty when they are.</param>
internal sealed record MomentNote(string InstanceId, long At, string Consistency, IReadOnlyList<MomentPoint> Points, IReadOnlyList<string> Others)
{
    /// <summary>What the note is called: no other has the name.</summary>
    [JsonIgnore]
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{InstanceId}.{At}");

    public bool Has(string store, string disk, string snapshotId) => Points.Any(point => (point.Store, point.Disk, point.SnapshotId) == (store, disk, snapshotId));
}

internal sealed record MomentPoint(string Store, string Disk, string SnapshotId);

/// <summary>
/// Notes of the moments at which guests were held, each written when all points are there, and gone when each is marked. A point that is to be taken is of that moment if a note names it, and of
/// none if not. A note is a file of the host and, since another host may get the volumes, a value in each place that several reach. The last of these, by their ids, is written last: it
/// counts, if there is one, and the file if there is none.
/// </summary>
internal sealed class MomentNotes(AgentPaths paths, BlockStores stores)
{
    private string Directory => Path.Combine(paths.Stores, "moments");

    private string FileOf(string name) => Path.Combine(Directory, name + ".json");

    /// <summary>Those that name points of a store, and count.</summary>
    /// <exception cref="HypervisorException">Whether one counts cannot be told now.</exception>
    public async Task<IReadOnlyList<MomentNote>> OfAsync(BlockStore store, CancellationToken cancel)
    {
        var found = Files();
        if (store.Place.IsShared) found.AddRange((await store.Tool.NotesAsync(cancel)).Select(note => Understand(note.Key, note.Value)));
        var counting = new List<MomentNote>();
        foreach (var note in found.DistinctBy(note => note.Name).Where(note => note.Points.Any(point => point.Store == store.Id)))
            if (await CurrentAsync(note, cancel) is { } current) counting.Add(current);
        return counting;
    }

    /// <summary>The note as it is where it counts; null: it is not there.</summary>
    private async Task<MomentNote?> CurrentAsync(MomentNote note, CancellationToken cancel) =>
        SharedOf(note).LastOrDefault() is not { } last ? Files().FirstOrDefault(one => one.Name == note.Name)
            : (await last.Tool.NotesAsync(cancel)).TryGetValue(note.Name, out var text) ? Understand(note.Name, text) : null;

    private BlockStore[] SharedOf(MomentNote note) => [.. note.Points.Select(point => point.Store).Distinct().Order(StringComparer.Ordinal).Where(stores.Has).Select(stores.Need).Where(store => store.Place.IsShared)];

    public async Task WriteAsync(MomentNote note, CancellationToken cancel)
    {
        var content = JsonSerializer.Serialize(note, MomentNoteJson.Default.MomentNote);
        DurableFiles.MakeDirectory(paths.Stores, AgentModes.PrivateDirectory);
        DurableFiles.MakeDirectory(Directory, AgentModes.PrivateDirectory);
        DurableFiles.Write(FileOf(note.Name), System.Text.Encoding.UTF8.GetBytes(content), AgentModes.PrivateFile);
        DurableFiles.FlushDirectory(Directory);
        foreach (var store in SharedOf(note)) await store.Tool.NoteAsync(note.Name, content, cancel);
    }

    /// <summary>The one that counts goes first.</summary>
    public async Task ForgetAsync(MomentNote note, CancellationToken cancel)
    {
        foreach (var store in SharedOf(note).Reverse()) await store.Tool.NoteAsync(note.Name, null, cancel);
        if (!File.Exists(FileOf(note.Name))) return;
        File.Delete(FileOf(note.Name));
        DurableFiles.FlushDirectory(Directory);
    }

    private List<MomentNote> Files() => !System.IO.Directory.Exists(Directory) ? [] : [.. System.IO.Directory.EnumerateFiles(Directory, "*.json").Select(path => (path, text: Read(path))).Where(one => one.text is not null).Select(one => Understand(one.path, one.text!))];

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (FileNotFoundException)
        {
            // Forgotten meanwhile.
            return null;
        }
    }

    private static MomentNote Understand(string name, string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, MomentNoteJson.Default.MomentNote)!;
        }
        catch (JsonException e)
        {
            throw new IOException($"The note {name} of snapshots of one moment is damaged: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(MomentNote))]
internal sealed partial class MomentNoteJson : JsonSerializerContext;
