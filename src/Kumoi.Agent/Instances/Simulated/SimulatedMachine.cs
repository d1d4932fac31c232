using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// A simulated host's guests, kept outside the agent: they outlive it, and an agent that is started again finds them as it finds real ones.
/// </summary>
public sealed class SimulatedMachine
{
    private readonly string? _directory;
    private readonly ConcurrentDictionary<string, SimulatedGuest> _guests = new();

    /// <param name="directory">Where guests are kept beyond the process; null: in memory alone.</param>
    public SimulatedMachine(string? directory)
    {
        _directory = directory;
        if (directory is null) return;
        DurableFiles.MakeDirectory(directory, AgentModes.PrivateDirectory);
        foreach (var file in Directory.EnumerateFiles(directory, "*.json"))
            if (JsonSerializer.Deserialize(File.ReadAllBytes(file), SimulatedJson.Default.SimulatedGuest) is { } guest)
                _guests[Path.GetFileNameWithoutExtension(file)] = guest;
    }

    internal IReadOnlyList<string> List() => [.. _guests.Keys];

    internal SimulatedGuest? Find(string id) => _guests.GetValueOrDefault(id);

    /// <summary>One file a guest, so that a thousand guests do not write a thousand guests' states at each step.</summary>
    internal void Keep(string id, SimulatedGuest? guest)
    {
        if (guest is null) _guests.TryRemove(id, out _);
        else _guests[id] = guest;
        if (_directory is null) return;
        var file = Path.Combine(_directory, $"{id}.json");
        if (guest is null)
        {
            File.Delete(file);
            return;
        }
        File.WriteAllBytes(file + ".tmp", JsonSerializer.SerializeToUtf8Bytes(guest, SimulatedJson.Default.SimulatedGuest));
        File.Move(file + ".tmp", file, overwrite: true);
    }
}

internal sealed record SimulatedGuest(int Incarnation, int BootEpoch, RunState State, DateTimeOffset? StartedAt, byte[] Log);

[JsonSerializable(typeof(SimulatedGuest))]
internal sealed partial class SimulatedJson : JsonSerializerContext;
