using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kumoi.Agent.Backups;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Launched.Snapshots;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched.Blocks;

/// <summary>What guests, and others, write and read.</summary>
internal sealed partial class BlockStand
{
    /// <summary>The guest reads or writes, through its disk.</summary>
    public async Task GuestAsync(DesiredVolume volume, params string[] commands) => await GuestDisk.AskAsync((await AgentAsync()).Blocks.LinkOf(volume)!, volume, commands);

    /// <summary>The guest writes, as it can: not while it is held. What the tests have QEMU write would be written then, too.</summary>
    public async Task GuestWritesAsync(DesiredVolume volume, string command)
    {
        var link = (await AgentAsync()).Blocks.LinkOf(volume)!;
        using var free = await link.Freeze.Pauses.EnterAsync(Record.Id, default);
        await GuestDisk.AskAsync(link, volume, command);
    }

    /// <summary>Reads or writes a volume that no guest has, or reads a snapshot of it, with no part of the agent's but where it is.</summary>
    public async Task DiskAsync(DesiredVolume volume, string? snapshot, params string[] commands)
    {
        var (node, end) = await NodeOfAsync(volume, snapshot);
        var (code, output) = await Machine.RunAsync("qemu-io", [.. snapshot is null ? Array.Empty<string>() : ["-r"], .. commands.SelectMany(command => new[] { "-c", command }), node]);
        await end();
        Assert.True(code == 0 && !output.Contains("failed", StringComparison.OrdinalIgnoreCase), $"{string.Join(' ', commands)}: {output}");
    }

    /// <summary>How many pieces of 64 KiB of a snapshot hold this, from the beginning on.</summary>
    public async Task<int> WrittenAsync(DesiredVolume volume, string snapshot, byte value)
    {
        var raw = Path.Combine(_machine.State, snapshot + ".raw");
        var (node, end) = await NodeOfAsync(volume, snapshot);
        var (code, output) = await Machine.RunAsync("qemu-img", "convert", "-U", "-O", "raw", node, raw);
        Assert.True(code == 0, output);
        await end();
        await using var file = File.OpenRead(raw);
        var piece = new byte[64 * 1024];
        for (var count = 0; ; count++)
        {
            await file.ReadExactlyAsync(piece);
            if (piece.Any(one => one != value)) return count;
        }
    }

    private async Task<(string Node, Func<Task> End)> NodeOfAsync(DesiredVolume volume, string? snapshot)
    {
        if (volume.Store == OwnStore)
        {
            var directory = Path.Combine(_machine.Options.Paths.Volumes, volume.Id);
            var state = LayerState.Read(directory);
            return (Path.Combine(directory, LayerNames.File(snapshot is null ? state.Head!.Value : state.Snapshots.Single(one => one.Id == snapshot).Layer)), () => Task.CompletedTask);
        }
        var tool = Tool;
        var sight = new BlockSight(volume.Id, await tool.ListAsync(name => name.StartsWith(BlockNames.Prefix(volume.Id), StringComparison.Ordinal), default));
        if (snapshot is null) return ("json:" + await TextAsync(await tool.GiveAsync(sight.Head!.Name, 0, default)), () => Task.CompletedTask);
        var taken = sight.Find(snapshot)!;
        return ("json:" + await TextAsync(await tool.GivePointAsync(taken.Disk.Name, snapshot, 0, default)), () => tool.TakePointBackAsync(taken.Disk.Name, snapshot, default));
    }

    private static Task<string> TextAsync(BlockNode node)
    {
        var options = (JsonObject)node.Options.DeepClone();
        if (node.Secret is not null) options["user"] = "kumoi";
        return Task.FromResult(options.ToJsonString());
    }
}
