using System.Collections.Concurrent;
using Kumoi.Agent.Images;
using Kumoi.Agent.Leases;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Volumes;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Instances;

/// <summary>
/// Keeps the host's guests as the document says: one mailbox per guest, in which looking, planning and acting follow one another until
/// the plan is empty or only time and events can help.
/// </summary>
public sealed partial class InstanceController : IAsyncDisposable
{
    /// <summary>Rounds of one look. A plan needs four from nothing to running; more means that steps do not do what they say.</summary>
    private const int Rounds = 20;

    private readonly AgentState _state;
    private readonly IHypervisor _hypervisor;
    private readonly ImageCache _cache;
    private readonly StopLimits _limits;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Backoff _backoff;
    private readonly WorkQueue<string> _queue;
    private readonly ConcurrentDictionary<string, GuestMemory> _memories = new();
    private readonly PlugBoard _plugs = new();

    public InstanceController(
        AgentOptions options, AgentState state, IHypervisor hypervisor, ImageCache cache, Random random, TimeProvider clock, ILogger log)
    {
        (_state, _hypervisor, _cache, _clock, _log) = (state, hypervisor, cache, clock, log);
        _limits = new StopLimits(options.StopLimit, options.RebootLimit);
        _backoff = new Backoff(TimeSpan.FromMilliseconds(250), TimeSpan.FromMinutes(2), random);
        // Twice the processors: steps wait for other processes more than they compute.
        _queue = new WorkQueue<string>(options.Parallelism, _backoff, clock, LookAsync, Broken);
        hypervisor.Watch(Ring);
    }

    public required NetworkController Networks { get; init; }

    public required ImageController Images { get; init; }

    public required VolumeController Volumes { get; init; }

    public required HostLease Lease { get; init; }

    /// <summary>Called with an instance's id when what is to be reported of it has changed.</summary>
    public Action<string> Reported { get; set; } = _ => { };

    public void Ring(string id)
    {
        if (_state.Document is not null && ObjectNames.IsId(id)) _queue.Ring(_state.Find(id)?.Record.FormerOwner() ?? id);
    }

    /// <summary>Looks at every instance of the document.</summary>
    public void RingAll()
    {
        if (_state.Document is not { } document) return;
        foreach (var instance in document.Instances.Where(instance => instance.FormerOwner() is null)) Ring(instance.Id);
    }

    /// <summary>Whether the guest's process lives or, for an interface that an instance had, whether the guest still has its card; null while
    /// nobody knows.</summary>
    public bool? HasProcess(string id) => _state.Find(id)?.Record.FormerOwner() is { } owner ? _plugs.HasCard(owner, id) : _plugs.Lives(id);

    /// <summary>Whether anything may be left of an interface that an instance had.</summary>
    public bool MayHave(string interfaceId) =>
        _state.Find(interfaceId) is not { } found || found.Record.FormerOwner() is null || IsLeft(found.Record, found.Document);

    private bool IsLeft(DesiredInstance detached, DesiredDocument document) =>
        HasProcess(detached.Id) != false || Networks.ReadinessOf(detached, document) != NetworkReadiness.Gone;

    /// <summary>What was last seen of every instance of the document.</summary>
    public IReadOnlyList<ObservedInstance> Observed() =>
        _state.Document is not { } document ? []
            : [.. document.Instances.Where(instance => !instance.IsOwn()).Select(instance => _memories.GetValueOrDefault(instance.Id)?.Reported).OfType<ObservedInstance>()];

    /// <summary>What was last seen of one instance.</summary>
    public ObservedInstance? Observed(string id) => _memories.GetValueOrDefault(id)?.Reported;

    /// <summary>Instances found on the host that no record explains.</summary>
    public IReadOnlyList<string> Strays() =>
        _state.Document is not { } document ? []
            : [.. _hypervisor.List().Except(document.Instances.Where(IsExplained).Select(instance => instance.Id)).Order(StringComparer.Ordinal)];

    /// <summary>Former placements of which nothing is left on the host.</summary>
    public IReadOnlyList<FormerInstance> Departed() =>
        _state.Document is not { } document ? []
            : [.. document.Former.Where(former => _memories.GetValueOrDefault(former.Id) is { } memory && memory.Departed >= former.Incarnation)];

    /// <summary>That a placement is over says nothing of a process that belongs to a later one.</summary>
    private bool IsExplained(DesiredInstance instance) =>
        instance.Desired != Departures.Departed || _memories.GetValueOrDefault(instance.Id) is not { } memory || memory.Incarnation <= instance.Incarnation;

    private async Task<Outcome> LookAsync(string id, CancellationToken cancel)
    {
        var memory = _memories.GetOrAdd(id, _ => new GuestMemory());
        for (var round = 0; round < Rounds; round++)
        {
            if (_state.Find(id) is not { } found)
            {
                // Without a record nothing is done: the guest stays as it is, and is told as a stray.
                _memories.TryRemove(id, out _);
                return Outcome.Done;
            }
            var (document, record) = found;
            var image = document.Images.FirstOrDefault(image => image.Id == record.ImageId);
            var sight = await _hypervisor.ObserveAsync(id, cancel);
            NoteProcess(id, sight.Process, record, memory);
            memory.NoteCd(record.CdImageId);
            var now = _clock.GetUtcNow();
            var seen = new ObservedGuest(
                image is not null && ImageIsThere(image) || !_hypervisor.UsesImages, sight, ReadinessOf(record, document), memory.StopAskedAt,
                memory.ButtonPressedAt, memory.NotBefore, Lease.State, Departures.FormerOf(document, id), _hypervisor.Storage, memory.AskedAt, GuestVolumes.Of(GuestDrives.Of(document, record), Volumes.IsReady, memory.AskedAt))
            {
                Cd = CdIntent.Of(document, record, CdIsThere, memory.CdAskedAt, memory.CdSeen),
            };
            var plan = InstancePlanner.Plan(record, seen, now, _limits);
            if (plan.Settled) memory.Clear();
            Report(record, document, seen, plan, memory);
            if (plan.Steps.Count == 0) return plan.LookAgainAt is { } at ? Outcome.LookAgain(at > now ? at - now : TimeSpan.Zero) : Outcome.Done;
            if (!await TakeAsync(record, document, image, seen, plan, memory, cancel)) return Outcome.Failure;
            if (plan.Steps.Any(IsFetch)) return Outcome.Done;
        }
        memory.Fail("Instance", "agent-error", "The instance does not settle; the agent's log has the details.", _clock.GetUtcNow());
        return Outcome.Failure;
    }

    /// <summary>Whether the root disk can be made and used: one of an instance that was launched from a CD begins empty.</summary>
    private bool ImageIsThere(DesiredImage image) => !_hypervisor.UsesImages || image.Format == ImageFormats.Iso || _cache.Has(image);

    private bool CdIsThere(DesiredImage image) => !_hypervisor.UsesImages || _cache.Has(image);

    private static bool IsFetch(InstanceStep step) => step is InstanceStep.FetchImage or InstanceStep.FetchCd;

    private void NoteProcess(string id, GuestProcess? process, DesiredInstance record, GuestMemory memory)
    {
        // One that the lease's end took was not lost by itself.
        var shouldRun = record.Desired == "running" && !(record.Movable && Lease.State == LeaseState.Over);
        var drives = memory.Drives.ToHashSet();
        if (memory.Note(process, shouldRun, _backoff, _clock.GetUtcNow())) _log.ProcessLost(id);
        // Volumes that are to grow wait for the guest to do it, or for its process to let them go, as those do that are taken from it or removed.
        drives.SymmetricExceptWith(memory.Drives);
        foreach (var volume in drives.Select(drive => drive.Id).Distinct().Order(StringComparer.Ordinal)) Volumes.Ring(volume);
        var lived = _plugs.Lives(id);
        DesiredInstance[] had = [.. _state.Detached(id).Where(detached => HasProcess(detached.Id) != false)];
        _plugs.Note(id, process);
        // The taps of a terminated guest wait for the end of its process, those of interfaces that are taken away for their cards.
        if (lived != false && process is null && record.Leaves())
            foreach (var port in record.Interfaces) Networks.Ring(port.NetworkId);
        foreach (var detached in had.Where(detached => HasProcess(detached.Id) == false)) Networks.Ring(detached.Interfaces[0].NetworkId);
    }

    private NetworkReadiness ReadinessOf(DesiredInstance record, DesiredDocument document) =>
        record.Leaves() && _state.Detached(record.Id).Any(detached => IsLeft(detached, document)) ? NetworkReadiness.Pending : Networks.ReadinessOf(record, document);

    private void Broken(string id, Exception e)
    {
        _log.InstanceBroken(e, id);
        _memories.GetOrAdd(id, _ => new GuestMemory())
            .Fail("Instance", "agent-error", "The agent met an error it did not expect; its log has the details.", _clock.GetUtcNow());
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        await _hypervisor.DisposeAsync();
    }
}
