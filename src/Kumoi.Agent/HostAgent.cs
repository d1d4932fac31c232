using Kumoi.Agent.Backups;
using Kumoi.Agent.Consoles;
using Kumoi.Agent.Control;
using Kumoi.Agent.Images;
using Kumoi.Agent.Images.Peers;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Leases;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>
/// One agent, put together: the server's document comes in, controllers compare it with the host, reports go out. Ending it leaves guests,
/// filters and name servers running; the next one finds them.
/// </summary>
public sealed partial class HostAgent : IAsyncDisposable
{
    private static readonly TimeSpan TrimPeriod = TimeSpan.FromMinutes(10);

    /// <summary>How long to wait at the start for a first answer before guests are judged by a lease of before.</summary>
    private static readonly TimeSpan FirstAnswerLimit = TimeSpan.FromSeconds(3);

    private readonly AgentOptions _options;
    private readonly AgentEdges _edges;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Random _random;
    private readonly AgentState _state;
    private readonly NetworkController _networks;
    private readonly ImageController _images;
    private readonly InstanceController _instances;
    private readonly VolumeController _volumes;
    private readonly BackupController? _backups;
    private readonly ConsoleController _consoles;
    private readonly Reporter _reporter;
    private readonly HostLease _lease;
    private readonly InterfaceTraffic _traffic;
    private readonly Placements _placements;
    private readonly LeaseGuard _guard;
    private readonly Doorbell _resync, _back;
    private IServerLink? _link;
    private PeerServer? _imagesServed;
    private readonly Lock _pollGate = new();
    private CancellationTokenSource? _poll;
    private bool _away;
    private long? _networksLookedAt;
    private DesiredDocument? _appliedLast;

    /// <param name="seed">Spreads retries of many hosts over time; a run with the same seed and the same answers is the same.</param>
    public HostAgent(AgentOptions options, AgentEdges edges, int seed, TimeProvider clock, ILogger log)
    {
        clock = new SteadyClock(clock);
        (_options, _edges, _state, _clock, _log) = (options, edges, edges.State, clock, log);
        _random = new Random(seed);
        _lease = new HostLease(edges.Record, edges.Facts().BootId, edges.LeaseClock, log);
        _placements = new Placements(edges.Record);
        _guard = new LeaseGuard(_lease, _placements, edges.Hypervisor, options.LeaseLookPeriod, clock, log);
        _networks = new NetworkController(options, _state, edges.Networks, id => _instances!.HasProcess(id), Fork(), clock, log);
        _images = new ImageController(_state, edges.Images, edges.Hypervisor.UsesImages, Fork(), clock, log) { Source = new ImageSource(() => Link, clock, log) };
        _volumes = new VolumeController(_state, edges.Volumes, image => !edges.Hypervisor.UsesImages || (image is not null && edges.Images.Has(image)), Fork(), clock, log)
        {
            Images = _images,
            Uploads = new ImageUploads(
                (image, file, sum, sent, cancel) => Link.UploadImageAsync(image, file, sum, sent, cancel), new Backoff(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(5), Fork()), clock, id => _volumes!.Ring(id), (id, e) => log.VolumeBroken(e, id)),
        };
        if (edges.Backups is { } backups) _backups = new BackupController(_state, backups, image => image is not null && edges.Images.Has(image), Fork(), clock, log) { Images = _images };
        _instances = new InstanceController(options, _state, edges.Hypervisor, edges.Images, Fork(), clock, log) { Networks = _networks, Images = _images, Volumes = _volumes, Lease = _lease };
        _consoles = new ConsoleController(edges.Hypervisor, (console, cancel) => Link.OpenConsoleAsync(console, cancel), log);
        _traffic = new InterfaceTraffic(_state, edges.Networks, edges.Facts().BootId, Fork(), clock);
        _reporter = new Reporter(_state, _instances, _networks, _volumes, _lease, edges.Facts, new FullJitter(Fork()), Fork(), clock) { Traffic = _traffic, Reached = Reached, Returned = AskAnew, Backups = _backups };
        (_resync, _back) = (new Doorbell(clock), new Doorbell(clock));
        _networks.Rung = _instances.Ring;
        if (edges.Metadata is { } metadata) _networks.Served = (name, id, _) => metadata.ServeAsync(name, id);
        if (edges.Balancing is { } balancing)
        {
            (_networks.Judge, _networks.Balanced, _networks.Unbalanced) = (balancing.Judge, balancing.TakeAsync, balancing.Forget);
            (balancing.Turned, balancing.Reported) = (_networks.RingPeers, _reporter.RingListener);
            balancing.Ended = network =>
            {
                log.ProxyEnded(network);
                _networks.Ring(network);
            };
            _reporter.Listeners = balancing.Observed;
        }
        _images.Rung = id =>
        {
            RingInstancesOf(id);
            _volumes.RingImage(id);
            _reporter.RingImages();
            _backups?.RingAll();
        };
        _reporter.Images = _images.Observed;
        _volumes.Rung = _instances.Ring;
        _volumes.Reported = id =>
        {
            _reporter.RingVolume(id);
            _backups?.RingVolume(id);
        };
        if (_backups is not null) _backups.Reported = _reporter.RingBackup;
        _instances.Reported = _reporter.Ring;
        _state.Changed += Apply;
    }

    private IServerLink Link => _link ?? throw new IOException("The server is not known yet.");

    /// <summary>What guests' interfaces carry.</summary>
    public InterfaceTraffic Traffic => _traffic;

    private Random Fork() => new(_random.Next());

    /// <summary>Joins if need be, then runs until stopped. A <see cref="ServerRefusedException"/> tells that the token is not accepted.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (_edges.Metadata is { } metadata) await metadata.StartAsync(stop);
        _link = await _edges.Connect(stop);
        await ServeImagesAsync(stop);
        var facts = _edges.Facts();
        _log.Started(facts.AgentVersion, facts.Name, facts.Accelerator, facts.AcceleratorReason);
        // An agent that was away for longer than the lease asks once before it ends anything; guests ran on meanwhile anyway.
        await Task.WhenAll(_reporter.AskOnceAsync(_link, FirstAnswerLimit, stop), LookAtPlacesAsync(stop));
        var loops = new List<Task>
        {
            _guard.RunAsync(stop),
            PollAsync(stop),
            _reporter.RunAsync(_link, stop),
            Resync.RunAsync(_resync, _options.ResyncPeriod, LookAtAllAsync, _log.LoopFailed, stop),
            _link.KeepAsync(stop),
        };
        if (_edges.Networks.WatchPeriod is { } watch) loops.AddRange([Resync.RunAsync(new Doorbell(_clock), watch, WatchAsync, _log.LoopFailed, stop), _traffic.RunAsync(_log.LoopFailed, stop)]);
        if (_edges.Balancing is { } balancing) loops.Add(Resync.RunAsync(new Doorbell(_clock), Balancing.Period, balancing.LookAsync, _log.LoopFailed, stop));
        if (_edges.Hypervisor.UsesImages) loops.Add(Resync.RunAsync(new Doorbell(_clock), TrimPeriod, TrimAsync, _log.LoopFailed, stop));
        await Task.WhenAll(loops);
    }

    /// <summary>Gives images to other hosts, if this one has any and may. Where that fails, the others fetch them from the server.</summary>
    private async Task ServeImagesAsync(CancellationToken stop)
    {
        if (!_edges.Hypervisor.UsesImages || _options.ImagePort is not { } port || Link.Identity is null) return;
        try
        {
            _imagesServed = await PeerServer.StartAsync(System.Net.IPAddress.Parse(_options.Address), port, () => Link.Identity, _edges.Images, _clock, stop);
            _images.Port = _imagesServed.Port;
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            _log.PeersUnserved(e.Message);
        }
    }

    private async Task PollAsync(CancellationToken stop)
    {
        var pause = new FullJitter(Fork());
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            using var round = BeginPoll(stop);
            try
            {
                // Read before the question: only what is asked after the loss confirms that nothing was given to another host in it.
                var losses = _lease.Losses;
                var after = _lease.NeedsConfirmation ? -1 : _state.Document?.Revision ?? -1;
                var document = await Link.DesiredAsync(after, round.Token);
                Reached(null);
                if (document is null || Take(document))
                {
                    Confirm(losses);
                    failures = 0;
                }
                else await Task.Delay(pause.After(++failures, _reporter.Heartbeat), _clock, stop);
            }
            catch (IOException e)
            {
                Reached(e);
                // The next report, or the one that finds the server again, opens the way for the question too. One that nothing answers is repeated all the same.
                var wait = pause.After(++failures, _reporter.Heartbeat);
                if (!_reporter.Fails) _reporter.Probe(wait);
                await _back.WaitAsync(_reporter.Heartbeat + wait, stop);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                // The question was given up for one that asks for everything.
            }
            finally
            {
                EndPoll();
            }
        }
    }
    private CancellationTokenSource BeginPoll(CancellationToken stop)
    {
        lock (_pollGate) return _poll = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    private void EndPoll()
    {
        lock (_pollGate) _poll = null;
    }

    /// <summary>The lease has begun anew, and the document is of before: the question under way is given up for one that is answered at once.</summary>
    private void AskAnew()
    {
        _log.LeaseBegun();
        lock (_pollGate) _poll?.Cancel();
    }

    private void Confirm(int losses)
    {
        if (!_lease.NeedsConfirmation) return;
        _lease.Confirmed(losses);
        _instances.RingAll();
    }

    /// <summary>What must be known after a crash is kept before anyone acts on the document or reports its revision. False if it could not be.</summary>
    private bool Take(DesiredDocument document)
    {
        try
        {
            _placements.Note(document, _edges.Hypervisor.List, port => _instances.MayHave(port.Id));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.PlacementsNotKept(e.Message);
            return false;
        }
        _state.Replace(Detachments.In(Departures.In(document, _placements), _placements));
        return true;
    }

    private void Apply(DesiredDocument document)
    {
        var peers = PeersChange.Between(_appliedLast, document);
        // What no record names can be told from now on.
        if (_appliedLast is null) _resync.Ring();
        _appliedLast = document;
        if (peers is not null)
        {
            foreach (var network in peers) _networks.RingPeers(network);
            return;
        }
        _networks.RingAll();
        _volumes.RingAll();
        _backups?.RingAll();
        _instances.RingAll();
        _images.Prefetch();
        _consoles.Apply(document.Consoles);
    }

    private void RingInstancesOf(string imageId)
    {
        foreach (var instance in _state.Document?.Instances.Where(instance => instance.ImageId == imageId || instance.CdImageId == imageId) ?? []) _instances.Ring(instance.Id);
    }

    private void Reached(Exception? failure)
    {
        if (failure is not null && !_away) _log.ServerAway(failure.Message);
        if (failure is null && _away)
        {
            _log.ServerBack();
            _back.Ring();
        }
        _away = failure is not null;
    }

    public async ValueTask DisposeAsync()
    {
        await _consoles.DisposeAsync();
        await _networks.DisposeAsync();
        if (_edges.Balancing is { } balancing) await balancing.DisposeAsync();
        if (_backups is not null) await _backups.DisposeAsync();
        await _volumes.DisposeAsync();
        await _images.DisposeAsync();
        if (_imagesServed is { } served) await served.DisposeAsync();
        await _instances.DisposeAsync();
        if (_edges.Metadata is { } metadata) await metadata.DisposeAsync();
        _link?.Dispose();
    }
}
