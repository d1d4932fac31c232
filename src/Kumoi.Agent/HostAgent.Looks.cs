using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>What is looked at now and then, whether anything is known to have changed or not.</summary>
public sealed partial class HostAgent
{
    private Task LookAtAllAsync(CancellationToken stop)
    {
        // A little early, so that a look that is due with this round is not left to the next.
        if (_networksLookedAt is not { } at || _clock.GetElapsedTime(at) > _options.NetworksPeriod(_state.Document?.Networks.Count ?? 0) * 0.9)
        {
            _networksLookedAt = _clock.GetTimestamp();
            _networks.ForgetHost();
            _networks.RingAll();
        }
        _instances.RingAll();
        if (_state.Document is { } document) _consoles.Apply(document.Consoles);
        _volumes.RingAll();
        _images.Prefetch();
        _backups?.RingAll();
        // Last, since a store that hangs is waited for.
        return LookAtPlacesAsync(stop);
    }

    private Task LookAtPlacesAsync(CancellationToken stop) => Task.WhenAll(_volumes.LookAtStoresAsync(stop), _backups?.LookAtPlacesAsync(stop) ?? Task.CompletedTask);

    /// <summary>A name server that died is missed by guests within seconds; it is not left to the next full look.</summary>
    private Task WatchAsync(CancellationToken stop)
    {
        if (_state.Document is not { } document) return Task.CompletedTask;
        foreach (var network in document.Networks.Where(network => ObjectNames.IsId(network.Id)))
        {
            var name = ObjectNames.Namespace(_options.Tag, network.Id);
            // A ring would try again at once what has just failed.
            if (!_edges.Networks.List().Contains(name) || _networks.IsFailing(network.Id) || _edges.Networks.IsServed(name)) continue;
            _log.NetworkUnserved(name);
            _networks.Ring(network.Id);
        }
        return Task.CompletedTask;
    }

    private Task TrimAsync(CancellationToken stop)
    {
        if (_state.Document is { } document)
            _edges.Images.Trim(_edges.Hypervisor.ImagesInUse().Concat(_edges.Volumes.ImagesInUse()).Concat(document.Images.Select(image => image.Sha256)).ToHashSet(), _options.ImageCacheBytes, _clock.GetUtcNow());
        _reporter.RingImages();
        return Task.CompletedTask;
    }
}
