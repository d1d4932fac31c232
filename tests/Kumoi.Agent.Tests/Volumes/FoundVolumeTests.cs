using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes.Directories;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

public sealed class FoundVolumeTests
{
    private const string Id = "vol-19a3f2b4c5d6e0001";

    private static readonly string Image = new string('a', 64);

    [Fact]
    public async Task A_volume_without_a_record_is_described_by_what_is_there_of_it()
    {
        await using var machine = new Machine("simulated");
        var store = StoreDirectory.Open(machine.State, false, "store-away", TimeProvider.System);
        var directory = store.DirectoryOf(Id);
        DurableFiles.MakeDirectory(directory, AgentModes.Passable);
        async Task LayerAsync(string name, string? over, string format = "qcow2") => Assert.Equal(0, (await Machine.RunAsync(
            "qemu-img", ["create", "-q", "-f", "qcow2", .. over is null ? (string[])[] : ["-u", "-F", format, "-b", over], Path.Combine(directory, name), "3G"])).Code);

        await LayerAsync("base.qcow2", null);
        File.SetLastWriteTimeUtc(Path.Combine(directory, "base.qcow2"), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        var told = FoundVolume.Describe(store, Id);
        Assert.Equal((Id, store.Id, 3, null, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), (told.Id, told.Store, told.SizeGib, told.ImageSha256, told.WrittenAt));
        Assert.InRange(told.UsedBytes, 1, 1024 * 1024);

        await LayerAsync("base.qcow2", $"{Image}.qcow2");
        Assert.Equal((3, Image), (FoundVolume.Describe(store, Id).SizeGib, FoundVolume.Describe(store, Id).ImageSha256));
        // Through layers, as far as they are there.
        await LayerAsync("layer-1.qcow2", "base.qcow2");
        (LayerState.Initial with { Head = 1 }).Write(directory);
        Assert.Equal((3, Image), (FoundVolume.Describe(store, Id).SizeGib, FoundVolume.Describe(store, Id).ImageSha256));
        foreach (var hostile in new[] { "../../etc/passwd", "/etc/passwd", "layer-1.qcow2", "missing.qcow2" })
        {
            await LayerAsync("layer-1.qcow2", hostile, "raw");
            Assert.Equal(0, FoundVolume.Describe(store, Id).SizeGib);
        }
        LayerState.Initial.Write(directory);
        Assert.Equal(3, FoundVolume.Describe(store, Id).SizeGib);
        // One that is only there for its snapshots, and one whose state is damaged, are no volumes to be had back as they are.
        (LayerState.Initial with { Head = null }).Write(directory);
        Assert.Equal(0, FoundVolume.Describe(store, Id).SizeGib);
        await File.WriteAllTextAsync(Path.Combine(directory, "layers.json"), "{");
        Assert.Equal(0, FoundVolume.Describe(store, Id).SizeGib);
        LayerState.Initial.Write(directory);
        await File.WriteAllTextAsync(Path.Combine(directory, "base.qcow2"), "nothing of the kind");
        Assert.Equal(0, FoundVolume.Describe(store, Id).SizeGib);
        File.Delete(Path.Combine(directory, "base.qcow2"));
        Assert.Equal(0, FoundVolume.Describe(store, Id).SizeGib);
    }
}
