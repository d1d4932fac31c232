using System.Security.Cryptography;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>Two hosts of one machine, with a run directory each and one directory of disks: real QEMU processes, and their locks.</summary>
public sealed class SharedDiskTests
{
    [Fact]
    public async Task A_disk_has_one_guest_at_a_time_and_goes_to_the_highest_incarnation()
    {
        await using var shared = new Machine("simulated");
        await using var one = new Machine("qemu");
        await using var two = new Machine("qemu");
        await using var old = await HostAsync(one, shared);
        await using var next = await HostAsync(two, shared);
        Assert.Equal(old.Hypervisor.Storage, next.Hypervisor.Storage);
        var first = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64, Storage = old.Hypervisor.Storage };
        var second = first with { Incarnation = 2 };

        await old.Hypervisor.MakeDiskAsync(first, old.Image, default);
        await old.Hypervisor.StartAsync(first, old.Image, [], [], null, default);
        await old.Hypervisor.ResumeAsync(first.Id, default);
        Assert.Equal([first.Id], old.Hypervisor.List());
        Assert.Empty(next.Hypervisor.List());
        Assert.Equal(new GuestSight(true, false, true, null), await next.Hypervisor.ObserveAsync(first.Id, default));

        // The new host may have the disk, and cannot: the old guest still writes to it.
        var e = await Assert.ThrowsAsync<HypervisorException>(() => next.Hypervisor.StartAsync(second, next.Image, [], [], null, default));
        Assert.Equal("disk-in-use", e.Reason);
        Assert.Equal(RunState.Running, (await old.Hypervisor.ObserveAsync(first.Id, default)).Process!.State);

        // Cut off by id, only the guest of this host ends, whatever the other host calls its own.
        Assert.Empty(await next.Hypervisor.CutOffAsync([first.Id], default));
        Assert.Equal([first.Id], await old.Hypervisor.CutOffAsync([first.Id], default));
        await next.Hypervisor.StartAsync(second, next.Image, [], [], null, default);
        await next.Hypervisor.ResumeAsync(second.Id, default);
        Assert.Equal((2, RunState.Running), await next.Hypervisor.ObserveAsync(second.Id, default) is { Process: { } process } ? (process.Incarnation, process.State) : default);

        // The old host does not get it back by itself, may not remove it, and takes only its own things away.
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => old.Hypervisor.StartAsync(first, old.Image, [], [], null, default))).Reason);
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => old.Hypervisor.MakeDiskAsync(first, old.Image, default))).Reason);
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => old.Hypervisor.RemoveAsync(first, default))).Reason);
        await old.Hypervisor.DiscardAsync(first.Id, default);
        Assert.Equal(new GuestSight(true, false, true, null), await old.Hypervisor.ObserveAsync(first.Id, default));
        Assert.Equal(RunState.Running, (await next.Hypervisor.ObserveAsync(second.Id, default)).Process!.State);

        await next.Hypervisor.KillAsync(second.Id, default);
        await next.Hypervisor.RemoveAsync(second, default);
        Assert.Equal(new GuestSight(false, false, false, null), await next.Hypervisor.ObserveAsync(second.Id, default));
        Assert.Empty(Directory.GetDirectories(shared.State).Where(path => ObjectNames.IsId(Path.GetFileName(path))));
    }

    [Fact]
    public async Task A_disk_of_a_directory_that_is_not_shared_is_discarded_with_the_rest()
    {
        await using var disks = new Machine("simulated");
        await using var machine = new Machine("qemu");
        machine.Options = machine.Options with { DisksDirectory = disks.State };
        var (cache, image) = await ImageAsync(machine);
        await using var hypervisor = new QemuHypervisor(machine.Options, "tcg", null, cache, await machine.VolumesAsync(null), new Commands(TimeProvider.System), TimeProvider.System);
        var record = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64 };
        await hypervisor.MakeDiskAsync(record, image, default);
        Assert.True(File.Exists(Path.Combine(disks.State, record.Id, "disk.qcow2")));
        Assert.Equal(new GuestSight(true, true, false, null), await hypervisor.ObserveAsync(record.Id, default));
        await hypervisor.DiscardAsync(record.Id, default);
        Assert.Equal(new GuestSight(false, false, false, null), await hypervisor.ObserveAsync(record.Id, default));
        Assert.Equal(["volumes"], Directory.GetFileSystemEntries(disks.State).Select(path => Path.GetFileName(path)));
    }

    private sealed record Host(QemuHypervisor Hypervisor, DesiredImage Image) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Hypervisor.DisposeAsync();
    }

    private static async Task<Host> HostAsync(Machine machine, Machine shared)
    {
        machine.Options = machine.Options with { DisksDirectory = shared.State, SharedDisks = true };
        var (cache, image) = await ImageAsync(machine);
        var storage = StoreDirectory.Open(shared.State, shared: true, "storage-away", TimeProvider.System);
        return new Host(
            new QemuHypervisor(machine.Options, "tcg", storage, cache, await machine.VolumesAsync(storage), new Commands(TimeProvider.System), TimeProvider.System), image);
    }

    private static async Task<(ImageCache, DesiredImage)> ImageAsync(Machine machine)
    {
        var file = Path.Combine(machine.State, "empty.qcow2");
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", file, "8M")).Code);
        var bytes = await File.ReadAllBytesAsync(file);
        var image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 8 * 1024 * 1024);
        DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
        var cache = new ImageCache(machine.Options.Paths);
        await cache.FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default);
        return (cache, image);
    }
}
