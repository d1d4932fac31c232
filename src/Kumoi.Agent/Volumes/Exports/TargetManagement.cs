using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Exports;

/// <summary>The target does not answer, or refuses a request.</summary>
internal sealed class TargetException(string message, int error, Exception? cause) : IOException(message, cause)
{
    /// <summary>Of enum tgtadm_errno; 0: it did not answer.</summary>
    public int Error { get; } = error;
}

/// <summary>Asks a target's management, which listens to its own user alone: the call comes from a thread that is that user while it connects.</summary>
/// <param name="path">The socket.</param>
internal sealed class TargetManagement(string path, uint user, TimeProvider clock)
{
    /// <summary>tgt's TGTADM_ACL_EXIST and TGTADM_ACL_NOEXIST: what was asked for is so already.</summary>
    private const int InListAlready = 12, NotInList = 13;

    /// <summary>A target with one session tells less than 4 KiB. Too high: one that was taken over fills the agent's memory.</summary>
    private const int TextBytesMax = 64 * 1024;

    /// <summary>How long an answer may take; it is a matter of microseconds.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    /// <summary>The text of the answer.</summary>
    /// <param name="process">Gets the number of the process that answers.</param>
    public async Task<string> AskAsync(TargetRequest request, Action<int>? process, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(AnswerLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            using var socket = await ConnectAsync();
            process?.Invoke(QemuGuest.PeerOf(socket));
            for (var rest = request.ToBytes().AsMemory(); rest.Length > 0;) rest = rest[await socket.SendAsync(rest, both.Token)..];
            var (error, length) = TargetRequest.ReadAnswer(await ReadAsync(socket, TargetRequest.AnswerBytes, both.Token));
            if (error is not 0 and not InListAlready and not NotInList) throw new TargetException($"The target refuses the request {request.Operation} of {request.Mode}: error {error}.", error, null);
            if (length is < 0 or > TextBytesMax) throw new TargetException("The target gives an answer that makes no sense.", 0, null);
            return error == 0 ? Encoding.UTF8.GetString(await ReadAsync(socket, length, both.Token)).TrimEnd('\0') : "";
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new TargetException("The target does not answer.", 0, e);
        }
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length, CancellationToken cancel)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
            read += await socket.ReceiveAsync(bytes.AsMemory(read), cancel) is > 0 and var more ? more : throw new TargetException("The target has ended the connection.", 0, null);
        return bytes;
    }

    private Task<Socket> ConnectAsync()
    {
        var done = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                // Of this thread alone, which ends with the call: the kernel tells the target who called.
                if (Libc.Call(Libc.SetGroups, Libc.KeepIdentity, (nint)user, Libc.KeepIdentity) < 0 || Libc.Call(Libc.SetUsers, Libc.KeepIdentity, (nint)user, Libc.KeepIdentity) < 0) throw Libc.Failed("Becoming a target's user failed");
                // A process that does not take connections must not hold the thread.
                socket.SendTimeout = (int)AnswerLimit.TotalMilliseconds;
                socket.Connect(new UnixDomainSocketEndPoint(path));
                done.SetResult(socket);
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller who awaits it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                socket.Dispose();
                done.SetException(e);
            }
        }, 256 * 1024)
        { IsBackground = true, Name = "target" };
        thread.Start();
        return done.Task;
    }
}
