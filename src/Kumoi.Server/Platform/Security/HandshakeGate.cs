using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kumoi.Server.Platform.Security;

/// <summary>
/// Lets only some TLS handshakes run at a time. Thousands of hosts that come back together would otherwise all be half way through theirs
/// while none is answered, until they give up and begin anew; so the first are served while the others wait, and those that have gone
/// meanwhile cost nothing.
/// </summary>
public sealed class HandshakeGate(TimeProvider clock) : IDisposable
{
    // More at once take longer each; fewer leave processors waiting for the network.
    private static readonly int Places = 16 * Environment.ProcessorCount;

    // A handshake over a slow network, or one that its client never ends, gives its place to the next after this.
    private static readonly TimeSpan Hold = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim _free = new(Places);

    /// <summary>Puts the gate around <paramref name="handshake"/>, which adds TLS to what listens.</summary>
    public void Around(ListenOptions listen, Action handshake)
    {
        listen.Use(next => connection => EnterAsync(connection, next));
        handshake();
        listen.Use(next => connection =>
        {
            connection.Features.Get<Place>()?.Dispose();
            return next(connection);
        });
    }

    private async Task EnterAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        try
        {
            await _free.WaitAsync(connection.ConnectionClosed);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        using var place = new Place(_free, clock);
        connection.Features.Set(place);
        await next(connection);
    }

    public void Dispose() => _free.Dispose();

    private sealed class Place : IDisposable
    {
        private readonly ITimer _timer;
        private SemaphoreSlim? _held;

        public Place(SemaphoreSlim held, TimeProvider clock)
        {
            _held = held;
            _timer = clock.CreateTimer(static place => ((Place)place!).Leave(), this, Hold, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            Leave();
            _timer.Dispose();
        }

        private void Leave() => Interlocked.Exchange(ref _held, null)?.Release();
    }
}
