using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// What the layers of a volume mean. All of it is in one small file that is replaced as a whole, so that each change of meaning is one rename: before it
/// everything is as it was, after it everything is as it should be.
/// </summary>
/// <param name="Head">The layer that is written; null once the volume was removed and only snapshots of it are left.</param>
/// <param name="Restored">Number of the last restoration that was done.</param>
/// <param name="Inserted">The layer that was last put on top only to bring those below together; it is not itself a reason to do so again.</param>
/// <param name="Merge">Two layers that are being brought together; the lower one means nothing by itself meanwhile.</param>
internal sealed record LayerState(int? Head, long Restored, int? Inserted, LayerMerge? Merge, IReadOnlyList<LayerSnapshot> Snapshots)
{
    private const string Name = "layers.json";

    /// <summary>That of a volume that never had a snapshot, and has no such file.</summary>
    public static LayerState Initial { get; } = new(0, 0, null, null, []);

    public static LayerState Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path)) return Initial;
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), LayerStateJson.Default.LayerState) ?? throw new JsonException("It is empty.");
        }
        catch (JsonException e)
        {
            throw new HypervisorException("snapshot-refused", $"The file {path}, which tells what the volume's layers mean, is damaged: {e.Message} Nothing is done to the volume.", e);
        }
    }

    public void Write(string directory)
    {
        var path = Path.Combine(directory, Name);
        try
        {
            DurableFiles.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, LayerStateJson.Default.LayerState), AgentModes.PrivateFile);
        }
        catch (IOException)
        {
            // Of a disk that is full.
            File.Delete(path + ".tmp");
            throw;
        }
        DurableFiles.FlushDirectory(directory);
    }
}

/// <summary>A snapshot: the content of a layer with all below it.</summary>
/// <param name="Since">When it was made ready.</param>
/// <param name="TakenAt">The moment of which it is; null while a process may still write to its layer.</param>
/// <param name="Consistency"><see cref="Api.Agent.SnapshotConsistency"/>.</param>
internal sealed record LayerSnapshot(string Id, int Layer, string? Group, DateTimeOffset Since, DateTimeOffset? TakenAt, string Consistency);

/// <summary>What of one layer is written into the one below it, so that the upper one can go.</summary>
/// <param name="Over">The layer above both in the guest's process that does it: when that names the lower one as its own, it is done. Null: no guest does it.</param>
internal sealed record LayerMerge(int From, int Into, int? Over);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(LayerState))]
internal sealed partial class LayerStateJson : JsonSerializerContext;
