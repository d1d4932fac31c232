using System.Collections.Concurrent;
using Kumoi.Agent.Images.Peers;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Images;

/// <summary>Fetches the images that guests wait for, each once however many wait.</summary>
public sealed class ImageController : IAsyncDisposable
{
    /// <summary>Downloads at a time. Too low: a small image waits for a large one; too high: all are slow.</summary>
    private const int Parallelism = 2;

    /// <summary>How often to ask whether another host has an image by now.</summary>
    private static readonly TimeSpan WaitPause = TimeSpan.FromSeconds(2);

    private readonly AgentState _state;
    private readonly ImageCache _cache;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly bool _fetches;
    private readonly WorkQueue<string> _queue;
    private readonly ConcurrentDictionary<string, Condition> _conditions = new();

    /// <param name="fetches">False if nothing on the host needs an image's bytes: each is then there as soon as it is asked for.</param>
    public ImageController(AgentState state, ImageCache cache, bool fetches, Random random, TimeProvider clock, ILogger log)
    {
        _fetches = fetches;
        (_state, _cache, _clock, _log) = (state, cache, clock, log);
        _queue = new WorkQueue<string>(Parallelism, new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2), random), clock, LookAsync, Broken);
    }

    /// <summary>Where the bytes come from.</summary>
    public required ImageSource Source { get; init; }

    /// <summary>Where the host gives images to others; null: nowhere.</summary>
    public int? Port { get; set; }

    /// <summary>Called with an image's id when it came, or could not.</summary>
    public Action<string> Rung { get; set; } = _ => { };

    /// <summary>Asks for an image; the ring comes when something is known.</summary>
    public void Want(string imageId)
    {
        // A waiting guest looks again and again; that must not cut short the wait after a failed download.
        if (_queue.NextTry(imageId) is null) _queue.Ring(imageId);
    }

    /// <summary>Asks for the images that the host keeps whether anything uses them or not.</summary>
    public void Prefetch()
    {
        if (!_fetches || _state.Document is not { } document) return;
        foreach (var image in document.Images.Where(image => image.Prefetch && !_cache.Has(image))) Want(image.Id);
    }

    /// <summary>What the host has of images, and why not all.</summary>
    public ObservedImages Observed()
    {
        var wanted = _state.Document?.Images ?? [];
        if (!_fetches) return new ObservedImages([.. wanted.Where(image => image.Prefetch).Select(image => new ObservedImage(image.Sha256, image.SizeBytes, true))], null);
        var there = _cache.List();
        ObservedImage With(ObservedImage image) => image.Whole ? image : image with { Condition = wanted.Where(one => one.Sha256 == image.Sha256).Select(one => _conditions.GetValueOrDefault(one.Id)).FirstOrDefault() };
        // Of what could not even be begun there is no file.
        var failed = wanted.Where(image => _conditions.ContainsKey(image.Id) && there.All(one => one.Sha256 != image.Sha256)).Select(image => new ObservedImage(image.Sha256, 0, false));
        return new ObservedImages([.. there.Concat(failed).DistinctBy(image => image.Sha256).Select(With)], Port);
    }

    /// <summary>Why an image is not there, if that is known, and when it is tried again.</summary>
    public Condition? ConditionOf(string imageId) =>
        _conditions.TryGetValue(imageId, out var condition) ? condition with { NextTryAt = _queue.NextTry(imageId) } : null;

    private async Task<Outcome> LookAsync(string imageId, CancellationToken cancel)
    {
        var image = _state.Document?.Images.FirstOrDefault(image => image.Id == imageId);
        if (image is null || _cache.Has(image)) return Outcome.Done;
        var news = true;
        try
        {
            await _cache.FetchAsync(image, (offset, token) => Source.OpenAsync(image, offset, token), cancel);
            Source.Came(image);
            _conditions.TryRemove(imageId, out _);
            _log.ImageFetched(imageId);
            return Outcome.Done;
        }
        catch (ImageWaitsException)
        {
            news = false;
            return Outcome.LookAgain(WaitPause);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            var full = e is IOException && e.Message.Contains("No space left", StringComparison.Ordinal);
            if (!full) Source.Failed(image, e);
            var (reason, message) = e is ImageException known ? (known.Reason, known.Message)
                : full ? ("disk-full", "The host's disk is full: the image could not be stored.")
                : ("image-unavailable", $"Image {imageId} could not be fetched from the server.");
            _log.ImageFailed(imageId, e.Message);
            Report(imageId, reason, message);
            return Outcome.Failure;
        }
        finally
        {
            if (news) Rung(imageId);
        }
    }

    private void Report(string imageId, string reason, string message) =>
        _conditions.AddOrUpdate(
            imageId, _ => new Condition("Image", reason, message, _clock.GetUtcNow(), null),
            (_, known) => known with { Reason = reason, Message = message });

    private void Broken(string imageId, Exception e)
    {
        _log.ImageBroken(e, imageId);
        Report(imageId, "agent-error", "The image could not be fetched because of an error in the agent; its log has the details.");
        Rung(imageId);
    }

    public ValueTask DisposeAsync() => _queue.DisposeAsync();
}
