using System.Collections.Concurrent;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Volumes;

/// <summary>Keeps the host's volumes as the document says: one mailbox per volume. One that no record names is left alone, and told as a stray.</summary>
public sealed partial class VolumeController : IAsyncDisposable
{
    /// <summary>Volumes worked on together. Too low: one on a slow store delays others; too high: they crowd the machine.</summary>
    private const int Parallelism = 4;

    /// <summary>Rounds of one look. A volume that is behind in everything needs seven; more means that steps do not do what they say.</summary>
    private const int Rounds = 8;

    /// <summary>What a volume takes is told in steps of this. Too low: each report is news to the servers; too high: people see old numbers.</summary>
    private const long UsedStep = 1024 * 1024;

    /// <summary>How often it is told how far work on a volume is.</summary>
    private static readonly TimeSpan WorkPeriod = TimeSpan.FromSeconds(5);

    private readonly AgentState _state;
    private readonly IVolumeDriver _driver;
    private readonly Func<DesiredImage?, bool> _hasImage;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly WorkQueue<string> _queue;
    private readonly ConcurrentDictionary<string, Seen> _seen = new();
    private volatile StoreReport? _stores;

    /// <param name="hasImage">Whether an image is on the host.</param>
    public VolumeController(AgentState state, IVolumeDriver driver, Func<DesiredImage?, bool> hasImage, Random random, TimeProvider clock, ILogger log)
    {
        (_state, _driver, _hasImage, _clock, _log) = (state, driver, hasImage, clock, log);
        driver.Watch(Ring, id => state.FindVolume(id)?.Volume);
        _queue = new WorkQueue<string>(Parallelism, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(1), random), clock, LookAsync, Broken);
    }

    public required ImageController Images { get; init; }

    /// <summary>Sends volumes that are there to become images; null: none are sent.</summary>
    public ImageUploads? Uploads { get; init; }

    /// <summary>Called with a volume's id when what is to be reported of it has changed.</summary>
    public Action<string> Reported { get; set; } = _ => { };

    /// <summary>Called with the id of the instance that a volume is attached to, when something of the volume has changed.</summary>
    public Action<string> Rung { get; set; } = _ => { };

    /// <summary>The stores that are there; null while nobody has looked.</summary>
    public IReadOnlyList<ObservedStore>? Stores => _stores?.There;

    /// <summary>Stores that are not there.</summary>
    public IReadOnlyList<Condition> Conditions => _stores?.Conditions ?? [];

    /// <summary>Volumes found on the host that no record explains.</summary>
    public IReadOnlyList<string> Strays =>
        [.. (_stores?.Unnamed ?? []).Where(found => _state.FindVolume(found.Id) is null).Select(found => $"volume {found.Id} in {found.Path}").Order(StringComparer.Ordinal)];

    /// <summary>What was told of those when the stores were looked at last; null while nobody has looked for them.</summary>
    public IReadOnlyList<StrayVolume>? StrayVolumes => _stores is not { Unnamed: not null } stores ? null : [.. stores.Described.Where(one => _state.FindVolume(one.Id) is null)];

    public void Ring(string volumeId)
    {
        // One that another host has is that host's to look after.
        if (_state.FindVolume(volumeId) is { Volume.Remote: null } && ObjectNames.IsVolume(volumeId)) _queue.Ring(volumeId);
    }

    public void RingAll()
    {
        if (_state.Document is not { } document) return;
        foreach (var id in _seen.Keys.Where(id => _state.FindVolume(id) is not { Volume.Remote: null })) _seen.TryRemove(id, out _);
        Uploads?.Keep(id => _state.FindVolume(id) is { Volume: { Desired: VolumeDesire.Present } volume } ? volume.UploadTo : null);
        foreach (var volume in document.Volumes ?? []) Ring(volume.Id);
    }

    /// <summary>Rings the volumes that wait for an image.</summary>
    public void RingImage(string imageId)
    {
        var volumes = _state.Document?.Volumes ?? [];
        var over = volumes.Where(volume => volume.ImageId == imageId).Select(volume => volume.Id).ToHashSet();
        foreach (var volume in volumes.Where(volume => over.Contains(volume.Id) || (volume.Source is { } source && over.Contains(source.VolumeId)))) Ring(volume.Id);
    }

    /// <summary>Looks at the stores: which are there, how full, and what is in them.</summary>
    public async Task LookAtStoresAsync(CancellationToken cancel)
    {
        // One that a record named when the look began may be removed by now: it is none that nobody names.
        var named = _state.Document is { } document ? (document.Volumes ?? []).Select(volume => volume.Id).ToHashSet() : null;
        var (seen, before, now) = (await _driver.LookAsync(cancel), _stores, _clock.GetUtcNow());
        foreach (var missed in seen.Missed.Where(missed => before?.Conditions.Any(known => known.Message == missed.Words) != true)) _log.StoreMissed(missed.Words);
        (string Id, string Path)[]? unnamed = named is null ? null : [.. seen.There.SelectMany(one => one.Volumes).Where(found => !named.Contains(found.Id) && _state.FindVolume(found.Id) is null)];
        string[] strays = [.. (unnamed ?? []).Select(one => one.Id).Order(StringComparer.Ordinal)];
        _stores = new StoreReport(
            [.. seen.There.Select(one => one.Store)], unnamed, strays.Length == 0 ? [] : await _driver.DescribeAsync(strays, cancel) ?? before?.Described ?? [],
            [.. seen.Missed.Select(missed => before?.Conditions.FirstOrDefault(known => known.Message == missed.Words) ?? new Condition("Store", "store-away", missed.Words, now, null))]);
    }

    /// <summary>True if every volume of the document that can be looked at has been.</summary>
    public bool HasSeen(DesiredDocument document) => (document.Volumes ?? []).All(volume => volume.Remote is not null || !ObjectNames.IsVolume(volume.Id) || _seen.ContainsKey(volume.Id));

    /// <summary>What was last seen of these volumes of the document, or of all.</summary>
    public IReadOnlyList<ObservedVolume> Observed(IReadOnlySet<string>? ids) =>
        [.. (_state.Document?.Volumes ?? []).Where(volume => volume.Remote is null && ids?.Contains(volume.Id) != false).Select(volume => _seen.GetValueOrDefault(volume.Id)?.Report).OfType<ObservedVolume>()];

    /// <summary>
    /// Whether a guest's process can be started with the volume: it is made, as large as it should be, and this host's, and what was asked of it before was looked at, so that snapshots of several volumes at rest
    /// are of before the guest; or the host that has it gives it.
    /// </summary>
    public bool IsReady(DesiredVolume volume) => volume.Remote is { } remote ? remote.Port is not null :
        _seen.GetValueOrDefault(volume.Id) is { Plan.Settled: true } seen && (seen.Volume.Incarnation, seen.Volume.Generation) == (volume.Incarnation, volume.Generation) && seen.Volume.InstanceId == volume.InstanceId && seen.Volume.SizeGib == volume.SizeGib && volume.Export is null;

    /// <summary>Why a volume is not ready; null if nothing is known of that.</summary>
    public Condition? ConditionOf(string volumeId) => _seen.GetValueOrDefault(volumeId)?.Report.Conditions is [var first, ..] ? first : null;

    private async Task<Outcome> LookAsync(string id, CancellationToken cancel)
    {
        for (var round = 0; round < Rounds; round++)
        {
            if (_state.FindVolume(id) is not { Volume.Remote: null } found)
            {
                _seen.TryRemove(id, out _);
                return Outcome.Done;
            }
            var (document, volume) = found;
            var image = volume.ImageId is { } imageId ? document.Images.FirstOrDefault(image => image.Id == imageId) : null;
            var (step, plan) = ("Look", VolumePlan.Wait);
            try
            {
                var sight = await _driver.ObserveAsync(volume, cancel);
                plan = VolumePlanner.Plan(volume, sight, volume.ImageId is null || _hasImage(image));
                Report(volume, sight, plan, ConditionsOf(volume, sight, plan));
                if (plan.Step is null && Uploads is not null && volume.UploadTo is { } target && plan.Settled && _driver.WholeFileOf(volume) is { } whole)
                {
                    Uploads.Want(id, target, whole);
                    return Outcome.LookAgain(WorkPeriod);
                }
                if (plan.Step is not { } next) return sight.Snapshots.Work is null ? Outcome.Done : Outcome.LookAgain(WorkPeriod);
                step = next.ToString();
                if (!await TakeAsync(next, volume, document, image, cancel)) return Outcome.Done;
                _log.VolumeStepTaken(id, step);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                var (reason, message) = e is HypervisorException words ? (words.Reason, words.Message)
                    : e.Message.Contains("No space left", StringComparison.Ordinal) ? ("disk-full", "The store is full.") : ("step-failed", e.Message);
                // Said once, while it is the same: everything is looked at again every few seconds.
                if (ConditionOf(id) is not { } known || (known.Reason, known.Message) != (reason, message)) _log.VolumeStepFailed(id, step, e.Message);
                // What is only left to tidy keeps no guest from the volume.
                Report(volume, null, plan.Settled ? plan : VolumePlan.Wait, [new Condition("Volume", reason, message, _clock.GetUtcNow(), null)]);
                return Outcome.Failure;
            }
        }
        Fail(id);
        return Outcome.Failure;
    }

    private List<Condition> ConditionsOf(DesiredVolume volume, VolumeSight sight, VolumePlan plan)
    {
        var conditions = new List<Condition>();
        var now = _clock.GetUtcNow();
        if (sight.Granted > volume.Incarnation) conditions.Add(new Condition("Volume", "fenced", "The volume was given to another host since: nothing is done to it here.", now, null));
        else if (volume is { Made: true, Desired: VolumeDesire.Present } && sight.SizeBytes is null)
            conditions.Add(new Condition("Volume", "volume-missing", "The volume was made, and is not in its store any more: its files were removed, or the store was put back to an earlier state. Nothing takes its place by itself.", now, null));
        else if (plan.Step is null && !plan.Settled && sight.InUse && volume.Desired == VolumeDesire.Deleted)
            conditions.Add(new Condition("Volume", "volume-in-use", "A process on the host still has the volume open.", now, null));
        if (sight.Snapshots.Refused)
            conditions.Add(new Condition("Volume", "snapshot-refused", "The files of the volume or of its snapshots are not as they were made: they are damaged, or were changed by others. Nothing is done to them; put them back from a copy, or delete the volume with its snapshots.", now, null));
        else if (VolumePlanner.Lost(volume, sight).Select(lost => lost.Id).Concat(IsRestoredFromNothing(volume, sight) ? [volume.Restore!.SnapshotId] : []).FirstOrDefault() is { } lost)
            conditions.Add(new Condition("Volume", "snapshot-missing", $"The snapshot {lost} was taken, and is not in the store any more: its files were removed, or the store was put back to an earlier state. A later state does not take its place; delete the snapshot.", now, null));
        if (volume.UploadTo is not null && !_driver.MakesImages(volume)) conditions.Add(new Condition("Volume", "image-unsupported", "No image can be made of a volume of this pool.", now, null));
        if (Uploads?.FailureOf(volume.Id) is { } failure) conditions.Add(new Condition("Volume", "upload-failed", $"The volume could not be sent as an image: {failure} It is tried again.", now, null));
        var awaited = plan.Step switch { VolumeStep.FetchImage => volume.ImageId, VolumeStep.Copy => _state.FindVolume(volume.Source!.VolumeId)?.Volume.ImageId, _ => null };
        if (awaited is not null && Images.ConditionOf(awaited) is { } image) conditions.Add(image);
        return conditions;
    }

    private static bool IsRestoredFromNothing(DesiredVolume volume, VolumeSight sight) =>
        sight.SizeBytes is not null && volume.Restore is { } restore && restore.Number > sight.Snapshots.Restored && !sight.Snapshots.Has(restore.SnapshotId);

    /// <param name="sight">Null if the volume could not be looked at: then what was known of it stays.</param>
    private void Report(DesiredVolume volume, VolumeSight? sight, VolumePlan plan, IReadOnlyList<Condition> conditions)
    {
        var last = _seen.GetValueOrDefault(volume.Id);
        var known = last?.Volume.Incarnation == volume.Incarnation ? last.Report : null;
        // One that is another host's by now is not told of as if it were this one's.
        var mine = sight is not null && sight.Granted <= volume.Incarnation;
        var size = mine ? sight!.SizeBytes is { } bytes ? (int)Math.Min(bytes / VolumeSizes.Gib, int.MaxValue) : (int?)null : known?.SizeGib;
        var used = mine ? (sight!.UsedBytes + UsedStep - 1) / UsedStep * UsedStep : known?.UsedBytes ?? 0;
        // In a condition that says the same as before, the time at which it began is that of before.
        conditions = [.. conditions.Select(one => known?.Conditions.FirstOrDefault(before => (before.Reason, before.Message) == (one.Reason, one.Message)) ?? one)];
        var snapshots = mine ? (IReadOnlyList<ObservedSnapshot>)[.. sight!.Snapshots.Taken.Select(one => one with { UsedBytes = (one.UsedBytes + UsedStep - 1) / UsedStep * UsedStep })] : known?.Snapshots;
        var report = new ObservedVolume(
            volume.Id, volume.Incarnation, plan.Settled ? volume.Generation : Math.Min(known?.Generation ?? 0, volume.Generation), size, used, conditions, snapshots,
            mine ? sight!.Snapshots.Restored : known?.Restored ?? 0, mine ? sight!.Snapshots.Work ?? Uploads?.WorkOf(volume.Id) : known?.Work,
            // While it cannot be looked at, whoever has it may have it still.
            sight is null ? known?.Export : sight.Export is { } export ? new ObservedExport(export.Port, export.Incarnation) : null);
        _seen[volume.Id] = new Seen(volume, plan, report);
        if (known is null || !SayTheSame(known, report))
        {
            Reported(volume.Id);
            foreach (var other in (_state.Document?.Volumes ?? []).Where(other => other.Source?.VolumeId == volume.Id)) Ring(other.Id);
        }
        if (last?.Plan.Settled != plan.Settled || last.Volume != volume || known?.SizeGib != size)
            foreach (var instance in new[] { last?.Volume.InstanceId, volume.InstanceId }.OfType<string>().Distinct()) Rung(instance);
    }

    /// <summary>What a volume and its snapshots take changes all the time, and is told with the rest.</summary>
    private static bool SayTheSame(ObservedVolume a, ObservedVolume b) =>
        a with { UsedBytes = b.UsedBytes, Conditions = b.Conditions, Snapshots = b.Snapshots } == b && a.Conditions.SequenceEqual(b.Conditions)
            && a.Snapshots is null == b.Snapshots is null && (a.Snapshots ?? []).Select(one => one with { UsedBytes = 0 }).SequenceEqual((b.Snapshots ?? []).Select(one => one with { UsedBytes = 0 }));

    private void Fail(string id)
    {
        if (_state.FindVolume(id) is { Volume: var volume })
            Report(volume, null, VolumePlan.Wait, [new Condition("Volume", "agent-error", "The agent met an error it did not expect; its log has the details.", _clock.GetUtcNow(), null)]);
    }

    private void Broken(string id, Exception e)
    {
        _log.VolumeBroken(e, id);
        Fail(id);
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        if (Uploads is not null) await Uploads.DisposeAsync();
        await _driver.DisposeAsync();
    }

    private sealed record Seen(DesiredVolume Volume, VolumePlan Plan, ObservedVolume Report);

    /// <param name="Unnamed">Volumes that no record of the document named when the look began; null: there was no document.</param>
    private sealed record StoreReport(IReadOnlyList<ObservedStore> There, IReadOnlyList<(string Id, string Path)>? Unnamed, IReadOnlyList<StrayVolume> Described, IReadOnlyList<Condition> Conditions);
}
