using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Images of a Ceph pool (RADOS block devices), by <c>rbd</c>, <c>rados</c> and <c>ceph</c>. Marks are metadata of the image under its internal id, since a clone gets its
/// parent's. The grant of a volume is an attribute of an object of its own, changed under a lock of that object.
/// </summary>
/// <param name="host">A word for this host, the same for each of its agents.</param>
internal sealed class RbdTool(BlockPlace place, string host, Commands commands, TimeProvider clock) : IBlockTool
{
    /// <summary>How long a grant's lock is held at most. Too low: a slow host loses it in the middle; too high: what a host that was killed has locked waits.</summary>
    private const int LockSeconds = 60;

    /// <summary>For how long a process is cut off: longer than any lives.</summary>
    private const int CutOffSeconds = 10 * 365 * 24 * 3600;

    private const string Marks = "kumoi.", Store = "kumoi-storage", Id = "id", Incarnation = "incarnation", LockName = "grant";

    private const int NotThere = 2, NotEmpty = 39;

    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(10), LockPause = TimeSpan.FromMilliseconds(100), RemoveLimit = TimeSpan.FromMinutes(30);

    private readonly ConcurrentDictionary<string, byte> _locks = new();
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

    public Task SetIdAsync(string id, CancellationToken cancel) => AloneAsync(Store, async () =>
    {
        if (await IdAsync(cancel) is null) await NeedAsync("rados", ["setxattr", Store, Id, id], cancel);
    }, cancel);

    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancel)
    {
        using var found = JsonDocument.Parse(await NeedAsync("rbd", ["ls", "--pool", place.Name, "--format", "json"], cancel));
        return [.. found.RootElement.EnumerateArray().Select(name => name.GetString()!)];
    }

    public async Task<IReadOnlyList<BlockDisk>> ListAsync(Func<string, bool> wanted, CancellationToken cancel) =>
        [.. (await Task.WhenAll((await NamesAsync(cancel)).Where(wanted).Select(name => SeeAsync(name, cancel)))).OfType<BlockDisk>()];

    private async Task<BlockDisk?> SeeAsync(string name, CancellationToken cancel)
    {
        if (await TryReadAsync(["info", Spec(name)], cancel) is not { } info) return null;
        var (marks, points, status, use) = (await TryReadAsync(["image-meta", "ls", Spec(name)], cancel), await TryReadAsync(["snap", "ls", Spec(name)], cancel), await TryReadAsync(["status", Spec(name)], cancel), await TryReadAsync(["du", Spec(name)], cancel));
        // Removed, or renamed, meanwhile.
        if (points is null || status is null || use is null) return null;
        var used = use.Value.GetProperty("images").EnumerateArray().ToLookup(one => one.TryGetProperty("snapshot", out var snapshot) ? snapshot.GetString()! : "", one => one.GetProperty("used_size").GetInt64());
        return Understand(name, info, marks, points.Value, status.Value, point => used[point].FirstOrDefault());
    }

    /// <param name="used">What a point takes, by its name; without one, the disk.</param>
    internal static BlockDisk Understand(string name, JsonElement info, JsonElement? marks, JsonElement points, JsonElement status, Func<string, long> used)
    {
        var prefix = MarkPrefix(info);
        return new BlockDisk(
            name, info.GetProperty("size").GetInt64(), used(""), status.GetProperty("watchers") is var watchers && (watchers.ValueKind == JsonValueKind.Array ? watchers.GetArrayLength() > 0 : watchers.EnumerateObject().Any()), TimeOf(info),
            marks is not { ValueKind: JsonValueKind.Object } noted ? new Dictionary<string, string>() : noted.EnumerateObject().Where(one => one.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(one => one.Name[prefix.Length..], one => one.Value.GetString() ?? ""),
            [.. points.EnumerateArray().Select(point => point.GetProperty("name").GetString()!).Zip(points.EnumerateArray().Select(point => point.GetProperty("size").GetInt64())).Select(point => new BlockPoint(point.First, point.Second, used(point.First)))]);
    }

    private static string MarkPrefix(JsonElement info) => $"{Marks}{info.GetProperty("id").GetString()}.";

    private static DateTimeOffset TimeOf(JsonElement info) =>
        info.TryGetProperty("create_timestamp", out var text) && DateTimeOffset.TryParseExact(text.GetString(), "ddd MMM d HH:mm:ss yyyy", CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal | DateTimeStyles.AllowWhiteSpaces, out var time) ? time.ToUniversalTime() : DateTimeOffset.UnixEpoch;

    public async Task CreateAsync(string name, long size, CancellationToken cancel) =>
        await NeedAsync("rbd", ["create", Spec(name), "--size", Bytes(size), "--image-feature", "layering,exclusive-lock,object-map,fast-diff,deep-flatten"], cancel);

    public async Task CloneAsync(string disk, string point, string name, CancellationToken cancel) =>
        // The second form, whose parents' points can be removed while clones of them live.
        await NeedAsync("rbd", ["clone", "--rbd-default-clone-format", "2", $"{Spec(disk)}@{point}", Spec(name)], cancel);

    public async Task GrowAsync(string name, long size, CancellationToken cancel) => await NeedAsync("rbd", ["resize", "--no-progress", Spec(name), "--size", Bytes(size)], cancel);

    public async Task PointAsync(string disk, string point, CancellationToken cancel) => await NeedAsync("rbd", ["snap", "create", "--no-progress", $"{Spec(disk)}@{point}"], cancel);

    public async Task RemovePointAsync(string disk, string point, CancellationToken cancel) => await NeedAsync("rbd", ["snap", "rm", "--no-progress", $"{Spec(disk)}@{point}"], cancel);

    public async Task MarkAsync(string disk, string key, string? value, CancellationToken cancel)
    {
        var info = await TryReadAsync(["info", Spec(disk)], cancel) ?? throw new IOException($"The image {Spec(disk)} is not there.");
        await NeedAsync("rbd", value is null ? ["image-meta", "remove", Spec(disk), MarkPrefix(info) + key] : ["image-meta", "set", Spec(disk), MarkPrefix(info) + key, value], cancel);
    }

    public async Task RenameAsync(string from, string to, CancellationToken cancel) => await NeedAsync("rbd", ["rename", Spec(from), Spec(to)], cancel);

    public async Task<bool> RemoveAsync(string name, CancellationToken cancel)
    {
        var result = await TryAsync("rbd", ["rm", "--no-progress", Spec(name)], RemoveLimit, cancel);
        return result.Succeeded || result.ExitCode == NotThere || (result.ExitCode == NotEmpty ? false : throw Failed("rbd", ["rm", Spec(name)], result));
    }

    public async Task<BlockNode> GiveAsync(string name, uint user, CancellationToken cancel) => new(Node(name), await SecretAsync(cancel));

    public async Task<BlockNode> GivePointAsync(string disk, string point, uint user, CancellationToken cancel)
    {
        var node = Node(disk);
        node["snapshot"] = point;
        return new BlockNode(node, await SecretAsync(cancel));
    }

    public Task TakePointBackAsync(string disk, string point, CancellationToken cancel) => Task.CompletedTask;

    // Who may open it is decided by the key, which each process is handed for itself.
    public Task<bool> IsGivenAsync(string name, CancellationToken cancel) => Task.FromResult(false);

    public async Task CutOffAsync(string name, CancellationToken cancel)
    {
        var addresses = new HashSet<string>();
        if (await TryReadAsync(["lock", "ls", Spec(name)], cancel) is { ValueKind: JsonValueKind.Array } locks) addresses.UnionWith(locks.EnumerateArray().Select(one => one.GetProperty("address").GetString()!));
        if (await TryReadAsync(["status", Spec(name)], cancel) is { } status && status.GetProperty("watchers") is { ValueKind: JsonValueKind.Array } watchers) addresses.UnionWith(watchers.EnumerateArray().Select(one => one.GetProperty("address").GetString()!));
        foreach (var address in addresses) await NeedAsync("ceph", ["osd", "blocklist", "add", address, CutOffSeconds.ToString(CultureInfo.InvariantCulture)], cancel);
    }

    public async Task<int> GrantedAsync(string volumeId, CancellationToken cancel) =>
        await AttributeAsync(GrantOf(volumeId), Incarnation, cancel) is not { } text ? 0
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var granted) ? granted : throw new IOException($"The object {GrantOf(volumeId)} of {place.Words} does not hold an incarnation; without it nobody can tell whose the volume is.");

    public Task HoldAsync(string volumeId, int incarnation, Func<Task> act, CancellationToken cancel) => AloneAsync(GrantOf(volumeId), async () =>
    {
        var granted = await GrantedAsync(volumeId, cancel);
        if (granted > incarnation) throw StoreDirectory.Fenced(incarnation);
        if (granted < incarnation) await NeedAsync("rados", ["setxattr", GrantOf(volumeId), Incarnation, incarnation.ToString(CultureInfo.InvariantCulture)], cancel);
        await act();
    }, cancel);

    public async Task ForgetAsync(string volumeId, CancellationToken cancel)
    {
        var result = await TryAsync("rados", ["rm", GrantOf(volumeId)], Commands.DefaultLimit, cancel);
        if (!result.Succeeded && !result.Error.Contains("No such file", StringComparison.Ordinal)) throw Failed("rados", ["rm", GrantOf(volumeId)], result);
    }

    private static string GrantOf(string volumeId) => Marks + volumeId;

    private async Task AloneAsync(string locked, Func<Task> act, CancellationToken cancel)
    {
        var (cookie, since) = ($"{host}-{Guid.NewGuid():N}", clock.GetTimestamp());
        _locks[cookie] = 0;
        try
        {
            await AloneAsync(locked, cookie, since, act, cancel);
        }
        finally
        {
            _locks.TryRemove(cookie, out _);
        }
    }

    private async Task AloneAsync(string locked, string cookie, long since, Func<Task> act, CancellationToken cancel)
    {
        while (await TryAsync("rados", ["lock", "get", locked, LockName, "--lock-cookie", cookie, "--lock-duration", LockSeconds.ToString(CultureInfo.InvariantCulture)], Commands.DefaultLimit, cancel) is { Succeeded: false } refused)
        {
            if (!refused.Error.Contains("(16)", StringComparison.Ordinal)) throw Failed("rados", ["lock", "get", locked], refused);
            // Of an agent of this host that was killed: there is one at a time.
            if (await BreakAsync(locked, other => other.StartsWith(host + "-", StringComparison.Ordinal) && !_locks.ContainsKey(other), cancel)) continue;
            if (clock.GetElapsedTime(since) > LockLimit) throw new HypervisorException("storage-busy", $"Another host has held a lock of {place.Words} for more than 10 s.", null);
            await Task.Delay(LockPause, clock, cancel);
        }
        try
        {
            await act();
        }
        finally
        {
            // A lock that cannot be let go of now goes by itself.
            await BreakAsync(locked, one => one == cookie, CancellationToken.None);
        }
    }

    /// <summary>Ends a lock; false if none has such a cookie.</summary>
    private async Task<bool> BreakAsync(string locked, Func<string, bool> isMeant, CancellationToken cancel)
    {
        var held = await TryAsync("rados", ["lock", "info", locked, LockName], Commands.DefaultLimit, cancel);
        if (!held.Succeeded || HolderOf(held.Output) is not { } holder || !isMeant(holder.Cookie)) return false;
        return (await TryAsync("rados", ["lock", "break", locked, LockName, holder.Name, "--lock-cookie", holder.Cookie], Commands.DefaultLimit, cancel)).Succeeded;
    }

    /// <summary>Who has a lock; null: nobody.</summary>
    internal static (string Name, string Cookie)? HolderOf(string answer)
    {
        using var found = JsonDocument.Parse(answer);
        return found.RootElement.GetProperty("lockers").EnumerateArray().Select(one => ((string, string)?)(one.GetProperty("name").GetString()!, one.GetProperty("cookie").GetString()!)).FirstOrDefault();
    }

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

    private async Task<string> NeedAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var result = await TryAsync(program, arguments, Commands.DefaultLimit, cancel);
        return result.Succeeded ? result.Output : throw Failed(program, arguments, result);
    }

    private Task<CommandResult> TryAsync(string program, IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancel) =>
        commands.TryRunAsync(program, ["--conf", place.Configuration!, "--id", place.Client!, .. program == "rados" ? new[] { "--pool", place.Name } : [], .. arguments], null, [], limit, cancel);

    private static IOException Failed(string program, IReadOnlyList<string> arguments, CommandResult result) =>
        result.Error.Contains("(28)", StringComparison.Ordinal) || result.Error.Contains("No space left", StringComparison.Ordinal) ? new HypervisorException("disk-full", "The Ceph pool is full.", null) : Commands.Failure(program, arguments, result);
}
