using System.Net.Http.Headers;
using System.Net.Security;
using Kumoi.Agent.Control;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Images.Peers;

/// <summary>Opens images at other hosts.</summary>
public static class PeerImages
{
    /// <summary>What the path of an image begins with, before its file's name.</summary>
    public const string Path = "/images/";

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5), AnswerLimit = TimeSpan.FromSeconds(10);

    /// <summary>The least that must come in a span of time. Too low: a host waits on one that cannot keep up while others could give; too high: busy hosts are given up for the server.</summary>
    private const long LeastBytes = 1024 * 1024;

    private static readonly TimeSpan LeastSpan = TimeSpan.FromSeconds(10);

    /// <summary>The image's bytes from an offset on; an <see cref="IOException"/> if the host does not give them. The caller disposes the answer, and with it the connection.</summary>
    public static Task<HttpResponseMessage> OpenAsync(ImagePeer peer, Identity identity, DesiredImage image, long offset, TimeProvider clock, CancellationToken cancel) =>
        OpenAsync(peer, identity, image, offset, LeastBytes, LeastSpan, clock, cancel);

    internal static async Task<HttpResponseMessage> OpenAsync(
        ImagePeer peer, Identity identity, DesiredImage image, long offset, long leastBytes, TimeSpan leastSpan, TimeProvider clock, CancellationToken cancel)
    {
        if (!Uri.TryCreate(peer.Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps) throw new IOException($"{peer.Url} is no address of a host.");
        var certificate = identity.WithKey();
        var client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ConnectTimeout = ConnectLimit,
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true),
                // The very host that the server named: another one of the cloud is not meant.
                RemoteCertificateValidationCallback = (_, shown, _, _) => PeerTrust.HostOf(shown, identity.Authority, clock) == peer.HostId,
            },
        }) { Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(AnswerLimit);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, Path + ImageCache.NameOf(image)));
            if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
            var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!answer.IsSuccessStatusCode) throw new IOException($"It answered {(int)answer.StatusCode}.");
            var body = await answer.Content.ReadAsStreamAsync(cancel);
            return new Answer(answer, new SteadyStream(body, leastBytes, leastSpan, clock), client);
        }
        catch (Exception e)
        {
            client.Dispose();
            if (e is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested) throw new IOException(e.InnerException?.Message ?? e.Message, e);
            throw;
        }
    }

    /// <summary>An answer whose end is that of its connection.</summary>
    private sealed class Answer : HttpResponseMessage
    {
        private readonly HttpResponseMessage _inner;
        private readonly HttpClient _client;

        public Answer(HttpResponseMessage inner, Stream body, HttpClient client) : base(inner.StatusCode) =>
            (_inner, _client, Content) = (inner, client, new StreamContent(body));

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (!disposing) return;
            _inner.Dispose();
            _client.Dispose();
        }
    }
}
