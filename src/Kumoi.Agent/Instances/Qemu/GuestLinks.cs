using System.Collections.Concurrent;

namespace Kumoi.Agent.Instances.Qemu;

/// <summary>
/// The connections to guests' processes, for those who look after the volumes in them: a process answers one connection at a time. What is not connected
/// at the moment is found again by the guest's own mailbox.
/// </summary>
public sealed class GuestLinks
{
    private readonly ConcurrentDictionary<string, GuestLink> _links = new();

    /// <summary>Called with a volume's id when work on it in a guest's process has come further.</summary>
    internal Action<string> Worked { get; set; } = _ => { };

    internal void Add(string instanceId, uint user, QmpClient qmp, GuestFreeze freeze) =>
        _links[instanceId] = new GuestLink(instanceId, user, qmp, freeze, _links.TryGetValue(instanceId, out var last) ? last.Volumes : [], last?.Open ?? []);

    /// <summary>Notes which volumes the guest's process is about to get.</summary>
    internal void Note(string instanceId, IReadOnlyCollection<string> volumes) => Note(instanceId, volumes, volumes);

    /// <summary>Notes which volumes the guest's process was last seen with.</summary>
    /// <param name="told">As it says itself: one that was taken over may name those of others.</param>
    /// <param name="open">Those whose files or devices it has open, as the kernel says.</param>
    internal void Note(string instanceId, IReadOnlyCollection<string> told, IReadOnlyCollection<string> open)
    {
        if (_links.TryGetValue(instanceId, out var link)) _links[instanceId] = link with { Volumes = told, Open = open };
    }

    internal void Remove(string instanceId) => _links.TryRemove(instanceId, out _);

    /// <summary>A guest's process that has the volume; null if none is known.</summary>
    internal GuestLink? With(string volumeId) => _links.Values.FirstOrDefault(link => link.Volumes.Contains(volumeId) && link.Open.Contains(volumeId) && !link.Qmp.Ended.IsCompleted);

    /// <summary>A guest's process that says that it has the volume: for one of a place that no file or device of the host leads to.</summary>
    internal GuestLink? Claiming(string volumeId) => With(volumeId) ?? _links.Values.FirstOrDefault(link => link.Volumes.Contains(volumeId) && !link.Qmp.Ended.IsCompleted);

    /// <summary>The guest's process; null if it is not connected.</summary>
    internal GuestLink? Of(string instanceId) => _links.GetValueOrDefault(instanceId);

    /// <summary>Something has become of the work of a guest's process.</summary>
    internal void Rung(string instanceId)
    {
        if (!_links.TryGetValue(instanceId, out var link)) return;
        foreach (var volume in link.Volumes) Worked(volume);
    }
}

/// <summary>A guest's process that is connected.</summary>
/// <param name="User">As which user and group it runs.</param>
/// <param name="Volumes">Those that it says it has.</param>
/// <param name="Open">Those that the kernel says it has open.</param>
internal sealed record GuestLink(string InstanceId, uint User, QmpClient Qmp, GuestFreeze Freeze, IReadOnlyCollection<string> Volumes, IReadOnlyCollection<string> Open);
