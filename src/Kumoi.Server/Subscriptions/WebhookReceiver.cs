using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Subscriptions;

/// <summary>Hands things over by signed requests (<see cref="WebhookSignature"/>), up to a hundred in each. The receiver confirms by any status of success.</summary>
public sealed class WebhookReceiver(WebhookGate gate, MasterKey masterKey, TimeProvider clock) : IReceiver, IDisposable
{
    // Receivers take the request and work later; one that takes longer holds a place that others wait for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Of an answer: enough to see what is wrong. The rest is not even read.
    private const int AnswerBytesMax = 1024, AnswerLettersMax = 256, HeaderKibMax = 16;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = Patience, MaxResponseHeadersLength = HeaderKibMax, MaxResponseDrainSize = 0, ActivityHeadersPropagator = null,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30), PooledConnectionLifetime = TimeSpan.FromMinutes(2), ConnectCallback = gate.ConnectAsync,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public string Kind => "webhook";

    public static string Purpose(string id) => "subscription " + id;

    public Task<Sent> SendAsync(Delivery delivery, IReadOnlyList<DeliveryItem> items, CancellationToken cancel)
    {
        // The same for the same things, each time; another one if there are more of them, or those who go by it would miss these.
        var id = "msg_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(delivery.Id + string.Concat(items.Select(item => item.Id)))).AsSpan(0, 16));
        return PostAsync(delivery, id, Body(delivery.Content, items[^1].At, delivery, items), cancel);
    }

    public Task<Sent> PingAsync(Delivery delivery, CancellationToken cancel) =>
        PostAsync(delivery, "msg_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), Body("ping", clock.GetUtcNow(), delivery, []), cancel);

    public Task TidyAsync() => Task.CompletedTask;

    private static byte[] Body(string type, DateTimeOffset time, Delivery delivery, IReadOnlyList<DeliveryItem> items)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("timestamp", time);
            json.WriteStartObject("data");
            json.WriteStartObject("subscription");
            json.WriteString("id", delivery.Id);
            json.WriteString("name", delivery.Name);
            json.WriteEndObject();
            json.WriteStartArray(delivery.Content);
            foreach (var item in items) json.WriteRawValue(item.Json, skipInputValidation: true);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return body.ToArray();
    }

    private async Task<Sent> PostAsync(Delivery delivery, string id, byte[] body, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var secrets = new List<byte[]> { masterKey.Decrypt(delivery.SealedSecret!, Purpose(delivery.Id)) };
        if (delivery.SealedFormer is { } former && delivery.FormerUntil > now) secrets.Add(masterKey.Decrypt(former, Purpose(delivery.Id)));
        var seconds = now.ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url) { Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
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
