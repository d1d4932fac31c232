namespace Kumoi.Api;

/// <summary>A place whose hosts share power, network and distance.</summary>
public sealed record Zone(string Id, string Name, DateTimeOffset CreatedAt);

public sealed record CreateZone(string Name);

/// <summary>An amount of what a host gives to instances. Memory in MiB, disk in GiB.</summary>
public sealed record Capacity(int Vcpus, int MemoryMib, int DiskGib);

/// <summary>A machine that runs instances.</summary>
/// <param name="State"><c>up</c>: reports come in. <c>unreachable</c>: they stopped; its guests may well be running. <c>down</c>: it is certain
/// that none of its movable guests runs.</param>
/// <param name="Hypervisor"><c>qemu</c> or <c>simulated</c>.</param>
/// <param name="Accelerator"><c>kvm</c> or <c>tcg</c>: found by running a short test guest, never assumed.</param>
/// <param name="AcceleratorReason">Why that accelerator, in one sentence.</param>
/// <param name="Maintenance">It is being emptied, or empty, at an operator's wish.</param>
/// <param name="Storage">Id of the shared storage it keeps disks on; null: its own.</param>
/// <param name="HeartbeatSeconds">How often it reports. Unreachable after three without a report, down after nine.</param>
/// <param name="FencedBy">How it became certain that the movable guests have ended: <c>lease</c>, <c>operator</c> or <c>power</c>.</param>
/// <param name="Power">The controller of its power, and what that said last; null: it has none.</param>
/// <param name="Strays">What the agent found on the host that no record explains. It is left alone.</param>
/// <param name="Capacity">What it offers: what it has times what its pool gives for that.</param>
/// <param name="Physical">What it has; null: it has not reported since its servers ask for that.</param>
/// <param name="Labels">What operators have noted of it, for placement.</param>
public sealed record Host(
    string Id, string Name, Ref Zone, string State, bool Schedulable, string Hypervisor, string Accelerator, string AcceleratorReason,
    Capacity Capacity, Capacity Allocated, int Instances, string Address, string AgentVersion, IReadOnlyList<string> Strays,
    IReadOnlyList<Condition> Conditions, DateTimeOffset CreatedAt, DateTimeOffset? LastReportAt, bool Maintenance, string? Storage, int HeartbeatSeconds,
    DateTimeOffset? FencedAt, string? FencedBy, HostPower? Power, Ref HostPool, Capacity? Physical, IReadOnlyDictionary<string, string> Labels);

/// <summary>The controller of a host's power. Its password is not told to anybody.</summary>
/// <param name="Driver">How it is spoken to: <c>ipmi</c>.</param>
/// <param name="Address">Name or address, and port unless it is the usual one.</param>
/// <param name="State"><c>on</c> or <c>off</c>, as the controller said last; null: it has not said anything yet.</param>
/// <param name="CheckedAt">When it was last asked.</param>
/// <param name="Problem">Why it did not answer the last time it was asked; null if it did.</param>
public sealed record HostPower(string Driver, string Address, string User, string? State, DateTimeOffset? CheckedAt, string? Problem);

/// <summary>Names the controller of a host's power.</summary>
/// <param name="Address">Name or address of the controller, with <c>:port</c> unless it is the usual one; IPv6 in brackets.</param>
/// <param name="User">A user of the controller who may switch the power (with IPMI: privilege Operator).</param>
public sealed record SetHostPower(string Driver, string Address, string User, string Password);

/// <summary>Changes a host; what is absent stays.</summary>
/// <param name="Schedulable">Placement may use it.</param>
/// <param name="Maintenance">It is to be emptied: what may move and does not run moves, the rest stays and says why.</param>
/// <param name="HostPool">Id or name of the pool that it is to be in. What runs on it stays.</param>
/// <param name="Labels">Keys that get these values, or go if that is null; others stay.</param>
public sealed record UpdateHost(bool? Schedulable, bool? Maintenance, string? HostPool = null, IReadOnlyDictionary<string, string?>? Labels = null);

/// <summary>Asks for a token with which new hosts can join.</summary>
/// <param name="Uses">How many hosts can join with it, 1 to 100,000; 1 unless told.</param>
/// <param name="HostPool">Id or name of the pool that they are in from their first moment; <c>default</c> unless told.</param>
public sealed record CreateJoinToken(string? Zone, int? ExpiresInMinutes, int? Uses, string? HostPool = null);

/// <summary>The token to give to <c>kumoi agent --join-token-file</c> on the new host. It holds the server's address and the
/// fingerprint of the cloud's certificate authority, so the host knows whom it talks to.</summary>
public sealed record JoinToken(string Token, DateTimeOffset ExpiresAt);

/// <summary>A size of instance. Memory in MiB, root disk in GiB.</summary>
/// <param name="RateMbps">The most that each interface sends, and is sent, in 10^6 bits a second; null: no limit.</param>
/// <param name="RequiredLabels">Labels that hosts must have to run instances of it.</param>
public sealed record Flavor(string Id, string Name, int Vcpus, int MemoryMib, int DiskGib, DateTimeOffset CreatedAt, int? RateMbps, IReadOnlyDictionary<string, string> RequiredLabels);

/// <param name="RequiredLabels">Labels that hosts must have to run instances of it; default: none.</param>
public sealed record CreateFlavor(string Name, int Vcpus, int MemoryMib, int DiskGib, int? RateMbps = null, IReadOnlyDictionary<string, string>? RequiredLabels = null);
