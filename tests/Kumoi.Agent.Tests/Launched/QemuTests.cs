using System.Security.Cryptography;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>Real QEMU processes, with an empty disk and no network: started, adopted by another hypervisor object, killed, removed.</summary>
public sealed class QemuTests
{
    [Fact]
    public async Task A_guest_is_started_held_adopted_resumed_lost_and_removed()
    {
        await using var machine = new Machine("qemu");
        var (cache, image) = await ImageAsync(machine);
        var record = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64, BootEpoch = 3, Incarnation = 2 };
        await using (var first = Hypervisor(machine, cache))
        {
            Assert.Equal(new GuestSight(false, false, false, null), await first.ObserveAsync(record.Id, default));
            await first.MakeDiskAsync(record, image, default);
            await first.MakeDiskAsync(record, image, default);
            await first.StartAsync(record, image, [], [], null, default);
            var held = (await first.ObserveAsync(record.Id, default)).Process!;
            Assert.Equal((2, 3, RunState.Prepared), (held.Incarnation, held.BootEpoch, held.State));
        }
        var pid = Guest(record.Id).Id;
        Assert.Contains("Uid:\t1", await File.ReadAllTextAsync($"/proc/{pid}/status"), StringComparison.Ordinal);
        Assert.Contains("NoNewPrivs:\t1", await File.ReadAllTextAsync($"/proc/{pid}/status"), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(machine.Options.Paths.Disk(record.Id)));

        await using var second = Hypervisor(machine, cache);
        var changed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await second.ResumeAsync(record.Id, default);
        Assert.Equal(RunState.Running, (await second.ObserveAsync(record.Id, default)).Process!.State);
        Assert.Equal([record.Id], second.List());
        Assert.Equal([image.Sha256], second.ImagesInUse());
        second.Watch(id => changed.TrySetResult(id));
        Processes.Signal(pid, Libc.SignalKill);
        Assert.Equal(record.Id, await changed.Task.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Null((await second.ObserveAsync(record.Id, default)).Process);

        await second.StartAsync(record, image, [], [], null, default);
        await second.KillAsync(record.Id, default);
        await second.KillAsync(record.Id, default);
        await second.RemoveAsync(record, default);
        await second.RemoveAsync(record, default);
        Assert.Equal(new GuestSight(false, false, false, null), await second.ObserveAsync(record.Id, default));
        Assert.Empty(second.List());
    }

    [Fact]
    public async Task A_guest_whose_sockets_were_removed_is_replaced_and_users_differ()
    {
        await using var machine = new Machine("qemu");
        var (cache, image) = await ImageAsync(machine);
        var one = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64 };
        var two = Samples.Instance(12, "running") with { Interfaces = [], MemoryMib = 64 };
        await using var hypervisor = Hypervisor(machine, cache);
        foreach (var record in new[] { one, two })
        {
            await hypervisor.MakeDiskAsync(record, image, default);
            await hypervisor.StartAsync(record, image, [], [], null, default);
        }
        Assert.NotEqual(User(Guest(one.Id)), User(Guest(two.Id)));
        var lost = Guest(one.Id).Id;
        Directory.Delete(machine.Options.Paths.Sockets(one.Id), recursive: true);
        await using var other = Hypervisor(machine, cache);
        Assert.Null((await other.ObserveAsync(one.Id, default)).Process);
        await other.StartAsync(one, image, [], [], null, default);
        Assert.NotEqual(lost, Guest(one.Id).Id);
    }

    [Fact]
    public async Task A_guest_that_does_not_answer_is_told_as_such_and_can_be_ended()
    {
        await using var machine = new Machine("qemu");
        var (cache, image) = await ImageAsync(machine);
        var record = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64 };
        await using (var first = Hypervisor(machine, cache))
        {
            await first.MakeDiskAsync(record, image, default);
            await first.StartAsync(record, image, [], [], null, default);
        }
        const int Stop = 19;
        Processes.Signal(Guest(record.Id).Id, Stop);
        await using var second = Hypervisor(machine, cache);
        Assert.Equal(RunState.Unknown, (await second.ObserveAsync(record.Id, default)).Process!.State);
        await second.KillAsync(record.Id, default);
        Assert.Null((await second.ObserveAsync(record.Id, default)).Process);
    }

    [Fact]
    public async Task What_is_wrong_with_a_guest_is_told_in_words()
    {
        await using var machine = new Machine("qemu");
        var (cache, image) = await ImageAsync(machine);
        var record = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64, Vcpus = 100_000 };
        await using var hypervisor = Hypervisor(machine, cache);
        await hypervisor.MakeDiskAsync(record, image, default);
        var e = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(record, image, [], [], null, default));
        Assert.Equal("start-failed", e.Reason);
        Assert.StartsWith("QEMU did not start: qemu-system-x86_64:", e.Message, StringComparison.Ordinal);
        Assert.Equal("not-running", (await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.ResumeAsync(record.Id, default))).Reason);
    }

    [Fact]
    public async Task A_console_log_is_bounded_and_keeps_its_tail()
    {
        await using var machine = new Machine("qemu");
        var log = Path.Combine(machine.State, "log");
        await using (var file = new FileStream(log, FileMode.Create))
            for (var block = 0; block < 20; block++) await file.WriteAsync(Enumerable.Repeat((byte)('a' + block), 1024 * 1024).ToArray());
        var freed = ConsoleLogs.Trim(log, 0);
        Assert.Equal(19 * 1024 * 1024, freed);
        Assert.Equal(freed, ConsoleLogs.Trim(log, freed));
        Assert.All(ConsoleLogs.ReadTail(log, 1024), one => Assert.Equal((byte)'t', one));
        Assert.Empty(ConsoleLogs.ReadTail(log + ".none", 1024));
    }

    private static QemuHypervisor Hypervisor(Machine machine, ImageCache cache) => new(machine.Options, "tcg", null, cache, machine.Volumes(null), new Commands(TimeProvider.System), TimeProvider.System);

    private static ProcessSight Guest(string id) => Processes.All().Single(process => process.Arguments[0] == QemuCommand.Emulator && process.Arguments.Any(argument => argument.StartsWith(id + "/", StringComparison.Ordinal)));

    private static string User(ProcessSight process) => File.ReadLines($"/proc/{process.Id}/status").Single(line => line.StartsWith("Uid:", StringComparison.Ordinal));

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
