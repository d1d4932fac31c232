using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;

namespace Kumoi.Agent.Instances;

/// <summary>
/// What the agent remembers of one guest between two looks. Nothing of it is needed to be right: after a restart of the agent it begins
/// empty, and at worst a button is pressed once more.
/// </summary>
internal sealed class GuestMemory
{
    /// <summary>A guest that lived this long was well; its loss is the first of a new series.</summary>
    private static readonly TimeSpan WellAfter = TimeSpan.FromMinutes(1);

    private int _deaths, _resumes;
    private bool _ending;
    private GuestProcess? _cdAskedOf;
    private string? _cdWanted;
    private GuestProcess? _last;
    private readonly Dictionary<string, DateTimeOffset> _firstAsked = [], _lastAsked = [];

    public DateTimeOffset? StopAskedAt { get; private set; }

    public DateTimeOffset? ButtonPressedAt { get; private set; }

    public DateTimeOffset? NotBefore { get; private set; }

    /// <summary>When the guest was last asked for a card or a disk, by its id.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> AskedAt => _lastAsked;

    /// <summary>The volumes that the process last seen had, and how large they were.</summary>
    public IEnumerable<(string Id, long SizeBytes)> Drives => (_last?.Drives ?? []).Select(drive => (drive.Id, drive.SizeBytes));

    /// <summary>When the guest was first asked for what is in its CD drive now.</summary>
    public DateTimeOffset? CdAskedAt { get; private set; }

    /// <summary>What should be in the drive was seen there with the tray closed.</summary>
    public bool CdSeen { get; private set; }

    public Condition? Condition { get; private set; }

    public ObservedInstance? Reported { get; set; }

    /// <summary>The highest former incarnation of which nothing is left.</summary>
    public int Departed { get; set; }

    /// <summary>The incarnation of the process last seen; 0 if there was none.</summary>
    public int Incarnation => _last?.Incarnation ?? 0;

    public void ButtonPressed(DateTimeOffset now)
    {
        StopAskedAt ??= now;
        ButtonPressedAt = now;
    }

    public void Asked(IEnumerable<string> devices, DateTimeOffset now)
    {
        foreach (var device in devices)
        {
            _firstAsked.TryAdd(device, now);
            _lastAsked[device] = now;
        }
    }

    /// <summary>Cards that the guest was asked for and has not given back for longer than it takes, and since when.</summary>
    public IEnumerable<(string Card, DateTimeOffset Since)> UnansweredCards(GuestProcess? process, DateTimeOffset now) =>
        Unanswered((process?.Cards ?? []).Where(card => card.Device).Select(card => card.Id), now);

    /// <summary>The same of volumes.</summary>
    public IEnumerable<(string Volume, DateTimeOffset Since)> UnansweredDrives(GuestProcess? process, DateTimeOffset now) =>
        Unanswered((process?.Drives ?? []).Where(drive => drive.Device).Select(drive => drive.Id), now);

    private IEnumerable<(string, DateTimeOffset)> Unanswered(IEnumerable<string> devices, DateTimeOffset now) =>
        devices.Where(device => _firstAsked.TryGetValue(device, out var since) && since + InstancePlanner.CardRepeat <= now).Select(device => (device, _firstAsked[device]));

    public void CdAsked(DateTimeOffset now) => CdAskedAt ??= now;

    /// <summary>The next change is asked for anew once the drive is as it should be, or the guest is another.</summary>
    public void NoteCd(string? wanted)
    {
        if (_last?.Cd is not { } cd || cd.ImageId == wanted || !_last.Is(_cdAskedOf)) CdAskedAt = null;
        CdSeen = (CdSeen && IsLast(_cdAskedOf) && wanted == _cdWanted) || (_last?.Cd is { TrayOpen: false } closed && closed.ImageId == wanted);
        (_cdAskedOf, _cdWanted) = (_last, wanted);
    }

    private bool IsLast(GuestProcess? process) => process?.Is(_last) ?? _last is null;

    private void ForgetAsked(GuestProcess? process)
    {
        if (process is { Cards: null } && process.Is(_last)) return;
        var there = (process?.Cards ?? []).Select(card => card.Id).Concat((process?.Drives ?? []).Select(drive => drive.Id)).ToHashSet();
        foreach (var device in _firstAsked.Keys.Where(device => !IsLast(process) || !there.Contains(device)).ToArray())
        {
            _firstAsked.Remove(device);
            _lastAsked.Remove(device);
        }
    }

    /// <summary>Takes note of what is seen; true if a process that should run was lost since the last look.</summary>
    public bool Note(GuestProcess? process, bool shouldRun, Backoff backoff, DateTimeOffset now)
    {
        ForgetAsked(process);
        var last = _last;
        _last = process;
        if (process is null || !process.Is(last)) (StopAskedAt, ButtonPressedAt) = (null, null);
        if (process is { State: RunState.Running } && now - process.StartedAt > WellAfter) (_deaths, _resumes, NotBefore) = (0, 0, null);
        var meant = _ending;
        if (process is null) _ending = false;
        if (process is not null || last is null || !shouldRun || meant) return false;
        _deaths = now - last.StartedAt > WellAfter ? 1 : _deaths + 1;
        // The first loss is made good at once: it is rare, and somebody waits.
        NotBefore = _deaths == 1 ? null : now + backoff.After(_deaths - 1);
        return true;
    }

    /// <summary>The process is about to be ended on purpose, so that its absence is no loss.</summary>
    public void Ending() => _ending = true;

    /// <summary>A guest held by a disk error was resumed; if it is held again, it is left alone for longer and longer.</summary>
    public void ResumedFromError(Backoff backoff, DateTimeOffset now) => NotBefore = now + backoff.After(++_resumes);

    public void Fail(string type, string reason, string message, DateTimeOffset now) =>
        Condition = new Condition(type, reason, message, Condition?.Reason == reason ? Condition.Since : now, null);

    public void Clear() => Condition = null;
}
