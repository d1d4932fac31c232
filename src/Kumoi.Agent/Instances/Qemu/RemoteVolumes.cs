using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>Volumes that other hosts have, made ready for guests' processes: their keys are there for as long as a process takes to read them.</summary>
internal sealed class RemoteVolumes(AgentPaths paths, TimeProvider clock)
{
    /// <summary>How long a host may take to answer. A guest's process that connects to a silent one itself would be held for minutes.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    public async Task<QemuDrive> OpenAsync(DesiredVolume volume, uint user, CancellationToken cancel)
    {
        var remote = volume.Remote!;
        if (!VolumeProtocols.All.Contains(remote.Protocol) || remote.Port is null) throw new HypervisorException("volume-not-ready", $"The host that has the volume {volume.Id} does not give it yet.", null);
        await ReachAsync(volume, PlaceOf(remote), cancel);
        var directory = DirectoryOf(volume.Id);
        DurableFiles.MakeDirectory(paths.VolumeKeys, AgentModes.Passable);
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        var file = Path.Combine(directory, ExportCommand.KeyFile);
        DurableFiles.Write(file, Encoding.ASCII.GetBytes(remote.Protocol == VolumeProtocols.Iscsi ? remote.Key : ExportCommand.KeyText(remote.Key)), AgentModes.PrivateFile);
        DurableFiles.Own(file, user);
        return new QemuDrive(volume, "", null, null) { Layers = [], KeyDirectory = directory };
    }

    /// <summary>Where the volume is had from.</summary>
    public static IPEndPoint PlaceOf(VolumeRemote remote) => new(IPAddress.Parse(remote.Address), remote.Port!.Value);

    private async Task ReachAsync(DesiredVolume volume, IPEndPoint at, CancellationToken cancel)
    {
        using var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(AnswerLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            await socket.ConnectAsync(at, both.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            throw new HypervisorException("volume-unreachable", $"The host that has the volume {volume.Id} does not answer at {at}: it is down, or a firewall on the way lets nobody through. It is tried again.", e);
        }
    }

    /// <summary>Removes the keys; the process has read them, or never will.</summary>
    public void Forget(IEnumerable<DesiredVolume> volumes)
    {
        foreach (var volume in volumes.Where(volume => volume.Remote is not null))
            if (Directory.Exists(DirectoryOf(volume.Id))) Directory.Delete(DirectoryOf(volume.Id), recursive: true);
    }

    private string DirectoryOf(string volumeId) => Path.Combine(paths.VolumeKeys, volumeId);
}
