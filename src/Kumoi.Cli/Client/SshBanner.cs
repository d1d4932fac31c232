using System.Net.Sockets;
using Kumoi.Cli.Local;

namespace Kumoi.Cli.Client;

/// <summary>Waits until a guest's ssh answers: running is not yet listening.</summary>
public static class SshBanner
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromMilliseconds(300);

    /// <summary>True once a banner has come. One patient connection after another: a half-done key exchange would cost an emulated guest seconds.</summary>
    public static Task<bool> WaitAsync(string address, TimeSpan limit, CancellationToken cancel) => Until.TrueAsync(async () =>
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(limit < Patience ? limit : Patience);
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(address, 22, patience.Token);
            var buffer = new byte[4];
            if (await socket.ReceiveAsync(buffer, patience.Token) > 0 && buffer[0] == 'S') return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            // Not yet: the guest has no address, no ssh, or is too busy.
        }
        await Task.Delay(Pause, TimeProvider.System, cancel);
        return false;
    }, limit, cancel);
}
