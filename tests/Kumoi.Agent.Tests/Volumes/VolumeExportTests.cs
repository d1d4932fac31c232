using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>
/// Goal: a volume that is given to another host is that host's guest's alone, and what was said to be written is there. Method: the real qemu-storage-daemon and tgtd, with
/// qemu-io as the other host. Each step is taken by objects of its own, as by an agent that was killed in between.
/// </summary>
public sealed partial class VolumeExportTests : IAsyncDisposable
{
    private static readonly string Key = new('a', 64), OtherKey = new('b', 64);

    private readonly Machine _machine = new("qemu");
    private string _protocol = VolumeProtocols.Nbd;
    private DesiredVolume _volume = new("vol-19a3f2b4c5d6e0001", "", 1, 1, VolumeDesire.Present, 1);

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task What_is_written_over_the_network_is_there_and_nobody_without_the_key_gets_in(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        await GiveAsync(1, Key);
        var port = (await SeeAsync()).Export!.Port;
        Assert.InRange(port, 10809, 11808);
        Assert.Contains("wrote 1048576/1048576", await AskAsync(port, Key, "write -P 7 0 1M", "flush"), StringComparison.Ordinal);
        var isNbd = protocol == VolumeProtocols.Nbd;
        Assert.Contains(isNbd ? "TLS handshake failed" : "Authentication failure", await AskAsync(port, OtherKey, "read 0 512"), StringComparison.Ordinal);
        Assert.Contains(isNbd ? "TLS negotiation required" : "Authentication failure", await AskAsync(port, null, "read 0 512"), StringComparison.Ordinal);
        Assert.Equal((true, VolumeSizes.Gib), await SeeAsync() is var seen ? (seen.InUse, seen.SizeBytes!.Value) : default);
        // At the host's own address only, and as a user that may do nothing else.
        Assert.Contains($"127.0.0.1:{port} ", (await Machine.RunAsync("ss", "-Htln", "sport", "=", $"{port}")).Output, StringComparison.Ordinal);
        Assert.Equal(isNbd ? 1 : 2, Daemons().Length);
        foreach (var daemon in Daemons())
        {
            var status = File.ReadLines($"/proc/{daemon.Id}/status").ToArray();
            // In a user namespace of its own it may mount, and nothing else; nowhere anything in the host's.
            var mounts = !isNbd && daemon.Arguments[0] == "qemu-storage-daemon";
            Assert.Contains(status, line => line.StartsWith("CapBnd:", StringComparison.Ordinal) && line.EndsWith(mounts ? "0000000000200000" : "0000000000000000", StringComparison.Ordinal));
            Assert.Equal(mounts, File.ReadAllText($"/proc/{daemon.Id}/uid_map").Split(' ', StringSplitOptions.RemoveEmptyEntries)[2].Trim() == "1");
            Assert.DoesNotContain(status, line => line.StartsWith("Uid:\t0", StringComparison.Ordinal));
            Assert.DoesNotContain(daemon.Arguments, argument => argument.Contains(Key, StringComparison.Ordinal));
        }
        // The file between the two is nowhere on the host.
        Assert.DoesNotContain(_machine.Options.Paths.RunRoot, File.ReadAllText("/proc/self/mountinfo"), StringComparison.Ordinal);

        await OnceAsync(driver => driver.EndExportAsync(_volume, default));
        await OnceAsync(driver => driver.EndExportAsync(_volume, default));
        Assert.Empty(Daemons());
        Assert.Equal((false, null), await SeeAsync() is var left ? (left.InUse, left.Export) : default);
        Assert.Contains("read 1048576/1048576", (await Machine.RunAsync("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 7 0 1M", FileOf(_volume))).Output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_machine.Options.Paths.Exports));
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task One_that_was_killed_begins_anew_where_its_guest_comes_back_to_and_nothing_that_was_written_is_lost(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        await GiveAsync(1, Key);
        var port = (await SeeAsync()).Export!.Port;
        using var guest = Connect(port, Key);
        await guest.SayAsync("write -P 1 0 64k", "wrote 65536/65536");
        await guest.SayAsync("flush", "");
        foreach (var pattern in Enumerable.Range(2, 4))
        {
            // What a target has taken is with the other process, whether it was made to last or not.
            var isTarget = protocol == VolumeProtocols.Iscsi && pattern % 2 == 0;
            if (isTarget) await guest.SayAsync($"write -P {pattern} 32M 64k", "wrote 65536/65536");
            // One of the two alone, in turn: the other must not go on without it.
            Processes.Signal(Daemons().First(daemon => protocol == VolumeProtocols.Nbd || daemon.Arguments[0] == (isTarget ? "tgtd" : "qemu-storage-daemon")).Id, Libc.SignalKill);
            await Wait.ForAsync("its end", async () => (await SeeAsync()).Export is null, TimeSpan.FromSeconds(10));
            // Asked while nobody answers, and answered when somebody does.
            var asked = guest.SayAsync($"write -P {pattern} {pattern}M 64k", "wrote 65536/65536");
            await GiveAsync(1, Key);
            Assert.Equal(port, (await SeeAsync()).Export!.Port);
            await asked;
            if (isTarget) await guest.SayAsync($"read -P {pattern} 32M 64k", "read 65536/65536");
            await guest.SayAsync("flush", "");
        }
        await guest.SayAsync("read -P 1 0 64k", "read 65536/65536");
        foreach (var pattern in Enumerable.Range(2, 4)) await guest.SayAsync($"read -P {pattern} {pattern}M 64k", "read 65536/65536");
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task Who_had_it_before_is_cut_off_before_the_next_one_has_it(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        await GiveAsync(1, Key);
        using var former = Connect((await SeeAsync()).Export!.Port, Key);
        await former.SayAsync("write -P 1 0 64k", "wrote 65536/65536");
        var first = Daemons();

        _volume = _volume with { Generation = 2, Export = new VolumeExport(_protocol, "i-19a3f2b4c5d6e7f81", 2, OtherKey) };
        var seen = await SeeAsync();
        Assert.Equal((VolumePlan.Do(VolumeStep.EndExport), 1), (VolumePlanner.Plan(_volume, seen, true), seen.Export!.Incarnation));
        await OnceAsync(driver => driver.EndExportAsync(_volume, default));
        Assert.DoesNotContain(first, daemon => Processes.IsAlive(daemon.Id));
        Assert.Equal(VolumePlan.Do(VolumeStep.Export), VolumePlanner.Plan(_volume, await SeeAsync(), true));
        await OnceAsync(driver => driver.ExportAsync(_volume, null, default));
        seen = await SeeAsync();
        Assert.Equal((VolumePlan.Nothing, 2), (VolumePlanner.Plan(_volume, seen, true), seen.Export!.Incarnation));

        using var next = Connect(seen.Export.Port, OtherKey);
        await next.SayAsync("write -P 2 0 64k", "wrote 65536/65536");
        // Whatever the former one still sends finds nobody who takes it: by NBD that is the end of it, by iSCSI it asks for ever.
        var late = former.SayAsync("write -P 9 0 64k", "write failed");
        if (protocol == VolumeProtocols.Nbd) await late;
        else
        {
            var mine = _volume;
            _volume = _volume with { Export = new VolumeExport(_protocol, "i-19a3f2b4c5d6e7f80", 1, Key) };
            Assert.Contains("Target not found", await AskAsync(seen.Export.Port, Key, "write -P 9 0 64k"), StringComparison.Ordinal);
            _volume = mine;
        }
        await next.SayAsync("read -P 2 0 64k", "read 65536/65536");
        Assert.Equal(protocol == VolumeProtocols.Nbd, late.IsCompleted);
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task It_grows_and_has_snapshots_taken_and_forgotten_while_it_is_given(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        await GiveAsync(1, Key);
        using var guest = Connect((await SeeAsync()).Export!.Port, Key);
        await guest.SayAsync("write -P 1 0 8M", "wrote 8388608/8388608");

        _volume = _volume with { SizeGib = 2 };
        var seen = await SeeAsync();
        Assert.Equal(VolumePlan.Do(VolumeStep.Grow), VolumePlanner.Plan(_volume, seen, true));
        foreach (var _ in new[] { 1, 2 }) await OnceAsync(driver => driver.GrowAsync(_volume, null, default));
        Assert.Equal(2 * VolumeSizes.Gib, (await SeeAsync()).SizeBytes);
        await guest.SayAsync("read -P 1 0 8M", "read 8388608/8388608");
        await guest.SayAsync("truncate 2G", "");
        await guest.SayAsync("write -P 3 1536M 64k", "wrote 65536/65536");

        _volume = _volume with { Snapshots = [new DesiredSnapshot("snap-19a3f2b4c5d6e0001", VolumeDesire.Present)] };
        await SettleAsync(() => guest.SayAsync("write -P 2 0 64k", "wrote 65536/65536"));
        seen = await SeeAsync();
        Assert.Equal("snap-19a3f2b4c5d6e0001", Assert.Single(seen.Snapshots.Taken).Id);
        await guest.SayAsync("write -P 4 1M 64k", "wrote 65536/65536");
        Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(FileOf(_volume))!, "layer-1.qcow2")));

        _volume = _volume with { Snapshots = [_volume.Snapshots![0] with { Desired = VolumeDesire.Deleted }] };
        await SettleAsync(() => guest.SayAsync("write -P 5 2M 64k", "wrote 65536/65536"));
        Assert.Empty((await SeeAsync()).Snapshots.Taken);
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(FileOf(_volume))!, "layer-1.qcow2")));
        foreach (var (pattern, at) in new[] { (2, "0"), (4, "1M"), (5, "2M"), (1, "3M"), (3, "1536M") }) await guest.SayAsync($"read -P {pattern} {at} 64k", "read 65536/65536");
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task An_agent_that_is_killed_at_any_point_is_followed_by_one_that_gives_it_and_ends_it(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        for (var point = 0; ; point++)
        {
            var (left, reached) = (point, false);
            FaultPoints.Reached.Value = _ =>
            {
                reached |= left-- <= 0;
                if (reached) throw new OperationCanceledException();
            };
            _volume = _volume with { Export = new VolumeExport(_protocol, "i-19a3f2b4c5d6e7f80", point + 1, Key) };
            try
            {
                await SettleAsync(() => Task.CompletedTask);
            }
            catch (OperationCanceledException)
            {
                Assert.True(reached);
            }
            finally
            {
                FaultPoints.Reached.Value = null;
            }
            await SettleAsync(() => Task.CompletedTask);
            Assert.Equal(point + 1, (await SeeAsync()).Export!.Incarnation);
            Assert.Equal(protocol == VolumeProtocols.Nbd ? 1 : 2, Daemons().Length);
            Assert.Contains("wrote 65536/65536", await AskAsync((await SeeAsync()).Export!.Port, Key, $"write -P {point % 255} {point}M 64k"), StringComparison.Ordinal);
            if (!reached) break;
        }
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task A_port_that_another_process_has_is_passed_over_and_one_that_a_guest_knows_is_waited_for(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        _machine.Options = _machine.Options with { ExportPorts = (port, port) };
        _volume = _volume with { Export = new VolumeExport(_protocol, "i-19a3f2b4c5d6e7f80", 1, Key) };
        Assert.Equal("export-ports-taken", (await Assert.ThrowsAsync<HypervisorException>(() => OnceAsync(driver => driver.ExportAsync(_volume, null, default)))).Reason);
        taken.Dispose();
        await GiveAsync(1, Key);
        foreach (var daemon in Daemons()) Processes.Signal(daemon.Id, Libc.SignalKill);
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.SetRawSocketOption(1, 2, BitConverter.GetBytes(1));
        // A process that ends has no command line any more, and its sockets for a moment still.
        await Wait.ForAsync("its port", () => Daemons().Length == 0 && IsBound(other, port), TimeSpan.FromSeconds(10));
        other.Listen();
        Assert.Equal("export-port-taken", (await Assert.ThrowsAsync<HypervisorException>(() => OnceAsync(driver => driver.ExportAsync(_volume, null, default)))).Reason);
        Assert.Equal("export-refused", (await Assert.ThrowsAsync<HypervisorException>(() => OnceAsync(driver => driver.ExportAsync(_volume with { Export = _volume.Export! with { Key = "" } }, null, default)))).Reason);
    }

    private static bool IsBound(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }

    private string FileOf(DesiredVolume volume) => Path.Combine(_machine.Options.Paths.Volumes, volume.Id, "base.qcow2");

    private async Task MakeAsync()
    {
        DurableFiles.MakeDirectory(_machine.Options.Paths.State, AgentModes.Passable);
        _volume = _volume with { Store = (await (await _machine.VolumesAsync(null)).LookAsync(default)).There[^1].Store.Id };
        await OnceAsync(driver => driver.MakeAsync(_volume, null, default));
    }

    private Task GiveAsync(int incarnation, string key)
    {
        _volume = _volume with { Export = new VolumeExport(_protocol, "i-19a3f2b4c5d6e7f80", incarnation, key) };
        return OnceAsync(driver => driver.ExportAsync(_volume, null, default));
    }

    private async Task OnceAsync(Func<DirectoryVolumes, Task> act)
    {
        await using var driver = await _machine.VolumesAsync(null);
        await driver.ObserveAsync(_volume, default);
        await act(driver);
    }

    private async Task<VolumeSight> SeeAsync()
    {
        await using var driver = await _machine.VolumesAsync(null);
        return await driver.ObserveAsync(_volume, default);
    }

    /// <summary>Follows the plan until nothing is left to do.</summary>
    private async Task SettleAsync(Func<Task> between)
    {
        await using var driver = await _machine.VolumesAsync(null);
        await Wait.ForAsync("the end of the plan", async () =>
        {
            var seen = await driver.ObserveAsync(_volume, default);
            var plan = VolumePlanner.Plan(_volume, seen, true);
            switch (plan.Step)
            {
                case VolumeStep.Prepare: await driver.PrepareAsync(_volume, default); break;
                case VolumeStep.Take: await driver.TakeAsync(_volume, [], default); break;
                case VolumeStep.Forget: await driver.ForgetAsync(_volume, default); break;
                case VolumeStep.Tidy: await driver.TidyAsync(_volume, null, default); break;
                case VolumeStep.Export: await driver.ExportAsync(_volume, null, default); break;
                case VolumeStep.EndExport: await driver.EndExportAsync(_volume, default); break;
                case null when plan.Settled && seen.Snapshots.Work is null: return true;
                case null: break;
                default: Assert.Fail($"The step {plan.Step} is not expected."); break;
            }
            await between();
            return false;
        }, TimeSpan.FromSeconds(30));
    }

    private ProcessSight[] Daemons() => [.. Processes.All().Where(process => process.Arguments[0] is "qemu-storage-daemon" or "tgtd" && process.Arguments.Any(argument => argument.Contains(_machine.Options.Paths.RunRoot + "/", StringComparison.Ordinal)))];

    public ValueTask DisposeAsync() => _machine.DisposeAsync();
}
