using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Kumoi.Api.Agent;
using Microsoft.AspNetCore.Http;

namespace Kumoi.Agent.Metadata;

/// <summary>
/// The EC2 instance metadata service, versions 1 and 2. A request without a token is answered (version 1), one with a wrong or expired
/// token is not. The caller is known by its network and source address of either family, which anti-spoofing has proven.
/// </summary>
public sealed partial class MetadataEndpoint(AgentState state, MetadataTokens tokens, TimeProvider clock)
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
        var path = context.Request.Path.Value ?? "/";
        if (HttpMethods.IsPut(context.Request.Method)) return Token(context, path, instance);
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method)) return (405, null);
        if (context.Request.Headers.TryGetValue(TokenHeader, out var token) && !tokens.Accept(instance.Id, token.ToString())) return (401, null);
        return Find(document, instance, path) is { } body ? (200, body) : (404, null);
    }

    private (int, byte[]?) Token(HttpContext context, string path, DesiredInstance instance)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is not [var version, "api", "token"] || !VersionForm().IsMatch(version)) return (405, null);
        // A proxy that is tricked into forwarding such a request must not get a token out of it.
        if (context.Request.Headers.ContainsKey("X-Forwarded-For")) return (403, null);
        if (!int.TryParse(context.Request.Headers[LifeHeader].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var life)
            || life is < 1 or > MetadataTokens.LifeLimit) return (400, null);
        context.Response.Headers[LifeHeader] = life.ToString(CultureInfo.InvariantCulture);
        return (200, Encoding.ASCII.GetBytes(tokens.Issue(instance.Id, life)));
    }

    private static byte[]? Find(DesiredDocument document, DesiredInstance instance, string path)
    {
        var trimmed = path.TrimStart('/');
        if (trimmed.Length == 0) return "1.0\n2009-04-04\n2021-03-23\nlatest"u8.ToArray();
        var slash = trimmed.IndexOf('/', StringComparison.Ordinal);
        var version = slash < 0 ? trimmed : trimmed[..slash];
        return VersionForm().IsMatch(version) ? MetadataTree.Build(document, instance).Find(slash < 0 ? "" : trimmed[slash..]) : null;
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

    [GeneratedRegex("^(latest|1\\.0|\\d{4}-\\d{2}-\\d{2})\\z")] private static partial Regex VersionForm();

    private sealed class Window
    {
        public long Second;
        public int Count;
    }
}
