using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>The layers of a volume in a running QEMU: which it has, which of them it writes to, and its work on them, read from it each time.</summary>
internal static class GuestLayers
{
    private const string Merge = "merge-", Flatten = "flatten-";

    /// <summary>How long work may take to be given up. Too low: it is asked once more; too high: what waits for it waits longer.</summary>
    private static readonly TimeSpan CancelLimit = TimeSpan.FromSeconds(2), CancelPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Null if the process does not have the volume.</summary>
    public static async Task<LayerProcess?> ReadAsync(QmpClient qmp, string volumeId, CancellationToken cancel)
    {
        // The chain is what the graph says. A node's description names the files that its header names, whatever it really reads.
        var (names, below) = await qmp.AskAsync("x-debug-query-block-graph", null, GraphOf, cancel);
        var top = names.FirstOrDefault(node => node.Value == DriveParts.Throttle + volumeId);
        if (top.Value is null) return null;
        var chain = new List<int>();
        var (at, left) = (top.Key, names.Count);
        while (left-- > 0)
        {
            var number = LayerNames.NumberOfNode(names.GetValueOrDefault(at) ?? "", volumeId);
            if (number is { } layer) chain.Add(layer);
            // Below a layer is its backing; below what QEMU itself has put between two, whatever it is over.
            var next = below[at].Where(edge => edge.Name == "backing" || (number is null && edge.Name == "file")).Select(edge => (long?)edge.Child).FirstOrDefault();
            if (next is not { } child) break;
            at = child;
        }
        var loose = names.Values.Select(name => LayerNames.NumberOfNode(name, volumeId)).OfType<int>().Except(chain).Order().ToArray();
        return new LayerProcess(chain, loose, await WorkAsync(qmp, volumeId, cancel));
    }

    /// <summary>Names of the nodes by their numbers, and what each is over.</summary>
    private static (Dictionary<long, string> Names, ILookup<long, (long Parent, string Name, long Child)> Below) GraphOf(JsonElement graph) => (
        graph.GetProperty("nodes").EnumerateArray().Where(node => node.GetProperty("type").GetString() == "block-driver").ToDictionary(node => node.GetProperty("id").GetInt64(), node => node.GetProperty("name").GetString() ?? ""),
        graph.GetProperty("edges").EnumerateArray().Select(edge => (Parent: edge.GetProperty("parent").GetInt64(), Name: edge.GetProperty("name").GetString() ?? "", Child: edge.GetProperty("child").GetInt64())).ToLookup(edge => edge.Parent));

    /// <summary>Gets a layer ready in the process that its guest does not write to yet.</summary>
    public static async Task AddAsync(QmpClient qmp, DesiredVolume volume, int number, string file, CancellationToken cancel)
    {
        foreach (var node in DriveParts.LayerNodes(volume, new QemuLayer(number, file), null, isHead: true)) await QemuDrives.SendAsync(qmp, "blockdev-add", node, cancel);
    }

    /// <summary>Lets the guest write to other layers, all at one moment or none. Each was added before, and is as large as the one that it is put over.</summary>
    public static Task SwitchAsync(QmpClient qmp, IEnumerable<(string VolumeId, int From, int To)> switches, CancellationToken cancel) => QemuDrives.SendAsync(qmp, "transaction", new JsonObject
    {
        ["actions"] = new JsonArray([.. switches.Select(one => new JsonObject
        {
            ["type"] = "blockdev-snapshot",
            ["data"] = new JsonObject { ["node"] = LayerNames.Node(one.From, one.VolumeId), ["overlay"] = LayerNames.Node(one.To, one.VolumeId) },
        })]),
    }, cancel);

    /// <summary>Whether anything in the guest listens for the agent's questions: who asks a guest that has no agent waits in vain.</summary>
    public static Task<bool> HasAgentAsync(QmpClient qmp, CancellationToken cancel) =>
        qmp.AskAsync("query-chardev", null, ports => ports.EnumerateArray().Any(port => port.GetProperty("label").GetString() == "agent" && port.GetProperty("frontend-open").GetBoolean()), cancel);

    /// <summary>What a guest sees of a layer.</summary>
    public static async Task<long> SizeAsync(QmpClient qmp, string volumeId, int number, CancellationToken cancel) =>
        (await QemuDrives.NodesAsync(qmp, cancel)).Where(node => node.Name == LayerNames.Node(number, volumeId)).Select(node => (long?)node.Size).FirstOrDefault() ?? throw new QmpException($"QEMU has no layer {number} of the volume {volumeId}.");

    public static Task ResizeAsync(QmpClient qmp, string volumeId, int number, long size, CancellationToken cancel) =>
        QemuDrives.SendAsync(qmp, "block_resize", new JsonObject { ["node-name"] = LayerNames.Node(number, volumeId), ["size"] = size }, cancel);

    /// <summary>Writes what is in a layer of the middle into the one below.</summary>
    public static Task MergeAsync(QmpClient qmp, string volumeId, int from, int into, CancellationToken cancel) => QemuDrives.SendAsync(qmp, "block-commit", new JsonObject
    {
        ["job-id"] = $"{Merge}{from}-{volumeId}",
        ["device"] = DriveParts.Throttle + volumeId,
        ["top-node"] = LayerNames.Node(from, volumeId),
        ["base-node"] = LayerNames.Node(into, volumeId),
        // What the layer above is to name: QEMU would write the whole path.
        ["backing-file"] = LayerNames.File(into),
        ["auto-finalize"] = false,
        ["auto-dismiss"] = false,
    }, cancel);

    /// <param name="imageName">What the layer is to name below it; null: nothing.</param>
    public static Task FlattenAsync(QmpClient qmp, string volumeId, int head, string? imageName, CancellationToken cancel)
    {
        var arguments = new JsonObject { ["job-id"] = $"{Flatten}{head}-{volumeId}", ["device"] = LayerNames.Node(head, volumeId), ["auto-finalize"] = false, ["auto-dismiss"] = false };
        if (imageName is not null) (arguments["base-node"], arguments["backing-file"]) = (DriveParts.Image + volumeId, imageName);
        return QemuDrives.SendAsync(qmp, "block-stream", arguments, cancel);
    }

    /// <summary>
    /// Lets work that has written everything come to its end, at which a layer is told what it is over from now on. What was written is made to last before: QEMU
    /// keeps tables of its files in memory, and a layer that no longer names the one below, while its own tables are lost, would have lost what was there.
    /// </summary>
    public static async Task FinalizeAsync(QmpClient qmp, DesiredVolume volume, LayerWork work, int written, CancellationToken cancel)
    {
        // QMP itself has no command for it.
        try
        {
            var words = await qmp.AskAsync("human-monitor-command", arguments => arguments.WriteString("command-line", $"qemu-io {LayerNames.Node(written, volume.Id)} flush"), said => said.GetString() ?? "", cancel);
            if (words.Trim().Length > 0) throw new HypervisorException("volume-failed", $"What was brought together of the volume {volume.Id} could not be made to last: {QmpRefusedException.Of(words.Trim()).Words}", null);
        }
        catch (QmpRefusedException e) when (e.Words.Contains("has not been found", StringComparison.Ordinal))
        {
            await ReopenAsync(qmp, volume, written, cancel);
        }
        await QemuDrives.SendAsync(qmp, "job-finalize", new JsonObject { ["id"] = work.Id }, cancel);
    }

    /// <summary>Opens a layer anew, as it is, which writes out what is held of it: a process that has no guest has no other command that does.</summary>
    private static async Task ReopenAsync(QmpClient qmp, DesiredVolume volume, int number, CancellationToken cancel)
    {
        var chain = (await ReadAsync(qmp, volume.Id, cancel))?.Chain ?? [];
        var image = (await QemuDrives.NodesAsync(qmp, cancel)).Any(node => node.Name == DriveParts.Image + volume.Id) ? DriveParts.Image + volume.Id : null;
        var below = chain.SkipWhile(layer => layer != number).Skip(1).Select(layer => LayerNames.Node(layer, volume.Id)).FirstOrDefault() ?? image;
        var node = DriveParts.LayerNodes(volume, new QemuLayer(number, ""), below, isHead: true).Last();
        await QemuDrives.SendAsync(qmp, "blockdev-reopen", new JsonObject { ["options"] = new JsonArray(node) }, cancel);
    }

    public static Task DismissAsync(QmpClient qmp, string workId, CancellationToken cancel) => QemuDrives.SendAsync(qmp, "job-dismiss", new JsonObject { ["id"] = workId }, cancel);

    /// <summary>Has all work on a volume given up: what was done of it stays, and what is read is the same.</summary>
    public static async Task CancelAsync(QmpClient qmp, string volumeId, TimeProvider clock, CancellationToken cancel)
    {
        var since = clock.GetTimestamp();
        while (await WorkAsync(qmp, volumeId, cancel) is { Count: > 0 } work)
        {
            foreach (var one in work.TakeWhile(_ => clock.GetElapsedTime(since) <= CancelLimit))
                try
                {
                    await QemuDrives.SendAsync(qmp, one.State is LayerWorkState.Running or LayerWorkState.Written ? "job-cancel" : "job-dismiss", new JsonObject { ["id"] = one.Id }, cancel);
                }
                catch (QmpRefusedException)
                {
                    // It came further since it was looked at.
                }
            if (clock.GetElapsedTime(since) > CancelLimit) throw new HypervisorException("volume-busy", $"Work on the layers of the volume {volumeId} is being given up; it is tried again.", null);
            await Task.Delay(CancelPause, clock, cancel);
        }
    }

    /// <summary>Takes a layer from the process that is not in use there.</summary>
    public static async Task DropAsync(QmpClient qmp, string volumeId, int number, TimeProvider clock, CancellationToken cancel)
    {
        foreach (var node in new[] { LayerNames.Node(number, volumeId), LayerNames.FileNode(number, volumeId) })
            await QemuDrives.RemoveAsync(qmp, "blockdev-del", new JsonObject { ["node-name"] = node }, clock, cancel);
    }

    private static Task<IReadOnlyList<LayerWork>> WorkAsync(QmpClient qmp, string volumeId, CancellationToken cancel) =>
        qmp.AskAsync<IReadOnlyList<LayerWork>>("query-jobs", null, found => [.. found.EnumerateArray().Select(job => Understand(job, volumeId)).OfType<LayerWork>()], cancel);

    private static LayerWork? Understand(JsonElement job, string volumeId)
    {
        var id = job.GetProperty("id").GetString() ?? "";
        if (!id.EndsWith("-" + volumeId, StringComparison.Ordinal)) return null;
        var kind = id.StartsWith(Merge, StringComparison.Ordinal) ? VolumeWorks.Merge : id.StartsWith(Flatten, StringComparison.Ordinal) ? VolumeWorks.Flatten : null;
        if (kind is null || !int.TryParse(id[(kind == VolumeWorks.Merge ? Merge : Flatten).Length..^(volumeId.Length + 1)], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var layer)) return null;
        var words = job.TryGetProperty("error", out var error) ? QmpRefusedException.Of(error.GetString() ?? "").Words : null;
        var status = job.GetProperty("status").GetString();
        var state = status == "pending" ? LayerWorkState.Written : status != "concluded" ? LayerWorkState.Running : words is null ? LayerWorkState.Done : LayerWorkState.Failed;
        return new LayerWork(id, kind, layer, state, job.GetProperty("current-progress").GetInt64(), job.GetProperty("total-progress").GetInt64(), words);
    }
}
