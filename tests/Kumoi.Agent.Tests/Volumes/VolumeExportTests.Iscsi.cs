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

/// <summary>What only volumes over iSCSI have.</summary>
public sealed partial class VolumeExportTests
{
    [Fact]
    public async Task What_is_given_over_iscsi_of_an_encrypted_volume_is_told_its_key_by_its_own_host_alone()
    {
        _protocol = VolumeProtocols.Iscsi;
        _volume = _volume with { Encryption = new VolumeEncryption(new string('c', 64)) };
        await MakeAsync();
        await GiveAsync(1, Key);
        Assert.Contains("wrote 65536/65536", await AskAsync((await SeeAsync()).Export!.Port, Key, "write -P 7 0 64k", "flush"), StringComparison.Ordinal);
        foreach (var daemon in Daemons()) Processes.Signal(daemon.Id, Libc.SignalKill);
        await Wait.ForAsync("their end", async () => (await SeeAsync()).Export is null, TimeSpan.FromSeconds(10));
        await GiveAsync(1, Key);
        var output = await AskAsync((await SeeAsync()).Export!.Port, Key, "read -P 7 0 64k");
        Assert.Contains("read 65536/65536", output, StringComparison.Ordinal);
        Assert.DoesNotContain("verification failed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_has_one_session_and_one_whose_connection_broke_comes_back_when_the_former_is_gone()
    {
        _protocol = VolumeProtocols.Iscsi;
        await MakeAsync();
        await using var driver = await _machine.VolumesAsync(null);
        await GiveAsync(1, Key);
        var port = (await driver.ObserveAsync(_volume, default)).Export!.Port;
        var guest = Connect(port, Key);
        await guest.SayAsync("write -P 1 0 64k", "wrote 65536/65536");
        await Wait.ForAsync("nobody else to be let in", async () => (await AskAsync(port, Key, "read 0 512")).Contains("Target not found", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
        await guest.SayAsync("write -P 2 0 64k", "wrote 65536/65536");
        guest.Dispose();
        await Wait.ForAsync("the next one to be let in", async () => (await AskAsync(port, Key, "read -P 2 0 64k")).Contains("read 65536/65536", StringComparison.Ordinal), TimeSpan.FromSeconds(10));

        // Two that came while no agent looked: which of them is the later one cannot be told, and neither goes on.
        await driver.DisposeAsync();
        await OnceAsync(driver => driver.EndExportAsync(_volume, default));
        await GiveAsync(1, Key);
        port = (await SeeAsync()).Export!.Port;
        using var one = Connect(port, Key);
        await one.SayAsync("write -P 3 0 64k", "wrote 65536/65536");
        using var two = Connect(port, Key);
        await two.SayAsync("write -P 4 0 64k", "wrote 65536/65536");
        var target = Daemons().Single(daemon => daemon.Arguments[0] == "tgtd").Id;
        await using var next = await _machine.VolumesAsync(null);
        await next.ObserveAsync(_volume, default);
        await Wait.ForAsync("its end", () => !Processes.IsAlive(target), TimeSpan.FromSeconds(10));
        Assert.Null((await next.ObserveAsync(_volume, default)).Export);
    }

    /// <summary>A daemon that was taken over may mount what it likes over what it sees: nobody who may do more starts a program there.</summary>
    [Fact]
    public async Task No_program_is_started_in_the_mount_namespace_of_a_daemon()
    {
        _protocol = VolumeProtocols.Iscsi;
        await MakeAsync();
        await GiveAsync(1, Key);
        var daemon = ExportNote.Read(Path.Combine(_machine.Options.Paths.Exports, _volume.Id + ".json"))!.Process!.Value;
        var (trap, sprung) = (Path.Combine(_machine.State, "trap"), Path.Combine(_machine.State, "sprung"));
        File.WriteAllText(trap, $"#!/bin/sh\necho \"$0\" >> {sprung}\n");
        File.SetUnixFileMode(trap, (UnixFileMode)0x1ed);
        foreach (var program in new[] { "/usr/bin/env", "/usr/bin/stat", "/usr/sbin/tgtd", "/usr/bin/setpriv" })
            Assert.Equal((0, ""), await Machine.RunAsync("nsenter", $"--mount=/proc/{daemon}/ns/mnt", "--", "mount", "--bind", trap, program));
        _volume = _volume with { SizeGib = 2 };
        await OnceAsync(driver => driver.GrowAsync(_volume, null, default));
        Assert.False(File.Exists(sprung));
        using var guest = Connect((await SeeAsync()).Export!.Port, Key);
        await guest.SayAsync("write -P 1 1536M 64k", "wrote 65536/65536");
    }
}
