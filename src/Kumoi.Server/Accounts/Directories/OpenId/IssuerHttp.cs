using System.Net;
using System.Net.Sockets;
using System.Text;
using Kumoi.Server.Platform.Http;
using Microsoft.IdentityModel.Protocols;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>Speaks with identity providers, whose addresses administrators of domains name: encrypted, not with what is on this machine or its link, no further than asked, for seconds, and of an answer no more than makes sense.</summary>
public sealed class IssuerHttp : IDocumentRetriever, IDisposable
{
    // Keys and metadata are some 10 KiB. More would let a provider fill memory.
    private const int AnswerBytesMax = 1024 * 1024;

    // Longer keeps people waiting for a provider that is away; shorter gives up one that is far.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), ConnectionLife = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http;
    private readonly bool _loopback;

    public IssuerHttp(ServerOptions options)
    {
        _loopback = options.LoopbackIssuers;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectCallback = (context, cancel) => Outside.ConnectAsync(context, address => _loopback || !IsOwn(address), cancel), PooledConnectionLifetime = ConnectionLife }) { Timeout = Patience, MaxResponseContentBufferSize = AnswerBytesMax };
    }

    /// <summary>True for addresses that may be asked, or that a browser may be sent to.</summary>
    public bool Allows(string? address) => address?.Length <= 2048 && Uri.TryCreate(address, UriKind.Absolute, out var url) && url.UserInfo.Length == 0 && url.Fragment.Length == 0 && url.Host.Length > 0
        && (url.Scheme == "https" || _loopback && url.Scheme == "http" && url.IsLoopback);

    public async Task<string> GetDocumentAsync(string address, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        var (status, body) = await SendAsync(request, cancel);
        return status == HttpStatusCode.OK ? body : throw new IssuerException($"{address} answered {(int)status}.");
    }

    /// <summary>Throws <see cref="IssuerException"/> if there is no answer.</summary>
    public async Task<(HttpStatusCode Status, string Body)> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        if (!Allows(request.RequestUri?.OriginalString)) throw new IssuerException($"{request.RequestUri} is not an https address that may be asked.");
        try
        {
            using var answer = await _http.SendAsync(request, cancel);
            // JSON is UTF-8, whatever the header calls it (RFC 8259, 8.1).
            return (answer.StatusCode, Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(cancel)));
        }
        catch (Exception e) when (e is HttpRequestException or IOException || e is OperationCanceledException && !cancel.IsCancellationRequested)
        {
            throw new IssuerException(e.InnerException is { } inner ? $"{e.Message} {inner.Message}" : e.Message, e);
        }
    }

    /// <summary>Loopback, what is on the link (metadata of other clouds), and what is no address.</summary>
    public static bool IsOwn(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IPAddress.IsLoopback(plain) || plain.IsIPv6LinkLocal || plain.IsIPv6Multicast || plain.Equals(IPAddress.IPv6Any) || plain.AddressFamily == AddressFamily.InterNetwork && plain.GetAddressBytes() is [0, ..] or [169, 254, ..] or [>= 224, ..];
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>An identity provider that does not answer, or not as it should. The message is for the log.</summary>
public sealed class IssuerException(string message, Exception? inner = null) : Exception(message, inner);
