using Kumoi.Agent.Consoles;
using Kumoi.Agent.Control;
using Kumoi.Agent.Hosts;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Metadata;
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
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromSeconds(2), TrimPeriod = TimeSpan.FromMinutes(10);

    private readonly AgentOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Random _random;
    private readonly Accelerator _accelerator;
    private readonly AgentState _state = new();
    private readonly ImageCache _cache;
    private readonly IHypervisor _hypervisor;
    private readonly INetworkDriver _driver;
    private readonly NetworkController _networks;
    private readonly ImageController _images;
    private readonly InstanceController _instances;
    private readonly ConsoleController _consoles;
    private readonly NamespaceListeners _listeners;
    private readonly MetadataServer _metadata;
    private readonly Reporter _reporter;
    private readonly Doorbell _resync;
    private ServerLink? _link;
    private bool _away;

    /// <param name="faults">For the simulated hypervisor; null otherwise.</param>
    public HostAgent(AgentOptions options, Accelerator accelerator, SimulatedFaults? faults, int seed, TimeProvider clock, ILogger log)
    {
        (_options, _accelerator, _clock, _log) = (options, accelerator, clock, log);
        _random = new Random(seed);
        var commands = new Commands(clock);
        DurableFiles.MakeDirectory(options.Paths.State, AgentModes.Passable);
        _cache = new ImageCache(options.Paths);
        var simulated = options.Hypervisor == "simulated";
        _hypervisor = simulated
            ? new SimulatedHypervisor(options.Paths, faults ?? new SimulatedFaults(), clock)
            : new QemuHypervisor(options, accelerator.Name, _cache, commands, clock);
        _driver = simulated ? new SimulatedNetworks() : new LinuxNetworks(options, commands, clock);
        _networks = new NetworkController(options, _state, _driver, id => _instances!.HasProcess(id), Fork(), clock, log);
        _images = new ImageController(_state, _cache, Fork(), clock, log) { Open = (id, offset, cancel) => Link.OpenImageAsync(id, offset, cancel) };
        _instances = new InstanceController(options, _state, _hypervisor, _cache, Fork(), clock, log) { Networks = _networks, Images = _images };
        _consoles = new ConsoleController(_hypervisor, (session, cancel) => Link.OpenConsoleAsync(session, cancel), log);
        _listeners = new NamespaceListeners(clock, log);
        _metadata = new MetadataServer(_listeners, new MetadataEndpoint(_state, MetadataTokens.Load(options.Paths, clock), clock));
        _reporter = new Reporter(
            _state, _instances, _networks, Facts, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10), Fork()), clock, Reached);
        _resync = new Doorbell(clock);
        _networks.Rung = _instances.Ring;
        if (!simulated) _networks.Served = (name, id, _) => _listeners.EnsureAsync(name, id);
        _images.Rung = RingInstancesOf;
        _instances.Reported = _reporter.Ring;
        _state.Changed += Apply;
    }

    private ServerLink Link => _link ?? throw new IOException("The server is not known yet.");

    private Random Fork() => new(_random.Next());

    private HostFacts Facts() => HostFactsReader.Read(_options, _accelerator);

    /// <summary>Joins if need be, then runs until stopped. A <see cref="ServerRefusedException"/> tells that the token is not accepted.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await _metadata.StartAsync(stop);
        var joining = new Joining(_options.Paths, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(15), Fork()), _clock, _log);
        var identity = await joining.EnsureAsync(_options.JoinToken, Facts, stop);
        _link = ServerLink.For(identity, _clock);
        _log.Started(Facts().AgentVersion, _options.Name, _accelerator.Name, _accelerator.Reason);
        await Task.WhenAll(
            PollAsync(stop),
            _reporter.RunAsync(() => Link, stop),
            Resync.RunAsync(_resync, _options.ResyncPeriod, LookAtAllAsync, _log.LoopFailed, stop),
            Resync.RunAsync(new Doorbell(_clock), WatchPeriod, WatchAsync, _log.LoopFailed, stop),
            Resync.RunAsync(new Doorbell(_clock), TrimPeriod, TrimAsync, _log.LoopFailed, stop),
            RenewAsync(identity, stop));
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
                if (document is not null) _state.Replace(document);
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
            if (!_driver.List().Contains(name) || _driver.IsServed(name)) continue;
            _log.NetworkUnserved(name);
            _networks.Ring(network.Id);
        }
        return Task.CompletedTask;
    }

    private Task TrimAsync(CancellationToken stop)
    {
        if (_state.Document is { } document)
            _cache.Trim(_hypervisor.ImagesInUse().Concat(document.Images.Select(image => image.Sha256)).ToHashSet(), _options.ImageCacheBytes);
        return Task.CompletedTask;
    }

    private async Task RenewAsync(Identity identity, CancellationToken stop)
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(30), TimeSpan.FromHours(1), Fork());
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var rest = identity.RenewAt() - _clock.GetUtcNow();
            // Timers take no more than some weeks; looking once a day is often enough.
            if (rest > TimeSpan.Zero) await Task.Delay(rest < TimeSpan.FromDays(1) ? rest : TimeSpan.FromDays(1), _clock, stop);
            if (identity.RenewAt() > _clock.GetUtcNow()) continue;
            try
            {
                var (key, request) = Identity.NewKey();
                var answer = await Link.RenewAsync(new RenewRequest(request), stop);
                identity = identity with { PrivateKey = key, Certificate = answer.Certificate };
                identity.Save(_options.Paths);
                // The old link is left to calls under way, and to the collector after them.
                _link = ServerLink.For(identity, _clock);
                _log.Renewed();
                failures = 0;
            }
            catch (IOException e)
            {
                Reached(e);
                await Task.Delay(backoff.After(++failures), _clock, stop);
            }
        }
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
        await _metadata.DisposeAsync();
        _link?.Dispose();
    }
}
