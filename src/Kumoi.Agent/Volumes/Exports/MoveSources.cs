using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>What a program of QEMU's reads that fills a volume whose former place another host has, or this one: what that gives over the network, with its key in a directory of the volume's own.</summary>
/// <param name="Arguments">They tell the program where the key is.</param>
internal sealed record MoveSource(JsonObject Node, IReadOnlyList<string> Arguments);

/// <summary>Content that is given for moves. The host that gives it is this one in the same way as any other: there is one way by which a store is read, whatever is kept in it and wherever.</summary>
internal sealed class MoveSources(AgentPaths paths, TimeProvider clock)
{
    private const string Credentials = "move";

    /// <summary>Makes ready what the volume is filled from, for a program that runs as this user.</summary>
    public async Task<MoveSource> OpenAsync(DesiredVolume volume, uint user, CancellationToken cancel)
    {
        if (volume.Move is not { From: { Protocol: VolumeProtocols.Nbd, Port: not null, Key.Length: > 0 } from } move || !ObjectNames.IsVolume(move.VolumeId))
            throw new HypervisorException("volume-not-ready", $"The volume whose place {volume.Id} takes is not given yet.", null);
        var at = RemoteVolumes.PlaceOf(from);
        await RemoteVolumes.ReachAsync(move.VolumeId, at, clock, cancel);
        var directory = DirectoryOf(volume.Id);
        DurableFiles.MakeDirectory(paths.VolumeKeys, AgentModes.Passable);
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        var file = Path.Combine(directory, ExportCommand.KeyFile);
        DurableFiles.Write(file, Encoding.ASCII.GetBytes(ExportCommand.KeyText(from.Key)), AgentModes.PrivateFile);
        DurableFiles.Own(file, user);
        var node = new JsonObject
        {
            ["driver"] = "nbd", ["export"] = move.VolumeId, ["tls-creds"] = Credentials,
            ["server"] = new JsonObject { ["type"] = "inet", ["host"] = from.Address, ["port"] = at.Port.ToString(CultureInfo.InvariantCulture), ["keep-alive"] = true },
        };
        return new MoveSource(node, ["--object", $"tls-creds-psk,id={Credentials},endpoint=client,dir={QemuCommand.Escape(directory)},username={VolumeProtocols.User}"]);
    }

    /// <summary>Removes the key; the program has read it, or never will.</summary>
    public void Forget(string volumeId)
    {
        if (Directory.Exists(DirectoryOf(volumeId))) Directory.Delete(DirectoryOf(volumeId), recursive: true);
    }

    private string DirectoryOf(string volumeId) => Path.Combine(paths.VolumeKeys, volumeId);
}
