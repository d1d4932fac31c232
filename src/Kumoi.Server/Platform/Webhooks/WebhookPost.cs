using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Platform.Webhooks;

/// <summary>Sends signed requests (<see cref="WebhookSignature"/>) to where the gate lets them go. The receiver confirms by any status of success.</summary>
public sealed class WebhookPost(WebhookGate gate, TimeProvider clock) : IDisposable
{
    /// <summary>How long a receiver may take. It takes the request and works later: one that takes longer holds a place that others wait for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Of an answer: enough to see what is wrong. The rest is not even read.
    private const int AnswerBytesMax = 1024, AnswerLettersMax = 256, HeaderKibMax = 16;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = Patience, MaxResponseHeadersLength = HeaderKibMax, MaxResponseDrainSize = 0, ActivityHeadersPropagator = null,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), PooledConnectionLifetime = TimeSpan.FromMinutes(2), ConnectCallback = gate.ConnectAsync,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <param name="secrets">The request is signed by each, so that one can take another's place.</param>
    /// <param name="id">The same each time the same thing is sent: receivers know by it one that they have had.</param>
    public async Task<Sent> SendAsync(string url, IReadOnlyList<byte[]> secrets, string id, byte[] body, CancellationToken cancel)
    {
        var seconds = clock.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        request.Headers.TryAddWithoutValidation("User-Agent", "Kumoi/" + ServerRegistry.Version);
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Of(secrets, id, seconds, body));
        using var time = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, time.Token);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)response.StatusCode;
            if (response.IsSuccessStatusCode) return new Sent(true, status, null);
            var said = await SaidAsync(response, either.Token);
            var redirect = status is >= 300 and < 400 ? " Redirects are not followed." : "";
            return new Sent(false, status, $"The receiver answered {status}.{redirect}{(said.Length > 0 ? " " + said : "")}", response.StatusCode == HttpStatusCode.Gone);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new Sent(false, null, $"The receiver did not answer within {Patience.TotalSeconds:0} seconds.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return new Sent(false, null, Explain(e));
        }
    }

    private static string Explain(Exception e) => e switch
    {
        HttpRequestException { InnerException: InsideAddressException } => "The address is not one that webhooks may be sent to.",
        HttpRequestException { InnerException: AuthenticationException tls } => PlainText.Of($"The receiver's certificate is not trusted: {tls.Message}", AnswerLettersMax),
        _ => PlainText.Of($"The receiver could not be reached: {e.Message}", AnswerLettersMax),
    };

    private static async Task<string> SaidAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var buffer = new byte[AnswerBytesMax];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancel);
            var read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
            return PlainText.Of(Encoding.UTF8.GetString(buffer, 0, read).Trim(), AnswerLettersMax);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // Its status is what counts.
            return "";
        }
    }

    public void Dispose() => _http.Dispose();
}
