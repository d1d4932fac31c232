using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Leases;

/// <summary>The record as two files of the run directory, which the machine forgets when it restarts.</summary>
public sealed class HostRecordFiles : IHostRecord
{
    private readonly string _lease, _placements;

    public HostRecordFiles(string directory)
    {
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        (_lease, _placements) = (Path.Combine(directory, "lease"), Path.Combine(directory, "placements"));
    }

    public Lease? LoadLease() =>
        Load(_lease, HostRecordJson.Default.KeptLease) is { BootId: not null } kept ? new Lease(kept.BootId, kept.From, kept.Length) : null;

    public void SaveLease(Lease lease) =>
        DurableFiles.Write(
            _lease, JsonSerializer.SerializeToUtf8Bytes(new KeptLease(lease.BootId, lease.From, lease.Length), HostRecordJson.Default.KeptLease),
            AgentModes.PrivateFile);

    public IReadOnlyList<Placement> LoadPlacements() => Load(_placements, HostRecordJson.Default.PlacementArray) ?? [];

    public void SavePlacements(IReadOnlyList<Placement> placements) =>
        DurableFiles.Write(
            _placements, JsonSerializer.SerializeToUtf8Bytes([.. placements], HostRecordJson.Default.PlacementArray), AgentModes.PrivateFile);

    private static T? Load<T>(string file, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), type) : default;
        }
        catch (JsonException)
        {
            // Files are replaced whole; one that is not JSON is not the agent's.
            return default;
        }
    }
}

internal sealed record KeptLease(string BootId, TimeSpan From, TimeSpan Length);

[JsonSerializable(typeof(KeptLease)), JsonSerializable(typeof(Placement[]))]
internal sealed partial class HostRecordJson : JsonSerializerContext;
