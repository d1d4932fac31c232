using System.Security.Cryptography;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;
using static Kumoi.Agent.Tests.Launched.Snapshots.SnapshotStand;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>
/// Goal: of an encrypted volume nothing is ever in clear where it is kept, whatever is done with it, and nobody opens it without its key. Method: the real qemu-img and
/// QEMU write runs of one letter, which are looked for in all bytes of the volume's files.
/// </summary>
public sealed class EncryptedVolumeTests
{
    private const string Written = "write -P 90 0 2M", Kept = "read -P 90 0 2M", OfImage = "read -P 77 4M 64k";

    private static readonly DesiredSnapshot One = new(Snapshot(1), VolumeDesire.Present), Two = new(Snapshot(2), VolumeDesire.Present);

    private static VolumeEncryption NewKey() => new(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));

    [Fact]
    public async Task What_a_guest_writes_is_encrypted_and_read_again_after_restarts_snapshots_growth_and_restoration()
    {
        await using var stand = await MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image, Encryption = NewKey() };
        await stand.StartGuestAsync(volume);
        AssertKeyIsKept(stand, volume);
        // It has the image's content as its own.
        await stand.GuestAsync(volume, OfImage, Written);
        volume = volume with { Snapshots = [One] };
        await stand.SettleAsync(volume);
        await stand.GuestAsync(volume, "write -P 91 1M 2M");
        volume = volume with { Snapshots = [One, Two], SizeGib = 2 };
        await (await stand.AgentAsync()).Hypervisor.AdjustDriveAsync(stand.Record.Id, volume, default);
        await stand.SettleAsync(volume);
        await stand.GuestAsync(volume, "write -P 92 1G 1M", "read -P 91 1M 2M");
        AssertEncrypted(stand, volume);

        // The one in the middle goes while the guest writes: what was in it is in another layer then.
        volume = volume with { Snapshots = [One with { Desired = VolumeDesire.Deleted, Taken = true }, Two with { Taken = true }] };
        await stand.SettleAsync(volume);
        await stand.GuestAsync(volume, "read -P 90 0 1M", "read -P 91 1M 2M", "read -P 92 1G 1M");
        await stand.KillGuestAsync();
        await stand.EndAgentAsync();
        await stand.StartGuestAsync(volume);
        await stand.GuestAsync(volume, "read -P 90 0 1M", "read -P 91 1M 2M", OfImage);
        await stand.KillGuestAsync();
        volume = volume with { Snapshots = [Two with { Taken = true }], Restore = new SnapshotRestore(Two.Id, 1), SizeGib = 3 };
        await stand.SettleAsync(volume);
        await stand.ReadAsync(volume, null, "read -P 91 1M 2M", "read -P 0 1G 1M", "read -P 0 2G 1M");
        await stand.ReadAsync(volume, Two.Id, "read -P 90 0 1M", OfImage);
        AssertEncrypted(stand, volume);
    }

    [Fact]
    public async Task A_copy_has_a_key_of_its_own_and_layers_are_brought_together_without_a_guest()
    {
        await using var stand = await MakeAsync();
        var volume = stand.Volume(1) with { Encryption = NewKey() };
        await stand.SettleAsync(volume);
        await stand.WriteAsync(volume, Written);
        await stand.SettleAsync(volume = volume with { Snapshots = [One] });
        await stand.WriteAsync(volume, "write -P 91 4M 1M");
        await stand.SettleAsync(volume = volume with { Snapshots = [One, Two] });
        var copy = stand.Volume(2) with { Source = new SnapshotSource(volume.Id, Two.Id), SizeGib = 2, Encryption = NewKey() };
        await stand.SettleAsync(copy);
        await stand.SettleAsync(volume = volume with { Snapshots = [One with { Desired = VolumeDesire.Deleted, Taken = true }, Two] });
        Assert.Equal(2, stand.FilesOf(volume).Length);
        foreach (var one in new[] { volume, copy })
        {
            await stand.ReadAsync(one, null, Kept, "read -P 91 4M 1M");
            AssertEncrypted(stand, one);
        }
        var (code, _) = await Machine.RunAsync("qemu-io", "--object", $"secret,id=key,data={volume.Encryption!.Key}", "--image-opts", $"driver=qcow2,encrypt.key-secret=key,file.filename={Path.Combine(stand.DirectoryOf(copy), LayerNames.Base)}", "-c", "read 0 1M");
        Assert.NotEqual(0, code);
    }

    [Fact]
    public async Task A_wrong_key_a_missing_one_and_files_that_are_not_encrypted_are_refused()
    {
        await using var stand = await MakeAsync();
        var (volume, plain) = (stand.Volume(1) with { Encryption = NewKey() }, stand.Volume(2));
        await stand.StartGuestAsync(plain);
        await stand.SettleAsync(volume);
        var (agent, encrypted) = (await stand.AgentAsync(), volume with { Encryption = NewKey() });
        async Task RefusesAsync(string reason, DesiredVolume one) =>
            Assert.Equal(reason, (await Assert.ThrowsAsync<HypervisorException>(() => agent.Hypervisor.PlugDriveAsync(stand.Record.Id, new DriveIntent(one, null), default))).Reason);

        await RefusesAsync("volume-key-wrong", encrypted);
        await RefusesAsync("volume-key-unreadable", volume with { Encryption = new VolumeEncryption(null) });
        await RefusesAsync("volume-refused", volume with { Encryption = null });
        await agent.Hypervisor.PlugDriveAsync(stand.Record.Id, new DriveIntent(volume, null), default);
        await stand.KillGuestAsync();
        await RefusesStartAsync("volume-key-wrong", encrypted);
        await RefusesStartAsync("volume-refused", plain with { Encryption = NewKey() });
        // Without its key an encrypted volume is not made in clear, either.
        Assert.Equal("volume-key-unreadable", (await Assert.ThrowsAsync<HypervisorException>(() => agent.Volumes.MakeAsync(stand.Volume(3) with { Encryption = new VolumeEncryption(null) }, null, default))).Reason);
        Assert.Empty(stand.FilesOf(stand.Volume(3)));
        Assert.DoesNotContain(volume.Encryption!.Key!, volume.ToString(), StringComparison.Ordinal);

        async Task RefusesStartAsync(string reason, DesiredVolume one) =>
            Assert.Equal(reason, (await Assert.ThrowsAsync<HypervisorException>(() => agent.Hypervisor.StartAsync(stand.Record, stand.ImageOf(plain with { ImageId = Samples.Image })!, [], [new DriveIntent(one, null)], null, default))).Reason);
    }

    /// <summary>No process was told the key where others can read it, and no file has it any more.</summary>
    private static void AssertKeyIsKept(SnapshotStand stand, DesiredVolume volume)
    {
        var guest = Assert.Single(Processes.All().ToArray(), process => process.Arguments[0] == "qemu-system-x86_64" && process.Arguments.Any(argument => argument.Contains(stand.DirectoryOf(volume), StringComparison.Ordinal)));
        Assert.DoesNotContain(guest.Arguments, argument => argument.Contains(volume.Encryption!.Key!, StringComparison.Ordinal));
        var memory = Directory.GetFiles($"/proc/{guest.Id}/fd").Where(fd => new FileInfo(fd).LinkTarget?.StartsWith("/memfd:key", StringComparison.Ordinal) == true);
        Assert.All(memory, fd => Assert.Empty(File.ReadAllBytes(fd)));
    }

    private static void AssertEncrypted(SnapshotStand stand, DesiredVolume volume)
    {
        foreach (var name in stand.FilesOf(volume))
        {
            var path = Path.Combine(stand.DirectoryOf(volume), name);
            Assert.True(Qcow2Header.Read(path)!.IsEncrypted);
            var bytes = File.ReadAllBytes(path);
            foreach (var letter in new byte[] { 77, 90, 91, 92 }) Assert.Equal(-1, bytes.AsSpan().IndexOf(Enumerable.Repeat(letter, 64).ToArray()));
        }
    }
}
