using Kumoi.Agent.Images;
using Kumoi.Agent.Images.Peers;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Simulated;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>What wakes a volume that waits, and what keeps nobody waiting.</summary>
public sealed class VolumeControllerTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_volume_that_is_filled_goes_on_as_soon_as_the_image_below_its_source_has_come()
    {
        const string Source = "vol-19a3f2b4c5d6e0001", Copy = "vol-19a3f2b4c5d6e0002", Snapshot = "snap-19a3f2b4c5d6e0001";
        // A clock that nobody moves: what is only tried again after a wait is never tried again.
        var (time, state, hasImage) = (new ManualTime(), new AgentState(), false);
        await using var machine = new Machine("simulated");
        var faults = new SimulatedFaults();
        var driver = new SimulatedVolumeDriver(machine.Hardware, faults, () => 100, time);
        var images = new ImageController(state, new ImageCache(machine.Options.Paths), true, new Random(1), time, Machine.Log) { Source = new ImageSource(() => throw new IOException("No server here."), time, Machine.Log) };
        await using var volumes = new VolumeController(state, driver, _ => hasImage, new Random(1), time, Machine.Log) { Images = images };
        var store = machine.Hardware.Disks.Volumes;
        var source = new DesiredVolume(Source, store.Id, 1, 1, VolumeDesire.Present, 1, Samples.Image) { Snapshots = [new DesiredSnapshot(Snapshot, VolumeDesire.Present, null, Taken: true)] };
        await driver.MakeAsync(source, null, default);
        await driver.PrepareAsync(source with { Snapshots = [new DesiredSnapshot(Snapshot, VolumeDesire.Present)] }, default);
        var copy = new DesiredVolume(Copy, store.Id, 1, 1, VolumeDesire.Present, 1, Source: new SnapshotSource(Source, Snapshot));
        state.Replace(Samples.Document(1, Samples.ImageOf("", 1, 1), []) with { Volumes = [source, copy] });
        volumes.Ring(Copy);
        await Wait.ForAsync("its first look", () => volumes.Observed(new HashSet<string> { Copy }) is [{ SizeGib: null }], Soon);
        hasImage = true;
        volumes.RingImage(Samples.Image);
        await Wait.ForAsync("the copy", () => volumes.Observed(new HashSet<string> { Copy }) is [{ SizeGib: 1, Conditions: [] }], Soon);
        await images.DisposeAsync();
    }

    [Fact]
    public async Task A_store_that_hangs_while_what_is_found_in_it_is_described_holds_nobody()
    {
        await using var machine = new Machine("simulated");
        await using var driver = await machine.VolumesAsync(null);
        var stray = Path.Combine(machine.Options.Paths.Volumes, "vol-19a3f2b4c5d6e0009");
        DurableFiles.MakeDirectory(stray, AgentModes.Passable);
        // Who opens it waits until somebody writes to it.
        var pipe = Path.Combine(stray, "base.qcow2");
        Assert.Equal(0, (await Machine.RunAsync("mkfifo", pipe)).Code);
        Assert.Null(await driver.DescribeAsync(["vol-19a3f2b4c5d6e0009"], default).WaitAsync(TimeSpan.FromSeconds(20)));
        File.Move(pipe, pipe + ".old");
        Assert.Equal(0, (await Machine.RunAsync("bash", "-c", $": > '{pipe}.old'")).Code);
        Assert.NotNull(await driver.DescribeAsync(["vol-19a3f2b4c5d6e0009"], default));
    }
}
