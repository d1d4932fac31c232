using System.Security.Cryptography;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Backups.BackupActs;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Backups;

/// <summary>
/// Goal: what is encrypted where it is kept is encrypted in its backups too, and is read from them with its key and no other. Method: the real qemu-img writes runs of one
/// letter, which are looked for in all bytes of the backup store.
/// </summary>
public sealed class EncryptedBackupTests
{
    private static readonly byte[] Letters = [77, 90, 91, 92];

    private static VolumeEncryption NewKey() => new(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));

    [Fact]
    public async Task Full_increment_merge_verification_and_restoration_leave_nothing_in_clear()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image, Encryption = NewKey() };
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 90 0 2M");
        (volume, var full) = await BackUpAsync(stand, volume, 1, null);
        AssertNothingInClear(stand, volume);
        await stand.WriteAsync(volume, "write -P 91 1M 2M", "write -z 64k 64k");
        (volume, var second) = await BackUpAsync(stand, volume, 2, 1);
        await stand.WriteAsync(volume, "write -P 92 2M 64k");
        (volume, var third) = await BackUpAsync(stand, volume, 3, 2);
        Assert.Equal((null, Backup(1), Backup(2)), (full.ParentId, second.ParentId, third.ParentId));
        // An increment is no copy of all of it.
        Assert.InRange(third.StoredBytes, 64 * 1024, full.StoredBytes - (1024 * 1024));
        AssertNothingInClear(stand, volume);
        List<BackupFile> sums = [new(Backup(1), full.Sha256, null), new(Backup(2), second.Sha256, Backup(1)), new(Backup(3), third.Sha256, Backup(2))];
        string[] reads = ["read -P 90 0 64k", "read -P 0 64k 64k", "read -P 90 128k 896k", "read -P 91 1M 1M", "read -P 92 2M 64k", "read -P 91 2112k 960k", "read -P 77 4M 64k", "read -P 0 8M 1M"];

        // The middle one over another, then the full one.
        foreach (var index in new[] { 1, 0 })
        {
            await MergeAsync(stand, volume, sums, index);
            AssertNothingInClear(stand, volume);
            var verified = await stand.SettleAsync(new DesiredBackup(sums[^1].Id, stand.BackupPlace, volume.Id, VolumeDesire.Present, 1, Verify: 2 - index, Chain: Chain(sums, sums.Count - 1), Encryption: volume.Encryption));
            Assert.Equal((2 - index, null), (verified.Verified, verified.Damaged));
        }
        Assert.Null(Assert.Single(sums).ParentId);
        var (other, plain) = (stand.Volume(10) with { Encryption = NewKey() }, stand.Volume(11));
        await RestoredAsync(stand, volume, other, sums, 0, reads);
        await RestoredAsync(stand, volume, plain, sums, 0, reads);
        AssertNoLetters([.. stand.FilesOf(other).Select(name => Path.Combine(stand.DirectoryOf(other), name))]);
        Assert.True(HeaderOf(stand, other).IsEncrypted);
        Assert.False(HeaderOf(stand, plain).IsEncrypted);
        // In clear they would be found.
        Assert.Throws<Xunit.Sdk.EqualException>(() => AssertNoLetters([Path.Combine(stand.DirectoryOf(plain), Assert.Single(stand.FilesOf(plain)))]));
        AssertNothingInClear(stand, volume);
    }

    [Fact]
    public async Task Without_the_key_or_with_another_no_volume_is_made_of_a_backup_and_none_is_merged()
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var volume = stand.Volume(1) with { Encryption = NewKey() };
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, "write -P 90 0 1M");
        (volume, var full) = await BackUpAsync(stand, volume, 1, null);
        await stand.WriteAsync(volume, "write -P 91 1M 1M");
        (volume, var second) = await BackUpAsync(stand, volume, 2, 1);
        List<BackupFile> sums = [new(Backup(1), full.Sha256, null), new(Backup(2), second.Sha256, Backup(1))];
        foreach (var (number, reason, encryption) in new[] { (10, "volume-key-wrong", NewKey()), (11, "volume-key-unreadable", new VolumeEncryption(null)), (12, "backup-damaged", null) })
        {
            await stand.EndAgentAsync();
            var lied = volume with { Encryption = encryption };
            Assert.Equal(reason, (await Assert.ThrowsAsync<HypervisorException>(() => RestoredAsync(stand, lied, number, sums, 1))).Reason);
            Assert.Null((await stand.SeeAsync(stand.Volume(number))).SizeBytes);
            Assert.Equal(reason, (await Assert.ThrowsAsync<HypervisorException>(() => MergeAsync(stand, lied, [.. sums], 0))).Reason);
        }
        // Nothing of that has harmed them. What has failed is left alone for a while; the next agent knows nothing of that.
        await stand.EndAgentAsync();
        await RestoredAsync(stand, volume, 20, sums, 1, "read -P 90 0 1M", "read -P 91 1M 1M");
        await MergeAsync(stand, volume, sums, 0);
        await RestoredAsync(stand, volume, 21, sums, 0, "read -P 90 0 1M", "read -P 91 1M 1M");
    }

    private static Qcow2Header HeaderOf(SnapshotStand stand, DesiredVolume volume) => Qcow2Header.Read(Path.Combine(stand.DirectoryOf(volume), Assert.Single(stand.FilesOf(volume))))!;

    private static void AssertNothingInClear(SnapshotStand stand, DesiredVolume volume)
    {
        foreach (var path in Directory.GetFiles(stand.BackupsOf(volume), "*.qcow2")) Assert.True(Qcow2Header.Read(path)!.IsEncrypted);
        AssertNoLetters(Directory.GetFiles(stand.BackupsOf(volume)));
    }

    private static void AssertNoLetters(string[] paths)
    {
        Assert.NotEmpty(paths);
        foreach (var path in paths)
        {
            var bytes = File.ReadAllBytes(path);
            foreach (var letter in Letters) Assert.Equal(-1, bytes.AsSpan().IndexOf(Enumerable.Repeat(letter, 64).ToArray()));
        }
    }
}
