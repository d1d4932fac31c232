using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kumoi.Agent.Backups;
using Kumoi.Agent.Backups.Directories;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>
/// Backups: the content of a volume's snapshot in a file elsewhere; an increment has what the layers between two snapshots have allocated, and nothing else.
/// Programs run as a user of the volume's own, over chains in which each file is said.
/// </summary>
public sealed partial class DirectoryVolumes : IBackupDriver
{
    // Zeros are left out in pieces of a cluster.
    private const string Cluster = "65536";

    private readonly ConcurrentDictionary<string, (long Number, string? Damaged)> _verified = new();
    private Action<string> _backupChanged = _ => { };

    /// <summary>Where backups are kept.</summary>
    public required Stores BackupPlaces { get; init; }

    /// <summary>Volumes that are no files, of which backups are made, too; null: there are none.</summary>
    internal BlockVolumes? Blocks { get; set; }

    public bool NeedsImage(DesiredVolume volume) => Blocks?.Keeps(volume.Store) != true;

    public void WatchBackups(Action<string> changed) => _backupChanged = changed;

    public Task<StoresSight> LookAtPlacesAsync(CancellationToken cancel) => BackupPlaces.LookAsync(cancel);

    public async Task<BackupSight> ObserveAsync(DesiredBackup backup, DesiredVolume? volume, CancellationToken cancel)
    {
        var place = BackupPlaces.Need(backup.Place);
        var point = backup.Make is { } make && volume is not null && Blocks?.Keeps(volume.Store) == true ? await Blocks.FindAsync(volume, make.SnapshotId, cancel) : null;
        try
        {
            return await Task.Run(() =>
            {
                place.CheckMounted();
                return See(backup, volume, FilesOf(backup), point?.Snapshot);
            }, cancel).WaitAsync(LookLimit, clock, cancel);
        }
        catch (TimeoutException)
        {
            throw new HypervisorException(Stores.Away, $"The directory {place.Disks} of the backup store does not answer.", null);
        }
    }

    private BackupSight See(DesiredBackup backup, DesiredVolume? volume, BackupFiles files, ObservedSnapshot? point)
    {
        var work = _programs.Of(backup.Id) is { State: LayerWorkState.Running } run ? new VolumeWork(run.Kind, run.DoneBytes, run.TotalBytes, _programs.Since(backup.Id)) : null;
        if (_programs.Of(backup.Id) is { Kind: VolumeWorks.Verify, State: LayerWorkState.Done } verified) _verified[backup.Id] = (long.Parse(verified.Id, System.Globalization.CultureInfo.InvariantCulture), verified.Words);
        var (number, damaged) = _verified.GetValueOrDefault(backup.Id);
        var path = files.PathOf(backup.Id);
        MergedBackup? merged = null;
        if (backup.Into is { } into && !File.Exists(path) && File.Exists(files.PathOf(into.ChildId)) && files.SumOf(into.ChildId) is { } later
            && Qcow2Header.Read(files.PathOf(into.ChildId)) is { } header && header.Backing == (into.ParentId is { } parent ? BackupFiles.NameOf(parent) : null))
            merged = new MergedBackup(into.ChildId, later, FileStates.BytesUsed(files.PathOf(into.ChildId)));
        MadeBackup? made = null;
        if (backup.Make is { } make && File.Exists(path) && files.SumOf(backup.Id) is { } sum && work is null)
        {
            var isIncrement = Qcow2Header.Read(path)?.Backing is not null;
            var taken = volume is null || Blocks?.Keeps(volume.Store) == true ? null : Find(volume).Item2.State.Snapshots.FirstOrDefault(one => one.Id == make.SnapshotId && one.TakenAt is not null);
            var stored = FileStates.BytesUsed(path);
            made = new MadeBackup(
                isIncrement ? make.ParentId : null, make.ParentId is not null && !isIncrement ? "base-missing" : null, sum, stored, stored,
                taken?.TakenAt ?? point?.TakenAt ?? new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero), taken?.Consistency ?? point?.Consistency ?? SnapshotConsistency.Crash);
        }
        return new BackupSight(made, files.HasTraces(backup.Id) || (backup.Into is { } child && File.Exists(files.MergeNoteOf(child.ChildId))), merged, number, damaged, work);
    }

    /// <summary>True if work on the backup runs; what has failed is told once, and begun anew with the next call.</summary>
    private bool Runs(DesiredBackup backup, string done, out LayerWork? ended)
    {
        ended = null;
        if (_programs.Of(backup.Id) is not { } work)
        {
            _programs.CheckRested(backup.Id);
            return false;
        }
        if (work.State == LayerWorkState.Running) return true;
        if (work.State == LayerWorkState.Failed) throw _programs.Failed(backup.Id, work.Failure ?? FailedBackup(backup.VolumeId, work.Words ?? "", done));
        _programs.Forget(backup.Id);
        ended = work;
        return false;
    }

    private BackupFiles FilesOf(DesiredBackup backup) => new(BackupPlaces.Need(backup.Place), backup.VolumeId, backup.Encryption is not null);

    private static HypervisorException FailedBackup(string volumeId, string words, string done) =>
        words.Contains("No space left", StringComparison.Ordinal) ? new HypervisorException("backup-store-full", $"The backup store is full: the backup could not be {done}.", null)
            : LayerKey.IsRefused(words) ? LayerKey.Wrong(volumeId, null)
            : new HypervisorException("backup-failed", $"The backup could not be {done}: {(words.Length > 500 ? words[^500..] : words)}", null);

    private void Begin(DesiredBackup backup, string kind, long total, IReadOnlyList<LayerKey> keys, Func<LayerRun, Task<string?>> act, LayersRead? reads = null, long number = 0) =>
        _programs.Start(backup.Id, new LayerWork(number.ToString(System.Globalization.CultureInfo.InvariantCulture), kind, 0, LayerWorkState.Running, 0, total, null) { Reads = reads }, act, keys, () => _backupChanged(backup.Id));

    public async Task MergeAsync(DesiredBackup backup, CancellationToken cancel)
    {
        var (files, into) = (FilesOf(backup), backup.Into!);
        var (own, child) = (files.PathOf(backup.Id), files.PathOf(into.ChildId));
        if (Runs(backup, "made part of the next one", out var ended)) return;
        if (ended is { Kind: VolumeWorks.Merge, Words: { } sum })
        {
            files.WriteSum(into.ChildId, into.ChildSha256, sum);
            // One rename: before it the next one builds on this one, after it it is all of both.
            File.Move(own, child, overwrite: true);
            DurableFiles.FlushDirectory(files.Directory);
            files.WriteSum(into.ChildId, sum);
            return;
        }
        await _programs.EndAsync(backup.Id, files.Directory, cancel, BackupFiles.NameOf(backup.Id));
        BackupFile lower = new(backup.Id, into.Sha256, into.ParentId), upper = new(into.ChildId, into.ChildSha256, backup.Id);
        files.Check(lower);
        var size = files.Check(upper).Size;
        var (lowerBytes, upperBytes) = (files.LengthOf(backup.Id), files.LengthOf(into.ChildId));
        var user = UserOf(backup.VolumeId);
        // Something is below, so that zeros are written where they may hide something. Of what the lower one names, only the file itself is opened.
        var parent = into.ParentId is { } id ? files.CheckAlone(id) : null;
        var key = LayerKey.Of(backup.VolumeId, backup.Encryption, user);
        var below = parent is null ? Nothing(size) : key.Layer(parent, null);
        Begin(backup, VolumeWorks.Merge, 2 * lowerBytes + 3 * upperBytes, [key], async run =>
        {
            if (!File.Exists(files.MergeNoteOf(into.ChildId)))
            {
                // What is damaged must not become part of what gets a new sum.
                foreach (var one in new[] { lower, upper }) await files.CheckWholeAsync(one, bytes => run.Done(bytes), run.Cancelled);
                DurableFiles.Write(files.MergeNoteOf(into.ChildId), Encoding.ASCII.GetBytes(backup.Id), AgentModes.PrivateFile);
                DurableFiles.FlushDirectory(files.Directory);
            }
            // The lower one's own content is nobody's: read through the upper one it is the same before, while and after bytes arrive.
            foreach (var path in new[] { own, child }) DurableFiles.Own(path, user, AgentModes.PrivateFile);
            await run.WatchAsync(commands, "setpriv", [.. As(user, []), ImageTool, "commit", "-p", "-d", "-t", "writeback", .. key.Arguments, TextOf(key, child, key.Layer(own, below))], [key], upperBytes);
            foreach (var path in new[] { own, child }) DurableFiles.Seal(path, user);
            DurableFiles.Flush(own);
            return await BackupFiles.HashAsync(own, bytes => run.Done(bytes), run.Cancelled);
        });
    }

    public async Task VerifyAsync(DesiredBackup backup, CancellationToken cancel)
    {
        var files = FilesOf(backup);
        if (_programs.Of(backup.Id) is { Kind: VolumeWorks.Verify, State: LayerWorkState.Done } && _verified.GetValueOrDefault(backup.Id).Number < backup.Verify) _programs.Forget(backup.Id);
        if (Runs(backup, "read", out _)) return;
        var chain = backup.Chain ?? [];
        Begin(backup, VolumeWorks.Verify, chain.Sum(one => files.LengthOf(one.Id)), [], async run =>
        {
            try
            {
                foreach (var one in chain) await files.CheckWholeAsync(one, bytes => run.Done(bytes), run.Cancelled);
                return null;
            }
            catch (HypervisorException e)
            {
                return e.Message;
            }
        }, number: backup.Verify);
        await Task.CompletedTask;
    }

    public async Task RemoveAsync(DesiredBackup backup, CancellationToken cancel)
    {
        var files = FilesOf(backup);
        await _programs.EndAsync(backup.Id, files.Directory, cancel, BackupFiles.NameOf(backup.Id));
        _programs.Forget(backup.Id);
        _verified.TryRemove(backup.Id, out _);
        if (backup.Into is { } into)
        {
            if (files.SumOf(into.ChildId) is { } sum) files.WriteSum(into.ChildId, sum);
            File.Delete(files.MergeNoteOf(into.ChildId));
        }
        files.Remove(backup.Id);
    }

    public async Task FillAsync(DesiredVolume volume, CancellationToken cancel)
    {
        var (store, files) = Find(volume);
        using var mine = await GateAsync(volume.Id, cancel);
        await BeginAsync(volume, store, files, cancel);
        if (files.IsMade || await IsFillingAsync(volume, store, files, "filled from its backup", cancel)) return;
        await _programs.EndAsync(volume.Id, files.Directory, cancel);
        var (source, backups) = (volume.Backup!, new BackupFiles(BackupPlaces.Need(volume.Backup!.Place), volume.Backup.VolumeId, volume.Backup.Encryption is not null));
        var headers = source.Chain.Select(backups.Check).ToList();
        var (bytes, user) = (source.Chain.Sum(one => backups.LengthOf(one.Id)), UserOf(source.VolumeId));
        File.Delete(files.Beginning);
        await CreateAsync(volume, files.Beginning, null, Math.Max(headers[0].Size, volume.SizeGib * VolumeSizes.Gib), cancel);
        DurableFiles.Own(files.Beginning, user);
        var (read, key) = (LayerKey.OfSource(source.VolumeId, source.Encryption, user), LayerKey.Of(volume, user));
        _programs.Start(volume.Id, new LayerWork("restore-0", VolumeWorks.Restore, 0, LayerWorkState.Running, 0, 2 * bytes, null), async run =>
        {
            foreach (var one in source.Chain) await backups.CheckWholeAsync(one, read => run.Done(read), run.Cancelled);
            JsonObject? below = null;
            foreach (var one in source.Chain.Reverse()) below = read.Layer(backups.PathOf(one.Id), below);
            await run.WatchAsync(commands, "setpriv", [.. As(user, []), .. Copy, .. read.Arguments, .. key.Arguments, "json:" + below!.ToJsonString(), .. key.Into(files.Beginning)], [read, key], bytes);
            return null;
        }, [read, key], () => _changed(volume.Id));
    }

    internal static uint UserOf(string volumeId) => Users + (BitConverter.ToUInt32(SHA256.HashData(Encoding.ASCII.GetBytes(volumeId))) & UsersMask);
}
