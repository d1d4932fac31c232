using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.LoadBalancers;

/// <summary>
/// Opens sockets inside networks. A namespace can only be entered by a thread of its own, so sockets that are wanted at about the same time are opened in one visit, and
/// there is no more than one visitor to a namespace at a time.
/// </summary>
public sealed class ProbeSockets(TimeProvider clock)
{
    /// <summary>How long a visit waits for others to come along. Too short: each question makes a thread; too long: answers seem slow.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();

    /// <summary>What is wanted of each namespace that is about to be visited, or is being visited.</summary>
    private readonly Dictionary<string, List<Wanted>> _waiting = [];
    private int _visits;

    /// <summary>Visits so far.</summary>
    public int Visits => Volatile.Read(ref _visits);

    /// <summary>A socket of TCP that connects from <paramref name="source"/>; an <see cref="IOException"/> if the namespace is not there, a <see cref="SocketException"/> if the address is not.</summary>
    public async Task<Socket> OpenAsync(string networkNamespace, string source, CancellationToken cancel)
    {
        var wanted = new Wanted(IPAddress.Parse(source), new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            if (_waiting.TryGetValue(networkNamespace, out var others)) others.Add(wanted);
            else
            {
                _waiting[networkNamespace] = [wanted];
                _ = VisitAsync(networkNamespace);
            }
        }
        try
        {
            return await wanted.Socket.Task.WaitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            // Nobody takes it any more.
            _ = wanted.Socket.Task.ContinueWith(opened => opened.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            throw;
        }
    }

    private async Task VisitAsync(string networkNamespace)
    {
        do
        {
            await Task.Delay(Gathering, clock);
            Wanted[] all;
            lock (_gate)
            {
                all = [.. _waiting[networkNamespace]];
                _waiting[networkNamespace].Clear();
            }
            try
            {
                Interlocked.Increment(ref _visits);
                await NetworkNamespaces.RunInsideAsync(networkNamespace, () =>
                {
                    foreach (var wanted in all) Open(wanted);
                    return true;
                });
            }
#pragma warning disable CA1031 // It belongs to those who wait for the sockets.
            catch (Exception e)
#pragma warning restore CA1031
            {
                foreach (var wanted in all) wanted.Socket.TrySetException(e);
            }
        }
        while (!Leave(networkNamespace));
    }

    /// <summary>False if more has come to be wanted meanwhile.</summary>
    private bool Leave(string networkNamespace)
    {
        lock (_gate) return _waiting[networkNamespace].Count == 0 && _waiting.Remove(networkNamespace);
    }

    private static void Open(Wanted wanted)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(wanted.Source.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(wanted.Source, 0));
            wanted.Socket.SetResult(socket);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            wanted.Socket.SetException(e);
        }
    }

    private sealed record Wanted(IPAddress Source, TaskCompletionSource<Socket> Socket);
}
