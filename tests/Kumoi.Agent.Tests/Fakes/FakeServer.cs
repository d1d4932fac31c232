using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Tests.Fakes;

/// <summary>The server's side of the agent protocol, on a loopback port, with an authority of its own; the test writes the document.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly X509Certificate2 _authority;
    private readonly object _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DesiredDocument? _document;

    public ConcurrentQueue<ObservedReport> Reports { get; } = new();

    public ConcurrentDictionary<string, ObservedInstance> Seen { get; } = new();

    public ConcurrentDictionary<string, TaskCompletionSource<WebSocket>> Consoles { get; } = new();

    public string? ImageFile { get; set; }

    public bool Away { get; set; }

    /// <summary>What reports are answered; null: as servers of an earlier version do.</summary>
    public ReportAnswer? Answer { get; set; }

    /// <summary>Answers that its database does not.</summary>
    public bool DatabaseAway { get; set; }

    /// <summary>So many joins meet another's change first.</summary>
    public int JoinsThatMeet { get; set; }

    /// <summary>Requests that came with a certificate.</summary>
    public int Requests => _requests;

    private int _requests;

    public string Secret { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(8));

    public string Url { get; private set; } = "";

    public ObservedReport? LastReport => Reports.LastOrDefault();

    private FakeServer(WebApplication application, X509Certificate2 authority) => (_application, _authority) = (application, authority);

    public string Token => new JoinTokenContent(Url, Convert.ToHexStringLower(SHA256.HashData(_authority.RawData)), Secret).Encode();

    public static Task<FakeServer> StartAsync() => StartAsync(MakeAuthority());

    /// <summary>Another server of the same cloud.</summary>
    public Task<FakeServer> StartAnotherAsync() => StartAsync(X509CertificateLoader.LoadPkcs12(_authority.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable));

    private static async Task<FakeServer> StartAsync(X509Certificate2 authority)
    {
        var certificate = Issue(authority, "1.3.6.1.5.5.7.3.1", null);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
        {
            https.ServerCertificate = certificate;
            https.ServerCertificateChain = [authority];
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (_, _, _) => true;
        })));
        builder.Services.AddRoutingCore();
        var application = builder.Build();
        var server = new FakeServer(application, authority);
        application.UseWebSockets();
        application.Run(server.HandleAsync);
        await application.StartAsync();
        var address = application.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        server.Url = address;
        return server;
    }

    public void Set(DesiredDocument document)
    {
        lock (_gate)
        {
            _document = document;
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public TaskCompletionSource<WebSocket> ConsoleOf(string session) => Consoles.GetOrAdd(session, _ => new TaskCompletionSource<WebSocket>(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task HandleAsync(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        if (Away)
        {
            http.Abort();
            return;
        }
        if (path == "/agent/v1/authority")
        {
            var pem = System.Text.Encoding.ASCII.GetBytes(_authority.ExportCertificatePem());
            http.Response.ContentLength = pem.Length;
            await http.Response.Body.WriteAsync(pem);
            return;
        }
        if (path == "/agent/v1/join")
        {
            var request = (await JsonSerializer.DeserializeAsync(http.Request.Body, ApiJson.Default.JoinRequest))!;
            if (JoinTokenContent.Decode(request.Token)?.Secret != Secret) { http.Response.StatusCode = 401; return; }
            if (JoinsThatMeet-- > 0)
            {
                http.Response.StatusCode = 409;
                await JsonSerializer.SerializeAsync(http.Response.Body, new Problem("about:blank", "It was changed meanwhile.", 409, "Look at it again.", null, "changed-meanwhile", null, null, null, null), ApiJson.Default.Problem);
                return;
            }
            var host = Issue(_authority, "1.3.6.1.5.5.7.3.2", request.CertificateRequest);
            await JsonSerializer.SerializeAsync(http.Response.Body, new JoinAnswer("h-1", host.ExportCertificatePem(), _authority.ExportCertificatePem()), ApiJson.Default.JoinAnswer);
            return;
        }
        if (await http.Connection.GetClientCertificateAsync() is null) { http.Response.StatusCode = 401; return; }
        Interlocked.Increment(ref _requests);
        if (DatabaseAway)
        {
            http.Response.StatusCode = 503;
            await JsonSerializer.SerializeAsync(
                http.Response.Body, new Problem("about:blank", "The database does not answer now.", 503, "Try again.", null, "database-away", null, null, null, null), ApiJson.Default.Problem);
            return;
        }
        switch (path)
        {
            case "/agent/v1/desired":
                await DesiredAsync(http);
                break;
            case "/agent/v1/observed":
                var report = (await JsonSerializer.DeserializeAsync(http.Request.Body, ApiJson.Default.ObservedReport))!;
                Reports.Enqueue(report);
                foreach (var seen in report.Instances) Seen[seen.Id] = seen;
                if (Answer is { } answer) await JsonSerializer.SerializeAsync(http.Response.Body, answer, ApiJson.Default.ReportAnswer);
                else http.Response.StatusCode = 204;
                break;
            case var _ when path.StartsWith("/agent/v1/images/", StringComparison.Ordinal) && path.EndsWith("/content", StringComparison.Ordinal):
                await Results.File(ImageFile!, "application/octet-stream", enableRangeProcessing: true).ExecuteAsync(http);
                break;
            case var _ when path.StartsWith("/agent/v1/consoles/", StringComparison.Ordinal):
                using (var socket = await http.WebSockets.AcceptWebSocketAsync())
                {
                    ConsoleOf(path.Split('/')[^1]).TrySetResult(socket);
                    // The request lives as long as the test keeps the socket.
                    var closed = new TaskCompletionSource();
                    http.RequestAborted.Register(() => closed.TrySetResult());
                    await closed.Task;
                }
                break;
            default:
                http.Response.StatusCode = 404;
                break;
        }
    }

    private async Task DesiredAsync(HttpContext http)
    {
        var after = (await JsonSerializer.DeserializeAsync(http.Request.Body, ApiJson.Default.DesiredQuestion))!.After;
        Task changed;
        DesiredDocument? document;
        lock (_gate) (changed, document) = (_changed.Task, _document);
        if (document is null || document.Revision <= after)
        {
            await Task.WhenAny(changed, Task.Delay(TimeSpan.FromSeconds(5), http.RequestAborted));
            lock (_gate) document = _document;
        }
        if (document is null || document.Revision <= after) http.Response.StatusCode = 204;
        else await JsonSerializer.SerializeAsync(http.Response.Body, new DesiredAnswer(document, []), ApiJson.Default.DesiredAnswer);
    }

    private static X509Certificate2 MakeAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Kumoi authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(30));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string usage, string? requestPem)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = requestPem is null
            ? new CertificateRequest("CN=kumoi server", key, HashAlgorithmName.SHA256)
            : new CertificateRequest(new X500DistinguishedName("CN=h-1"), CertificateRequest.LoadSigningRequestPem(requestPem, HashAlgorithmName.SHA256).PublicKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var made = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(20), RandomNumberGenerator.GetBytes(8));
        if (requestPem is not null) return made;
        using var withKey = made.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _application.StopAsync(now.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        await _application.DisposeAsync();
        _authority.Dispose();
    }
}
