using System.Text.Json;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Backups.BackupActs;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Backups;

/// <summary>Backups of volumes with the real qemu-img and QEMU: what is restored from each is what was read when it was made, whatever becomes of the others.</summary>
public sealed class BackupTests
{
    private const int Cluster = 64 * 1024;

    [Fact]
    public async Task A_guest_writes_while_a_full_backup_and_three_increments_are_made_and_each_is_restored()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image };
        await stand.StartGuestAsync(volume);
        await stand.GuestAsync(volume, "write -P 1 0 2M");
        var sums = new List<BackupFile>();
        string[][] changes = [[], ["write -P 2 1M 512k", "write -z 64k 64k"], ["write -P 3 8M 1M"], ["write -P 4 1M 64k", "write -P 5 512M 192k"]];
        foreach (var (number, change) in changes.Index())
        {
            if (change.Length > 0) await stand.GuestAsync(volume, change);
            (volume, var made) = await BackUpAsync(stand, volume, number + 1, number == 0 ? null : number);
            Assert.Equal(number == 0 ? null : Backup(number), made.ParentId);
            sums.Add(new BackupFile(Backup(number + 1), made.Sha256, made.ParentId));
            // What the guest goes on with is no part of it.
            await stand.GuestAsync(volume, $"write -P 9 {20 + number}M 64k");
        }
        // Of each increment as many clusters are stored as were changed, and not a tenth more.
        int[] changed = [0, 8 + 1 + 1, 16 + 1, 1 + 3 + 1];
        for (var number = 1; number < changed.Length; number++) Assert.InRange(await ClustersAsync(stand, volume, number + 1), changed[number], (int)(changed[number] * 1.1));

        string[][] reads =
        [
            ["read -P 1 0 2M", "read -P 77 4M 64k", "read -P 0 8M 1M"],
            ["read -P 1 0 64k", "read -P 0 64k 64k", "read -P 1 128k 896k", "read -P 2 1M 512k", "read -P 1 1536k 512k", "read -P 9 20M 64k", "read -P 0 8M 1M"],
            ["read -P 2 1M 512k", "read -P 3 8M 1M", "read -P 9 21M 64k", "read -P 0 22M 64k"],
            ["read -P 4 1M 64k", "read -P 2 1088k 448k", "read -P 5 512M 192k", "read -P 77 4M 64k", "read -P 9 22M 64k", "read -P 0 23M 64k"],
        ];
        for (var number = 0; number < reads.Length; number++) await RestoredAsync(stand, volume, 10 + number, sums, number, reads[number]);
        // Only the last is needed to go on from.
        Assert.Equal(2, stand.FilesOf(volume).Length);
    }

    [Fact]
    public async Task One_that_others_build_on_becomes_part_of_the_next_and_any_may_go()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var (volume, sums) = await ThreeAsync(stand);
        // The middle one, then the first.
        await MergeAsync(stand, volume, sums, 1);
        Assert.Equal((2, Backup(1)), (sums.Count, sums[1].ParentId));
        await RestoredAsync(stand, volume, 10, sums, 1, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M");
        await MergeAsync(stand, volume, sums, 0);
        Assert.Null(Assert.Single(sums).ParentId);
        await RestoredAsync(stand, volume, 11, sums, 0, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M");
        Assert.Equal([$"{Backup(3)}.qcow2", $"{Backup(3)}.qcow2.sha256"], Directory.GetFiles(stand.BackupsOf(volume)).Select(path => Path.GetFileName(path)).Order());
        Assert.Equal($"{sums[0].Sha256}  {Backup(3)}.qcow2\n", await File.ReadAllTextAsync(Path.Combine(stand.BackupsOf(volume), $"{Backup(3)}.qcow2.sha256")));
        await stand.SettleAsync(new DesiredBackup(Backup(3), stand.BackupPlace, volume.Id, VolumeDesire.Deleted, 1));
        Assert.False(Directory.Exists(stand.BackupsOf(volume)));
    }

    [Fact]
    public async Task What_is_damaged_is_found_and_never_becomes_a_volume_nor_part_of_another()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var (volume, sums) = await ThreeAsync(stand);
        var verify = new DesiredBackup(Backup(3), stand.BackupPlace, volume.Id, VolumeDesire.Present, 1, Verify: 1, Chain: Chain(sums, 2));
        Assert.Null((await stand.SettleAsync(verify)).Damaged);
        var path = Path.Combine(stand.BackupsOf(volume), $"{Backup(1)}.qcow2");
        var whole = await File.ReadAllBytesAsync(path);
        var broken = whole.ToArray();
        broken[^1] ^= 1;
        await File.WriteAllBytesAsync(path, broken);
        Assert.Contains($"{Backup(1)}.qcow2", (await stand.SettleAsync(verify with { Verify = 2 })).Damaged);
        var refused = await RefusedAsync(() => RestoredAsync(stand, volume, 10, sums, 2, "read -P 1 0 1M"));
        Assert.Equal("backup-damaged", refused.Reason);
        Assert.Null((await stand.SeeAsync(stand.Volume(10))).SizeBytes);
        Assert.Equal("backup-damaged", (await RefusedAsync(() => MergeAsync(stand, volume, [.. sums], 0))).Reason);
        // A header that names something else is not opened, whatever its sum is said to be.
        await File.WriteAllBytesAsync(path, whole);
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/shadow", path)).Code);
        List<BackupFile> lied = [sums[0] with { Sha256 = await SumAsync(path) }, .. sums.Skip(1)];
        Assert.Equal("backup-damaged", (await RefusedAsync(() => RestoredAsync(stand, volume, 11, lied, 2, "read -P 1 0 1M"))).Reason);
    }

    [Fact]
    public async Task Without_its_base_an_increment_becomes_a_full_one_and_says_so()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var (volume, _) = await ThreeAsync(stand);
        // Put back to before the last backup: what that was made of is not below the volume any more.
        volume = volume with { Snapshots = [.. volume.Snapshots!, new(Snapshot(50), VolumeDesire.Present)] };
        await stand.SettleAsync(volume);
        var (after, made) = await BackUpAsync(stand, volume, 4, 3, baseSnapshot: Snapshot(49));
        Assert.Equal((null, "base-missing"), (made.ParentId, made.FullBecause));
        await RestoredAsync(stand, after, 10, [new BackupFile(Backup(4), made.Sha256, null)], 0, "read -P 1 0 1M", "read -P 3 2M 1M");
    }

    [Fact]
    public async Task Killed_at_any_point_a_backup_is_made_merged_and_removed_by_the_next_agent()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var (volume, sums) = await ThreeAsync(stand);
        for (var number = 1; ; number++)
        {
            await stand.WriteAsync(volume, $"write -P {10 + number} 3M 64k");
            volume = volume with { Snapshots = [new(Snapshot(3), VolumeDesire.Present, Taken: true), new(Snapshot(100 + number), VolumeDesire.Present)] };
            await stand.SettleAsync(volume);
            var backup = new DesiredBackup(Backup(100 + number), stand.BackupPlace, volume.Id, VolumeDesire.Present, 1, new BackupMaking(Snapshot(100 + number), Backup(3), Snapshot(3)));
            var killed = await stand.KilledAsync(number, () => stand.SettleAsync(backup));
            var made = (await stand.SettleAsync(backup)).Made!;
            Assert.Equal(Backup(3), made.ParentId);
            Assert.Equal(made.Sha256, await SumAsync(Path.Combine(stand.BackupsOf(volume), $"{backup.Id}.qcow2")));
            Assert.DoesNotContain(Directory.GetFiles(stand.BackupsOf(volume)), path => path.EndsWith(".part", StringComparison.Ordinal));
            var deleted = backup with { Desired = VolumeDesire.Deleted, Make = null };
            await stand.KilledAsync(number, () => stand.SettleAsync(deleted));
            await stand.SettleAsync(deleted);
            Assert.Empty(Directory.GetFiles(stand.BackupsOf(volume), $"{backup.Id}*"));
            volume = volume with { Snapshots = [new(Snapshot(3), VolumeDesire.Present, Taken: true), new(Snapshot(100 + number), VolumeDesire.Deleted, Taken: true)] };
            await stand.SettleAsync(volume);
            if (!killed) break;
            Assert.True(number < 100);
        }
        var merges = 0;
        for (; sums.Count > 1; merges++)
        {
            var into = new BackupMerge(sums[1].Id, sums[1].Sha256, sums[0].Sha256, sums[0].ParentId);
            var merged = new DesiredBackup(sums[0].Id, stand.BackupPlace, volume.Id, VolumeDesire.Deleted, 1, Into: into);
            for (var number = 1; await stand.KilledAsync(number, () => stand.SettleAsync(merged)); number++) Assert.True(number < 100);
            var sight = await stand.SettleAsync(merged);
            sums = [new BackupFile(sums[1].Id, sight.Merged!.Sha256, null), .. sums.Skip(2)];
            Assert.Equal(sums[0].Sha256, await SumAsync(Path.Combine(stand.BackupsOf(volume), $"{sums[0].Id}.qcow2")));
        }
        Assert.Equal(2, merges);
        await RestoredAsync(stand, volume, 10, sums, 0, "read -P 1 0 1M", "read -P 2 1M 1M", "read -P 3 2M 1M");
    }

    /// <summary>A volume with three backups, of which each later one is an increment.</summary>
    private static async Task<(DesiredVolume Volume, List<BackupFile> Sums)> ThreeAsync(SnapshotStand stand)
    {
        var volume = stand.Volume(1);
        await stand.SettleAsync(volume);
        var sums = new List<BackupFile>();
        for (var number = 1; number <= 3; number++)
        {
            await stand.WriteAsync(volume, $"write -P {number} {number - 1}M 1M");
            (volume, var made) = await BackUpAsync(stand, volume, number, number == 1 ? null : number - 1);
            sums.Add(new BackupFile(Backup(number), made.Sha256, made.ParentId));
        }
        return (volume, sums);
    }

    private static async Task<HypervisorException> RefusedAsync(Func<Task> act) => await Assert.ThrowsAsync<HypervisorException>(act);

    /// <summary>Clusters of its own that a backup's file has, those that only say zeros among them.</summary>
    private static async Task<int> ClustersAsync(SnapshotStand stand, DesiredVolume volume, int number)
    {
        var path = Path.Combine(stand.BackupsOf(volume), $"{Backup(number)}.qcow2");
        var (code, output) = await Machine.RunAsync("qemu-img", "map", "--output=json", "json:" + JsonSerializer.Serialize(new Dictionary<string, object?> { ["driver"] = "qcow2", ["backing"] = null, ["file"] = new { driver = "file", filename = path } }));
        Assert.Equal(0, code);
        return (int)(JsonDocument.Parse(output).RootElement.EnumerateArray().Where(part => part.GetProperty("present").GetBoolean()).Sum(part => part.GetProperty("length").GetInt64()) / Cluster);
    }
}
