using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Control;

/// <summary>The way to one server: every call is made from here, over TLS with both sides' certificates checked.</summary>
public sealed partial class ServerLink : IDisposable
{
    /// <summary>How long the server holds a question for news. Longer saves requests, of which thousands of hosts without news make hundreds a second;
    /// reports on the same connection tell meanwhile that it is alive.</summary>
    private const int WaitSeconds = 120;

    /// <summary>The kernel ends a connection whose other end has acknowledged nothing for so long. It is left to the kernels: a server that is busy answers late, and
    /// thousands of hosts that took its silence for death would keep it busy with their coming back.</summary>
    private static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(60), AskAfter = TimeSpan.FromSeconds(30), AskEvery = TimeSpan.FromSeconds(10);

    /// <summary>Number of the option of TCP on Linux that limits how long sent bytes stay unacknowledged, in milliseconds (tcp(7), RFC 5482).</summary>
    private const int TcpLevel = 6, TcpUserTimeout = 18;

    /// <summary>Bytes of a certificate. An honest one has one or two thousand.</summary>
    private const int CertificateLimit = 64 * 1024;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    /// <summary>For a report while no heartbeat is known: short, so that several servers can be tried while the lease runs.</summary>
    private static readonly TimeSpan ReportLimit = TimeSpan.FromSeconds(15);

    /// <summary>
    /// For a connection: as long as the longest report waits. Hosts that come back by the thousand stand in line at the server, and one that gives
    /// up its place begins anew at the end.
    /// </summary>
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(45);

    /// <summary>What a server of an earlier version, which answers without a body, stands by.</summary>
    private static readonly ReportAnswer Unsaid = new(HeartbeatSeconds: 10, LeaseSeconds: 60);

    private readonly SocketsHttpHandler _handler;
    private readonly HttpClient _client;
    private readonly X509Certificate2? _certificate, _authority;

    private ServerLink(string url, X509Certificate2? certificate, X509Certificate2? authority, RemoteCertificateValidationCallback trust)
    {
        (_certificate, _authority) = (certificate, authority);
        _handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = ConnectLimit,
            // A server that was moved to another address is found again.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            ConnectCallback = ConnectAsync,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = trust },
        };
        // Made once: without it each handshake would look for the chain of the host's certificate anew.
        if (certificate is not null) _handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        if (authority is not null) _handler.SslOptions.CertificateChainPolicy = ServerTrust.ChainTo(authority);
        // One connection for questions and reports, where the server speaks HTTP/2.
        _client = new HttpClient(_handler)
        {
            BaseAddress = new Uri(url.TrimEnd('/') + "/"), Timeout = Timeout.InfiniteTimeSpan, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
    }

    /// <summary>
    /// The way of a host that has not joined yet: no certificate of its own, and the server's authority known by its fingerprint only. TLS
    /// servers leave the root out of what they send, so it is asked for first, over a connection that proves nothing and carries no secret;
    /// the fingerprint then proves the answer.
    /// </summary>
    public static async Task<ServerLink> ForJoiningAsync(JoinTokenContent token, TimeProvider clock, CancellationToken cancel)
    {
#pragma warning disable CA5359 // Deliberate: what comes over this connection is public, and believed only if its hash is the token's.
        using var unproven = new ServerLink(token.Url, null, null, (_, _, _, _) => true);
#pragma warning restore CA5359
        var authority = await unproven.AuthorityAsync(cancel);
        if (ServerTrust.Fingerprint(authority) == token.Ca) return new ServerLink(token.Url, null, authority, ServerTrust.In(clock));
        authority.Dispose();
        throw new ServerRefusedException("The server at the token's address is not of the token's cloud: its authority has another fingerprint.");
    }

    /// <summary>The certificate of the cloud's authority, as <c>GET /agent/v1/authority</c> gives it to anyone (PEM).</summary>
    private async Task<X509Certificate2> AuthorityAsync(CancellationToken cancel)
    {
        using var limit = Limit(AnswerLimit, cancel);
        using var answer = await SendAsync(() => _client.GetAsync("agent/v1/authority", limit.Token), cancel);
        await CheckAsync(answer, limit.Token);
        if (answer.Content.Headers.ContentLength is not (> 0 and <= CertificateLimit)) throw new IOException("The server sent no certificate of its authority.");
        try
        {
            return X509Certificate2.CreateFromPem(await answer.Content.ReadAsStringAsync(limit.Token));
        }
        catch (System.Security.Cryptography.CryptographicException e)
        {
            throw new IOException("What the server sent as its authority's certificate is none.", e);
        }
    }

    /// <summary>The way of a host that has joined.</summary>
    public static ServerLink For(Identity identity, string server, TimeProvider clock)
    {
        var authority = X509Certificate2.CreateFromPem(identity.Authority);
        return new ServerLink(server, identity.WithKey(), authority, ServerTrust.In(clock));
    }

    public Task<JoinAnswer> JoinAsync(JoinRequest request, CancellationToken cancel) =>
        PostAsync("agent/v1/join", request, ApiJson.Default.JoinRequest, ApiJson.Default.JoinAnswer, cancel);

    public Task<JoinAnswer> RenewAsync(RenewRequest request, CancellationToken cancel) =>
        PostAsync("agent/v1/renew", request, ApiJson.Default.RenewRequest, ApiJson.Default.JoinAnswer, cancel);

    /// <summary>Waits for what is newer than what the host has; null if there was nothing in time.</summary>
    /// <param name="wholly">False: of peers only the revisions are of use.</param>
    public async Task<DesiredAnswer?> DesiredAsync(long after, IReadOnlyDictionary<string, long> peers, bool wholly, CancellationToken cancel)
    {
        // Who has nothing is answered at once.
        using var limit = Limit(ConnectLimit + (after < 0 ? AnswerLimit : TimeSpan.FromSeconds(WaitSeconds)), cancel);
        var question = new DesiredQuestion(after, WaitSeconds, peers, Differences: true);
        using var answer = await SendAsync(() => _client.PostAsync("agent/v1/desired", Content(question, ApiJson.Default.DesiredQuestion), limit.Token), cancel);
        if (answer.StatusCode == HttpStatusCode.NoContent) return null;
        await CheckAsync(answer, limit.Token);
        if (wholly) return await ReadAsync(answer, ApiJson.Default.DesiredAnswer, limit.Token);
        var told = await ReadAsync(answer, ApiJson.Default.DesiredRevisions, limit.Token);
        return new DesiredAnswer(told.Document, [.. told.Peers.Select(head => new NetworkPeers(head.NetworkId, head.Revision, [], [], Since: head.Since))]);
    }

    /// <param name="patience">How long to wait for the answer; null: not known yet.</param>
    public async Task<ReportAnswer> ReportAsync(ObservedReport report, TimeSpan? patience, CancellationToken cancel)
    {
        using var limit = Limit(patience is not { } known ? ReportLimit : known < ConnectLimit ? known : ConnectLimit, cancel);
        using var answer = await SendAsync(() => _client.PostAsync("agent/v1/observed", Content(report, ApiJson.Default.ObservedReport), limit.Token), cancel);
        await CheckAsync(answer, limit.Token);
        return answer.StatusCode == HttpStatusCode.NoContent ? Unsaid : await ReadAsync(answer, ApiJson.Default.ReportAnswer, limit.Token);
    }

    /// <summary>Opens the agent's end of a console session.</summary>
    public async Task<WebSocket> OpenConsoleAsync(string session, CancellationToken cancel)
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(20);
            using var invoker = new HttpMessageInvoker(_handler, disposeHandler: false);
            var address = new UriBuilder(new Uri(_client.BaseAddress!, $"agent/v1/consoles/{Uri.EscapeDataString(session)}"));
            address.Scheme = address.Scheme == "http" ? "ws" : "wss";
            await socket.ConnectAsync(address.Uri, invoker, cancel);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)AskAfter.TotalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)AskEvery.TotalSeconds);
            socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, BitConverter.GetBytes((int)DeadAfter.TotalMilliseconds));
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancel)
    {
        using var limit = Limit(AnswerLimit, cancel);
        using var answer = await SendAsync(() => _client.PostAsync(path, Content(body, bodyType), limit.Token), cancel);
        await CheckAsync(answer, limit.Token);
        return await ReadAsync(answer, answerType, limit.Token);
    }

    /// <summary>With its length: the server reads no body of unknown size.</summary>
    private static ByteArrayContent Content<T>(T body, JsonTypeInfo<T> type) =>
        new(JsonSerializer.SerializeToUtf8Bytes(body, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken cancel)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(await answer.Content.ReadAsStreamAsync(cancel), type, cancel)
                ?? throw new IOException("The server's answer was empty.");
        }
        catch (JsonException e)
        {
            throw new IOException($"The server's answer is not what this agent understands: {e.Message}", e);
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(Func<Task<HttpResponseMessage>> send, CancellationToken cancel)
    {
        try
        {
            return await send();
        }
        catch (HttpRequestException e)
        {
            throw new IOException(e.InnerException is null ? e.Message : $"{e.Message} {e.InnerException.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new IOException("The server did not answer in time.", e);
        }
    }

    private static async Task CheckAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        if (answer.IsSuccessStatusCode) return;
        var status = (int)answer.StatusCode;
        var problem = await ProblemOfAsync(answer, cancel);
        var words = $"The server answered {status}{(problem is null ? "." : $" ({problem.Code}): {problem.Detail ?? problem.Title}")}";
        if (status == 503 && problem?.Code == "database-away") throw new DatabaseAwayException(words);
        // One that met another's change is good for a repetition.
        throw status is >= 400 and < 500 and not 408 and not 429 && problem?.Code != "changed-meanwhile" ? new ServerRefusedException(words) : new IOException(words);
    }

    private static async Task<Problem?> ProblemOfAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(await answer.Content.ReadAsStreamAsync(cancel), ApiJson.Default.Problem, cancel);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static CancellationTokenSource Limit(TimeSpan limit, CancellationToken cancel)
    {
        var linked = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        linked.CancelAfter(limit);
        return linked;
    }

    public void Dispose()
    {
        _client.Dispose();
        _handler.Dispose();
        _certificate?.Dispose();
        _authority?.Dispose();
    }
}
