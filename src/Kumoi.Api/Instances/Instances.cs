namespace Kumoi.Api;

/// <summary>A virtual machine.</summary>
/// <param name="State">Derived from desired and observed: <c>pending</c>, <c>running</c>, <c>stopping</c>, <c>stopped</c>,
/// <c>shutting-down</c> or <c>terminated</c>.</param>
/// <param name="Desired">What was asked for: <c>running</c>, <c>stopped</c> or <c>terminated</c>.</param>
/// <param name="BootEpoch">Grows by one with each reboot asked for.</param>
/// <param name="Generation">Grows by one with each change of what is desired.</param>
/// <param name="ObservedGeneration">The generation that the host last acted on.</param>
/// <param name="Recovery">What becomes of it when its host is down: <c>wait</c> for the host, or <c>restart</c> on another one.</param>
/// <param name="RecoveryPriority">0 to 1000; higher is restarted first.</param>
/// <param name="Movable">It is restarted elsewhere when its host is lost: marked for that, and its disk is on shared storage.</param>
/// <param name="PlacementGroup">The group it was launched into; null: none.</param>
/// <param name="Firmware">What starts it: <c>bios</c> or <c>uefi</c>, as its image said when it was launched.</param>
/// <param name="DeviceModel"><c>virtio</c> or <c>emulated</c>, as its image said.</param>
/// <param name="Cd">The image that is, or is to be, in its CD drive; null: none.</param>
/// <param name="Tags">What its account has noted of it, for itself.</param>
/// <param name="TerminationProtection">It is not terminated until this is taken away.</param>
/// <param name="HostPool">The host pool that it asked for; null: any that its account may use.</param>
/// <param name="RequiredLabels">What its hosts must have, those that its flavor requires included.</param>
/// <param name="MetadataEndpoint"><c>enabled</c>, or <c>disabled</c>: its guest is told nothing by the metadata service.</param>
/// <param name="MetadataTokens"><c>optional</c>, or <c>required</c>: only requests with a token are answered.</param>
/// <param name="MetadataHopLimit">The time to live of the packets that bring a token: 1 (it reaches the guest itself, and nothing behind it) to 64.</param>
/// <param name="MetadataTags"><c>enabled</c> if the metadata service tells its tags, or <c>disabled</c>.</param>
public sealed record Instance(
    string Id, string Name, Ref Account, string State, string Desired, Ref Flavor, int Vcpus, int MemoryMib, int DiskGib, Ref Image,
    Ref? KeyPair, Ref Zone, Ref Host, string DefaultUser, IReadOnlyList<Interface> Interfaces, int BootEpoch, long Generation,
    long ObservedGeneration, IReadOnlyList<Condition> Conditions, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt,
    DateTimeOffset? TerminatedAt, string Recovery, int RecoveryPriority, bool Movable, Ref? PlacementGroup, string Firmware, string DeviceModel, Ref? Cd, IReadOnlyDictionary<string, string> Tags, bool TerminationProtection,
    Ref? HostPool, IReadOnlyDictionary<string, string> RequiredLabels, string MetadataEndpoint, string MetadataTokens, int MetadataHopLimit, string MetadataTags);

/// <summary>Puts a CD into an instance's drive.</summary>
/// <param name="Image">Id or name of an image of the format <c>iso</c>.</param>
public sealed record AttachCd(string Image);

/// <summary>Launches one instance, or <paramref name="Count"/> of them named <c>NAME-1</c> … <c>NAME-N</c>.</summary>
/// <param name="Name">Default: its id; with <paramref name="Count"/>, each its own.</param>
/// <param name="Image">What it begins as. May be left out with <paramref name="RootVolume"/>: then it is the image that the volume began as.</param>
/// <param name="SecurityGroups">Default: the account's group <c>default</c>.</param>
/// <param name="Network">Default: the account's network <c>default</c>.</param>
/// <param name="UserData">Text handed to the guest as it is (a script or cloud-config), at most 64 KiB of UTF-8.</param>
/// <param name="Count">1 to 100; absent means one.</param>
/// <param name="Zone">Default: any.</param>
/// <param name="Recovery">What becomes of them when their host is down: <c>wait</c> (default) or <c>restart</c> on another host.</param>
/// <param name="RecoveryPriority">0 (default) to 1000; higher is restarted first.</param>
/// <param name="PlacementGroup">Id or name of a placement group whose policy their placement obeys.</param>
/// <param name="Interfaces">The interfaces, in their order in the guest; not together with <paramref name="Network"/>.</param>
/// <param name="Host">The host to run on (operators only).</param>
/// <param name="Floating">Whether the first interface gets a floating address that goes with the instance; default: yes, if the pool <c>default</c> is given to
/// the account and the network has an outside.</param>
/// <param name="RootVolume">A volume that is attached to nothing: it starts from that (with <paramref name="Count"/> 1); default: from a new one, which goes with it.</param>
/// <param name="DiskGib">Size of the new volume that it starts from, in GiB; default: the flavor's.</param>
/// <param name="MinCount">Fewer than <paramref name="Count"/> will do, if there is no room for all: at least so many; default: all or none.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
/// <param name="VolumeTags">The same, of the new volumes.</param>
/// <param name="TerminationProtection">They are not terminated until this is taken away; default: no.</param>
/// <param name="DeleteRootVolume">The new volume that it starts from is deleted with it; default: yes.</param>
/// <param name="Volumes">New empty volumes beside it, each attached from the beginning.</param>
/// <param name="HostPool">Id or name of a host pool that the account may use, on whose hosts alone it is to run, wherever it goes; default: any.</param>
/// <param name="RequiredLabels">Labels that its hosts must have beside those of its flavor, wherever it goes.</param>
/// <param name="MetadataEndpoint"><c>enabled</c> (default), or <c>disabled</c>: their guests are told nothing by the metadata service.</param>
/// <param name="MetadataTokens"><c>optional</c> (default), or <c>required</c>: only requests with a token are answered.</param>
/// <param name="MetadataHopLimit">1 (default) to 64: with 1 tokens reach the guests themselves only, with 2 also containers in them.</param>
/// <param name="MetadataTags"><c>enabled</c>: the metadata service tells their tags; default: <c>disabled</c>.</param>
public sealed record LaunchInstance(
    string? Name, string Flavor, string? Image, string? KeyPair, IReadOnlyList<string>? SecurityGroups, string? Network, string? UserData,
    int? Count, string? Zone, string? Recovery = null, int? RecoveryPriority = null,
    string? PlacementGroup = null, IReadOnlyList<LaunchInterface>? Interfaces = null, string? Host = null, bool? Floating = null,
    string? RootVolume = null, int? DiskGib = null, int? MinCount = null, IReadOnlyDictionary<string, string>? Tags = null, IReadOnlyDictionary<string, string>? VolumeTags = null,
    bool? TerminationProtection = null, bool? DeleteRootVolume = null, IReadOnlyList<LaunchVolume>? Volumes = null,
    string? HostPool = null, IReadOnlyDictionary<string, string>? RequiredLabels = null,
    string? MetadataEndpoint = null, string? MetadataTokens = null, int? MetadataHopLimit = null, string? MetadataTags = null);

/// <summary>A new, empty volume that an instance has from the beginning.</summary>
/// <param name="SizeGib">In GiB, 1 to 65,536.</param>
/// <param name="Type">A volume type; default: none, without limits.</param>
/// <param name="Slot">Its place among the instance's volumes, 1 to 8; default: the first that is free.</param>
/// <param name="DeleteOnTermination">Default: yes.</param>
public sealed record LaunchVolume(int SizeGib, string? Type = null, int? Slot = null, bool? DeleteOnTermination = null);

/// <summary>Changes an instance; what is absent stays.</summary>
/// <param name="Flavor">Of a stopped instance: its processors and memory from the next start on. Its disk stays as large as it is.</param>
/// <param name="Tags">Keys that get these values, or go if that is null; others stay.</param>
/// <param name="MetadataEndpoint"><c>enabled</c>, or <c>disabled</c>: its guest is told nothing by the metadata service. Like the others that follow it holds as soon as the host has heard of it.</param>
/// <param name="MetadataTokens"><c>optional</c>, or <c>required</c>: only requests with a token are answered.</param>
/// <param name="MetadataHopLimit">1 to 64: with 1 tokens reach the guest itself only, with 2 also containers in it.</param>
/// <param name="MetadataTags"><c>enabled</c>: the metadata service tells its tags; or <c>disabled</c>.</param>
public sealed record UpdateInstance(
    string? Flavor, bool? TerminationProtection, IReadOnlyDictionary<string, string?>? Tags = null,
    string? MetadataEndpoint = null, string? MetadataTokens = null, int? MetadataHopLimit = null, string? MetadataTags = null);

/// <param name="Subnet">Default: the network's subnets in their order.</param>
/// <param name="Address">An address that nobody has (with <c>count</c> 1); default: the next free one.</param>
/// <param name="Address6">An IPv6 address that nobody has; default: the next free one, in a network with IPv6.</param>
/// <param name="SecurityGroups">Default: those of the launch.</param>
public sealed record LaunchInterface(string Network, string? Subnet, string? Address, string? Address6, IReadOnlyList<string>? SecurityGroups);

/// <summary>The text that an instance was launched with.</summary>
/// <param name="UserData">Null: none, or the instance has ended.</param>
public sealed record InstanceUserData(string? UserData);

/// <summary>Changes what becomes of an instance when its host is down.</summary>
/// <param name="Recovery"><c>wait</c> or <c>restart</c>.</param>
/// <param name="Priority">0 to 1000; absent means 0.</param>
public sealed record SetRecovery(string Recovery, int? Priority);

public sealed record ReplaceSecurityGroups(IReadOnlyList<string> SecurityGroups);

/// <summary>Opens a console. <paramref name="Kind"/>: <c>serial</c> (terminal bytes) or <c>screen</c> (RFB).</summary>
public sealed record OpenConsole(string Kind);

/// <summary>Where to connect a WebSocket (subprotocol <c>binary</c>), once, before <paramref name="ExpiresAt"/>. The path is relative to the API's address
/// and carries a ticket of its own, so that a browser can use it.</summary>
public sealed record ConsoleOpened(string Kind, string Path, DateTimeOffset ExpiresAt);
