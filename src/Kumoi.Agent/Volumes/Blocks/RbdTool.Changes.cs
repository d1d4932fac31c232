using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Changes of images. What <c>rbd</c> does is several changes of the cluster's objects, of which a half may be left: it runs to its end. What <c>rados</c> and <c>ceph</c> are told here is one message, which
/// is followed or not, so that they may be ended.
/// </summary>
internal sealed partial class RbdTool
{
    /// <summary>Turns for all images of a pool. Too few: volumes wait for each other; too many: as many files on the host.</summary>
    private const int Turns = 64;

    public Task CreateAsync(string name, long size, CancellationToken cancel) =>
        ChangeAsync(name, ["create", Spec(name), "--size", Bytes(size), "--image-feature", "layering,exclusive-lock,object-map,fast-diff,deep-flatten"], cancel);

    public Task CloneAsync(string disk, string point, string name, CancellationToken cancel) =>
        // The second form, whose parents' points can be removed while clones of them live.
        ChangeAsync(name, ["clone", "--rbd-default-clone-format", "2", $"{Spec(disk)}@{point}", Spec(name)], cancel);

    public Task GrowAsync(string name, long size, CancellationToken cancel) => ChangeAsync(name, ["resize", "--no-progress", Spec(name), "--size", Bytes(size)], cancel);

    public Task PointAsync(string disk, string point, CancellationToken cancel) => ChangeAsync(disk, ["snap", "create", "--no-progress", $"{Spec(disk)}@{point}"], cancel);

    public Task RemovePointAsync(string disk, string point, CancellationToken cancel) => ChangeAsync(disk, ["snap", "rm", "--no-progress", $"{Spec(disk)}@{point}"], cancel);

    public async Task MarkAsync(string disk, string key, string? value, CancellationToken cancel)
    {
        var info = await TryReadAsync(["info", Spec(disk)], cancel) ?? throw new IOException($"The image {Spec(disk)} is not there.");
        await ChangeAsync(disk, value is null ? ["image-meta", "remove", Spec(disk), MarkPrefix(info) + key] : ["image-meta", "set", Spec(disk), MarkPrefix(info) + key, value], cancel);
    }

    public Task RenameAsync(string from, string to, CancellationToken cancel) => ChangeAsync(from, ["rename", Spec(from), Spec(to)], cancel);

    public async Task<bool> RemoveAsync(string name, CancellationToken cancel)
    {
        await CheckHeldAsync(cancel);
        // Minutes, of a large one: nothing but another removal waits for it.
        var result = await changes.TryAsync(TurnOf("rm"), "rbd", [.. Where, "rm", "--no-progress", Spec(name)], RemoveLimit, cancel);
        return result.Succeeded || result.ExitCode == NotThere || (result.ExitCode == NotEmpty ? false : throw Failed("rbd", ["rm", Spec(name)], result));
    }

    public async Task<BlockNode> GiveAsync(string name, uint user, CancellationToken cancel) => new(Node(name), await SecretAsync(cancel));

    // QEMU opens what it reads as what it writes: a reader has a clone of its own, and is cut off with nobody.
    public async Task<BlockNode> GivePointAsync(string disk, string point, uint user, CancellationToken cancel)
    {
        var name = BlockNames.Lent(host, disk, point);
        var made = await TryChangeAsync(name, ["clone", "--rbd-default-clone-format", "2", $"{Spec(disk)}@{point}", Spec(name)], cancel);
        return made.Succeeded || made.ExitCode == IsThere ? new(Node(name), await SecretAsync(cancel)) : throw Failed("rbd", ["clone", Spec(name)], made);
    }

    public async Task TakePointBackAsync(string disk, string point, CancellationToken cancel)
    {
        var name = BlockNames.Lent(host, disk, point);
        var result = await TryChangeAsync(name, ["rm", "--no-progress", Spec(name)], cancel);
        if (result.ExitCode == Busy)
        {
            // One that was killed is taken for a reader for half a minute.
            await CutOffAsync(name, cancel);
            result = await TryChangeAsync(name, ["rm", "--no-progress", Spec(name)], cancel);
        }
        if (!result.Succeeded && result.ExitCode != NotThere) throw Failed("rbd", ["rm", Spec(name)], result);
    }

    public IEnumerable<(string Disk, string Point)> LentOf(IReadOnlyList<BlockDisk> disks) => disks.Select(disk => BlockNames.LentIn(disk.Name, host)).OfType<(string, string)>();

    // Who may open it is decided by the key, which each process is handed for itself.
    public Task<bool> IsGivenAsync(string name, CancellationToken cancel) => Task.FromResult(false);

    public async Task CutOffAsync(string name, CancellationToken cancel)
    {
        var addresses = new HashSet<string>();
        if (await TryReadAsync(["lock", "ls", Spec(name)], cancel) is { ValueKind: JsonValueKind.Array } locks) addresses.UnionWith(locks.EnumerateArray().Select(one => one.GetProperty("address").GetString()!));
        if (await TryReadAsync(["status", Spec(name)], cancel) is { } status && status.GetProperty("watchers") is { ValueKind: JsonValueKind.Array } watchers) addresses.UnionWith(watchers.EnumerateArray().Select(one => one.GetProperty("address").GetString()!));
        foreach (var address in addresses)
        {
            await CheckHeldAsync(cancel);
            await NeedAsync("ceph", ["osd", "blocklist", "add", address, CutOffSeconds.ToString(CultureInfo.InvariantCulture)], cancel);
        }
    }

    private async Task ChangeAsync(string image, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var result = await TryChangeAsync(image, arguments, cancel);
        if (!result.Succeeded) throw Failed("rbd", arguments, result);
    }

    private async Task<CommandResult> TryChangeAsync(string image, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        await CheckHeldAsync(cancel);
        var stripe = BlockChanges.TurnOf(image.Split('.')[0]).Take(2);
        return await changes.TryAsync(TurnOf((int.Parse(string.Concat(stripe), NumberStyles.HexNumber, CultureInfo.InvariantCulture) % Turns).ToString(CultureInfo.InvariantCulture)), "rbd", [.. Where, .. arguments], Commands.DefaultLimit, cancel);
    }

    private string TurnOf(string what) => BlockChanges.TurnOf($"{place} {what}");
}
