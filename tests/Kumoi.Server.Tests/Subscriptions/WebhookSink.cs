using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kumoi.Server.Tests.Subscriptions;

/// <summary>A request that came to a sink.</summary>
public sealed record Received(string Id, string Timestamp, string Signature, byte[] Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public IEnumerable<Event> Events => Json.GetProperty("data").GetProperty("events").EnumerateArray().Select(item => item.Deserialize(ApiJson.Default.Event)!);

    /// <summary>The check of a receiver, by the standard's words and not by the server's code.</summary>
    public bool IsSignedWith(string secret)
    {
        using var mac = new HMACSHA256(Convert.FromBase64String(secret["whsec_".Length..]));
        byte[] signed = [.. System.Text.Encoding.ASCII.GetBytes(Id + "." + Timestamp + "."), .. Body];
        return Signature.Split(' ').Contains("v1," + Convert.ToBase64String(mac.ComputeHash(signed)));
    }
}

/// <summary>A web server that webhooks are sent to.</summary>
public sealed class WebhookSink : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebhookSink(WebApplication app, string url) => (_app, Url) = (app, url);

    public string Url { get; }

    public ConcurrentQueue<Received> Requests { get; } = new();

    /// <summary>How it answers; nothing else than 204 unless changed.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = http =>
    {
        http.Response.StatusCode = 204;
        return Task.CompletedTask;
    };

    public IEnumerable<Event> Events => Requests.SelectMany(request => request.Events);

    public static async Task<WebhookSink> StartAsync(bool tls = false)
    {
        var port = TestCloud.FreePort();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            if (tls) listen.UseHttps(Certificate());
        }));
        var app = builder.Build();
        var sink = new WebhookSink(app, $"{(tls ? "https" : "http")}://127.0.0.1:{port}/hook");
        app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            var headers = http.Request.Headers;
            sink.Requests.Enqueue(new Received(headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), body.ToArray()));
            await sink.Answer(http);
        });
        await app.StartAsync();
        return sink;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
