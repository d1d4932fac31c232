using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Kumoi.Agent.Control;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Agent.Images.Peers;

/// <summary>
/// Gives images that the host has to other hosts of its cloud: <c>GET /images/SHA256.FORMAT</c>, whole or from a place on, over TLS with both sides' certificates checked,
/// and nothing else. Who can name an image by its SHA-256 has had it, or was told of it by a server.
/// </summary>
public sealed class PeerServer : IAsyncDisposable
{
    /// <summary>Connections at a time. Too low: hosts that were sent here go to the server instead; too high: guests' own traffic waits.</summary>
    private const int ConnectionsMax = 16;

    /// <summary>Bytes a second for all of them together. Too low: others wait; too high: guests' own traffic does.</summary>
    private const long BytesPerSecond = 200L * 1024 * 1024;

    private const int BufferBytes = 256 * 1024;

    private readonly WebApplication _app;

    private PeerServer(WebApplication app, int port) => (_app, Port) = (app, port);

    public int Port { get; }

    /// <param name="port">0: any that is free.</param>
    /// <param name="identity">Who this host is now; its certificate is renewed now and then.</param>
    public static async Task<PeerServer> StartAsync(IPAddress address, int port, Func<Identity?> identity, ImageCache cache, TimeProvider clock, CancellationToken cancel)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(30);
            // One that reads more slowly than this takes a place from others.
            kestrel.Limits.MinResponseDataRate = new MinDataRate(64 * 1024, TimeSpan.FromSeconds(10));
            kestrel.Listen(address, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(Handshake(identity(), clock)) });
            });
        });
        var pace = new Pace(BytesPerSecond, clock);
        var app = builder.Build();
        app.Run(http => GiveAsync(http, cache, pace));
        try
        {
            await app.StartAsync(cancel);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
        var bound = new Uri(app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return new PeerServer(app, bound.Port);
    }

    private static SslServerAuthenticationOptions Handshake(Identity? identity, TimeProvider clock)
    {
        if (identity is null) throw new AuthenticationException("This host has not joined.");
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(identity.WithKey(), additionalCertificates: null, offline: true),
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => PeerTrust.HostOf(certificate, identity.Authority, clock) is not null,
        };
    }

    private static async Task GiveAsync(HttpContext http, ImageCache cache, Pace pace)
    {
        var path = http.Request.Path.Value ?? "";
        if (!HttpMethods.IsGet(http.Request.Method) || !path.StartsWith(PeerImages.Path, StringComparison.Ordinal) || cache.Find(path[PeerImages.Path.Length..]) is not { } file)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        // One that the cache gives up meanwhile is read to its end all the same.
        await using var bytes = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        var from = http.Request.GetTypedHeaders().Range is { Unit.Value: "bytes", Ranges: { Count: 1 } ranges } && ranges.First() is { From: { } first, To: null } ? first : 0;
        if (from >= bytes.Length)
        {
            http.Response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            return;
        }
        http.Response.ContentLength = bytes.Length - from;
        if (from > 0)
        {
            http.Response.StatusCode = StatusCodes.Status206PartialContent;
            http.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{bytes.Length - 1}/{bytes.Length}");
        }
        bytes.Seek(from, SeekOrigin.Begin);
        var buffer = new byte[BufferBytes];
        for (int read; (read = await bytes.ReadAsync(buffer, http.RequestAborted)) > 0;)
        {
            await pace.WaitAsync(read, http.RequestAborted);
            await http.Response.Body.WriteAsync(buffer.AsMemory(0, read), http.RequestAborted);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Those who are being given something go on from another place.
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Lets so many bytes a second through, all askers together.</summary>
    private sealed class Pace(long bytesPerSecond, TimeProvider clock)
    {
        private readonly Lock _gate = new();
        private readonly long _begin = clock.GetTimestamp();
        private TimeSpan _free;

        public Task WaitAsync(int bytes, CancellationToken cancel)
        {
            TimeSpan wait;
            lock (_gate)
            {
                var now = clock.GetElapsedTime(_begin);
                wait = _free - now;
                _free = (wait > TimeSpan.Zero ? _free : now) + TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            }
            return wait > TimeSpan.Zero ? Task.Delay(wait, clock, cancel) : Task.CompletedTask;
        }
    }
}
