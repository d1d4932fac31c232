namespace Kumoi.Api;

/// <summary>A network switch whose ports operators set through the cloud. Its token is not told to anybody.</summary>
/// <param name="Driver">How it is spoken to: <c>rest</c>.</param>
/// <param name="OwnAuthority">True if it has a certificate of an authority that was given with it; false: of one that the servers' machines trust.</param>
/// <param name="Ports">What operators have asked of its ports.</param>
/// <param name="CheckedAt">When it was last asked.</param>
/// <param name="Problem">Why it did not answer the last time it was asked; null if it did.</param>
public sealed record Switch(
    string Id, string Name, string Driver, string Url, bool OwnAuthority, IReadOnlyList<SwitchPort> Ports, DateTimeOffset CreatedAt, DateTimeOffset? CheckedAt, string? Problem);

/// <param name="Url">Where its protocol is, such as <c>https://sw1.example/kumoi/</c>.</param>
/// <param name="Token">Sent with every request.</param>
/// <param name="Authority">Certificates (PEM) of the authorities that its own is of; absent: those that the servers' machines trust.</param>
public sealed record CreateSwitch(string Name, string Url, string Token, string? Authority = null, string? Driver = null);

/// <summary>A port as operators want it.</summary>
/// <param name="State"><c>applied</c>: the switch has it so; <c>pending</c>: not yet.</param>
/// <param name="Problem">Why it is not so yet; null if nothing is known.</param>
public sealed record SwitchPort(string Name, string Mode, int? AccessVlan, IReadOnlyList<string> TrunkVlans, string State, DateTimeOffset? CheckedAt, string? Problem);

/// <param name="Name">As the switch calls it, such as <c>ge-0/0/1</c>.</param>
/// <param name="Mode"><c>access</c>, <c>trunk</c>, or <c>none</c>: in no VLAN.</param>
/// <param name="AccessVlan">With <c>access</c>: the VLAN of frames without a tag.</param>
/// <param name="TrunkVlans">With <c>trunk</c>: VLANs and ranges of them, such as <c>100-110</c>.</param>
public sealed record SetSwitchPort(string Name, string Mode, int? AccessVlan = null, IReadOnlyList<string>? TrunkVlans = null);

/// <summary>A port as the switch has it, and what is wanted of it.</summary>
/// <param name="Wanted">Null: nobody has asked anything of it through the cloud.</param>
public sealed record SeenSwitchPort(string Name, string Mode, int? AccessVlan, IReadOnlyList<string> TrunkVlans, SwitchPort? Wanted);

/// <summary>Every port of a switch, as it says itself now.</summary>
public sealed record SeenSwitch(IReadOnlyList<SeenSwitchPort> Ports);
