using Kumoi.Agent.Consoles;
using Kumoi.Agent.Control;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Networks;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>
/// One agent, put together: the server's document comes in, controllers compare it with the host, reports go out. Ending it leaves guests,
/// filters and name servers running; the next one finds them.
/// </summary>
public sealed class HostAgent : IAsyncDisposable
{
    private static readonly TimeSpan TrimPeriod = TimeSpan.FromMinutes(10);

    private readonly AgentOptions _options;
    private readonly AgentEdges _edges;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Random _random;
    private readonly AgentState _state;
    private readonly NetworkController _networks;
    private readonly ImageController _images;
    private readonly InstanceController _instances;
    private readonly ConsoleController _consoles;
    private readonly Reporter _reporter;
    private readonly Doorbell _resync;
    private readonly Peers _peers = new();
    private IServerLink? _link;
    private bool _away;

    /// <param name="seed">Spreads retries of many hosts over time; a run with the same seed and the same answers is the same.</param>
    public HostAgent(AgentOptions options, AgentEdges edges, int seed, TimeProvider clock, ILogger log)
    {
        clock = new SteadyClock(clock);
        (_options, _edges, _state, _clock, _log) = (options, edges, edges.State, clock, log);
        _random = new Random(seed);
        _networks = new NetworkController(options, _state, edges.Networks, id => _instances!.HasProcess(id), Fork(), clock, log);
        _images = new ImageController(_state, edges.Images, Fork(), clock, log) { Open = (id, offset, cancel) => Link.OpenImageAsync(id, offset, cancel) };
        _instances = new InstanceController(options, _state, edges.Hypervisor, edges.Images, Fork(), clock, log) { Networks = _networks, Images = _images };
        _consoles = new ConsoleController(edges.Hypervisor, (console, cancel) => Link.OpenConsoleAsync(console, cancel), log);
        _reporter = new Reporter(
            _state, _instances, _networks, edges.Facts, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10), Fork()), clock, Reached);
        _resync = new Doorbell(clock);
        _networks.Rung = _instances.Ring;
        if (edges.Metadata is { } metadata) _networks.Served = (name, id, _) => metadata.ServeAsync(name, id);
        _images.Rung = RingInstancesOf;
        _instances.Reported = _reporter.Ring;
        _state.Changed += Apply;
    }

    private IServerLink Link => _link ?? throw new IOException("The server is not known yet.");

    private Random Fork() => new(_random.Next());

    /// <summary>Joins if need be, then runs until stopped. A <see cref="ServerRefusedException"/> tells that the token is not accepted.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (_edges.Metadata is { } metadata) await metadata.StartAsync(stop);
        _link = await _edges.Connect(stop);
        var facts = _edges.Facts();
        _log.Started(facts.AgentVersion, facts.Name, facts.Accelerator, facts.AcceleratorReason);
        var loops = new List<Task>
        {
            PollAsync(stop),
            _reporter.RunAsync(_link, stop),
            Resync.RunAsync(_resync, _options.ResyncPeriod, LookAtAllAsync, _log.LoopFailed, stop),
            _link.KeepAsync(stop),
        };
        if (_edges.Networks.WatchPeriod is { } watch) loops.Add(Resync.RunAsync(new Doorbell(_clock), watch, WatchAsync, _log.LoopFailed, stop));
        if (_edges.Hypervisor.UsesImages) loops.Add(Resync.RunAsync(new Doorbell(_clock), TrimPeriod, TrimAsync, _log.LoopFailed, stop));
        await Task.WhenAll(loops);
    }

    private async Task PollAsync(CancellationToken stop)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), Fork());
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var document = await Link.DesiredAsync(_state.Document?.Revision ?? -1, stop);
                if (document is not null) _state.Replace(await _peers.CompleteAsync(document, Link, stop));
                failures = 0;
                Reached(null);
            }
            catch (IOException e)
            {
                Reached(e);
                await Task.Delay(backoff.After(++failures), _clock, stop);
            }
        }
    }

    private void Apply(DesiredDocument document)
    {
        _networks.RingAll();
        _instances.RingAll();
        _consoles.Apply(document.Consoles);
    }

    private Task LookAtAllAsync(CancellationToken stop)
    {
        _networks.ForgetHost();
        _networks.RingAll();
        _instances.RingAll();
        if (_state.Document is { } document) _consoles.Apply(document.Consoles);
        return Task.CompletedTask;
    }

    /// <summary>A name server that died is missed by guests within seconds; it is not left to the next full look.</summary>
    private Task WatchAsync(CancellationToken stop)
    {
        if (_state.Document is not { } document) return Task.CompletedTask;
        foreach (var network in document.Networks.Where(network => ObjectNames.IsId(network.Id)))
        {
            var name = ObjectNames.Namespace(_options.Tag, network.Id);
            if (!_edges.Networks.List().Contains(name) || _edges.Networks.IsServed(name)) continue;
            _log.NetworkUnserved(name);
            _networks.Ring(network.Id);
        }
        return Task.CompletedTask;
    }

    private Task TrimAsync(CancellationToken stop)
    {
        if (_state.Document is { } document)
            _edges.Images.Trim(_edges.Hypervisor.ImagesInUse().Concat(document.Images.Select(image => image.Sha256)).ToHashSet(), _options.ImageCacheBytes);
        return Task.CompletedTask;
    }

    private void RingInstancesOf(string imageId)
    {
        foreach (var instance in _state.Document?.Instances.Where(instance => instance.ImageId == imageId) ?? []) _instances.Ring(instance.Id);
    }

    private void Reached(Exception? failure)
    {
        if (failure is not null && !_away) _log.ServerAway(failure.Message);
        if (failure is null && _away) _log.ServerBack();
        _away = failure is not null;
    }

    public async ValueTask DisposeAsync()
    {
        await _consoles.DisposeAsync();
        await _networks.DisposeAsync();
        await _images.DisposeAsync();
        await _instances.DisposeAsync();
        if (_edges.Metadata is { } metadata) await metadata.DisposeAsync();
        _link?.Dispose();
    }
}
