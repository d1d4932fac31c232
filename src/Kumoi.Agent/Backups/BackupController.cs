using System.Collections.Concurrent;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Backups;

/// <summary>Does for backups what the document says: one mailbox for each.</summary>
public sealed class BackupController : IAsyncDisposable
{
    /// <summary>Backups worked on together. Too low: one in a slow place delays others; too high: they crowd the machine.</summary>
    private const int Parallelism = 2;

    /// <summary>Rounds of one look; more means that steps do not do what they say.</summary>
    private const int Rounds = 6;

    /// <summary>How often it is told how far work is.</summary>
    private static readonly TimeSpan WorkPeriod = TimeSpan.FromSeconds(5);

    private readonly AgentState _state;
    private readonly IBackupDriver _driver;
    private readonly Func<DesiredImage?, bool> _hasImage;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly WorkQueue<string> _queue;
    private readonly ConcurrentDictionary<string, ObservedBackup> _seen = new();

    /// <summary>Of backups that were made and seen here: under which revision of the document.</summary>
    private readonly ConcurrentDictionary<string, (int Incarnation, long Revision)> _made = new();

    private volatile IReadOnlyList<ObservedBackupPlace>? _places;
    private volatile IReadOnlyList<Condition> _conditions = [];

    /// <param name="hasImage">Whether an image is on the host.</param>
    public BackupController(AgentState state, IBackupDriver driver, Func<DesiredImage?, bool> hasImage, Random random, TimeProvider clock, ILogger log)
    {
        (_state, _driver, _hasImage, _clock, _log) = (state, driver, hasImage, clock, log);
        driver.WatchBackups(Ring);
        _queue = new WorkQueue<string>(Parallelism, new Backoff(TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(1), random), clock, LookAsync, Broken);
    }

    public required ImageController Images { get; init; }

    /// <summary>Called with a backup's id when what is to be reported of it has changed.</summary>
    public Action<string> Reported { get; set; } = _ => { };

    /// <summary>The places that are there; null while nobody has looked.</summary>
    public IReadOnlyList<ObservedBackupPlace>? Places => _places;

    /// <summary>Places that are not there.</summary>
    public IReadOnlyList<Condition> Conditions => _conditions;

    public void Ring(string backupId)
    {
        if (Find(backupId) is not null && ObjectNames.IsBackup(backupId)) _queue.Ring(backupId);
    }

    /// <summary>Rings those that are made of this volume.</summary>
    public void RingVolume(string volumeId)
    {
        foreach (var backup in (_state.Document?.Backups ?? []).Where(backup => DataOf(backup) == volumeId && backup.Make is not null)) Ring(backup.Id);
    }

    public void RingAll()
    {
        if (_state.Document is not { } document) return;
        var told = (document.Backups ?? []).Select(backup => backup.Id).ToHashSet();
        foreach (var id in _seen.Keys.Where(id => !told.Contains(id))) _seen.TryRemove(id, out _);
        foreach (var id in _made.Keys.Where(id => !told.Contains(id))) _made.TryRemove(id, out _);
        foreach (var id in told) Ring(id);
    }

    /// <summary>Looks at the places: which are there, and how full.</summary>
    public async Task LookAtPlacesAsync(CancellationToken cancel)
    {
        var (seen, before, now) = (await _driver.LookAtPlacesAsync(cancel), _conditions, _clock.GetUtcNow());
        foreach (var missed in seen.Missed.Where(missed => !before.Any(known => known.Message == missed.Words))) _log.StoreMissed(missed.Words);
        _places = [.. seen.There.Select(one => new ObservedBackupPlace(one.Store.Id, one.Store.Pool, one.Store.Shared, one.Store.CapacityGib, one.Store.UsedGib))];
        _conditions = [.. seen.Missed.Select(missed => before.FirstOrDefault(known => known.Message == missed.Words) ?? new Condition("Backup store", "store-away", missed.Words, now, null))];
    }

    /// <summary>What was last seen of these backups of the document, or of all.</summary>
    public IReadOnlyList<ObservedBackup> Observed(IReadOnlySet<string>? ids) =>
        [.. (_state.Document?.Backups ?? []).Where(backup => ids?.Contains(backup.Id) != false).Select(backup => _seen.GetValueOrDefault(backup.Id)).OfType<ObservedBackup>()];

    private DesiredBackup? Find(string id) => _state.Document?.Backups?.FirstOrDefault(backup => backup.Id == id);

    private async Task<Outcome> LookAsync(string id, CancellationToken cancel)
    {
        for (var round = 0; round < Rounds; round++)
        {
            if (Find(id) is not { } backup || !AreNames(backup)) return Outcome.Done;
            var volume = _state.FindVolume(DataOf(backup))?.Volume;
            var step = "Look";
            try
            {
                var sight = await _driver.ObserveAsync(backup, volume, cancel);
                var plan = BackupPlanner.Plan(backup, sight);
                if (sight.Made is not null && _state.Document is { } document) _made[id] = (backup.Incarnation, document.Revision);
                // Why the last try failed is told until the next has done better.
                Report(backup, sight, plan is not null && sight.Work is null ? _seen.GetValueOrDefault(id)?.Conditions ?? [] : []);
                if (plan is not { } next) return sight.Work is null ? Outcome.Done : Outcome.LookAgain(WorkPeriod);
                // One that is to be deleted is not waited for, unless the next one needs it whole.
                if (sight.Work is not null && next != BackupStep.Remove) return Outcome.LookAgain(WorkPeriod);
                step = next.ToString();
                await TakeAsync(next, backup, volume, cancel);
                _log.BackupStepTaken(id, step);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                var (reason, message) = e is HypervisorException words ? (words.Reason, words.Message)
                    : e.Message.Contains("No space left", StringComparison.Ordinal) ? ("backup-store-full", "The backup store is full.") : ("step-failed", e.Message);
                if (_seen.GetValueOrDefault(id)?.Conditions is not [var known, ..] || (known.Reason, known.Message) != (reason, message)) _log.BackupStepFailed(id, step, e.Message);
                Report(backup, null, [new Condition("Backup", reason, message, _clock.GetUtcNow(), null)]);
                return Outcome.Failure;
            }
        }
        return Outcome.LookAgain(WorkPeriod);
    }

    /// <summary>What the document calls the volume that a backup is of.</summary>
    private static string DataOf(DesiredBackup backup) => backup.Make?.DataId ?? backup.VolumeId;

    /// <summary>Ids come from the server, but they become paths here, so their form is checked first.</summary>
    private static bool AreNames(DesiredBackup backup) =>
        ObjectNames.IsBackup(backup.Id) && ObjectNames.IsVolume(backup.VolumeId) && (backup.Make?.ParentId is not { } parent || ObjectNames.IsBackup(parent))
        && (backup.Into is not { } into || (ObjectNames.IsBackup(into.ChildId) && (into.ParentId is not { } below || ObjectNames.IsBackup(below)))) && (backup.Chain ?? []).All(file => ObjectNames.IsBackup(file.Id));

    private async Task TakeAsync(BackupStep step, DesiredBackup backup, DesiredVolume? volume, CancellationToken cancel)
    {
        switch (step)
        {
            case BackupStep.Make:
                // Another host has removed it, most likely: this one has not heard from the servers since, and what it made now would be left for ever.
                if (_made.TryGetValue(backup.Id, out var made) && made == (backup.Incarnation, _state.Document?.Revision ?? 0)) throw new HypervisorException("backup-removed", $"The backup {backup.Id} was made, and its file is not there any more; it is made again only if the servers have told something new since.", null);
                if (volume is null) throw new HypervisorException("backup-waits", $"The servers have not told this host of the volume {backup.VolumeId}, whose backup this is.", null);
                var image = volume.ImageId is { } imageId ? _state.Document?.Images.FirstOrDefault(one => one.Id == imageId) : null;
                if (volume.ImageId is not null && _driver.NeedsImage(volume) && !_hasImage(image))
                {
                    Images.Want(volume.ImageId);
                    throw new HypervisorException("image-unavailable", $"The image {volume.ImageId}, which the volume is a layer over, is being fetched.", null);
                }
                await _driver.MakeAsync(backup, volume, image, cancel);
                break;
            case BackupStep.Merge:
                await _driver.MergeAsync(backup, cancel);
                break;
            case BackupStep.Verify:
                await _driver.VerifyAsync(backup, cancel);
                break;
            case BackupStep.Remove:
                await _driver.RemoveAsync(backup, cancel);
                break;
            default:
                throw new InvalidOperationException($"Unknown step {step}.");
        }
    }

    /// <param name="sight">Null if the backup could not be looked at: then nothing is said of it but why.</param>
    private void Report(DesiredBackup backup, BackupSight? sight, IReadOnlyList<Condition> conditions)
    {
        var known = _seen.GetValueOrDefault(backup.Id) is { } last && last.Incarnation == backup.Incarnation ? last : null;
        conditions = [.. conditions.Select(one => known?.Conditions.FirstOrDefault(before => (before.Reason, before.Message) == (one.Reason, one.Message)) ?? one)];
        var report = sight is null
            ? new ObservedBackup(backup.Id, backup.Incarnation, null, false, null, known?.Verified ?? 0, known?.Damaged, conditions, null)
            : new ObservedBackup(backup.Id, backup.Incarnation, sight.Made, IsGone(backup, sight), sight.Merged, sight.Verified, sight.Damaged, conditions, sight.Work);
        _seen[backup.Id] = report;
        if (known is null || known with { Conditions = report.Conditions } != report || !known.Conditions.SequenceEqual(report.Conditions)) Reported(backup.Id);
    }

    /// <summary>Of one that is not there yet it is not said: by the time that is heard it may be on its way out, and is made here all the same.</summary>
    private static bool IsGone(DesiredBackup backup, BackupSight sight) => (backup.Desired == VolumeDesire.Deleted || PlantedBugs.Has(PlantedBug.GoneBeforeItIsAsked)) && sight is { Traces: false, Made: null };

    private void Broken(string id, Exception e)
    {
        _log.BackupBroken(e, id);
        if (Find(id) is { } backup) Report(backup, null, [new Condition("Backup", "agent-error", "The agent met an error it did not expect; its log has the details.", _clock.GetUtcNow(), null)]);
    }

    public ValueTask DisposeAsync() => _queue.DisposeAsync();
}
