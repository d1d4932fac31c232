namespace Kumoi.Api;

/// <summary>A network interface of an instance.</summary>
/// <param name="Address">Its first address: IPv4, or IPv6 in a network without an IPv4 subnet.</param>
/// <param name="FloatingAddress">The address at which the outside reaches this interface, if it has one.</param>
/// <param name="Subnet6">The IPv6 subnet, in a network with both families.</param>
/// <param name="Address6">The IPv6 address, in a network with both families.</param>
/// <param name="SecondaryAddresses">Addresses that it holds beside, which the guest configures by itself.</param>
/// <param name="AllowedRanges">Ranges that the guest may send from, beside its own addresses.</param>
/// <param name="Index">Order in the guest, from 0.</param>
/// <param name="State"><c>attached</c>; <c>detaching</c> until the host has taken it away.</param>
/// <param name="RateMbps">The most it sends, and is sent, in 10^6 bits a second; null: no limit.</param>
public sealed record Interface(
    string Id, Ref Network, Ref Subnet, string Address, string MacAddress, string? FloatingAddress, IReadOnlyList<Ref> SecurityGroups, Ref? Subnet6, string? Address6,
    IReadOnlyList<string> SecondaryAddresses, IReadOnlyList<string> AllowedRanges, Ref Instance, int Index, string State, int? RateMbps);

/// <summary>Attaches an instance to a network; a guest that runs gets the device at once.</summary>
/// <param name="Subnet">Default: the network's subnets in their order.</param>
/// <param name="Address">An IPv4 address (or IPv6, in a network without IPv4) that nobody has; default: the next free one.</param>
/// <param name="Address6">An IPv6 address that nobody has; default: the next free one, in a network with IPv6.</param>
/// <param name="SecurityGroups">Default: the account's group <c>default</c>.</param>
public sealed record AttachInterface(string Instance, string Network, string? Subnet, string? Address, string? Address6, IReadOnlyList<string>? SecurityGroups);

/// <summary>Changes an interface, its guest running. What is absent stays as it is.</summary>
/// <param name="SecondaryAddresses">All that it is to have.</param>
/// <param name="Move">Takes secondary addresses away from other interfaces of the account that hold them.</param>
/// <param name="AllowedRanges">All that it is to have.</param>
/// <param name="SecurityGroups">All that it is to be in.</param>
public sealed record UpdateInterface(IReadOnlyList<string>? SecondaryAddresses, bool? Move, IReadOnlyList<string>? AllowedRanges, IReadOnlyList<string>? SecurityGroups);
