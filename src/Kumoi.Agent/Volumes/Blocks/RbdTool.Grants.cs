using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>Who has a volume: an attribute of an object of its own, changed under a lock of that object (<c>cls_lock</c>) that ends by itself. What is done under it looks before each change whether it still holds.</summary>
internal sealed partial class RbdTool
{
    private const string Incarnation = "incarnation", LockName = "grant", Notes = "kumoi-moments";

    /// <summary>How long a grant's lock is held at most. Too low: a slow host loses it in the middle; too high: what a host that was killed has locked waits.</summary>
    private const int LockSeconds = 60;

    /// <summary>How long changes are begun under it, so that one that takes as long as it may ends before the lock does.</summary>
    private static readonly TimeSpan HoldLimit = TimeSpan.FromSeconds(LockSeconds) - Commands.DefaultLimit;

    private static readonly TimeSpan LockLimit = TimeSpan.FromSeconds(10), LockPause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, byte> _locks = new();

    // What this tool's changes are made under; null: under nothing.
    private Hold? _hold;

    public async Task<int> GrantedAsync(string volumeId, CancellationToken cancel) =>
        await AttributeAsync(GrantOf(volumeId), Incarnation, cancel) is not { } text ? 0
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var granted) ? granted : throw new IOException($"The object {GrantOf(volumeId)} of {place.Words} does not hold an incarnation; without it nobody can tell whose the volume is.");

    public Task HoldAsync(string volumeId, int incarnation, Func<IBlockTool, Task> act, CancellationToken cancel) => AloneAsync(GrantOf(volumeId), async held =>
    {
        var granted = await GrantedAsync(volumeId, cancel);
        if (granted > incarnation) throw StoreDirectory.Fenced(incarnation);
        if (granted < incarnation)
        {
            await held.CheckHeldAsync(cancel);
            await NeedAsync("rados", ["setxattr", GrantOf(volumeId), Incarnation, incarnation.ToString(CultureInfo.InvariantCulture)], cancel);
        }
        await act(held);
    }, cancel);

    public async Task ForgetAsync(string volumeId, CancellationToken cancel)
    {
        await CheckHeldAsync(cancel);
        var result = await TryAsync("rados", ["rm", GrantOf(volumeId)], Commands.DefaultLimit, cancel);
        if (!result.Succeeded && !result.Error.Contains("No such file", StringComparison.Ordinal)) throw Failed("rados", ["rm", GrantOf(volumeId)], result);
    }

    public async Task<IReadOnlyDictionary<string, string>> NotesAsync(CancellationToken cancel) =>
        RbdHeader.Values(await TryReadObjectAsync(["listomapvals", Notes], cancel) ?? "");

    public async Task NoteAsync(string name, string? text, CancellationToken cancel)
    {
        await CheckHeldAsync(cancel);
        if (text is null) await TryReadObjectAsync(["rmomapkey", Notes, name], cancel);
        else await NeedAsync("rados", ["setomapval", Notes, name, text], cancel);
    }

    private static string GrantOf(string volumeId) => Marks + volumeId;

    /// <summary>Throws if the lock under which this is done is another's by now, or could become it before a change has ended.</summary>
    private async Task CheckHeldAsync(CancellationToken cancel)
    {
        if (_hold is not { } hold) return;
        // The cluster counts from when it was asked for at the earliest.
        if (clock.GetElapsedTime(hold.Since) < HoldLimit && (await HolderAsync(hold.Locked, cancel))?.Cookie == hold.Cookie && clock.GetElapsedTime(hold.Since) < HoldLimit) return;
        throw new HypervisorException("storage-busy", $"What was begun in {place.Words} took too long to be this host's alone; it is left as it is, and begun anew.", null);
    }

    private async Task AloneAsync(string locked, Func<RbdTool, Task> act, CancellationToken cancel)
    {
        var cookie = $"{host}-{Guid.NewGuid():N}";
        _locks[cookie] = 0;
        try
        {
            var held = (RbdTool)MemberwiseClone();
            held._hold = new Hold(locked, cookie, await LockAsync(locked, cookie, cancel));
            try
            {
                await act(held);
            }
            finally
            {
                // A lock that cannot be let go of now goes by itself.
                await BreakAsync(locked, one => one == cookie, CancellationToken.None);
            }
        }
        finally
        {
            _locks.TryRemove(cookie, out _);
        }
    }

    /// <summary>When the lock was asked for that was got.</summary>
    private async Task<long> LockAsync(string locked, string cookie, CancellationToken cancel)
    {
        for (var begun = clock.GetTimestamp(); ; await Task.Delay(LockPause, clock, cancel))
        {
            var since = clock.GetTimestamp();
            var asked = await TryAsync("rados", ["lock", "get", locked, LockName, "--lock-cookie", cookie, "--lock-duration", LockSeconds.ToString(CultureInfo.InvariantCulture)], Commands.DefaultLimit, cancel);
            if (asked.Succeeded) return since;
            if (!asked.Error.Contains("(16)", StringComparison.Ordinal)) throw Failed("rados", ["lock", "get", locked], asked);
            // Of an agent of this host that was killed: there is one at a time.
            if (await BreakAsync(locked, other => other.StartsWith(host + "-", StringComparison.Ordinal) && !_locks.ContainsKey(other), cancel)) continue;
            if (clock.GetElapsedTime(begun) > LockLimit) throw new HypervisorException("storage-busy", $"Another host has held a lock of {place.Words} for more than 10 s.", null);
        }
    }

    /// <summary>Ends a lock; false if none has such a cookie.</summary>
    private async Task<bool> BreakAsync(string locked, Func<string, bool> isMeant, CancellationToken cancel)
    {
        if (await HolderAsync(locked, cancel) is not { } holder || !isMeant(holder.Cookie)) return false;
        return (await TryAsync("rados", ["lock", "break", locked, LockName, holder.Name, "--lock-cookie", holder.Cookie], Commands.DefaultLimit, cancel)).Succeeded;
    }

    private async Task<(string Name, string Cookie)?> HolderAsync(string locked, CancellationToken cancel)
    {
        var told = await TryAsync("rados", ["lock", "info", locked, LockName], Commands.DefaultLimit, cancel);
        return told.Succeeded ? HolderOf(told.Output) : null;
    }

    /// <summary>Who has a lock; null: nobody.</summary>
    internal static (string Name, string Cookie)? HolderOf(string answer)
    {
        using var found = JsonDocument.Parse(answer);
        return found.RootElement.GetProperty("lockers").EnumerateArray().Select(one => ((string, string)?)(one.GetProperty("name").GetString()!, one.GetProperty("cookie").GetString()!)).FirstOrDefault();
    }

    private sealed record Hold(string Locked, string Cookie, long Since);
}
