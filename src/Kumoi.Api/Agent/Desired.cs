namespace Kumoi.Api.Agent;

/// <summary>
/// Everything that one host should have. The agent compares it with what it sees and takes the next steps; the document is
/// whole each time, so losing one costs nothing. What is absent from it is never an order to destroy: an instance is removed
/// only when it is listed as <c>terminated</c>.
/// </summary>
/// <param name="Revision">Grows with every change that concerns this host.</param>
/// <param name="Former">Placements on this host that are over, because the instance was given to another host.</param>
/// <param name="Servers">Addresses of the agent API of every server that lives, this one's among them.</param>
/// <param name="Volumes">Those that the host looks after; null: none, or a server that knows of none.</param>
/// <param name="Backups">Those for which the host has something to do; null: none.</param>
public sealed record DesiredDocument(
    long Revision, string HostId, IReadOnlyList<DesiredImage> Images, IReadOnlyList<DesiredNetwork> Networks,
    IReadOnlyList<DesiredSecurityGroup> SecurityGroups, IReadOnlyList<DesiredInstance> Instances,
    IReadOnlyList<DesiredConsole> Consoles, IReadOnlyList<FormerInstance> Former, IReadOnlyList<string> Servers, IReadOnlyList<DesiredVolume>? Volumes = null,
    IReadOnlyList<DesiredBackup>? Backups = null);

/// <summary>
/// A placement that is over: copies of this or a lower incarnation found on the host are ended and what they left on the host's own
/// storage is removed; a disk on shared storage is not touched, it has another holder. In a report: nothing of it is left.
/// </summary>
/// <param name="Incarnation">The incarnation that the placement had.</param>
public sealed record FormerInstance(string Id, int Incarnation);

/// <summary>An image that instances of this host start from, or that is in a CD drive; fetched from <c>/agent/v1/images/{id}/content</c>.</summary>
/// <param name="Prefetch">It is fetched and kept whether anything uses it or not.</param>
public sealed record DesiredImage(string Id, string Sha256, string Format, long SizeBytes, long VirtualSizeBytes, bool Prefetch = false);

/// <summary>A network that has instances on this host, or to which one that has is routed: packets between routed networks pass from one to the
/// other on the host of the guest that sends them, and nowhere else.</summary>
/// <param name="Vni">Number of the network, unique in the cloud, 1 to 16,777,215.</param>
/// <param name="Uplink">This network's own address on the host's uplink range, for source NAT (an IPv4 address).</param>
/// <param name="Domain">DNS domain of the guests, such as <c>default.internal</c>.</param>
/// <param name="Names">Every guest of the network, on any host: DNS name and address. Empty on the wire: see <see cref="NetworkPeers"/>.</param>
/// <param name="PeersRevision">Changes with the names and the groups' members in the network, which are asked for apart.</param>
/// <param name="Mtu">The longest packet of the network, told to guests, in bytes; 0 for 1,500.</param>
/// <param name="Outside"><c>nat</c>: what guests send to the outside leaves under the host's address; <c>none</c>: only floating addresses reach the outside.</param>
/// <param name="Segment">Where a bridged network's guests are attached; null for one of the overlay.</param>
/// <param name="Hosts">Every host with guests of the network, and their addresses. Empty on the wire: see <see cref="NetworkPeers"/>.</param>
/// <param name="Links">Other networks of this document that guests of this one reach, by a router or a peering.</param>
/// <param name="Routes">Ranges behind guests of this network.</param>
/// <param name="Gateways">Public addresses that serve the whole network, and which host has each.</param>
/// <param name="SearchDomains">Domains that guests are told to try; empty: the network's own.</param>
/// <param name="LoadBalancers">Those with an address in the network.</param>
/// <param name="Vpn">The gateway by which it is reached from elsewhere; null: it has none, or no host has it.</param>
public sealed record DesiredNetwork(
    string Id, string Name, int Vni, string Uplink, string Domain, IReadOnlyList<DesiredSubnet> Subnets, IReadOnlyList<DesiredName> Names, long PeersRevision = 0,
    int Mtu = 0, string Outside = NetworkOutside.Nat, DesiredSegment? Segment = null, IReadOnlyList<NetworkHost>? Hosts = null, IReadOnlyList<DesiredLink>? Links = null,
    IReadOnlyList<DesiredRoute>? Routes = null, IReadOnlyList<DesiredGateway>? Gateways = null, IReadOnlyList<string>? SearchDomains = null,
    IReadOnlyList<DesiredLoadBalancer>? LoadBalancers = null, DesiredVpn? Vpn = null);

/// <summary>How a network reaches the outside.</summary>
public static class NetworkOutside
{
    /// <summary>Guests without a floating address share an address.</summary>
    public const string Nat = "nat";

    /// <summary>Guests without a floating address do not reach the outside.</summary>
    public const string None = "none";
}

/// <param name="Device">A network device of the host.</param>
/// <param name="Vlan">Number of the VLAN on it (IEEE 802.1Q, 1 to 4,094); null for frames without a tag.</param>
/// <param name="ExternalDhcp">True if a server of the segment answers guests' requests of DHCP; false: the host does.</param>
public sealed record DesiredSegment(string Device, int? Vlan, bool ExternalDhcp = false);

/// <summary>A host of a network, as the others need to know it.</summary>
/// <param name="Address">Where other hosts send its packets: its address on the underlay.</param>
/// <param name="Guests">Addresses of its guests in the network, IPv4 and IPv6, those beside the first included.</param>
public sealed record NetworkHost(string Address, IReadOnlyList<string> Guests);

/// <summary>Another network that is reached without leaving the cloud. Links come in pairs: the other network names this one.</summary>
/// <param name="Cidrs">The ranges of its subnets; none of them overlaps one of this network's or of another link's.</param>
public sealed record DesiredLink(string NetworkId, IReadOnlyList<string> Cidrs);

/// <param name="Destination">The range.</param>
/// <param name="Via">Address of the guest's interface behind which the range is; it must be allowed to send from it.</param>
public sealed record DesiredRoute(string Destination, string Via);

/// <summary>A public address that serves a whole network on one of its hosts.</summary>
/// <param name="Address">The public address.</param>
/// <param name="Host">Address on the underlay of the host that has it.</param>
/// <param name="IsSource">Guests without a floating address leave under it.</param>
/// <param name="Forwards">Ports of it that lead to guests.</param>
public sealed record DesiredGateway(string Address, string Host, bool IsSource, IReadOnlyList<DesiredForward> Forwards);

/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="Target">Address of the guest's interface.</param>
public sealed record DesiredForward(string Protocol, int Port, string Target, int TargetPort);

/// <summary>
/// Asks for what is newer than what the host has (<c>POST /agent/v1/desired</c>), and waits for it.
/// </summary>
/// <param name="After">Revision of the document that the host has; -1 for none.</param>
/// <param name="WaitSeconds">How long to wait for news.</param>
/// <param name="Peers">Revision of the peers that the host has, by network.</param>
/// <param name="Differences">True if peers may be told as what is new since the host's revision.</param>
public sealed record DesiredQuestion(long After, int WaitSeconds, IReadOnlyDictionary<string, long> Peers, bool Differences = false);

/// <param name="Document">The document, if it is newer than the host's.</param>
/// <param name="Peers">Peers of those of its networks whose revision is another than the host's; several of one network build on each other.</param>
public sealed record DesiredAnswer(DesiredDocument? Document, IReadOnlyList<NetworkPeers> Peers);

/// <summary>A <see cref="DesiredAnswer"/> for who has no use for peers beyond knowing which were told: the rest of them is passed over as it is read.</summary>
public sealed record DesiredRevisions(DesiredDocument? Document, IReadOnlyList<PeersRevision> Peers);

/// <summary>The head of a <see cref="NetworkPeers"/>.</summary>
public sealed record PeersRevision(string NetworkId, long Revision, long? Since = null);

/// <summary>
/// Who is in a network, on all hosts: the same for every host of the network, so it is made once for all of them and told only when
/// its revision has changed.
/// </summary>
/// <param name="Hosts">Where the guests are; null if the server does not say, and then nobody is known to be elsewhere.</param>
/// <param name="Since">Null: this is all. Else what came since that revision, which the host has; see <see cref="PeersDifference"/>.</param>
/// <param name="Gone">What went since then.</param>
public sealed record NetworkPeers(
    string NetworkId, long Revision, IReadOnlyList<DesiredName> Names, IReadOnlyList<GroupMembers> Groups, IReadOnlyList<NetworkHost>? Hosts = null, long? Since = null, PeersGone? Gone = null);

/// <summary>Names, members of groups and guests of hosts that are no more.</summary>
public sealed record PeersGone(IReadOnlyList<DesiredName> Names, IReadOnlyList<GroupMembers> Groups, IReadOnlyList<NetworkHost> Hosts);

/// <summary>The addresses of a security group's interfaces in one network.</summary>
public sealed record GroupMembers(string GroupId, IReadOnlyList<string> Addresses);

/// <param name="Cidr">An IPv4 range, or an IPv6 range of /64.</param>
/// <param name="DnsServers">Servers told to guests; empty means the gateway, which resolves names of the network and forwards the rest.</param>
/// <param name="Options">Further options of DHCP that guests are told.</param>
public sealed record DesiredSubnet(string Id, string Cidr, string Gateway, IReadOnlyList<string> DnsServers, IReadOnlyList<DesiredDhcpOption>? Options = null);

/// <param name="Code">Number of the option (RFC 2132 for IPv4), 1 to 254.</param>
/// <param name="Value">Its value, as dnsmasq reads it: addresses, numbers or a text.</param>
public sealed record DesiredDhcpOption(int Code, string Value);

public sealed record DesiredName(string Name, string Address);

/// <summary>A security group used on this host.</summary>
/// <param name="Members">Addresses of the group's interfaces on all hosts, by network (addresses of networks may overlap). Empty on the wire: see <see cref="NetworkPeers"/>.</param>
public sealed record DesiredSecurityGroup(string Id, IReadOnlyList<DesiredRule> Rules, IReadOnlyList<DesiredMember> Members);

/// <param name="Direction"><c>ingress</c> or <c>egress</c>.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>.</param>
/// <param name="FromPort">First port or icmp type; null means all.</param>
/// <param name="ToPort">Last port or icmp code; null means all.</param>
/// <param name="Cidr">IPv4 or IPv6 range of the other side, or null if <paramref name="GroupId"/> names it. With an IPv6 range, icmp is ICMPv6.</param>
/// <param name="Id">The rule's id, by which counters and traces name it; null if the server does not say.</param>
public sealed record DesiredRule(string Direction, string Protocol, int? FromPort, int? ToPort, string? Cidr, string? GroupId, string? Id = null);

public sealed record DesiredMember(string NetworkId, string Address);

/// <param name="Hostname">A valid DNS label derived from the name.</param>
/// <param name="Generation">Reported back as observed once acted on.</param>
/// <param name="Incarnation">Fencing token of this placement; travels with every report.</param>
/// <param name="Desired"><c>running</c>, <c>stopped</c> or <c>terminated</c>.</param>
/// <param name="BootEpoch">A running guest of a lower epoch is to be restarted.</param>
/// <param name="UserData">Bytes handed to the guest, base64; null if none.</param>
/// <param name="PublicKey">OpenSSH public key of the key pair; null if none.</param>
/// <param name="Storage">Id of the shared storage that holds the disk; null if it is this host's own.</param>
/// <param name="Movable">True if the instance is restarted elsewhere when this host is lost: without a lease it must not run here.</param>
/// <param name="TraceParent">W3C trace context of the request that asked for the present generation; null if it was not traced.</param>
/// <param name="RootVolume">It starts from the volume in its slot 0, and waits without one; false: from a disk of its own, which the host makes from the image.</param>
/// <param name="Labels">What the metadata service tells beside: names of flavor, image, zone, key pair and groups.</param>
/// <param name="Machine">What the guest is started by and sees; null: BIOS and virtio.</param>
/// <param name="CdImageId">The image of the document that is in the CD drive; null: none.</param>
/// <param name="Metadata">How the metadata service answers it; null: a server that knows of nothing but to answer it.</param>
public sealed record DesiredInstance(
    string Id, string AccountId, string Name, string Hostname, long Generation, int Incarnation, string Desired, int BootEpoch, int Vcpus,
    int MemoryMib, int DiskGib, string ImageId, IReadOnlyList<DesiredInterface> Interfaces, string? PublicKey, string? UserData,
    DesiredLabels Labels, DateTimeOffset LaunchedAt, string? Storage = null, bool Movable = false, string? TraceParent = null,
    bool RootVolume = false, DesiredMachine? Machine = null, string? CdImageId = null, DesiredMetadata? Metadata = null);

/// <summary>The machine that a guest sees.</summary>
/// <param name="Firmware"><see cref="ImageFirmware"/>.</param>
/// <param name="DeviceModel"><see cref="ImageDevices"/>.</param>
public sealed record DesiredMachine(string Firmware, string DeviceModel);

/// <summary>How the metadata service answers an instance.</summary>
/// <param name="Enabled">False: it is refused whatever it asks.</param>
/// <param name="TokensRequired">It is told nothing without a token.</param>
/// <param name="HopLimit">The time to live (of IPv6: the hop limit) of packets that bring it a token, 1 to 64.</param>
/// <param name="Tags">What it is told of its tags; null: nothing.</param>
public sealed record DesiredMetadata(bool Enabled, bool TokensRequired, int HopLimit, IReadOnlyDictionary<string, string>? Tags);

/// <param name="Region">What dialects with regions call this cloud; null: a server that does not say, like the others.</param>
/// <param name="PlacementGroup">Name of the group that it was launched into; null also if it is in none.</param>
public sealed record DesiredLabels(
    string Flavor, string Image, string Zone, string? KeyPair, IReadOnlyList<string> SecurityGroups, string? Region = null, string? ZoneId = null, string? PlacementGroup = null);

/// <param name="Index">Order in the guest, from 0.</param>
/// <param name="Address">Its first address: IPv4, or IPv6 in a network without an IPv4 subnet.</param>
/// <param name="FloatingAddress">Answered on this host for the interface, one to one; null if none.</param>
/// <param name="Further">Its other addresses: the IPv6 address in a network with both, and those beside the first, which the guest configures by itself.</param>
/// <param name="Allowed">Ranges beside its own addresses that the guest may send from and is sent packets for by a route of the network.</param>
/// <param name="RateMbps">The most it sends, and the most it is sent, in 10^6 bits a second; null for no limit.</param>
public sealed record DesiredInterface(
    string Id, int Index, string NetworkId, string SubnetId, string MacAddress, string Address, string? FloatingAddress,
    IReadOnlyList<string> SecurityGroupIds, IReadOnlyList<DesiredAddress>? Further = null, IReadOnlyList<string>? Allowed = null, int? RateMbps = null);

/// <param name="SubnetId">The subnet it is of.</param>
/// <param name="Announced">True if the guest is told of it by DHCP; false if it configures it by itself.</param>
public sealed record DesiredAddress(string SubnetId, string Address, bool Announced);

/// <summary>A viewer waits: the agent connects a WebSocket to <c>/agent/v1/consoles/{session}</c> and joins it to the guest.</summary>
/// <param name="Kind"><c>serial</c>, <c>screen</c>, or <c>log</c> (the text so far, then close).</param>
/// <param name="Server">Address of the agent API of the server at which the viewer waits; null: whichever the agent speaks to.</param>
public sealed record DesiredConsole(string Session, string InstanceId, string Kind, string? Server = null);
