using System.Text.Json;
using System.Text.Json.Serialization;
using Kumoi.Agent.Control;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// What simulated hosts keep when the process ends: who they are, and their disks. Guests are not kept: the end of the process is a power cut of all hosts.
/// </summary>
public sealed class SimulatedState : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Identity> _identities = [];
    private readonly FileStream? _lock, _file;

    /// <param name="directory">Null: everything is forgotten with the process. An <see cref="IOException"/> tells that another process uses it.</param>
    public SimulatedState(string? directory)
    {
        if (directory is null) return;
        DurableFiles.MakeDirectory(directory, AgentModes.PrivateDirectory);
        _lock = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        Journal = SimulatedJournal.Open(Path.Combine(directory, "disks"));
        var path = Path.Combine(directory, "identities");
        if (File.Exists(path)) Read(path);
        DurableFiles.Write(path, [.. _identities.SelectMany(known => LineOf(known.Key, known.Value))], AgentModes.PrivateFile);
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    public SimulatedJournal? Journal { get; }

    public Identity? Find(string host)
    {
        lock (_gate) return _identities.GetValueOrDefault(host);
    }

    public void Keep(string host, Identity identity)
    {
        lock (_gate)
        {
            _identities[host] = identity;
            _file?.Write(LineOf(host, identity));
        }
    }

    private void Read(string path)
    {
        foreach (var line in File.ReadLines(path))
        {
            if (!line.EndsWith('}') || JsonSerializer.Deserialize(line, SimulatedStateJson.Default.HostIdentity) is not { } known) continue;
            // The same for all hosts of a cloud: kept once.
            _identities[known.Host] = known.Identity with { Url = string.Intern(known.Identity.Url), Authority = string.Intern(known.Identity.Authority) };
        }
    }

    private static byte[] LineOf(string host, Identity identity) => [.. JsonSerializer.SerializeToUtf8Bytes(new HostIdentity(host, identity), SimulatedStateJson.Default.HostIdentity), (byte)'\n'];

    public void Dispose()
    {
        _file?.Dispose();
        Journal?.Dispose();
        _lock?.Dispose();
    }
}

internal sealed record HostIdentity(string Host, Identity Identity);

[JsonSerializable(typeof(HostIdentity))]
internal sealed partial class SimulatedStateJson : JsonSerializerContext;
