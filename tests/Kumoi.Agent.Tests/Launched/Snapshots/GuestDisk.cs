using System.Text.Json.Nodes;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Snapshots;

/// <summary>Reads and writes as a guest does, through the nodes that its disk has.</summary>
internal static class GuestDisk
{
    private const string Name = "test";

    /// <param name="commands">Of qemu-io.</param>
    public static async Task AskAsync(GuestLink link, DesiredVolume volume, params string[] commands)
    {
        foreach (var command in commands)
            if (command.StartsWith("read", StringComparison.Ordinal)) await ReadAsync(link, volume, command);
            else await WriteAsync(link, volume, command);
        // What a guest has not had made to last may be lost with its process, with or without snapshots.
        await WriteAsync(link, volume, "flush");
    }

    /// <summary>A write that the guest is told is done, and that it has not had made to last.</summary>
    public static Task WriteAsync(GuestLink link, DesiredVolume volume, string command) =>
        link.Qmp.ExecuteAsync("human-monitor-command", arguments => arguments.WriteString("command-line", $"qemu-io -d {volume.Id}/virtio-backend \"{command}\""), default);

    /// <summary>QEMU's process tells what it reads itself where nobody hears it, so that the disk is exported for the time of the command, and read from outside.</summary>
    private static async Task ReadAsync(GuestLink link, DesiredVolume volume, string command)
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-test-").FullName;
        try
        {
            DurableFiles.Own(directory, link.User);
            var socket = Path.Combine(directory, "nbd");
            await QemuDrives.SendAsync(link.Qmp, "nbd-server-start", new JsonObject { ["addr"] = new JsonObject { ["type"] = "unix", ["data"] = new JsonObject { ["path"] = socket } } }, default);
            await QemuDrives.SendAsync(link.Qmp, "block-export-add", new JsonObject { ["type"] = "nbd", ["id"] = Name, ["node-name"] = DriveParts.Throttle + volume.Id, ["name"] = Name }, default);
            var (code, output) = await Machine.RunAsync("qemu-io", ["-r", "-f", "raw", "-c", command, $"nbd+unix:///{Name}?socket={socket}"]);
            await link.Qmp.ExecuteAsync("nbd-server-stop", null, default);
            Assert.True(code == 0 && !output.Contains("failed", StringComparison.OrdinalIgnoreCase), $"{command}: {output}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
