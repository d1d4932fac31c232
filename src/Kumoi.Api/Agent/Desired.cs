namespace Kumoi.Api.Agent;

/// <summary>
/// Everything that one host should have. The agent compares it with what it sees and takes the next steps; the document is
/// whole each time, so losing one costs nothing. What is absent from it is never an order to destroy: an instance is removed
/// only when it is listed as <c>terminated</c>.
/// </summary>
/// <param name="Revision">Grows with every change that concerns this host.</param>
/// <param name="Former">Placements on this host that are over, because the instance was given to another host.</param>
/// <param name="Servers">Addresses of the agent API of every server that lives, this one's among them.</param>
public sealed record DesiredDocument(
    long Revision, string HostId, IReadOnlyList<DesiredImage> Images, IReadOnlyList<DesiredNetwork> Networks,
    IReadOnlyList<DesiredSecurityGroup> SecurityGroups, IReadOnlyList<DesiredInstance> Instances,
    IReadOnlyList<DesiredConsole> Consoles, IReadOnlyList<FormerInstance> Former, IReadOnlyList<string> Servers);

/// <summary>
/// A placement that is over: copies of this or a lower incarnation found on the host are ended and what they left on the host's own
/// storage is removed; a disk on shared storage is not touched, it has another holder. In a report: nothing of it is left.
/// </summary>
/// <param name="Incarnation">The incarnation that the placement had.</param>
public sealed record FormerInstance(string Id, int Incarnation);

/// <summary>An image that instances of this host start from; fetched from <c>/agent/v1/images/{id}/content</c>.</summary>
public sealed record DesiredImage(string Id, string Sha256, string Format, long SizeBytes, long VirtualSizeBytes);

/// <summary>A network that has instances on this host.</summary>
/// <param name="Vni">Number of the network, unique in the cloud, 1 to 16,777,215.</param>
/// <param name="Uplink">This network's own address on the host's uplink range, for source NAT (an IPv4 address).</param>
/// <param name="Domain">DNS domain of the guests, such as <c>default.internal</c>.</param>
/// <param name="Names">Every guest of the network, on any host: DNS name and address. Empty on the wire: see <see cref="NetworkPeers"/>.</param>
/// <param name="PeersRevision">Changes with the names and the groups' members in the network, which are asked for apart.</param>
public sealed record DesiredNetwork(
    string Id, string Name, int Vni, string Uplink, string Domain, IReadOnlyList<DesiredSubnet> Subnets, IReadOnlyList<DesiredName> Names, long PeersRevision = 0);

/// <summary>
/// Asks for what is newer than what the host has (<c>POST /agent/v1/desired</c>), and waits for it.
/// </summary>
/// <param name="After">Revision of the document that the host has; -1 for none.</param>
/// <param name="WaitSeconds">How long to wait for news.</param>
/// <param name="Peers">Revision of the peers that the host has, by network.</param>
public sealed record DesiredQuestion(long After, int WaitSeconds, IReadOnlyDictionary<string, long> Peers);

/// <param name="Document">The document, if it is newer than the host's.</param>
/// <param name="Peers">Peers of those of its networks whose revision is another than the host's.</param>
public sealed record DesiredAnswer(DesiredDocument? Document, IReadOnlyList<NetworkPeers> Peers);

/// <summary>
/// Who is in a network, on all hosts: the same for every host of the network, so it is made once for all of them and told only when
/// its revision has changed.
/// </summary>
public sealed record NetworkPeers(string NetworkId, long Revision, IReadOnlyList<DesiredName> Names, IReadOnlyList<GroupMembers> Groups);

/// <summary>The addresses of a security group's interfaces in one network.</summary>
public sealed record GroupMembers(string GroupId, IReadOnlyList<string> Addresses);

/// <param name="DnsServers">Servers told to guests; empty means the gateway, which resolves names of the network and forwards the rest.</param>
public sealed record DesiredSubnet(string Id, string Cidr, string Gateway, IReadOnlyList<string> DnsServers);

public sealed record DesiredName(string Name, string Address);

/// <summary>A security group used on this host.</summary>
/// <param name="Members">Addresses of the group's interfaces on all hosts, by network (addresses of networks may overlap). Empty on the wire: see <see cref="NetworkPeers"/>.</param>
public sealed record DesiredSecurityGroup(string Id, IReadOnlyList<DesiredRule> Rules, IReadOnlyList<DesiredMember> Members);

/// <param name="Direction"><c>ingress</c> or <c>egress</c>.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>.</param>
/// <param name="FromPort">First port or icmp type; null means all.</param>
/// <param name="ToPort">Last port or icmp code; null means all.</param>
/// <param name="Cidr">IPv4 range of the other side, or null if <paramref name="GroupId"/> names it.</param>
public sealed record DesiredRule(string Direction, string Protocol, int? FromPort, int? ToPort, string? Cidr, string? GroupId);

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
/// <param name="Labels">What the metadata service tells beside: names of flavor, image, zone, key pair and groups.</param>
public sealed record DesiredInstance(
    string Id, string AccountId, string Name, string Hostname, long Generation, int Incarnation, string Desired, int BootEpoch, int Vcpus,
    int MemoryMib, int DiskGib, string ImageId, IReadOnlyList<DesiredInterface> Interfaces, string? PublicKey, string? UserData,
    DesiredLabels Labels, DateTimeOffset LaunchedAt, string? Storage = null, bool Movable = false, string? TraceParent = null);

public sealed record DesiredLabels(string Flavor, string Image, string Zone, string? KeyPair, IReadOnlyList<string> SecurityGroups);

/// <param name="Index">Order in the guest, from 0.</param>
/// <param name="FloatingAddress">Answered on this host for the interface, one to one; null if none.</param>
public sealed record DesiredInterface(
    string Id, int Index, string NetworkId, string SubnetId, string MacAddress, string Address, string? FloatingAddress,
    IReadOnlyList<string> SecurityGroupIds);

/// <summary>A viewer waits: the agent connects a WebSocket to <c>/agent/v1/consoles/{session}</c> and joins it to the guest.</summary>
/// <param name="Kind"><c>serial</c>, <c>screen</c>, or <c>log</c> (the text so far, then close).</param>
/// <param name="Server">Address of the agent API of the server at which the viewer waits; null: whichever the agent speaks to.</param>
public sealed record DesiredConsole(string Session, string InstanceId, string Kind, string? Server = null);
