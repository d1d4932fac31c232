namespace Kumoi.Api;

/// <summary>Instances that are to share a host, or to be on different ones. OpenStack calls it a server group.</summary>
/// <param name="Policy"><c>affinity</c>: all on one host; <c>anti-affinity</c>: each on another; <c>soft-affinity</c> and <c>soft-anti-affinity</c>: the
/// same as far as there is room.</param>
/// <param name="Instances">How many instances are in it, terminated ones not counted.</param>
public sealed record PlacementGroup(string Id, string Name, string Policy, int Instances, DateTimeOffset CreatedAt);

/// <summary>Makes a group; instances are launched into it.</summary>
/// <param name="Policy"><c>affinity</c>, <c>anti-affinity</c>, <c>soft-affinity</c> or <c>soft-anti-affinity</c>.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreatePlacementGroup(string Name, string Policy, IReadOnlyDictionary<string, string>? Tags = null);
