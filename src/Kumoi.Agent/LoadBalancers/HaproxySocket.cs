using System.Net.Sockets;
using System.Text;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>Asks a haproxy over the socket that it answers its owner on.</summary>
public static class HaproxySocket
{
    /// <summary>Bytes of one answer that are read. Too low: large networks are cut off; too high: a broken process fills the memory.</summary>
    private const int AnswerMax = 16 * 1024 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>The answer; null if nobody answers.</summary>
    public static async Task<string?> AskAsync(string path, string question, TimeProvider clock, CancellationToken cancel)
    {
        using var limiter = new CancellationTokenSource(Limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limiter.Token, cancel);
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), both.Token);
            await socket.SendAsync(Encoding.ASCII.GetBytes(question + "\n"), both.Token);
            var (answer, buffer) = (new MemoryStream(), new byte[16 * 1024]);
            int read;
            while ((read = await socket.ReceiveAsync(buffer, both.Token)) > 0 && answer.Length < AnswerMax) answer.Write(buffer, 0, read);
            return Encoding.ASCII.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        }
        catch (SocketException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }
}
