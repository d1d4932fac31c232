namespace Kumoi.Api;

/// <summary>Hosts that are given to accounts together, and give out alike.</summary>
/// <param name="CpuOvercommit">Vcpus that each host of it offers for each real processor.</param>
/// <param name="MemoryOvercommit">Memory that each host of it offers for what it has.</param>
/// <param name="AllAccounts">All accounts may use it.</param>
/// <param name="Accounts">Else those that may; null: all. Others than operators see only themselves.</param>
/// <param name="Hosts">How many are in it, and what they offer and have given out together; null: that is not told, since the pool is not the caller's alone.</param>
public sealed record HostPool(
    string Id, string Name, string Description, double CpuOvercommit, double MemoryOvercommit, bool AllAccounts, IReadOnlyList<Ref>? Accounts, int? Hosts, PoolCapacity? Capacity, PoolCapacity? Allocated, DateTimeOffset CreatedAt);

/// <summary>What many hosts have together. Memory in MiB, disk in GiB.</summary>
public sealed record PoolCapacity(long Vcpus, long MemoryMib, long DiskGib);

/// <param name="CpuOvercommit">1 to 64; default: what the servers are told by <c>--vcpu-ratio</c>.</param>
/// <param name="MemoryOvercommit">1 to 16; default: 1.</param>
/// <param name="Accounts">Ids or names; null: all accounts.</param>
public sealed record CreateHostPool(string Name, string? Description = null, double? CpuOvercommit = null, double? MemoryOvercommit = null, IReadOnlyList<string>? Accounts = null);

/// <summary>Changes a pool; what is absent stays. Instances that are on its hosts stay there, whoever may use it from now on.</summary>
/// <param name="AllAccounts">True: it is given to all, whatever <paramref name="Accounts"/> was.</param>
public sealed record UpdateHostPool(string? Description = null, double? CpuOvercommit = null, double? MemoryOvercommit = null, IReadOnlyList<string>? Accounts = null, bool? AllAccounts = null);

/// <summary>Gives a pool that is not for all to one account more.</summary>
/// <param name="Account">Id or name.</param>
public sealed record GiveHostPool(string Account);

/// <summary>Takes a pool that is not for all away from an account. What it has there goes on, and comes to no other host of the pool.</summary>
/// <param name="Account">Id or name.</param>
public sealed record TakeHostPool(string Account);
