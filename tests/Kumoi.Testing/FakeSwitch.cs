using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Kumoi.Testing;

/// <summary>A switch that speaks the protocol of docs/switches.md and nothing else, and that a test can have misbehave.</summary>
public sealed class FakeSwitch : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _orders, _unavailable, _halfApplied, _answersLost, _ignored;

    private FakeSwitch(WebApplication app, string authority) => (_app, Authority) = (app, authority);

    public const string Token = "switch-token";

    /// <summary>Of the one that signed the switch's certificate.</summary>
    public string Authority { get; }

    public string Url => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/kumoi/";

    /// <summary>What each port has: mode, access VLAN and trunk VLANs as the protocol writes them.</summary>
    public ConcurrentDictionary<string, (string Mode, int? Access, string[] Trunk)> Ports { get; } = new();

    /// <summary>How many orders it has taken.</summary>
    public int Orders => _orders;

    /// <summary>So many of the next requests are answered with 503.</summary>
    public int Unavailable
    {
        get => Volatile.Read(ref _unavailable);
        set => Volatile.Write(ref _unavailable, value);
    }

    /// <summary>So many of the next orders are taken only in part, and answered with 500.</summary>
    public int HalfApplied
    {
        get => Volatile.Read(ref _halfApplied);
        set => Volatile.Write(ref _halfApplied, value);
    }

    /// <summary>So many of the next orders are taken, and their answer is lost.</summary>
    public int AnswersLost
    {
        get => Volatile.Read(ref _answersLost);
        set => Volatile.Write(ref _answersLost, value);
    }

    /// <summary>So many of the next orders are answered as done, and not done.</summary>
    public int Ignored
    {
        get => Volatile.Read(ref _ignored);
        set => Volatile.Write(ref _ignored, value);
    }

    /// <summary>What it answers with, whatever it is asked; null: what the protocol says.</summary>
    public string? Nonsense { get; set; }

    /// <summary>How long every answer takes.</summary>
    public TimeSpan Delay { get; set; }

    public static async Task<FakeSwitch> StartAsync(params string[] ports)
    {
        var (authority, certificate) = Certificates();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        var made = new FakeSwitch(app, authority);
        foreach (var port in ports) made.Ports[port] = ("none", null, []);
        app.Run(made.AnswerAsync);
        await app.StartAsync();
        return made;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (Delay > TimeSpan.Zero) await Task.Delay(Delay, TimeProvider.System, context.RequestAborted);
        // Names of ports have slashes, which the path would no longer tell apart.
        var path = context.Features.Get<IHttpRequestFeature>()!.RawTarget["/kumoi/".Length..].Split('/');
        if (context.Request.Headers.Authorization != $"Bearer {Token}") await RefuseAsync(context, 401, "wrong token");
        else if (Nonsense is { } nonsense) await context.Response.WriteAsync(nonsense, context.RequestAborted);
        else if (Take(ref _unavailable)) await RefuseAsync(context, 503, "the management card starts");
        else if (path is ["ports"] && HttpMethods.IsGet(context.Request.Method)) await WriteAsync(context, new JsonObject { ["ports"] = new JsonArray([.. Ports.Keys.Order().Select(Describe)]) });
        else if (path is not ["ports", var escaped] || Uri.UnescapeDataString(escaped) is var port && !Ports.ContainsKey(port)) await RefuseAsync(context, 404, "no such port");
        else if (HttpMethods.IsGet(context.Request.Method)) await WriteAsync(context, Describe(Uri.UnescapeDataString(escaped)));
        else if (HttpMethods.IsPut(context.Request.Method)) await SetAsync(context, Uri.UnescapeDataString(escaped));
        else await RefuseAsync(context, 405, "no such order");
    }

    private async Task SetAsync(HttpContext context, string port)
    {
        var order = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var mode = order["mode"]!.GetValue<string>();
        var access = order["accessVlan"]?.GetValue<int>();
        string[] trunk = [.. order["trunkVlans"]?.AsArray().Select(vlan => vlan!.GetValue<string>()) ?? []];
        Interlocked.Increment(ref _orders);
        if (Take(ref _halfApplied))
        {
            Ports[port] = ("trunk", null, ["1"]);
            await RefuseAsync(context, 500, "commit failed");
            return;
        }
        if (!Take(ref _ignored)) Ports[port] = (mode, access, trunk);
        if (Take(ref _answersLost)) context.Abort();
        else await WriteAsync(context, Describe(port));
    }

    private JsonNode Describe(string port) => new JsonObject
    {
        ["name"] = port, ["mode"] = Ports[port].Mode, ["accessVlan"] = Ports[port].Access, ["trunkVlans"] = new JsonArray([.. Ports[port].Trunk.Select(vlan => (JsonNode)vlan)]),
    };

    private static bool Take(ref int left)
    {
        if (Volatile.Read(ref left) <= 0) return false;
        Interlocked.Decrement(ref left);
        return true;
    }

    private static async Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        await WriteAsync(context, new JsonObject { ["message"] = message });
    }

    private static async Task WriteAsync(HttpContext context, JsonNode body)
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToJsonString());
    }

    private static (string Authority, X509Certificate2 Certificate) Certificates()
    {
        var (from, until) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=switches", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = rootRequest.CreateSelfSigned(from, until);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=sw1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var bare = request.Create(root, from, until, RandomNumberGenerator.GetBytes(8));
        using var whole = bare.CopyWithPrivateKey(key);
        return (root.ExportCertificatePem(), X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
