using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Api.Agent;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Kumoi.Agent.Metadata;

/// <summary>
/// The EC2 instance metadata service, versions 1 and 2. A request without a token is answered (version 1) unless the instance requires one; one with a wrong
/// or expired token is not. The caller is known by its network and source address of either family, which anti-spoofing has proven.
/// </summary>
public sealed class MetadataEndpoint(AgentState state, MetadataTokens tokens, TimeProvider clock)
{
    /// <summary>Requests a second from one guest. Too low slows cloud-init, which asks for some hundred values; too high lets one guest
    /// keep the agent busy.</summary>
    private const int RequestsPerSecond = 500;

    private const string LifeHeader = "X-aws-ec2-metadata-token-ttl-seconds", TokenHeader = "X-aws-ec2-metadata-token";

    private readonly ConcurrentDictionary<(string Network, IPAddress Address), Window> _windows = new();

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.Server = "Kumoi";
        var (status, body) = Answer(context);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain";
        if (body is null) return;
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private (int Status, byte[]? Body) Answer(HttpContext context)
    {
        if (context.Features.Get<NetworkOrigin>() is not { } origin || context.Connection.RemoteIpAddress is not { } address) return (400, null);
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (!Admit(origin.NetworkId, address)) return (503, null);
        if (state.Document is not { } document || Caller(document, origin.NetworkId, address) is not { } instance) return (404, null);
        if (instance.Metadata is { Enabled: false }) return (403, null);
        var path = context.Request.Path.Value ?? "/";
        var isToken = path.Split('/', StringSplitOptions.RemoveEmptyEntries) is [var version, "api", "token"] && MetadataVersions.Has(version);
        var method = context.Request.Method;
        if (isToken ? !HttpMethods.IsPut(method) : !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method))
        {
            context.Response.Headers.Allow = isToken ? "PUT" : "GET, HEAD";
            return (405, null);
        }
        if (isToken) return Token(context, instance);
        if (context.Request.Headers.TryGetValue(TokenHeader, out var token) ? !tokens.Accept(instance.Id, token.ToString()) : instance.Metadata is { TokensRequired: true }) return (401, null);
        return Find(document, instance, path) is { } body ? (200, body) : (404, null);
    }

    private (int, byte[]?) Token(HttpContext context, DesiredInstance instance)
    {
        // A proxy that is tricked into forwarding such a request must not get a token out of it.
        if (context.Request.Headers.ContainsKey("X-Forwarded-For")) return (403, null);
        if (!int.TryParse(context.Request.Headers[LifeHeader].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var life)
            || life is < 1 or > MetadataTokens.LifeLimit) return (400, null);
        if (instance.Metadata is { } metadata && !Limit(context, metadata.HopLimit)) return (503, null);
        context.Response.Headers[LifeHeader] = life.ToString(CultureInfo.InvariantCulture);
        return (200, Encoding.ASCII.GetBytes(tokens.Issue(instance.Id, life)));
    }

    /// <summary>
    /// Lets what is sent on this connection from now on pass few routers. It stays so: with another limit for what follows, a token that was lost
    /// on its way would be sent again and arrive. False if it cannot be done, and then nothing must be sent.
    /// </summary>
    private static bool Limit(HttpContext context, int hops)
    {
        try
        {
            if (context.Features.Get<IConnectionSocketFeature>() is not { Socket: { } socket }) return false;
            socket.Ttl = (short)hops;
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static byte[]? Find(DesiredDocument document, DesiredInstance instance, string path)
    {
        var trimmed = path.TrimStart('/');
        if (trimmed.Length == 0) return MetadataVersions.Listing();
        var slash = trimmed.IndexOf('/', StringComparison.Ordinal);
        var version = slash < 0 ? trimmed : trimmed[..slash];
        return MetadataVersions.Has(version) ? MetadataTree.Build(document, instance).Find(slash < 0 ? "" : trimmed[slash..]) : null;
    }

    /// <summary>The instance that has this address in this network, if its record still wants it.</summary>
    public static DesiredInstance? Caller(DesiredDocument document, string networkId, IPAddress address)
    {
        var text = address.ToString();
        // IPv6 has many ways to write an address.
        bool Is(string own) => own == text || (address.AddressFamily == AddressFamily.InterNetworkV6 && IPAddress.TryParse(own, out var parsed) && parsed.Equals(address));
        return document.Instances.FirstOrDefault(instance =>
            !instance.Leaves() && instance.Interfaces.Any(port => port.NetworkId == networkId && (Is(port.Address) || (port.Further ?? []).Any(further => Is(further.Address)))));
    }

    private bool Admit(string network, IPAddress address)
    {
        var second = clock.GetUtcNow().ToUnixTimeSeconds();
        // Addresses that called are at most those of this host's guests, so the table stays small; it is emptied when guests have gone.
        if (_windows.Count > 10_000) _windows.Clear();
        var window = _windows.GetOrAdd((network, address), _ => new Window());
        lock (window)
        {
            if (window.Second != second) (window.Second, window.Count) = (second, 0);
            return ++window.Count <= RequestsPerSecond;
        }
    }

    private sealed class Window
    {
        public long Second;
        public int Count;
    }
}
