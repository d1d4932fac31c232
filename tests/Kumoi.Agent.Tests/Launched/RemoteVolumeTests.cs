using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>Volumes that another host has, in a guest of a real QEMU: there from its start, plugged in, larger, and still there when the process that gives them was killed.</summary>
public sealed class RemoteVolumeTests
{
    private static readonly string Key = new('a', 64);

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task A_guest_has_the_volume_of_another_host_as_its_own(string protocol)
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var (one, two) = (Given(stand.Volume(1), protocol), Given(stand.Volume(2), protocol));
        var (there, plugged) = (await RemoteAsync(stand, one), await RemoteAsync(stand, two));
        var hypervisor = (await stand.AgentAsync()).Hypervisor;
        await stand.StartAsync(there);
        Assert.Equal([new GuestDrive(one.Id, true, true, VolumeSizes.Gib, null, true)], (await hypervisor.ObserveAsync(stand.Record.Id, default)).Process!.Drives);
        await hypervisor.ResumeAsync(stand.Record.Id, default);
        await hypervisor.PlugDriveAsync(stand.Record.Id, new DriveIntent(plugged, null), default);
        Assert.Equal([one.Id, two.Id], (await hypervisor.ObserveAsync(stand.Record.Id, default)).Process!.Drives!.Select(drive => drive.Id));
        // The keys were read, and are nowhere any more but in the two processes and the one's own directory.
        Assert.Empty(Directory.GetDirectories(stand.Machine.Options.Paths.VolumeKeys));
        await AskAsync(stand, one, "write -P 1 0 64k");
        await AskAsync(stand, two, "write -P 2 0 64k");

        // Larger where it is, and then in the guest.
        one = one with { SizeGib = 2 };
        await stand.SettleAsync(one);
        var larger = there with { SizeGib = 2, Limits = new VolumeLimits(5000, null) };
        foreach (var _ in new[] { 1, 2 }) await hypervisor.AdjustDriveAsync(stand.Record.Id, larger, default);
        Assert.Contains(new GuestDrive(one.Id, true, true, 2 * VolumeSizes.Gib, larger.Limits, true), (await hypervisor.ObserveAsync(stand.Record.Id, default)).Process!.Drives!);
        await AskAsync(stand, one, "write -P 3 1536M 64k");

        // What was written and not made to last is not the guest's to lose: it goes on, and knows of no power cut.
        var link = (await stand.AgentAsync()).Volumes.Guests.Of(stand.Record.Id)!;
        await GuestDisk.WriteAsync(link, one, "write -P 5 900M 1M");
        await GuestDisk.WriteAsync(link, two, "write -P 6 900M 1M");
        foreach (var daemon in Processes.All().Where(process => process.Arguments[0] is "qemu-storage-daemon" or "tgtd" && process.Arguments.Any(argument => argument.Contains(stand.Machine.Options.Paths.RunRoot + "/", StringComparison.Ordinal))).ToArray())
            Processes.Signal(daemon.Id, Libc.SignalKill);
        await Wait.ForAsync("their end", async () => (await stand.SeeAsync(one)).Export is null && (await stand.SeeAsync(two)).Export is null, TimeSpan.FromSeconds(10));
        await stand.SettleAsync(one, two);
        foreach (var (volume, command) in new[] { (one, "read -P 1 0 64k"), (one, "read -P 3 1536M 64k"), (two, "read -P 2 0 64k"), (one, "read -P 5 900M 1M"), (two, "read -P 6 900M 1M") }) await AskAsync(stand, volume, command);
        Assert.Equal(RunState.Running, (await hypervisor.ObserveAsync(stand.Record.Id, default)).Process!.State);

        // It ends with its guest, and is this host's own again.
        await hypervisor.KillAsync(stand.Record.Id, default);
        one = one with { Export = null };
        await stand.SettleAsync(one);
        await stand.ReadAsync(one, null, "read -P 1 0 64k", "read -P 3 1536M 64k");
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task A_guest_does_not_start_without_it_and_says_whose_fault_it_is(string protocol)
    {
        await using var stand = await SnapshotStand.MakeAsync();
        var one = Given(stand.Volume(1), protocol);
        var there = await RemoteAsync(stand, one);
        var hypervisor = (await stand.AgentAsync()).Hypervisor;
        Assert.Equal("volume-unreachable", (await Assert.ThrowsAsync<HypervisorException>(() => stand.StartAsync(there with { Remote = there.Remote! with { Key = new string('b', 64) } }))).Reason);
        Assert.Equal("volume-unreachable", (await Assert.ThrowsAsync<HypervisorException>(() => stand.StartAsync(there with { Remote = there.Remote! with { Port = 1 } }))).Reason);
        Assert.Equal("volume-not-ready", (await Assert.ThrowsAsync<HypervisorException>(() => stand.StartAsync(there with { Remote = there.Remote! with { Port = null } }))).Reason);
        Assert.Null((await hypervisor.ObserveAsync(stand.Record.Id, default)).Process);
        await stand.StartAsync(there);
        Assert.Equal([one.Id], (await hypervisor.ObserveAsync(stand.Record.Id, default)).Process!.Drives!.Select(drive => drive.Id));
    }

    private static DesiredVolume Given(DesiredVolume volume, string protocol) => volume with { InstanceId = null, Slot = null, Export = new VolumeExport(protocol, volume.InstanceId!, 1, Key) };

    /// <summary>The volume as the other host's document has it.</summary>
    private static async Task<DesiredVolume> RemoteAsync(SnapshotStand stand, DesiredVolume volume)
    {
        await stand.SettleAsync(volume);
        var export = (await stand.SeeAsync(volume)).Export!;
        return volume with { InstanceId = stand.Record.Id, Slot = volume.Id[^1] - '0', Made = true, Export = null, Remote = new VolumeRemote(volume.Export!.Protocol, "127.0.0.1", export.Port, 1, Key) };
    }

    private static Task AskAsync(SnapshotStand stand, DesiredVolume volume, string command) => stand.AskGuestAsync(stand.Record.Id, volume, command);
}
