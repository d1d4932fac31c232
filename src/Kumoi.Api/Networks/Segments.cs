namespace Kumoi.Api;

/// <summary>Where a bridged network is: on a segment of the operator's own, beside other machines.</summary>
/// <param name="Device">A bridge of every host that serves the network, or with a VLAN any device.</param>
/// <param name="Vlan">1 to 4,094; null for frames without a tag.</param>
/// <param name="Dhcp"><c>host</c>: guests are told their addresses by their host; <c>external</c>: by a server of the segment.</param>
public sealed record Segment(string Device, int? Vlan, string Dhcp);

/// <param name="Device">Operators name any; absent, it is that of the account's VLAN range.</param>
/// <param name="Vlan">1 to 4,094. Operators may leave it out, for frames without a tag.</param>
/// <param name="Dhcp"><c>host</c> (default) or <c>external</c>.</param>
public sealed record CreateSegment(string? Device, int? Vlan, string? Dhcp = null);

/// <summary>VLANs of a device in which an account makes bridged networks by itself.</summary>
public sealed record VlanRange(string Id, Ref Account, string Device, int FirstVlan, int LastVlan, DateTimeOffset CreatedAt);

/// <param name="Account">The account that it is for, by id or name.</param>
/// <param name="Vlans">Such as <c>100-199</c>, or one number.</param>
public sealed record CreateVlanRange(string Account, string Device, string Vlans);
