namespace Kumoi.Api.Agent;

/// <summary>What an agent sees. Changes are sent as they happen, everything every 30 s; it is also the heartbeat.</summary>
/// <param name="Full">True if every instance on the host is listed; false if only those that changed.</param>
/// <param name="DesiredRevision">Revision of the desired document last read.</param>
/// <param name="Strays">Things of Kumoi's naming found on the host that no record explains.</param>
/// <param name="LeaseSeconds">How long the lease that the host has now still runs. It may be longer than what the answer grants, and the answer
/// may be lost: servers wait for the longer of the two.</param>
/// <param name="Departed">Former placements of which nothing is left on the host.</param>
/// <param name="Listeners">What the host's part of load balancers does: all of them in a full report, or those whose members' health has changed; null if there is nothing to say.</param>
/// <param name="Traffic">What interfaces have sent and received, where it has changed; told every few minutes, otherwise null.</param>
/// <param name="Vpns">The VPN gateways that the host is: all of them in a full report, or those of which something has changed; null if there is nothing to say.</param>
/// <param name="Volumes">Volumes of the document: all of them in a full report, or those of which something has changed; null if there is nothing to say.</param>
/// <param name="StrayVolumes">Volumes in its own stores that no record explains: all of them, in a full report; null in others.</param>
/// <param name="Images">The images that the host has: all of them, in full reports and when that has changed; null in others.</param>
/// <param name="Backups">Backups of the document: all of them in a full report, or those of which something has changed; null if there is nothing to say.</param>
/// <param name="BackupPlaces">The places for backups that are there now: all of them, in a full report; null in others.</param>
/// <param name="Stores">The places for volumes that are there now: all of them, in a full report; null in others.</param>
public sealed record ObservedReport(
    bool Full, long DesiredRevision, HostFacts Facts, IReadOnlyList<ObservedInstance> Instances, IReadOnlyList<string> Strays,
    IReadOnlyList<Condition> Conditions, IReadOnlyList<FormerInstance>? Departed = null, int? LeaseSeconds = null,
    IReadOnlyList<ObservedListener>? Listeners = null, IReadOnlyList<ObservedTraffic>? Traffic = null, IReadOnlyList<ObservedVpn>? Vpns = null,
    IReadOnlyList<ObservedVolume>? Volumes = null, IReadOnlyList<ObservedStore>? Stores = null,
    IReadOnlyList<StrayVolume>? StrayVolumes = null, ObservedImages? Images = null,
    IReadOnlyList<ObservedBackup>? Backups = null, IReadOnlyList<ObservedBackupPlace>? BackupPlaces = null);

/// <summary>
/// The answer to a report: it was recorded, and the host's lease begins anew. The lease runs from the moment the agent <i>sent</i> the
/// report, so that it ends on the host before it ends for the servers.
/// </summary>
/// <param name="HeartbeatSeconds">How often to report at least, changes or not.</param>
/// <param name="LeaseSeconds">How long movable guests may run from then without another answer.</param>
/// <param name="Servers">Addresses of the agent API of every server that lives; null if this one does not say.</param>
/// <param name="At">The server's clock; null if it does not say.</param>
public sealed record ReportAnswer(int HeartbeatSeconds, int LeaseSeconds, IReadOnlyList<string>? Servers = null, DateTimeOffset? At = null);

/// <summary>One instance as the host sees it.</summary>
/// <param name="Generation">The generation of the record that the agent has acted on to the end.</param>
/// <param name="Power"><see cref="PowerState"/>.</param>
/// <param name="BootEpoch">The epoch that the running guest was started for; 0 if none runs.</param>
/// <param name="StartedAt">When the guest's process was started, if one runs. A new time in the same epoch means the guest
/// was lost and started again.</param>
/// <param name="Interfaces">Ids of the interfaces that the host has for it, plugged or not; null if the agent does not say. One that is taken away
/// gives its address back only when it is no longer among them.</param>
/// <param name="Volumes">Ids of the volumes that the guest's process has anything of, or may have; null if the agent does not say. One that is detached is
/// free only when it is no longer among them.</param>
public sealed record ObservedInstance(
    string Id, int Incarnation, long Generation, string Power, int BootEpoch, DateTimeOffset? StartedAt, IReadOnlyList<Condition> Conditions,
    IReadOnlyList<string>? Interfaces = null, IReadOnlyList<string>? Volumes = null);

/// <summary>What an agent can see of a guest.</summary>
public static class PowerState
{
    /// <summary>Nothing of the instance is on the host: no process, no disk, no interface.</summary>
    public const string Absent = "absent";

    /// <summary>The disk is there (or not yet made), no guest runs.</summary>
    public const string Stopped = "stopped";

    /// <summary>The guest's processors run.</summary>
    public const string Running = "running";

    /// <summary>The guest switched itself off; its process is kept until the record says what to do.</summary>
    public const string Shutdown = "shutdown";
}

/// <summary>A load balancer's listener as one host sees it. Counts begin with the host's part of the listener, so they may begin anew at any time.</summary>
/// <param name="Since">When the counts began.</param>
/// <param name="Active">Connections open now.</param>
/// <param name="Connections">Connections since then.</param>
/// <param name="BytesIn">Sent by clients.</param>
/// <param name="BytesOut">Sent to clients.</param>
public sealed record ObservedListener(string Id, DateTimeOffset Since, long Active, long Connections, long BytesIn, long BytesOut, IReadOnlyList<ObservedBackend> Members);

/// <param name="Health"><see cref="BackendHealth"/>.</param>
/// <param name="Reason">Why it does not work, in few words; null if it works.</param>
/// <param name="Since">Since when it is so.</param>
public sealed record ObservedBackend(string Id, string Health, string? Reason, DateTimeOffset Since, long Active, long Connections, long BytesIn, long BytesOut);

/// <summary>Whether a member of a load balancer works.</summary>
public static class BackendHealth
{
    public const string Healthy = "healthy", Unhealthy = "unhealthy";

    /// <summary>Not asked yet.</summary>
    public const string Unknown = "unknown";
}

/// <summary>What passed an interface since its counting began. "Sent" and "received" are the guest's.</summary>
/// <param name="Interface">The interface's id.</param>
/// <param name="Counting">Another text when the counts have begun anew, from nothing.</param>
public sealed record ObservedTraffic(string Interface, string Counting, long BytesSent, long BytesReceived, long PacketsSent, long PacketsReceived);
