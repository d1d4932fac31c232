using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>Content that is given for moves. The host that gives it is this one in the same way as any other: there is one way by which a store is read, whatever is kept in it and wherever.</summary>
internal sealed class MoveSources(AgentPaths paths, TimeProvider clock)
{
    /// <summary>Makes ready what the volume is filled from, for a program that runs as this user.</summary>
    public MoveSource Open(DesiredVolume volume, uint user)
    {
        if (volume.Move is not { From: { Protocol: VolumeProtocols.Nbd, Port: not null, Key.Length: > 0 } from } move || !ObjectNames.IsVolume(move.VolumeId))
            throw new HypervisorException("volume-not-ready", $"The volume whose place {volume.Id} takes is not given yet.", null);
        var directory = Path.Combine(paths.VolumeKeys, volume.Id);
        DurableFiles.MakeDirectory(paths.VolumeKeys, AgentModes.Passable);
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        var file = Path.Combine(directory, ExportCommand.KeyFile);
        DurableFiles.Write(file, Encoding.ASCII.GetBytes(ExportCommand.KeyText(from.Key)), AgentModes.PrivateFile);
        DurableFiles.Own(file, user);
        return new MoveSource(move.VolumeId, RemoteVolumes.PlaceOf(from), directory, clock);
    }
}

/// <summary>What another volume has, whose place is taken, as a program of QEMU's reads it: over a connection that the agent has made, with the key in a directory of its own.</summary>
internal sealed class MoveSource(string volumeId, IPEndPoint at, string keys, TimeProvider clock) : IDisposable
{
    private const string Credentials = "move";

    private Socket? _socket;

    /// <summary>Connects. Not before the program is started: who gives the volume need not wait for one that says nothing.</summary>
    public async Task ConnectAsync(CancellationToken cancel) => _socket = await ExportSocket.ConnectAsync(volumeId, at, clock, cancel);

    public JsonObject Node => new()
    {
        ["driver"] = "nbd", ["export"] = volumeId, ["tls-creds"] = Credentials, ["server"] = new JsonObject { ["type"] = "fd", ["str"] = Descriptors[0].ToString(CultureInfo.InvariantCulture) },
    };

    /// <summary>They tell the program where the key is.</summary>
    public IReadOnlyList<string> Arguments => ["--object", $"tls-creds-psk,id={Credentials},endpoint=client,dir={QemuCommand.Escape(keys)},username={VolumeProtocols.User}"];

    /// <summary>What the program is to inherit.</summary>
    public IReadOnlyList<int> Descriptors => [(int)(_socket ?? throw new InvalidOperationException("It is not connected yet.")).Handle];

    /// <summary>The program has ended, or never ran.</summary>
    public void Dispose()
    {
        _socket?.Dispose();
        if (Directory.Exists(keys)) Directory.Delete(keys, recursive: true);
    }
}
