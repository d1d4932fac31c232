using System.Globalization;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>Volumes below a dataset of ZFS, by <c>zfs</c>. Marks are properties of the user's. A point that others began with stays, unseen, until the last of them goes.</summary>
/// <param name="devices">Where nodes of devices are: <c>/dev</c>.</param>
internal sealed class ZfsTool(BlockPlace place, string devices, Commands commands, BlockChanges changes, TimeProvider clock) : IBlockTool
{
    private const string Marks = "kumoi:", StoreMark = "kumoi:storage", None = "-";

    // Each change is one of the kernel's, which a tool that is killed does not leave half done; but it may come after its tool has ended, and so after what was changed next.
    private string Turn => BlockChanges.TurnOf($"{place.Driver}:{place.Name}");

    public async Task<BlockRoom> RoomAsync(CancellationToken cancel)
    {
        if ((await commands.RunAsync("zfs", ["list", "-H", "-p", "-o", "used,available", place.Name], cancel)).Trim().Split('\t') is not [var used, var free]) throw new IOException($"{place.Words} tells nothing of its room.");
        var taken = long.Parse(used, CultureInfo.InvariantCulture);
        return new BlockRoom(taken + long.Parse(free, CultureInfo.InvariantCulture), taken);
    }

    public async Task<string?> IdAsync(CancellationToken cancel) =>
        // Of the dataset itself: one below a store of its own is another place.
        (await commands.RunAsync("zfs", ["get", "-H", "-p", "-s", "local", "-o", "value", StoreMark, place.Name], cancel)).Trim() is { Length: > 0 } id && id != None ? id : null;

    public async Task SetIdAsync(string id, CancellationToken cancel) => await ChangeAsync(["set", $"{StoreMark}={id}", place.Name], cancel);

    public async Task<IReadOnlyList<BlockDisk>> SurveyAsync(CancellationToken cancel) =>
        // Snapshots are one step further down than what they are of.
        Understand(await commands.RunAsync("zfs", ["get", "-H", "-p", "-r", "-d", "2", "-t", "volume,snapshot", "-o", "name,property,value,source", "all", place.Name], cancel), place.Name);

    public async Task<IReadOnlyList<BlockDisk>> ListAsync(Func<string, bool> wanted, CancellationToken cancel) => [.. (await SurveyAsync(cancel)).Where(disk => wanted(disk.Name)).Select(WithOpen)];

    public Task<BlockDisk?> LookCloserAsync(BlockDisk disk, CancellationToken cancel) => Task.FromResult<BlockDisk?>(WithOpen(disk));

    private BlockDisk WithOpen(BlockDisk disk) => disk with { IsOpen = LocalDevices.IsOpen(PathOf(disk.Name)) };

    internal static IReadOnlyList<BlockDisk> Understand(string told, string dataset)
    {
        var found = told.Split('\n').Select(line => line.Split('\t')).Where(parts => parts.Length == 4 && parts[0].StartsWith(dataset + "/", StringComparison.Ordinal))
            .GroupBy(parts => parts[0][(dataset.Length + 1)..]).ToDictionary(one => one.Key, one => one.DistinctBy(parts => parts[1]).ToDictionary(parts => parts[1], parts => (Value: parts[2], Source: parts[3])));
        return
        [
            .. found.Where(one => !one.Key.Contains('@', StringComparison.Ordinal) && !one.Key.Contains('/', StringComparison.Ordinal)).Select(one => new BlockDisk(
                one.Key, Number(one.Value, "volsize"), Number(one.Value, "usedbydataset"), false, DateTimeOffset.FromUnixTimeSeconds(Number(one.Value, "creation")),
                one.Value.Where(mark => mark.Key.StartsWith(Marks, StringComparison.Ordinal) && mark.Value.Source == "local").ToDictionary(mark => mark.Key[Marks.Length..], mark => mark.Value.Value),
                [.. found.Where(point => point.Key.StartsWith(one.Key + "@", StringComparison.Ordinal) && point.Value.GetValueOrDefault("defer_destroy").Value is not "on")
                    .Select(point => new BlockPoint(point.Key[(one.Key.Length + 1)..], Number(point.Value, "volsize"), Number(point.Value, "used")))])),
        ];
    }

    private static long Number(IReadOnlyDictionary<string, (string Value, string Source)> properties, string name) =>
        properties.TryGetValue(name, out var property) && long.TryParse(property.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    // What a guest writes is no matter of the host's kernel: it looks for no partitions on the device, and makes no devices for them.
    private static readonly string[] Unread = ["-o", "volmode=dev"];

    public async Task CreateAsync(string name, long size, CancellationToken cancel) => await ChangeAsync(["create", "-s", "-V", size.ToString(CultureInfo.InvariantCulture), .. Unread, Spec(name)], cancel);

    public async Task CloneAsync(string disk, string point, string name, CancellationToken cancel) => await ChangeAsync(["clone", .. Unread, $"{Spec(disk)}@{point}", Spec(name)], cancel);

    public async Task GrowAsync(string name, long size, CancellationToken cancel) => await ChangeAsync(["set", string.Create(CultureInfo.InvariantCulture, $"volsize={size}"), Spec(name)], cancel);

    public async Task PointAsync(string disk, string point, CancellationToken cancel) => await ChangeAsync(["snapshot", $"{Spec(disk)}@{point}"], cancel);

    public async Task RemovePointAsync(string disk, string point, CancellationToken cancel) => await ChangeAsync(["destroy", "-d", $"{Spec(disk)}@{point}"], cancel);

    public async Task MarkAsync(string disk, string key, string? value, CancellationToken cancel) => await ChangeAsync(value is null ? ["inherit", Marks + key, Spec(disk)] : ["set", $"{Marks}{key}={value}", Spec(disk)], cancel);

    public async Task RenameAsync(string from, string to, CancellationToken cancel) => await ChangeAsync(["rename", Spec(from), Spec(to)], cancel);

    public async Task<bool> RemoveAsync(string name, CancellationToken cancel)
    {
        var result = await changes.TryAsync(Turn, "zfs", ["destroy", Spec(name)], Commands.DefaultLimit, cancel);
        if (result.Succeeded || result.Error.Contains("does not exist", StringComparison.Ordinal)) return true;
        return result.Error.Contains("has children", StringComparison.Ordinal) || result.Error.Contains("has dependent clones", StringComparison.Ordinal) ? false : throw Commands.Failure("zfs", ["destroy", Spec(name)], result);
    }

    public async Task<BlockNode> GiveAsync(string name, uint user, CancellationToken cancel)
    {
        await LocalDevices.NeedAsync(PathOf(name), clock, cancel);
        return LocalDevices.Give(PathOf(name), user);
    }

    public async Task<BlockNode> GivePointAsync(string disk, string point, uint user, CancellationToken cancel)
    {
        await ChangeAsync(["set", "snapdev=visible", Spec(disk)], cancel);
        return await GiveAsync($"{disk}@{point}", user, cancel);
    }

    public async Task TakePointBackAsync(string disk, string point, CancellationToken cancel) => await ChangeAsync(["inherit", "snapdev", Spec(disk)], cancel);

    public IEnumerable<(string Disk, string Point)> LentOf(IReadOnlyList<BlockDisk> disks) => disks.SelectMany(disk => disk.Points.Where(point => File.Exists(PathOf($"{disk.Name}@{point.Name}"))).Select(point => (disk.Name, point.Name)));

    public Task<bool> IsGivenAsync(string name, CancellationToken cancel) => Task.FromResult(LocalDevices.IsGiven(PathOf(name)));

    // Only processes of this host could have it, and the agent ends those.
    public Task CutOffAsync(string name, CancellationToken cancel) => Task.CompletedTask;

    public Task<int> GrantedAsync(string volumeId, CancellationToken cancel) => Task.FromResult(0);

    public Task HoldAsync(string volumeId, int incarnation, Func<IBlockTool, Task> act, CancellationToken cancel) => act(this);

    public Task ForgetAsync(string volumeId, CancellationToken cancel) => Task.CompletedTask;

    public Task<IReadOnlyDictionary<string, string>> NotesAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());

    public Task NoteAsync(string name, string? text, CancellationToken cancel) => Task.CompletedTask;

    private async Task ChangeAsync(IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var result = await changes.TryAsync(Turn, "zfs", arguments, Commands.DefaultLimit, cancel);
        if (result.Succeeded) return;
        throw result.Error.Contains("out of space", StringComparison.Ordinal) ? new HypervisorException("disk-full", "The ZFS pool is full.", null) : Commands.Failure("zfs", arguments, result);
    }

    private string Spec(string name) => $"{place.Name}/{name}";

    private string PathOf(string name) => Path.Combine(devices, "zvol", place.Name, name);
}
