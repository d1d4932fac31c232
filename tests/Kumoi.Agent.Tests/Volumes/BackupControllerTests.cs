using Kumoi.Agent.Backups;
using Kumoi.Agent.Images;
using Kumoi.Agent.Images.Peers;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>What a host does for backups whose store others reach, too.</summary>
public sealed class BackupControllerTests
{
    private const string Backup = "bk-19a3f2b4c5d6e0001", Volume = "vol-19a3f2b4c5d6e0001", Store = "st-19a3f2b4c5d6e0001";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static readonly IReadOnlySet<string> Ids = new HashSet<string> { Backup };

    [Fact]
    public async Task One_that_was_made_and_that_another_host_has_removed_is_made_again_only_by_a_newer_word()
    {
        var (time, state, place) = (new ManualTime(), new AgentState(), new Place());
        await using var machine = new Machine("simulated");
        await using var images = new ImageController(state, new ImageCache(machine.Options.Paths), true, new Random(1), time, Machine.Log) { Source = new ImageSource(() => throw new IOException("No server here."), time, Machine.Log) };
        await using var backups = new BackupController(state, place, _ => true, new Random(1), time, Machine.Log) { Images = images };
        DesiredDocument Told(long revision) => Samples.Document(revision, Samples.ImageOf("", 1, 1), []) with
        {
            Volumes = [new DesiredVolume(Volume, Store, 1, 1, VolumeDesire.Present, 1)], Backups = [new DesiredBackup(Backup, Store, Volume, VolumeDesire.Present, 1, new BackupMaking("snap-19a3f2b4c5d6e0001", null, null))],
        };
        state.Replace(Told(1));
        backups.Ring(Backup);
        await Wait.ForAsync("the backup", () => backups.Observed(Ids) is [{ Made: not null }], Soon);
        Assert.Equal(1, place.Makings);

        place.IsThere = false;
        backups.Ring(Backup);
        await Wait.ForAsync("a word of its loss", () => backups.Observed(Ids) is [{ Conditions: [{ Reason: "backup-removed" }] }], Soon);
        Assert.Equal(1, place.Makings);

        state.Replace(Told(2));
        backups.Ring(Backup);
        await Wait.ForAsync("the backup again", () => backups.Observed(Ids) is [{ Made: not null, Conditions: [] }], Soon);
        Assert.Equal(2, place.Makings);
    }

    /// <summary>A store with one backup in it, or none.</summary>
    private sealed class Place : IBackupDriver
    {
        private static readonly MadeBackup Whole = new(null, null, new string('a', 64), 1, 1, DateTimeOffset.UnixEpoch, SnapshotConsistency.Crash);

        private int _makings;

        public volatile bool IsThere;

        public int Makings => Volatile.Read(ref _makings);

        public void WatchBackups(Action<string> changed)
        {
        }

        public Task<StoresSight> LookAtPlacesAsync(CancellationToken cancel) => Task.FromResult(new StoresSight([], []));

        public Task<BackupSight> ObserveAsync(DesiredBackup backup, DesiredVolume? volume, CancellationToken cancel) => Task.FromResult(new BackupSight(IsThere ? Whole : null, IsThere, null, 0, null, null));

        public Task MakeAsync(DesiredBackup backup, DesiredVolume volume, DesiredImage? image, CancellationToken cancel)
        {
            Interlocked.Increment(ref _makings);
            IsThere = true;
            return Task.CompletedTask;
        }

        public Task MergeAsync(DesiredBackup backup, CancellationToken cancel) => throw new InvalidOperationException("Nobody asked for that.");

        public Task VerifyAsync(DesiredBackup backup, CancellationToken cancel) => throw new InvalidOperationException("Nobody asked for that.");

        public Task RemoveAsync(DesiredBackup backup, CancellationToken cancel) => throw new InvalidOperationException("Nobody asked for that.");
    }
}
