using System.Globalization;
using System.Net.Sockets;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// A running QEMU process, found through its QMP socket: the kernel tells which process listens there, and the process tells its own
/// identity, so a guest is adopted in the same way after its start and after any restart of the agent.
/// </summary>
internal sealed class QemuGuest : IAsyncDisposable
{
    private const int SocketLevel = 1, PeerCredentials = 17;

    private readonly QmpClient _qmp;
    private readonly int _incarnation, _bootEpoch;
    private readonly DateTimeOffset _startedAt;
    private readonly ProcessStart _start;

    private QemuGuest(int process, QmpClient qmp, int incarnation, int bootEpoch, DateTimeOffset startedAt, ProcessStart start) =>
        (ProcessId, _qmp, _incarnation, _bootEpoch, _startedAt, _start) = (process, qmp, incarnation, bootEpoch, startedAt, start);

    public int ProcessId { get; }

    public Task Ended => _qmp.Ended;

    /// <summary>For those who look after its volumes.</summary>
    public QmpClient Qmp => _qmp;

    /// <summary>Connects to the guest's process; null if none listens.</summary>
    /// <param name="changed">Gets the names of events.</param>
    public static async Task<QemuGuest?> FindAsync(AgentPaths paths, string id, TimeProvider clock, Action<string> changed, CancellationToken cancel)
    {
        var socket = await ConnectAsync(paths.Socket(id, "qmp"), cancel);
        if (socket is null) return null;
        var process = PeerOf(socket);
        var qmp = await QmpClient.ConnectAsync(socket, clock, changed, cancel);
        try
        {
            var name = await qmp.AskAsync("query-name", null, answer => answer.GetProperty("name").GetString() ?? "", cancel);
            if (Parse(name, id) is not { } identity || Processes.StartedAt(process) is not { } startedAt || Processes.StartOf(process) is not { } start)
                throw new QmpException("The process behind the guest's socket has another name than the guest's.");
            return new QemuGuest(process, qmp, identity.Incarnation, identity.BootEpoch, startedAt, start);
        }
        catch
        {
            await qmp.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connects to one of a guest's sockets; null if nobody listens there.</summary>
    public static async Task<Socket?> ConnectAsync(string path, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            if (e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable || !File.Exists(path)) return null;
            // Somebody listens and does not take connections (the backlog of a stopped process is soon full).
            throw new QmpException($"QEMU takes no connections: {e.Message}.");
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task<GuestProcess> ObserveAsync(CancellationToken cancel)
    {
        RunState state;
        IReadOnlyList<GuestCard>? cards = null;
        IReadOnlyList<GuestDrive>? drives = null;
        GuestCd? cd = null;
        try
        {
            var status = await _qmp.AskAsync("query-status", null, answer => answer.GetProperty("status").GetString(), cancel);
            state = status switch
            {
                "prelaunch" => RunState.Prepared,
                "running" => RunState.Running,
                "paused" => RunState.Paused,
                "shutdown" => RunState.Shutdown,
                "io-error" => RunState.DiskError,
                "internal-error" or "guest-panicked" => RunState.Broken,
                _ => RunState.Unknown,
            };
            cards = await QemuCards.ReadAsync(_qmp, cancel);
            drives = OpenVolumes.AddedTo(await QemuDrives.ReadAsync(_qmp, cancel), ProcessId);
            cd = await QemuCds.ReadAsync(_qmp, cancel);
        }
        catch (QmpException) when (!_qmp.Ended.IsCompleted)
        {
            // The process is there and does not answer; the next look may find it better.
            state = RunState.Unknown;
            (cards, drives, cd) = (null, null, null);
        }
        return new GuestProcess(_incarnation, _bootEpoch, state, _startedAt, cards, drives) { Cd = cd, Start = _start };
    }

    public Task ContinueAsync(CancellationToken cancel) => _qmp.ExecuteAsync("cont", null, cancel);

    public Task PlugAsync(CardIntent card, Func<Task<SafeFileHandle>> openTap, CancellationToken cancel) => QemuCards.PlugAsync(_qmp, card, openTap, cancel);

    public Task UnplugAsync(string card, CancellationToken cancel) => QemuCards.UnplugAsync(_qmp, card, cancel);

    public Task PlugAsync(QemuDrive drive, Func<Task<bool>> isHeld, TimeProvider clock, CancellationToken cancel) => QemuDrives.PlugAsync(_qmp, drive, isHeld, clock, cancel);

    public Task UnplugDriveAsync(string volumeId, TimeProvider clock, CancellationToken cancel) => QemuDrives.UnplugAsync(_qmp, volumeId, clock, cancel);

    public Task AdjustAsync(DesiredVolume volume, TimeProvider clock, CancellationToken cancel) => QemuDrives.AdjustAsync(_qmp, volume, clock, cancel);

    public Task ChangeCdAsync(DesiredImage? image, Func<DesiredImage, string> file, bool force, CancellationToken cancel) => QemuCds.ChangeAsync(_qmp, image, file, force, cancel);

    public Task PressPowerButtonAsync(CancellationToken cancel) => _qmp.ExecuteAsync("system_powerdown", null, cancel);

    /// <summary>Asks QEMU to end, which writes out what it holds of the disk; kills it if it does not.</summary>
    public async Task KillAsync(TimeProvider clock, CancellationToken cancel)
    {
        try
        {
            await _qmp.ExecuteAsync("quit", null, cancel);
        }
        catch (QmpException)
        {
            // Ended before it answered, or does not answer; both are settled by looking at the process.
        }
        if (await Processes.WaitForEndAsync(ProcessId, TimeSpan.FromSeconds(3), clock, cancel)) return;
        Processes.Signal(ProcessId, Libc.SignalKill);
        if (!await Processes.WaitForEndAsync(ProcessId, TimeSpan.FromSeconds(10), clock, cancel))
            throw new HypervisorException("kill-failed", "The guest's process could not be ended within 10 s.", null);
    }

    /// <summary>The process that listens at the other end.</summary>
    public static int PeerOf(Socket socket)
    {
        var credentials = default(Libc.PeerCredentials);
        var length = 12;
        if (Libc.GetSocketOption((int)socket.Handle, SocketLevel, PeerCredentials, ref credentials, ref length) < 0)
            throw Libc.Failed("Asking for the process behind a socket failed");
        return credentials.Process;
    }

    /// <summary>Reads ID/INCARNATION/EPOCH; null if it is not the identity of this instance.</summary>
    public static (int Incarnation, int BootEpoch)? Parse(string name, string id)
    {
        var parts = name.Split('/');
        return parts.Length == 3 && parts[0] == id
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var incarnation)
            && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? (incarnation, epoch) : null;
    }

    public ValueTask DisposeAsync() => _qmp.DisposeAsync();
}
