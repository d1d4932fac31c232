using System.Globalization;
using System.Text.Json;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Logical volumes of a thin pool, by the tools of LVM. Marks are tags. A point is a volume of its own, read-only and not active; nothing depends on it or on what it is of.
/// </summary>
/// <param name="devices">Where nodes of devices are: <c>/dev</c>.</param>
internal sealed class LvmThinTool(BlockPlace place, string devices, Commands commands, BlockChanges changes, TimeProvider clock) : IBlockTool
{
    private const string Marks = "kumoi.";

    // Of a point's name: no disk has it in its own.
    private const char PointSign = '_';

    private static readonly string[] Report = ["--reportformat", "json", "--units", "b", "--nosuffix", "--config", "report/time_format=\"%s\""];

    private readonly string _group = place.Name.Split('/')[0], _pool = place.Name.Split('/')[1];

    // LVM's own lock is the group's, too.
    private string Turn => BlockChanges.TurnOf($"{place.Driver}:{_group}");

    private string StoreTag => $"{Marks}storage.{_pool}=";

    public async Task<BlockRoom> RoomAsync(CancellationToken cancel)
    {
        var rows = Rows(await commands.RunAsync("lvs", [.. Report, "--options", "lv_name,pool_lv,lv_size,data_percent,metadata_percent,zero,segtype,lv_suspended", _group], cancel), "lv");
        if (rows.FirstOrDefault(row => Text(row, "lv_name") == _pool) is not { ValueKind: JsonValueKind.Object } pool || Text(pool, "segtype") != "thin-pool") throw new IOException($"{place.Words} is no thin pool: make one with lvcreate --type thin-pool.");
        // What one account has written could be read by the next where a chunk is written in part.
        if (Text(pool, "zero") is not ("zero" or "1")) throw new IOException($"{place.Words} does not clear what it gives out: lvchange --zero y {place.Name}.");
        await MendAsync([.. rows.Where(row => (Text(row, "lv_name") == _pool || Text(row, "pool_lv") == _pool) && Text(row, "lv_suspended") == "suspended").Select(row => Text(row, "lv_name")).OrderBy(name => name != _pool)], cancel);
        var size = long.Parse(Text(pool, "lv_size"), CultureInfo.InvariantCulture);
        // A pool whose tables are full takes nothing any more, however much room there is for data.
        return new BlockRoom(size, (long)(size * Math.Max(Percent(pool, "data_percent"), Percent(pool, "metadata_percent")) / 100));
    }

    /// <summary>
    /// Lets volumes go on that a tool which was ended in the middle has left suspended: lvs waits for the group's lock, under which others suspend and resume, and sees none of those. LVM loads what
    /// the group's metadata says, and resumes that; <c>dmsetup resume</c> would let go on what the tool may have loaded before it wrote that down.
    /// </summary>
    private async Task MendAsync(IReadOnlyList<string> suspended, CancellationToken cancel)
    {
        foreach (var name in suspended) await ChangeAsync("lvchange", ["--quiet", "--refresh", Spec(name)], cancel);
    }

    public async Task<string?> IdAsync(CancellationToken cancel)
    {
        var rows = Rows(await commands.RunAsync("vgs", [.. Report, "--options", "vg_tags", _group], cancel), "vg");
        return rows.SelectMany(row => Text(row, "vg_tags").Split(',')).FirstOrDefault(tag => tag.StartsWith(StoreTag, StringComparison.Ordinal))?[StoreTag.Length..];
    }

    public async Task SetIdAsync(string id, CancellationToken cancel) => await ChangeAsync("vgchange", ["--quiet", "--addtag", StoreTag + id, _group], cancel);

    public async Task<IReadOnlyList<BlockDisk>> ListAsync(Func<string, bool> wanted, CancellationToken cancel) => [.. Understand(await RowsAsync(cancel), wanted).Select(WithOpen)];

    public async Task<IReadOnlyList<BlockDisk>> SurveyAsync(CancellationToken cancel) => Understand(await RowsAsync(cancel), _ => true);

    public Task<BlockDisk?> LookCloserAsync(BlockDisk disk, CancellationToken cancel) => Task.FromResult<BlockDisk?>(WithOpen(disk));

    private BlockDisk WithOpen(BlockDisk disk) => disk with { IsOpen = LocalDevices.IsOpen(PathOf(disk.Name)) };

    private async Task<IReadOnlyList<JsonElement>> RowsAsync(CancellationToken cancel) =>
        [.. Rows(await commands.RunAsync("lvs", [.. Report, "--options", "lv_name,lv_size,data_percent,lv_tags,pool_lv,lv_time", _group], cancel), "lv").Where(row => Text(row, "pool_lv") == _pool)];

    internal static IReadOnlyList<BlockDisk> Understand(IReadOnlyList<JsonElement> rows, Func<string, bool> wanted)
    {
        var points = rows.Where(row => Text(row, "lv_name").Contains(PointSign, StringComparison.Ordinal)).ToLookup(row => Text(row, "lv_name").Split(PointSign, 2)[0]);
        return
        [
            .. rows.Where(row => Text(row, "lv_name") is var name && !name.Contains(PointSign, StringComparison.Ordinal) && wanted(name)).Select(row => new BlockDisk(
                Text(row, "lv_name"), Size(row), Used(row), false, DateTimeOffset.FromUnixTimeSeconds(long.TryParse(Text(row, "lv_time"), NumberStyles.None, CultureInfo.InvariantCulture, out var time) ? time : 0),
                Text(row, "lv_tags").Split(',').Where(tag => tag.StartsWith(Marks, StringComparison.Ordinal)).Select(tag => tag[Marks.Length..].Split('=', 2)).Where(tag => tag.Length == 2).DistinctBy(tag => tag[0]).ToDictionary(tag => tag[0], tag => tag[1]),
                [.. points[Text(row, "lv_name")].Select(point => new BlockPoint(Text(point, "lv_name").Split(PointSign, 2)[1], Size(point), Used(point)))])),
        ];
    }

    public async Task CreateAsync(string name, long size, CancellationToken cancel) =>
        await ChangeAsync("lvcreate", ["--yes", "--quiet", "--type", "thin", "--thinpool", _pool, "--virtualsize", Bytes(size), "--wipesignatures", "n", "--name", name, _group], cancel);

    public async Task CloneAsync(string disk, string point, string name, CancellationToken cancel) =>
        await ChangeAsync("lvcreate", ["--yes", "--quiet", "--snapshot", "--setactivationskip", "n", "--permission", "rw", "--name", name, Spec(PointOf(disk, point))], cancel);

    public async Task GrowAsync(string name, long size, CancellationToken cancel) => await ChangeAsync("lvextend", ["--yes", "--quiet", "--size", Bytes(size), Spec(name)], cancel);

    public async Task PointAsync(string disk, string point, CancellationToken cancel) =>
        await ChangeAsync("lvcreate", ["--yes", "--quiet", "--snapshot", "--setactivationskip", "y", "--permission", "r", "--activate", "n", "--name", PointOf(disk, point), Spec(disk)], cancel);

    public Task RemovePointAsync(string disk, string point, CancellationToken cancel) => RemoveAsync(PointOf(disk, point), cancel);

    public async Task MarkAsync(string disk, string key, string? value, CancellationToken cancel)
    {
        var now = (await ListAsync(name => name == disk, cancel)).FirstOrDefault() ?? throw new IOException($"The logical volume {Spec(disk)} is not there.");
        string[] old = now.Marks.TryGetValue(key, out var before) && before != value ? ["--deltag", Tag(key, before)] : [], fresh = value is not null && before != value ? ["--addtag", Tag(key, value)] : [];
        // In one change, which LVM writes as a whole.
        if (old.Length + fresh.Length > 0) await ChangeAsync("lvchange", ["--quiet", .. old, .. fresh, Spec(disk)], cancel);
    }

    private static string Tag(string key, string value) => $"{Marks}{key}={value}";

    public async Task RenameAsync(string from, string to, CancellationToken cancel) => await ChangeAsync("lvrename", ["--quiet", _group, from, to], cancel);

    public async Task<bool> RemoveAsync(string name, CancellationToken cancel)
    {
        var result = await changes.TryAsync(Turn, "lvremove", ["--yes", "--quiet", Spec(name)], Commands.DefaultLimit, cancel);
        return result.Succeeded || result.Error.Contains("Failed to find logical volume", StringComparison.Ordinal) ? true : throw Commands.Failure("lvremove", [Spec(name)], result);
    }

    public async Task<BlockNode> GiveAsync(string name, uint user, CancellationToken cancel)
    {
        // One that this machine has not had active since its start.
        if (!File.Exists(PathOf(name))) await ChangeAsync("lvchange", ["--quiet", "--activate", "y", "--ignoreactivationskip", Spec(name)], cancel);
        await LocalDevices.NeedAsync(PathOf(name), clock, cancel);
        return LocalDevices.Give(PathOf(name), user);
    }

    public Task<BlockNode> GivePointAsync(string disk, string point, uint user, CancellationToken cancel) => GiveAsync(PointOf(disk, point), user, cancel);

    public async Task TakePointBackAsync(string disk, string point, CancellationToken cancel) => await ChangeAsync("lvchange", ["--quiet", "--activate", "n", Spec(PointOf(disk, point))], cancel);

    // Points are not active but for who reads them.
    public IEnumerable<(string Disk, string Point)> LentOf(IReadOnlyList<BlockDisk> disks) => disks.SelectMany(disk => disk.Points.Where(point => File.Exists(PathOf(PointOf(disk.Name, point.Name)))).Select(point => (disk.Name, point.Name)));

    public Task<bool> IsGivenAsync(string name, CancellationToken cancel) => Task.FromResult(LocalDevices.IsGiven(PathOf(name)));

    // Only processes of this host could have it, and the agent ends those.
    public Task CutOffAsync(string name, CancellationToken cancel) => Task.CompletedTask;

    public Task<int> GrantedAsync(string volumeId, CancellationToken cancel) => Task.FromResult(0);

    public Task HoldAsync(string volumeId, int incarnation, Func<IBlockTool, Task> act, CancellationToken cancel) => act(this);

    public Task ForgetAsync(string volumeId, CancellationToken cancel) => Task.CompletedTask;

    public Task<IReadOnlyDictionary<string, string>> NotesAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());

    public Task NoteAsync(string name, string? text, CancellationToken cancel) => Task.CompletedTask;

    private async Task ChangeAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var result = await changes.TryAsync(Turn, program, arguments, Commands.DefaultLimit, cancel);
        if (result.Succeeded) return;
        // Of a pool that promises more than it has each change warns, and speaks of free space.
        var failure = string.Join('\n', result.Error.Split('\n').Where(line => !line.AsSpan().TrimStart().StartsWith("WARNING:", StringComparison.Ordinal)));
        throw failure.Contains("free space", StringComparison.Ordinal) || failure.Contains("insufficient", StringComparison.OrdinalIgnoreCase) || failure.Contains("reached threshold", StringComparison.Ordinal) ? new HypervisorException("disk-full", "The thin pool is full.", null) : Commands.Failure(program, arguments, result);
    }

    private static string PointOf(string disk, string point) => $"{disk}{PointSign}{point}";

    private string PathOf(string name) => Path.Combine(devices, _group, name);

    private string Spec(string name) => $"{_group}/{name}";

    private static string Bytes(long size) => size.ToString(CultureInfo.InvariantCulture) + "b";

    internal static IReadOnlyList<JsonElement> Rows(string answer, string kind)
    {
        using var found = JsonDocument.Parse(answer);
        return [.. found.RootElement.GetProperty("report").EnumerateArray().SelectMany(report => report.GetProperty(kind).EnumerateArray()).Select(row => row.Clone())];
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString() ?? "";

    private static long Size(JsonElement row) => long.Parse(Text(row, "lv_size"), CultureInfo.InvariantCulture);

    private static double Percent(JsonElement row, string name) => double.TryParse(Text(row, name), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) ? percent : 0;

    private static long Used(JsonElement row) => (long)(Size(row) * Percent(row, "data_percent") / 100);
}
