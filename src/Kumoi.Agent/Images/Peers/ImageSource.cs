using System.Collections.Concurrent;
using Kumoi.Agent.Control;
using Kumoi.Api.Agent;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Images.Peers;

/// <summary>Others are fetching the image from the server; it is had from them in a moment.</summary>
public sealed class ImageWaitsException() : IOException("Other hosts are fetching the image.");

/// <summary>
/// Where an image's bytes come from: another host of the zone that has it, else the server. After any fault of another host the rest comes from the server. What
/// other hosts say is believed as little as what anybody says: the whole is checked by its SHA-256, and if it is wrong, all that gave a part of it are not asked for a while.
/// </summary>
public sealed class ImageSource(Func<IServerLink> link, TimeProvider clock, ILogger log)
{
    /// <summary>Tried before the server is asked.</summary>
    private const int PeersMax = 3;

    /// <summary>How long a host is not asked: one that went away or was slow, and one whose bytes were wrong.</summary>
    private static readonly TimeSpan AwayFor = TimeSpan.FromMinutes(1), WrongFor = TimeSpan.FromHours(1);

    /// <summary>How long others are waited for. Too low: the server sends more than it need; too high: whoever waits for a guest does so for hosts that have gone.</summary>
    private static readonly TimeSpan WaitLimit = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _blamed = new();
    private readonly ConcurrentDictionary<string, Fetch> _fetches = new();

    private sealed class Fetch
    {
        /// <summary>Hosts that gave a part of what there is.</summary>
        public List<string> Givers { get; } = [];

        /// <summary>The host that gives what was opened last; null: the server does.</summary>
        public string? Giver { get; set; }

        public bool FromServer { get; set; }

        public long? WaitsSince { get; set; }
    }

    /// <summary>Opens an image's bytes from an offset on.</summary>
    public async Task<HttpResponseMessage> OpenAsync(DesiredImage image, long offset, CancellationToken cancel)
    {
        var fetch = _fetches.GetOrAdd(image.Id, _ => new Fetch());
        if (offset == 0) fetch.Givers.Clear();
        fetch.Giver = null;
        if (!fetch.FromServer && link().Identity is { } identity)
        {
            var sources = await SourcesAsync(image, cancel);
            foreach (var peer in sources.Peers.Where(peer => !IsBlamed(peer.HostId)).Take(PeersMax))
            {
                if (await TryAsync(peer, identity, image, offset, cancel) is not { } answer) continue;
                fetch.Givers.Add(fetch.Giver = peer.HostId);
                return answer;
            }
            if (!sources.Server)
            {
                fetch.WaitsSince ??= clock.GetTimestamp();
                if (clock.GetElapsedTime(fetch.WaitsSince.Value) < WaitLimit) throw new ImageWaitsException();
            }
        }
        return await link().OpenImageAsync(image.Id, offset, cancel);
    }

    /// <summary>A server that does not say where else the image is may give it all the same.</summary>
    private async Task<ImageSources> SourcesAsync(DesiredImage image, CancellationToken cancel)
    {
        try
        {
            return await link().ImageSourcesAsync(image.Id, cancel);
        }
        catch (IOException)
        {
            return new ImageSources([], true);
        }
    }

    private async Task<HttpResponseMessage?> TryAsync(ImagePeer peer, Identity identity, DesiredImage image, long offset, CancellationToken cancel)
    {
        try
        {
            return await PeerImages.OpenAsync(peer, identity, image, offset, clock, cancel);
        }
        catch (IOException e)
        {
            Blame(peer.HostId, AwayFor);
            log.PeerFailed(image.Id, peer.HostId, e.Message);
            return null;
        }
    }

    /// <summary>The image is there.</summary>
    public void Came(DesiredImage image) => _fetches.TryRemove(image.Id, out _);

    /// <summary>What was opened broke off, or was not what it should have been.</summary>
    public void Failed(DesiredImage image, Exception why)
    {
        if (why is ImageWaitsException || !_fetches.TryGetValue(image.Id, out var fetch)) return;
        var wrong = why is ImageException { Reason: "image-corrupt" or "image-refused" };
        // Whose bytes were wrong nobody can tell; a broken answer was of one alone.
        foreach (var host in wrong ? fetch.Givers.Distinct() : fetch.Giver is { } giver ? [giver] : [])
        {
            Blame(host, wrong ? WrongFor : AwayFor);
            log.PeerFailed(image.Id, host, why.Message);
            fetch.FromServer = true;
        }
    }

    private bool IsBlamed(string hostId) => _blamed.TryGetValue(hostId, out var until) && until > clock.GetUtcNow();

    private void Blame(string hostId, TimeSpan time)
    {
        var now = clock.GetUtcNow();
        foreach (var over in _blamed.Where(one => one.Value <= now)) _blamed.TryRemove(over);
        _blamed[hostId] = now + time;
    }
}
