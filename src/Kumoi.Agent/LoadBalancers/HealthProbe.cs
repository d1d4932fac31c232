using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>A member to be asked by this host.</summary>
/// <param name="Source">The load balancer's address, from which it is asked.</param>
public sealed record HealthTarget(string NetworkNamespace, string NetworkId, string ListenerId, string MemberId, string Source, string Address, int Port, DesiredHealthCheck Check)
{
    /// <summary>True if what one has answered tells of the other: the same port of the same member, asked in the same way.</summary>
    public bool IsLike(HealthTarget other) => (Address, Port, Check.Protocol) == (other.Address, other.Port, other.Check.Protocol);
}

/// <summary>Asks one member once, from inside its network.</summary>
public static class HealthProbe
{
    /// <returns>Null if it works; otherwise why it does not.</returns>
    public static async Task<string?> AskAsync(HealthTarget target, ProbeSockets sockets, TimeProvider clock, CancellationToken cancel)
    {
        using var limiter = new CancellationTokenSource(TimeSpan.FromSeconds(target.Check.TimeoutSeconds), clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limiter.Token, cancel);
        var reason = HealthReasons.NoAnswer;
        try
        {
            using var socket = await sockets.OpenAsync(target.NetworkNamespace, target.Source, both.Token);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(target.Address), target.Port), both.Token);
            if (target.Check.Protocol != "http")
            {
                // Ended by a reset, so that no port stays taken for a minute after each question.
                socket.LingerState = new LingerOption(true, 0);
                return null;
            }
            reason = HealthReasons.SilentAfterConnecting;
            await socket.SendAsync(HttpQuestion.Text(target.Check.Path!, target.Source), both.Token);
            var (buffer, length) = (new byte[HttpQuestion.AnswerMax], 0);
            while (length < buffer.Length && !buffer.AsSpan(0, length).Contains((byte)'\n'))
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(length), both.Token);
                if (read == 0) break;
                length += read;
            }
            socket.LingerState = new LingerOption(true, 0);
            return HttpQuestion.Judge(buffer.AsSpan(0, length));
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => HealthReasons.Refused,
                SocketError.TimedOut or SocketError.HostUnreachable or SocketError.NetworkUnreachable => HealthReasons.NoAnswer,
                _ => HealthReasons.Failed,
            };
        }
        catch (IOException)
        {
            // The namespace is gone, or not there yet.
            return HealthReasons.Failed;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return reason;
        }
    }
}
