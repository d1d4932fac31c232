using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Kumoi.Benchmarks.Scale;

/// <summary>An instance acknowledged by the API.</summary>
/// <param name="SentMicros">When it was asked for, in microseconds since 1970.</param>
public sealed record Acknowledged(string Id, long SentMicros, double Milliseconds);

/// <summary>
/// Calls the API as cheaply as can be, since it takes its processor time from the same cores: one connection of HTTP/1.1 in clear over loopback, bodies made before,
/// answers not understood beyond what is asked of them.
/// </summary>
public sealed class LoadClient : IDisposable
{
    private static readonly byte[] IdMark = "\"id\":\"i-"u8.ToArray();

    private readonly SocketsHttpHandler _handler = new() { UseProxy = false, UseCookies = false, MaxConnectionsPerServer = 1 };
    private readonly HttpMessageInvoker _http;
    private readonly Uri _instances;
    private readonly AuthenticationHeaderValue _token;
    private readonly byte[] _body;

    // Names are unique in an account, also over the runs on a cloud that is kept: sixteen hex digits that grow.
    private static readonly byte[] NameMark = "load-0000000000000000"u8.ToArray();
    private static long s_named = DateTime.UtcNow.Ticks;

    public LoadClient(Uri cloud, string token, string flavor, string image)
    {
        _http = new HttpMessageInvoker(_handler);
        _instances = new Uri(cloud, "/api/v1/instances");
        _token = new AuthenticationHeaderValue("Bearer", token);
        _body = Encoding.UTF8.GetBytes($$"""{"name":"load-0000000000000000","flavor":"{{flavor}}","image":"{{image}}","zone":"{{SimulatedHosts.ZoneName}}"}""");
    }

    public async Task<Acknowledged> CreateAsync()
    {
        var body = (byte[])_body.Clone();
        var name = body.AsSpan(body.AsSpan().IndexOf(NameMark) + NameMark.Length - 16, 16);
        Interlocked.Increment(ref s_named).TryFormat(name, out _, "x16", System.Globalization.CultureInfo.InvariantCulture);
        var sent = DateTimeOffset.UtcNow;
        var begin = System.Diagnostics.Stopwatch.GetTimestamp();
        var answer = await SendAsync(HttpMethod.Post, _instances, body);
        var taken = System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        var at = answer.AsSpan().IndexOf(IdMark) + IdMark.Length - 2;
        return new Acknowledged(Encoding.ASCII.GetString(answer, at, 19), (sent - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, taken);
    }

    /// <summary>Bytes of the answer.</summary>
    public async Task<int> GetAsync(string query) => (await SendAsync(HttpMethod.Get, new Uri(_instances + query), null)).Length;

    private async Task<byte[]> SendAsync(HttpMethod method, Uri address, byte[]? body)
    {
        using var request = new HttpRequestMessage(method, address) { Headers = { Authorization = _token } };
        if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var answer = await _http.SendAsync(request, CancellationToken.None);
        var content = await answer.Content.ReadAsByteArrayAsync();
        return answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created ? content
            : throw new InvalidOperationException($"{method} {address} answered {(int)answer.StatusCode}: {Encoding.UTF8.GetString(content)}");
    }

    public void Dispose()
    {
        _http.Dispose();
        _handler.Dispose();
    }
}
