using System.Net;
using System.Net.Http.Headers;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Control;

/// <summary>Bytes of images, to and from a server.</summary>
public sealed partial class ServerLink
{
    /// <summary>Opens the bytes of an image from an offset on. The caller reads and disposes the answer.</summary>
    public async Task<HttpResponseMessage> OpenImageAsync(string imageId, long offset, CancellationToken cancel)
    {
        // On a connection of its own: gigabytes would crowd out questions and reports.
        using var request = new HttpRequestMessage(HttpMethod.Get, $"agent/v1/images/{Uri.EscapeDataString(imageId)}/content")
        {
            Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
        return await SendAsync(() => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel), cancel);
    }

    /// <summary>Sends a file as the bytes of an image.</summary>
    internal async Task UploadImageAsync(string imageId, CountedStream bytes, string sha256, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"agent/v1/images/{Uri.EscapeDataString(imageId)}/content?sha256={sha256}")
        {
            Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new StreamContent(bytes),
        };
        request.Content.Headers.ContentLength = bytes.Length;
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        try
        {
            using var answer = await SendAsync(() => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel), cancel);
            await CheckAsync(answer, cancel);
        }
        catch (IOException) when (bytes.Failure is not null)
        {
            throw bytes.Failure;
        }
    }

    /// <summary>Where an image is had from; null if the server is of a version that does not say.</summary>
    public async Task<ImageSources?> ImageSourcesAsync(string imageId, CancellationToken cancel)
    {
        using var limit = Limit(AnswerLimit, cancel);
        using var answer = await SendAsync(() => _client.GetAsync($"agent/v1/images/{Uri.EscapeDataString(imageId)}/sources", limit.Token), cancel);
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        await CheckAsync(answer, limit.Token);
        return await ReadAsync(answer, ApiJson.Default.ImageSources, limit.Token);
    }
}
