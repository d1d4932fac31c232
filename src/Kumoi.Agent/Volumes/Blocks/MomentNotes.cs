using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>All points of snapshots of one moment are there.</summary>
/// <param name="At">The moment, in milliseconds since 1970.</param>
/// <param name="Others">Volumes of other drivers that are written elsewhere from the same moment on.</param>
internal sealed record MomentNote(long At, string Consistency, IReadOnlyList<MomentPoint> Points, IReadOnlyList<string> Others);

internal sealed record MomentPoint(string VolumeId, string Disk, string SnapshotId);

/// <summary>
/// Notes of the moments at which guests were held: one for each guest, written as a whole when all points are there, and gone when each is marked. A point that is to be taken is of that
/// moment if the note names it, and of none if not.
/// </summary>
internal sealed class MomentNotes(AgentPaths paths)
{
    private string Directory => Path.Combine(paths.Stores, "moments");

    private string NoteOf(string instanceId) => Path.Combine(Directory, instanceId + ".json");

    public MomentNote? Read(string instanceId) => Read(instanceId, NoteOf(instanceId));

    /// <summary>The note that names a snapshot, and whose guest it is of.</summary>
    public (string InstanceId, MomentNote Note)? Of(string snapshotId)
    {
        if (!System.IO.Directory.Exists(Directory)) return null;
        foreach (var path in System.IO.Directory.EnumerateFiles(Directory, "*.json"))
            if (Path.GetFileNameWithoutExtension(path) is var instance && Read(instance, path) is { } note && note.Points.Any(point => point.SnapshotId == snapshotId)) return (instance, note);
        return null;
    }

    public void Write(string instanceId, MomentNote note)
    {
        DurableFiles.MakeDirectory(paths.Stores, AgentModes.PrivateDirectory);
        DurableFiles.MakeDirectory(Directory, AgentModes.PrivateDirectory);
        DurableFiles.Write(NoteOf(instanceId), JsonSerializer.SerializeToUtf8Bytes(note, MomentNoteJson.Default.MomentNote), AgentModes.PrivateFile);
        DurableFiles.FlushDirectory(Directory);
    }

    public void Forget(string instanceId)
    {
        if (!File.Exists(NoteOf(instanceId))) return;
        File.Delete(NoteOf(instanceId));
        DurableFiles.FlushDirectory(Directory);
    }

    private static MomentNote? Read(string instanceId, string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), MomentNoteJson.Default.MomentNote) : null;
        }
        catch (JsonException e)
        {
            throw new IOException($"The note {path} of the snapshots of {instanceId} is damaged: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(MomentNote))]
internal sealed partial class MomentNoteJson : JsonSerializerContext;
