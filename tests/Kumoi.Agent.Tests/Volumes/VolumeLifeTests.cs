using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Simulated;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>
/// Goal: volumes become what their records say, in and out of guests, and the servers hear of it. Method: the whole agent on a simulated host against a
/// server in memory, under a clock that the test moves.
/// </summary>
public sealed class VolumeLifeTests
{
    private static readonly DesiredInstance One = Samples.Instance(1, "running"), Two = Samples.Instance(2, "running");
    private const string First = "vol-19a3f2b4c5d6e0001", Second = "vol-19a3f2b4c5d6e0002", Third = "vol-19a3f2b4c5d6e0003";

    private readonly ManualTime _time = new();
    private readonly MemoryServer _server = new();
    private readonly MemoryHost _host;
    private readonly Dictionary<string, DesiredVolume> _volumes = [];
    private readonly Dictionary<string, DesiredInstance> _instances = [];
    private long _revision;

    public VolumeLifeTests() => _host = new MemoryHost(_time, _server, new SimulatedDisks("host1", null), null);

    [Fact]
    public async Task A_volume_is_made_attached_while_the_guest_runs_grows_there_moves_on_and_is_deleted()
    {
        await using var agent = _host.Start();
        await SetAsync(One, []);
        var started = _host.Process(One)!.StartedAt;
        await SetAsync(Volume(First, 10));
        await SetAsync(One, [First]);
        await SetAsync(Volume(First, 12) with { InstanceId = One.Id, Slot = 1, Limits = new VolumeLimits(100, null) });
        await UntilAsync("its growth in the guest", () => Drives(One) is [{ SizeBytes: 12 * VolumeSizes.Gib, Limits.Iops: 100 }]);
        await SetAsync(Volume(Second, 1));
        await SetAsync(One, [Second, First]);
        await SetAsync(One, [First]);
        await SetAsync(Two, []);
        await SetAsync(One, []);
        await SetAsync(Two, [First, Second]);
        await SetAsync(Two, []);
        Assert.Equal(started, _host.Process(One)!.StartedAt);
        // With no guest it grows where it is.
        await SetAsync(Volume(First, 20));
        foreach (var id in new[] { First, Second }) await SetAsync(_volumes[id] with { Desired = VolumeDesire.Deleted });
        Assert.Empty(_host.Hardware.Disks.Volumes.List());
        // What was there at the last look at the stores, and is not since, is nobody's stray.
        _volumes.Clear();
        Put(One);
        await UntilAsync("a report of the document without them", () => _server.Reports.Last().DesiredRevision == _revision);
        Assert.All(_server.Reports, report => Assert.Empty(report.Strays));
    }

    [Fact]
    public async Task A_guest_is_started_with_its_volumes_and_not_before_they_are_there()
    {
        _host.Faults.Fault = (step, _) => step == "MakeVolume" ? "The store is slow." : null;
        await using var agent = _host.Start();
        Put(Volume(First, 5) with { InstanceId = One.Id, Slot = 1 });
        Put(One);
        await UntilAsync("the condition", () => Seen(One) is { Power: PowerState.Stopped } seen && seen.Conditions.Any(condition => condition is { Type: "Volume", Reason: "volume-not-ready" } && condition.Message.Contains("The store is slow.", StringComparison.Ordinal)));
        // Told with the same report or the next.
        await UntilAsync("the volume's condition", () => Seen(First)?.Conditions.Any(condition => condition.Reason == "simulated-fault") == true);
        Assert.False(_host.Runs(One));
        _host.Faults.Fault = (_, _) => null;
        await SettledAsync(One);
        Assert.Equal([First], Seen(One)!.Volumes);
        Assert.Empty(Seen(One)!.Conditions);

        // Stopped, it lets go, and a start takes it again.
        Put(_instances[One.Id] with { Desired = "stopped", Generation = ++_revision });
        await SettledAsync(One);
        Assert.Empty(Seen(One)!.Volumes!);
        await SetAsync(Volume(First, 6) with { InstanceId = One.Id, Slot = 1 });
        Put(_instances[One.Id] with { Desired = "running", Generation = ++_revision });
        await SettledAsync(One);
        Assert.Equal([new GuestDrive(First, true, true, 6 * VolumeSizes.Gib, null)], Drives(One));

        // What becomes of the volumes of a guest that is no more is not the guest's to say.
        Put(_instances[One.Id] with { Desired = "terminated", Generation = ++_revision });
        await UntilAsync("its end", () => Seen(One) is { Power: PowerState.Absent, Volumes.Count: 0 });
        Assert.Equal([First], _host.Hardware.Disks.Volumes.List());
    }

    [Fact]
    public async Task A_disk_that_is_not_given_back_is_told_asked_for_again_and_outlives_the_agent()
    {
        _host.Faults.KeepsDisks = _ => true;
        var agent = _host.Start();
        try
        {
            await SetAsync(Volume(First, 1));
            await SetAsync(One, [First]);
            Attach(One, []);
            await UntilAsync("the condition", () => Seen(One) is { Conditions: [{ Type: "Volume", Reason: "disk-not-released" }] });
            Assert.Equal([First], Seen(One)!.Volumes);
            Assert.True(Seen(One)!.Generation < _instances[One.Id].Generation);
            // It may be asked to go and to grow; neither is done under the guest.
            Put(_volumes[First] with { Desired = VolumeDesire.Deleted, Generation = ++_revision });
            await UntilAsync("the volume's condition", () => Seen(First) is { Conditions: [{ Reason: "volume-in-use" }], SizeGib: 1 });
            await agent.DisposeAsync();
            _server.Seen.Clear();
            agent = _host.Start();
            await UntilAsync("the condition of the next agent", () => Seen(One) is { Conditions: [{ Reason: "disk-not-released" }], Volumes: [First] });
            _host.Faults.KeepsDisks = _ => false;
            await SettledAsync(One);
            Assert.Empty(Seen(One)!.Volumes!);
            await UntilAsync("its end", () => Seen(First) is { SizeGib: null } seen && seen.Generation == _volumes[First].Generation);
        }
        finally
        {
            await agent.DisposeAsync();
        }
    }

    [Fact]
    public async Task Snapshots_of_a_running_guest_are_of_one_moment_put_back_copied_and_deleted()
    {
        await using var agent = _host.Start();
        var volumes = _host.Hardware.Disks.Volumes;
        await SetAsync(Volume(First, 1));
        await SetAsync(Volume(Second, 2));
        await SetAsync(One, [First, Second]);
        foreach (var id in new[] { First, First, Second }) volumes.Write(id);
        // One is slow to be made ready; the other waits for it.
        _host.Faults.Fault = (step, id) => step == "PrepareSnapshot" && id == Second ? "Not yet." : null;
        _volumes[First] = _volumes[First] with { Snapshots = [new DesiredSnapshot(Snap(1), VolumeDesire.Present, "g-1")], Generation = ++_revision };
        Put(_volumes[Second] with { Snapshots = [new DesiredSnapshot(Snap(2), VolumeDesire.Present, "g-1")], Generation = ++_revision });
        await UntilAsync("the condition", () => Seen(Second) is { Conditions: [{ Reason: "simulated-fault" }] });
        volumes.Write(First);
        Assert.True(Seen(First)!.Generation < _volumes[First].Generation);
        Assert.Null(volumes.ContentOf(First, Snap(1)));
        // Asked for before its snapshot is there, a volume waits for that without complaint.
        Put(Volume(Third, 5) with { Source = new SnapshotSource(Second, Snap(2)), Generation = ++_revision });
        await UntilAsync("the third volume's look", () => Seen(Third) is not null);
        _host.Faults.Fault = (_, _) => null;
        await UntilAsync("both snapshots", () => Seen(First) is { Snapshots.Count: 1 } && Seen(Second) is { Snapshots.Count: 1 });
        Assert.Equal((3L, 1L), (volumes.ContentOf(First, Snap(1)), volumes.ContentOf(Second, Snap(2))));
        Assert.Equal(Seen(First)!.Snapshots![0].TakenAt, Seen(Second)!.Snapshots![0].TakenAt);
        volumes.Write(First);
        await SetAsync(One, []);
        await SetAsync(_volumes[First] with { Restore = new SnapshotRestore(Snap(1), 4) });
        Assert.Equal((3L, 4L), (volumes.ContentOf(First), Seen(First)!.Restored));
        await UntilAsync("the third volume", () => Seen(Third) is { SizeGib: 5 } seen && seen.Generation == _volumes[Third].Generation);
        Assert.Equal(1, volumes.ContentOf(Third));
        Assert.DoesNotContain(_server.Reports, report => report.Volumes?.Any(seen => seen.Id == Third && seen.Conditions.Count > 0) == true);
        // A volume that is deleted keeps its snapshots, and one that was taken is not taken anew.
        await SetAsync(_volumes[Second] with { Desired = VolumeDesire.Deleted, Snapshots = [new DesiredSnapshot(Snap(2), VolumeDesire.Present, "g-1", Taken: true)] });
        Assert.Equal(1, volumes.ContentOf(Second, Snap(2)));
        await SetAsync(_volumes[Second] with { Snapshots = [new DesiredSnapshot(Snap(2), VolumeDesire.Deleted, "g-1", Taken: true)] });
        Assert.Equal([First, Third], volumes.List());
        await SetAsync(_volumes[First] with { Snapshots = [new DesiredSnapshot(Snap(1), VolumeDesire.Present, "g-1", Taken: true)] });
        volumes.Forget(First, [Snap(1)]);
        Put(_volumes[First] with { Generation = ++_revision });
        await UntilAsync("the loss", () => Seen(First) is { Conditions: [{ Reason: "snapshot-missing" }], Snapshots: [] });
    }

    [Theory]
    [InlineData("PrepareSnapshot")]
    [InlineData("TakeSnapshot")]
    [InlineData("DeleteSnapshot")]
    [InlineData("RestoreVolume")]
    [InlineData("CopyVolume")]
    [InlineData("MakeVolume")]
    [InlineData("GrowVolume")]
    [InlineData("RemoveVolume")]
    [InlineData("PlugDrive")]
    [InlineData("UnplugDrive")]
    [InlineData("AdjustDrive")]
    public async Task Each_step_that_fails_is_told_and_taken_again(string failing)
    {
        const string Words = "As the test has it.";
        await using var agent = _host.Start();
        // Until the server has heard of it.
        bool IsTold() => _server.Reports.Any(report => report.Instances.SelectMany(seen => seen.Conditions).Concat((report.Volumes ?? []).SelectMany(seen => seen.Conditions)).Any(condition => condition.Message == Words));
        _host.Faults.Fault = (step, _) => step == failing && !IsTold() ? Words : null;
        await SetAsync(One, []);
        await SetAsync(Volume(First, 1));
        await SetAsync(Volume(First, 2));
        await SetAsync(One, [First]);
        await SetAsync(_volumes[First] with { SizeGib = 3 });
        await UntilAsync("its growth", () => Drives(One) is [{ SizeBytes: 3 * VolumeSizes.Gib }]);
        await SetAsync(_volumes[First] with { Snapshots = [new DesiredSnapshot(Snap(1), VolumeDesire.Present)] });
        await SetAsync(One, []);
        await SetAsync(_volumes[First] with { Restore = new SnapshotRestore(Snap(1), 1) });
        await SetAsync(Volume(Second, 3) with { Source = new SnapshotSource(First, Snap(1)) });
        await SetAsync(_volumes[First] with { Snapshots = [new DesiredSnapshot(Snap(1), VolumeDesire.Deleted, null, Taken: true)] });
        Assert.Empty(Seen(First)!.Snapshots!);
        await SetAsync(_volumes[First] with { Desired = VolumeDesire.Deleted });
        Assert.True(IsTold(), $"The step {failing} was never taken.");
    }

    [Fact]
    public async Task What_no_record_names_is_left_alone_and_told_and_stores_are_told_with_everything()
    {
        _host.Hardware.Disks.Volumes.Make(Second, 4);
        await using var agent = _host.Start();
        await SetAsync(Volume(First, 1));
        await UntilAsync("a full report", () => _server.Reports.LastOrDefault(report => report.Full) is { Stores: [{ UsedGib: 5 }], Volumes.Count: 1 } report && report.Strays.Count > 0);
        var full = _server.Reports.Last(report => report.Full);
        Assert.Equal([new ObservedStore(_host.Hardware.Disks.Volumes.Id, "local", "directory", false, true, 100, 5, true)], full.Stores!);
        Assert.Equal([$"volume {Second} in memory"], full.Strays);
        Assert.All(_server.Reports.Where(report => !report.Full), report => Assert.Null(report.Stores));

        // A document without it says nothing of it.
        _volumes.Clear();
        Put(One);
        await SettledAsync(One);
        await UntilAsync("both strays", () => _server.Reports.Last().Strays.Count == 2);
        Assert.Equal([First, Second], _host.Hardware.Disks.Volumes.List());
    }

    [Fact]
    public async Task A_volume_of_a_store_that_is_away_is_not_said_to_be_gone()
    {
        await using var agent = _host.Start();
        await SetAsync(Volume(First, 3));
        Put(_volumes[First] with { Store = "st-0000000000000000f", Desired = VolumeDesire.Deleted, Generation = ++_revision });
        await UntilAsync("the condition", () => Seen(First) is { Conditions: [{ Reason: "store-away" }] });
        Assert.Equal(3, Seen(First)!.SizeGib);
        Assert.True(Seen(First)!.Generation < _volumes[First].Generation);
    }

    [Fact]
    public async Task Of_two_hosts_on_one_storage_the_later_incarnation_gets_the_volume_when_the_first_has_let_go()
    {
        var disks = new SimulatedDisks("filer", null);
        const string Filer = "st-19a3f2b4c5d6e7f99";
        var (here, there) = (new SimulatedMachine(disks, Filer, _time), new SimulatedMachine(disks, Filer, _time));
        await using SimulatedHypervisor one = new(here, new SimulatedFaults(), _time), two = new(there, new SimulatedFaults(), _time);
        var first = new SimulatedVolumeDriver(here, new SimulatedFaults(), () => 100, _time);
        var volume = new DesiredVolume(First, Filer, 1, 1, VolumeDesire.Present, 1, null, One.Id, 1);
        await first.MakeAsync(volume, null, default);
        await one.MakeDiskAsync(One, Samples.ImageOf("", 0, 0), default);
        await one.StartAsync(One, Samples.ImageOf("", 0, 0), [], [new DriveIntent(volume, null)], null, default);
        await two.MakeDiskAsync(Two, Samples.ImageOf("", 0, 0), default);
        var later = volume with { Incarnation = 2, InstanceId = Two.Id };
        Assert.Equal("disk-in-use", (await Assert.ThrowsAsync<HypervisorException>(() => two.StartAsync(Two, Samples.ImageOf("", 0, 0), [], [new DriveIntent(later, null)], null, default))).Reason);
        here.CutPower();
        await two.StartAsync(Two, Samples.ImageOf("", 0, 0), [], [new DriveIntent(later, null)], null, default);
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => one.StartAsync(One, Samples.ImageOf("", 0, 0), [], [new DriveIntent(volume, null)], null, default))).Reason);
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => first.RemoveAsync(volume, default))).Reason);
        Assert.Equal(2, (await first.ObserveAsync(volume, default)).Granted);
    }

    private static string Snap(int number) => $"snap-19a3f2b4c5d6e{number:x4}";

    private DesiredVolume Volume(string id, int gib) => new(id, _host.Hardware.Disks.Volumes.Id, 1, 1, VolumeDesire.Present, gib);

    private ObservedInstance? Seen(DesiredInstance instance) => _server.Seen.GetValueOrDefault(instance.Id);

    private ObservedVolume? Seen(string id) => _server.Reports.SelectMany(report => report.Volumes ?? []).LastOrDefault(seen => seen.Id == id);

    private IReadOnlyList<GuestDrive>? Drives(DesiredInstance instance) => _host.Process(instance)?.Drives;

    private void Put(DesiredVolume volume)
    {
        _volumes[volume.Id] = volume;
        Tell();
    }

    private void Put(DesiredInstance instance)
    {
        _instances[instance.Id] = instance;
        Tell();
    }

    private void Tell() => _server.Set(Samples.Document(++_revision, null, [], One) with { Instances = [.. _instances.Values], Volumes = [.. _volumes.Values] });

    /// <summary>The instance has these volumes and no others, in this order.</summary>
    private void Attach(DesiredInstance instance, string[] volumes)
    {
        _revision++;
        foreach (var volume in _volumes.Values.Where(volume => volume.InstanceId == instance.Id).ToArray()) _volumes[volume.Id] = volume with { InstanceId = null, Slot = null };
        foreach (var (id, index) in volumes.Select((id, index) => (id, index))) _volumes[id] = _volumes[id] with { InstanceId = instance.Id, Slot = index + 1 };
        Put(instance with { Generation = _revision });
    }

    private async Task SetAsync(DesiredInstance instance, string[] volumes)
    {
        Attach(instance, volumes);
        await SettledAsync(instance);
        Assert.Equal(volumes.Order(), Seen(instance)!.Volumes);
        Assert.Equal(volumes.Order(), Drives(instance)!.Select(drive => drive.Id));
    }

    private async Task SetAsync(DesiredVolume volume)
    {
        Put(volume with { Generation = ++_revision });
        await UntilAsync($"{volume}; the last report is {Seen(volume.Id)}", () => Seen(volume.Id) is { } seen && seen.Generation == _volumes[volume.Id].Generation && seen.Conditions.Count == 0);
        Assert.Equal(volume.Desired == VolumeDesire.Deleted ? null : volume.SizeGib, Seen(volume.Id)!.SizeGib);
    }

    private Task SettledAsync(DesiredInstance instance) => UntilAsync($"{instance.Id}; the last report is {Seen(instance)}", () => Seen(instance) is { Conditions.Count: 0 } seen && seen.Generation == _instances[instance.Id].Generation);

    private Task UntilAsync(string what, Func<bool> condition) => Wait.ForAsync(what, () =>
    {
        if (condition()) return true;
        _time.Advance(TimeSpan.FromSeconds(1));
        return false;
    }, TimeSpan.FromSeconds(20));
}
