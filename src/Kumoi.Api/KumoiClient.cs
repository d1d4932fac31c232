using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Kumoi.Api;

/// <summary>The API answered with a problem.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail is null ? problem.Title : $"{problem.Title} {problem.Detail}")
{
    public Problem Problem => problem;
}

/// <summary>A client of the API: paths below <c>/api/v1</c>, records in and out. Failures are thrown as <see cref="ProblemException"/>;
/// an address that does not answer as <see cref="HttpRequestException"/>.</summary>
public sealed class KumoiClient : IDisposable
{
    private const string Base = "api/v1";
    private readonly HttpClient _http;

    /// <param name="url">Address of the API, such as <c>http://127.0.0.1:8480</c>.</param>
    /// <param name="token">Bearer token; null for calls that need none.</param>
    /// <param name="language">Language of problem texts: <c>en</c> or <c>ja</c>.</param>
    /// <param name="handler">What carries the requests; null for the default one.</param>
    public KumoiClient(Uri url, string? token, string language, HttpMessageHandler? handler = null)
    {
        Url = url;
        // Waiting forms answer after up to five minutes; uploads take as long as they take.
        _http = new HttpClient(handler ?? new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) }) { BaseAddress = url, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.AcceptLanguage.ParseAdd(language);
        // By this one knows one's sessions apart.
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("kumoi", typeof(KumoiClient).Assembly.GetName().Version?.ToString(3)));
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue($"({(OperatingSystem.IsLinux() ? "Linux" : OperatingSystem.IsMacOS() ? "Mac OS X" : "Windows")})"));
        if (token is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public Uri Url { get; }

    /// <summary>For operators: act for this account (id or name).</summary>
    public string? Account { get; set; }

    public Task<T> GetAsync<T>(string path, CancellationToken cancel = default) => SendAsync<T>(HttpMethod.Get, path, null, null, cancel);

    public Task<T> DeleteAsync<T>(string path, CancellationToken cancel = default) => SendAsync<T>(HttpMethod.Delete, path, null, null, cancel);

    public async Task DeleteAsync(string path, CancellationToken cancel = default) => (await RequestAsync(HttpMethod.Delete, path, null, null, cancel)).Dispose();

    public Task<T> PostAsync<T>(string path, CancellationToken cancel = default) => SendAsync<T>(HttpMethod.Post, path, null, null, cancel);

    /// <param name="idempotencyKey">Repeating a create with its key returns the first answer, so a lost answer can be asked for again.</param>
    public Task<T> PostAsync<TBody, T>(string path, TBody body, string? idempotencyKey = null, CancellationToken cancel = default) =>
        SendAsync<T>(HttpMethod.Post, path, JsonContent.Create(body, Info<TBody>()), idempotencyKey, cancel);

    public Task<T> PutAsync<TBody, T>(string path, TBody body, CancellationToken cancel = default) =>
        SendAsync<T>(HttpMethod.Put, path, JsonContent.Create(body, Info<TBody>()), null, cancel);

    public async Task PutAsync<TBody>(string path, TBody body, CancellationToken cancel = default) =>
        (await RequestAsync(HttpMethod.Put, path, JsonContent.Create(body, Info<TBody>()), null, cancel)).Dispose();

    /// <summary>Sends an image's bytes.</summary>
    public Task<Image> UploadAsync(string image, HttpContent content, CancellationToken cancel = default) =>
        SendAsync<Image>(HttpMethod.Put, $"images/{Uri.EscapeDataString(image)}/content", content, null, cancel);

    /// <summary>Every item of a list, page by page. <paramref name="query"/> holds filters (<c>a=b&amp;c=d</c>) or is empty.</summary>
    public async IAsyncEnumerable<T> ListAsync<T>(string path, string query, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        string? cursor = null;
        do
        {
            var page = await GetAsync<Page<T>>($"{path}?limit=1000{(query.Length > 0 ? "&" + query : "")}{(cursor is null ? "" : "&cursor=" + cursor)}", cancel);
            foreach (var item in page.Items) yield return item;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>The answer itself, for bodies that are not JSON. The caller disposes it.</summary>
    /// <param name="range">Which part of the body is asked for; null: all of it.</param>
    public async Task<HttpResponseMessage> RequestAsync(HttpMethod method, string path, HttpContent? content, string? idempotencyKey, CancellationToken cancel, System.Net.Http.Headers.RangeHeaderValue? range = null)
    {
        using var request = new HttpRequestMessage(method, $"{Base}/{path}") { Content = content };
        if (range is not null) request.Headers.Range = range;
        if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
        if (Account is not null) request.Headers.TryAddWithoutValidation("Kumoi-Account", Account);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        if (response.IsSuccessStatusCode) return response;
        using (response) throw new ProblemException(await ReadProblemAsync(response, cancel));
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, string? idempotencyKey, CancellationToken cancel)
    {
        using var response = await RequestAsync(method, path, content, idempotencyKey, cancel);
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        return (await JsonSerializer.DeserializeAsync(stream, Info<T>(), cancel))!;
    }

    private static async Task<Problem> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var status = (int)response.StatusCode;
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            try
            {
                return (await response.Content.ReadFromJsonAsync(ApiJson.Default.Problem, cancel))!;
            }
            catch (JsonException)
            {
                // Falls through: something on the way has cut the answer.
            }
        }
        return new Problem("about:blank", $"HTTP {status} {response.ReasonPhrase}", status, null, null, $"http-{status}", null, null, null, null);
    }

    private static JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)ApiJson.Default.GetTypeInfo(typeof(T))!;

    public void Dispose() => _http.Dispose();
}
