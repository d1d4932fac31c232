using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Images of a Ceph pool (RADOS block devices), by <c>rbd</c>, <c>rados</c> and <c>ceph</c>. Marks are metadata of the image under its internal id, since a clone gets its
/// parent's. The grant of a volume is an attribute of an object of its own, changed under a lock of that object.
/// </summary>
/// <param name="host">A word for this host, the same for each of its agents.</param>
internal sealed partial class RbdTool(BlockPlace place, string host, Commands commands, BlockChanges changes, TimeProvider clock) : IBlockTool
{
    /// <summary>For how long a process is cut off: longer than any lives.</summary>
    private const int CutOffSeconds = 10 * 365 * 24 * 3600;

    private const string Marks = "kumoi.", Store = "kumoi-storage", Id = "id", Header = "rbd_header.";

    private const int NotThere = 2, Busy = 16, IsThere = 17, NotEmpty = 39;

    private static readonly TimeSpan RemoveLimit = TimeSpan.FromMinutes(30);

    private readonly RbdUse _use = new(clock);
    private string? _secret;

    public async Task<BlockRoom> RoomAsync(CancellationToken cancel)
    {
        using var found = JsonDocument.Parse(await NeedAsync("ceph", ["df", "--format", "json"], cancel));
        foreach (var pool in found.RootElement.GetProperty("pools").EnumerateArray().Where(pool => pool.GetProperty("name").GetString() == place.Name))
        {
            var stats = pool.GetProperty("stats");
            // In copies of what is written, as what may still be written is.
            var used = stats.GetProperty("stored").GetInt64();
            return new BlockRoom(used + stats.GetProperty("max_avail").GetInt64(), used);
        }
        throw new IOException($"{place.Words} is not in the cluster of {place.Configuration}.");
    }

    public Task<string?> IdAsync(CancellationToken cancel) => AttributeAsync(Store, Id, cancel);

    public Task SetIdAsync(string id, CancellationToken cancel) => AloneAsync(Store, async held =>
    {
        if (await IdAsync(cancel) is not null) return;
        await held.CheckHeldAsync(cancel);
        await NeedAsync("rados", ["setxattr", Store, Id, id], cancel);
    }, cancel);

    /// <summary>Names and ids of all images: what <c>rbd ls</c> tells, by one message. With more than names that looks into each image, and fails for all when one is being removed.</summary>
    public async Task<IReadOnlyList<BlockDisk>> SurveyAsync(CancellationToken cancel)
    {
        var images = ImagesIn(await TryReadObjectAsync(["listomapvals", "rbd_directory"], cancel) ?? "");
        foreach (var gone in _known.Keys.Except(images.Select(image => image.Handle!)).ToArray()) _known.TryRemove(gone, out _);
        _use.Measure(() => NeedAsync("rbd", ["du", "--pool", place.Name, "--format", "json"], RbdUse.Limit, CancellationToken.None));
        return images;
    }

    // A value is a text behind its length in four bytes.
    internal static IReadOnlyList<BlockDisk> ImagesIn(string directory) =>
        [.. RbdHeader.Values(directory).Where(one => one.Key.StartsWith("name_", StringComparison.Ordinal) && one.Value.Length > 4).Select(one => new BlockDisk(one.Key["name_".Length..], 0, 0, false, DateTimeOffset.UnixEpoch, NoMarks, []) { Handle = one.Value[4..] })];

    public async Task<IReadOnlyList<BlockDisk>> ListAsync(Func<string, bool> wanted, CancellationToken cancel) =>
        [.. (await Task.WhenAll((await SurveyAsync(cancel)).Where(disk => wanted(disk.Name)).Select(disk => LookCloserAsync(disk, cancel)))).OfType<BlockDisk>()];

    /// <summary>Marks and who has the image open are told by its objects: a tool that opened it to tell would look like one that has it. The rest is asked anew only when the header has changed.</summary>
    public async Task<BlockDisk?> LookCloserAsync(BlockDisk disk, CancellationToken cancel)
    {
        var (values, watchers) = (TryReadObjectAsync(["listomapvals", Header + disk.Handle], cancel), TryReadObjectAsync(["listwatchers", Header + disk.Handle], cancel));
        // Removed meanwhile.
        if (await values is not { } header || await watchers is not { } open) return null;
        if (!_known.TryGetValue(disk.Handle!, out var known) || known.Header != header || known.Disk.Name != disk.Name)
        {
            if (await TryReadAsync(["info", Spec(disk.Name)], cancel) is not { } info) return null;
            var points = info.GetProperty("snapshot_count").GetInt32() == 0 ? null : await TryReadAsync(["snap", "ls", Spec(disk.Name)], cancel);
            var asked = Understand(disk.Name, info, points);
            // Another image has the name by now.
            if (asked.Handle != disk.Handle) return null;
            _known[disk.Handle!] = known = (header, asked);
        }
        return Understand(_use.In(known.Disk), header, open);
    }

    // What was asked of images, and their headers of before that.
    private readonly ConcurrentDictionary<string, (string Header, BlockDisk Disk)> _known = new();

    /// <summary>What the objects of an image tell of it beside that.</summary>
    /// <param name="marks">The answer of <c>rados listomapvals</c>.</param>
    /// <param name="open">That of <c>rados listwatchers</c>.</param>
    internal static BlockDisk Understand(BlockDisk disk, string marks, string open)
    {
        var prefix = $"metadata_{Marks}{disk.Handle}.";
        return disk with { IsOpen = open.Contains("watcher=", StringComparison.Ordinal), Marks = RbdHeader.Values(marks).Where(one => one.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(one => one.Key[prefix.Length..], one => one.Value) };
    }

    private async Task<string?> TryReadObjectAsync(IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var result = await TryAsync("rados", arguments, Commands.DefaultLimit, cancel);
        return result.Succeeded ? result.Output : result.Error.Contains("(2)", StringComparison.Ordinal) ? null : throw Failed("rados", arguments, result);
    }

    private static readonly Dictionary<string, string> NoMarks = [];

    /// <summary>What <c>rbd info</c> and <c>rbd snap ls</c> tell of an image.</summary>
    internal static BlockDisk Understand(string name, JsonElement info, JsonElement? points) =>
        new(name, info.GetProperty("size").GetInt64(), 0, false, TimeOf(info), NoMarks, points is { } told ? [.. told.EnumerateArray().Select(point => new BlockPoint(point.GetProperty("name").GetString()!, point.GetProperty("size").GetInt64(), 0))] : [])
        {
            Handle = info.GetProperty("id").GetString(),
        };

    private static string MarkPrefix(JsonElement info) => $"{Marks}{info.GetProperty("id").GetString()}.";

    private static DateTimeOffset TimeOf(JsonElement info) =>
        info.TryGetProperty("create_timestamp", out var text) && DateTimeOffset.TryParseExact(text.GetString(), "ddd MMM d HH:mm:ss yyyy", CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal | DateTimeStyles.AllowWhiteSpaces, out var time) ? time.ToUniversalTime() : DateTimeOffset.UnixEpoch;

    private async Task<string?> AttributeAsync(string name, string attribute, CancellationToken cancel)
    {
        var result = await TryAsync("rados", ["getxattr", name, attribute], Commands.DefaultLimit, cancel);
        return result.Succeeded ? result.Output.Trim()
            : result.Error.Contains("(2)", StringComparison.Ordinal) || result.Error.Contains("(61)", StringComparison.Ordinal) ? null : throw Failed("rados", ["getxattr", name], result);
    }

    private JsonObject Node(string name)
    {
        // Nobody else changes what the guest has, so what it reads may be kept; what it flushes is written.
        var node = new JsonObject { ["driver"] = "rbd", ["pool"] = place.Name, ["image"] = name, ["conf"] = place.Configuration, ["user"] = place.Client, ["discard"] = "unmap" };
        return node;
    }

    /// <summary>The client's key, from the keyring that the configuration names.</summary>
    private async Task<string> SecretAsync(CancellationToken cancel)
    {
        if (_secret is { } known) return known;
        var places = await commands.RunAsync("ceph-conf", ["--conf", place.Configuration!, "--name", "client." + place.Client, "--lookup", "keyring"], cancel);
        foreach (var file in places.Trim().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(File.Exists))
            if (KeyIn(await File.ReadAllLinesAsync(file, cancel), "client." + place.Client) is { } key) return _secret = key;
        throw new HypervisorException("store-away", $"The key of client.{place.Client} is in none of the keyrings that {place.Configuration} names.", null);
    }

    /// <summary>The key of an entity in a keyring; null: it is not there.</summary>
    internal static string? KeyIn(IEnumerable<string> keyring, string entity)
    {
        var isIn = false;
        foreach (var line in keyring.Select(line => line.Trim()))
            if (line.StartsWith('[')) isIn = line == $"[{entity}]";
            else if (isIn && line.Split('=', 2, StringSplitOptions.TrimEntries) is ["key", var key]) return key;
        return null;
    }

    private string Spec(string name) => $"{place.Name}/{name}";

    private static string Bytes(long size) => size.ToString(CultureInfo.InvariantCulture) + "B";

    /// <summary>What is told of an image; null if it is not there.</summary>
    private async Task<JsonElement?> TryReadAsync(IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var result = await TryAsync("rbd", [.. arguments, "--format", "json"], Commands.DefaultLimit, cancel);
        if (!result.Succeeded) return result.ExitCode == NotThere ? null : throw Failed("rbd", arguments, result);
        if (result.Output.Length == 0) return null;
        using var found = JsonDocument.Parse(result.Output);
        return found.RootElement.Clone();
    }

    private Task<string> NeedAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel) => NeedAsync(program, arguments, Commands.DefaultLimit, cancel);

    private async Task<string> NeedAsync(string program, IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancel)
    {
        var result = await TryAsync(program, arguments, limit, cancel);
        return result.Succeeded ? result.Output : throw Failed(program, arguments, result);
    }

    private Task<CommandResult> TryAsync(string program, IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancel) =>
        commands.TryRunAsync(program, [.. Where, .. program == "rados" ? new[] { "--pool", place.Name } : [], .. arguments], null, [], limit, cancel);

    private string[] Where => ["--conf", place.Configuration!, "--id", place.Client!];

    private static IOException Failed(string program, IReadOnlyList<string> arguments, CommandResult result) =>
        result.Error.Contains("(28)", StringComparison.Ordinal) || result.Error.Contains("No space left", StringComparison.Ordinal) ? new HypervisorException("disk-full", "The Ceph pool is full.", null) : Commands.Failure(program, arguments, result);
}
