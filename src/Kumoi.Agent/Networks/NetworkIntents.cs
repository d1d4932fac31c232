using System.Text.RegularExpressions;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>Reads the desired document into what each network should be. Pure; whatever does not have its proper form is left out, since it
/// would end up in a ruleset, a command or a file.</summary>
public static partial class NetworkIntents
{
    private const int MtuDefault = 1500, MtuMin = 1280, MtuMax = 9216, RateMax = 1_000_000;

    /// <param name="underlay">This host's address, at which other hosts reach it.</param>
    /// <param name="keep">Interfaces whose terminated instance still has a process: their taps stay until it has ended.</param>
    public static NetworkIntent? Read(DesiredDocument document, string networkId, string tag, string underlay, Func<string, bool> keep)
    {
        var network = document.Networks.FirstOrDefault(network => network.Id == networkId);
        if (network is null || !ObjectNames.IsId(network.Id) || !IsNumber(network.Vni) || AddressForm.Ipv4(network.Uplink) is not { } uplink) return null;
        SegmentIntent? segment = null;
        // One that cannot be read is no network of the overlay instead.
        if (network.Segment is { } asked && (segment = Segment(asked)) is null) return null;
        SubnetIntent[] subnets = [.. network.Subnets.Select(Subnet).OfType<SubnetIntent>().OrderBy(subnet => subnet.Cidr, StringComparer.Ordinal)];
        // Taps of a network without a subnet of IPv6 do not speak it.
        var ipv6 = subnets.Any(subnet => subnet.IsIpv6);
        Port[] ports = [.. Ports(document, networkId, keep).Select(port => ipv6 ? port : port with { Addresses = [.. port.Addresses.Where(address => !AddressForm.IsIpv6(address.Text))] })];
        if (segment is not null)
        {
            network = network with { Hosts = null, Links = null, Routes = null, Gateways = null, Outside = NetworkOutside.None, LoadBalancers = null, Vpn = null };
            ports = [.. ports.Select(port => port with { FloatingAddress = null })];
        }
        var own = AddressForm.Ipv4(underlay);
        var gateways = Gateways(network, ports);
        var links = Links(document, network, subnets, tag, own);
        var leftOut = new List<string>();
        return new NetworkIntent(
            network.Id, ObjectNames.Namespace(tag, network.Id), network.Vni, segment is null ? ObjectNames.Uplink(tag, network.Vni) : ObjectNames.Segment(tag, network.Vni), uplink, own,
            IsDomain(network.Domain) ? network.Domain : "internal", [.. (network.SearchDomains ?? []).Where(IsDomain).Take(6)],
            network.Mtu is >= MtuMin and <= MtuMax ? network.Mtu : MtuDefault, network.Outside != NetworkOutside.None, subnets,
            [.. network.Names.Where(name => IsLabel(name.Name)).Select(name => (name.Name, Address: AddressForm.Address(name.Address))).Where(name => name.Address is not null)
                .Select(name => new DesiredName(name.Name, name.Address!)).OrderBy(name => name.Name, StringComparer.Ordinal)],
            ports, Groups(document, networkId, ports), own is null ? [] : Remotes(network, own, Askers(document, network, links)), links, Routes(network, subnets), gateways,
            own is null ? null : VpnIntent.Read(network.Vpn, ObjectNames.Vpn(tag, network.Vni), gateways, range => IsElsewhere(range, subnets)), segment)
        {
            Balancers = BalancerIntents.Read(network, [.. subnets.Select(subnet => subnet.Cidr)], leftOut.Add),
            LinkedBalancers = [.. links.SelectMany(link => Linked(document.Networks.First(other => other.Id == link.NetworkId), link))],
            LeftOut = leftOut,
        };
    }

    private static IEnumerable<BalancerIntent> Linked(DesiredNetwork network, LinkIntent link) =>
        BalancerIntents.Read(network, link.Cidrs, _ => { }).Select(balancer => balancer with { Listeners = [.. balancer.Translated] }).Where(balancer => balancer.Listeners.Count > 0);

    private static Port[] Ports(DesiredDocument document, string networkId, Func<string, bool> keep) =>
        [.. document.Instances.Where(instance => ObjectNames.IsId(instance.Id) && (!instance.Leaves() || keep(instance.Id)))
            .SelectMany(instance => instance.Interfaces.Where(wanted => wanted.NetworkId == networkId && IsSound(wanted))
                .Select(wanted => new Port(
                    wanted.Id, ObjectNames.Tap(wanted.Id), wanted.MacAddress.ToLowerInvariant(), IsLabel(instance.Hostname) ? instance.Hostname : instance.Id,
                    [.. (wanted.Further ?? []).Select(further => (Text: AddressForm.Address(further.Address), further.Announced)).Prepend((Text: AddressForm.Address(wanted.Address), Announced: true))
                        .Where(address => address.Text is not null).Select(address => new PortAddress(address.Text!, address.Announced)).DistinctBy(address => address.Text)],
                    [.. (wanted.Allowed ?? []).Select(AddressForm.Range).OfType<string>().Where(IsPart).Distinct().Order(StringComparer.Ordinal)],
                    wanted.FloatingAddress, [.. wanted.SecurityGroupIds.Where(ObjectNames.IsId).Select(ObjectNames.Group).Distinct().Order(StringComparer.Ordinal)],
                    wanted.RateMbps is > 0 and <= RateMax ? wanted.RateMbps : null)))
            .DistinctBy(port => port.Tap).OrderBy(port => port.Tap, StringComparer.Ordinal)];

    private static SubnetIntent? Subnet(DesiredSubnet subnet)
    {
        if (!ObjectNames.IsId(subnet.Id) || AddressForm.Range(subnet.Cidr) is not { } cidr || AddressForm.Address(subnet.Gateway) is not { } gateway) return null;
        var ipv6 = AddressForm.IsIpv6(cidr);
        // Shorter ones would have dnsmasq announce a prefix that no guest can use; and nothing here is the default route.
        if (ipv6 != AddressForm.IsIpv6(gateway) || !IsPart(cidr) || (ipv6 && !cidr.EndsWith("/64", StringComparison.Ordinal))) return null;
        return new SubnetIntent(
            subnet.Id, cidr, gateway, [.. subnet.DnsServers.Select(AddressForm.Address).OfType<string>().Where(server => AddressForm.IsIpv6(server) == ipv6)],
            [.. (subnet.Options ?? []).Where(option => option.Code is >= 1 and <= 254 && OptionForm().IsMatch(option.Value)).DistinctBy(option => option.Code).OrderBy(option => option.Code)]);
    }

    private static SegmentIntent? Segment(DesiredSegment segment) =>
        DeviceForm().IsMatch(segment.Device) && segment.Device is not ("." or "..") && segment.Vlan is null or (>= 1 and <= 4094) ? new SegmentIntent(segment.Device, segment.Vlan, segment.ExternalDhcp) : null;

    private static GroupIntent[] Groups(DesiredDocument document, string networkId, Port[] ports)
    {
        var used = ports.SelectMany(port => port.SecurityGroups).ToHashSet();
        var named = document.SecurityGroups.Where(group => ObjectNames.IsId(group.Id) && used.Contains(ObjectNames.Group(group.Id)))
            .SelectMany(group => group.Rules).Select(rule => rule.GroupId).OfType<string>().Where(ObjectNames.IsId).Select(ObjectNames.Group).ToHashSet();
        return [.. document.SecurityGroups.Where(group => ObjectNames.IsId(group.Id)).DistinctBy(group => group.Id)
            .Where(group => used.Contains(ObjectNames.Group(group.Id)) || named.Contains(ObjectNames.Group(group.Id)))
            .Select(group => new GroupIntent(
                ObjectNames.Group(group.Id), used.Contains(ObjectNames.Group(group.Id)) ? [.. group.Rules.Select(Rule).OfType<DesiredRule>()] : [],
                [.. group.Members.Where(member => member.NetworkId == networkId).Select(member => AddressForm.Address(member.Address)).OfType<string>().Distinct().Order(StringComparer.Ordinal)]))
            .OrderBy(group => group.Name, StringComparer.Ordinal)];
    }

    /// <summary>Hosts of linked networks ask a load balancer's members, too, so its members' hosts must know the way back; guests of the network they have none.</summary>
    private static IEnumerable<NetworkHost> Askers(DesiredDocument document, DesiredNetwork network, LinkIntent[] links) =>
        network.LoadBalancers is not { Count: > 0 } ? [] : links.SelectMany(link => document.Networks.First(other => other.Id == link.NetworkId).Hosts ?? []).Select(host => host with { Guests = [] });

    private static RemoteHost[] Remotes(DesiredNetwork network, string own, IEnumerable<NetworkHost> further) =>
        [.. (network.Hosts ?? []).Concat(further).Concat((network.Gateways ?? []).Select(gateway => new NetworkHost(gateway.Host, [])))
            .Select(host => (Address: AddressForm.Ipv4(host.Address), host.Guests)).Where(host => host.Address is not null && host.Address != own)
            .GroupBy(host => host.Address!)
            .Select(host => new RemoteHost(host.Key, [.. host.SelectMany(same => same.Guests).Select(AddressForm.Address).OfType<string>().Distinct().Order(StringComparer.Ordinal)]))
            .OrderBy(host => host.Address, StringComparer.Ordinal)];

    private static LinkIntent[] Links(DesiredDocument document, DesiredNetwork network, SubnetIntent[] subnets, string tag, string? own) =>
        [.. (network.Links ?? []).Where(link => ObjectNames.IsId(link.NetworkId) && link.NetworkId != network.Id)
            .Select(link => (Link: link, Other: document.Networks.FirstOrDefault(other => other.Id == link.NetworkId)))
            // Only what both sides say: packets go over a link in both directions.
            .Where(pair => pair.Other is { } other && IsNumber(other.Vni) && other.Vni != network.Vni && (other.Links ?? []).Any(back => back.NetworkId == network.Id))
            .Select(pair => new LinkIntent(
                pair.Link.NetworkId, ObjectNames.Namespace(tag, pair.Link.NetworkId), pair.Other!.Vni,
                [.. pair.Link.Cidrs.Select(AddressForm.Range).OfType<string>().Where(cidr => IsElsewhere(cidr, subnets)).Distinct().Order(StringComparer.Ordinal)],
                own is not null && Remotes(pair.Other, own, []).Length > 0))
            .DistinctBy(link => link.Vni).OrderBy(link => link.Vni)];

    private static DesiredRoute[] Routes(DesiredNetwork network, SubnetIntent[] subnets) =>
        [.. (network.Routes ?? []).Select(route => (Destination: AddressForm.Range(route.Destination), Via: AddressForm.Address(route.Via)))
            .Where(route => route.Destination is not null && route.Via is not null && AddressForm.IsIpv6(route.Destination) == AddressForm.IsIpv6(route.Via) && IsElsewhere(route.Destination, subnets))
            .Select(route => new DesiredRoute(route.Destination!, route.Via!)).DistinctBy(route => route.Destination).OrderBy(route => route.Destination, StringComparer.Ordinal)];

    private static DesiredGateway[] Gateways(DesiredNetwork network, Port[] ports) =>
        [.. (network.Gateways ?? []).Where(gateway => AddressForm.Ipv4(gateway.Address) is not null && AddressForm.Ipv4(gateway.Host) is not null)
            // An address that is a guest's own is not shared.
            .Where(gateway => ports.All(port => port.FloatingAddress != gateway.Address))
            .Select(gateway => gateway with { Forwards = [.. gateway.Forwards.Where(IsSound).DistinctBy(forward => (forward.Protocol, forward.Port)).OrderBy(forward => forward.Protocol, StringComparer.Ordinal).ThenBy(forward => forward.Port)] })
            .DistinctBy(gateway => gateway.Address).OrderBy(gateway => gateway.Address, StringComparer.Ordinal)];

    private static DesiredRule? Rule(DesiredRule rule)
    {
        var cidr = AddressForm.Range(rule.Cidr);
        return rule.Direction is "ingress" or "egress" && rule.Protocol is "tcp" or "udp" or "icmp" or "any"
            && (rule.Cidr is null || cidr is not null) && (rule.GroupId is null || ObjectNames.IsId(rule.GroupId))
            && InRange(rule.FromPort, rule.Protocol) && InRange(rule.ToPort, rule.Protocol)
            && (rule.Protocol == "icmp" || rule.FromPort is null || rule.ToPort is null || rule.FromPort <= rule.ToPort) ? rule with { Cidr = cidr } : null;
    }

    public static bool IsLabel(string text) => LabelForm().IsMatch(text);

    private static bool IsDomain(string text) => text.Length <= 190 && text.Split('.').All(IsLabel);

    private static bool IsNumber(int vni) => vni is > 0 and < 1 << 24;

    /// <summary>A range that is not everything: the way to the outside is not a guest's to take.</summary>
    private static bool IsPart(string range) => !range.EndsWith("/0", StringComparison.Ordinal);

    private static bool IsElsewhere(string range, SubnetIntent[] subnets) =>
        IsPart(range) && subnets.All(subnet => !AddressForm.Overlap(subnet.Cidr, range)) && !Reserved.Any(reserved => AddressForm.Overlap(reserved, range));

    /// <summary>Ranges with a meaning of their own inside a namespace.</summary>
    private static readonly string[] Reserved = ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "fe80::/10", "ff00::/8"];

    private static bool IsSound(DesiredInterface wanted) =>
        ObjectNames.IsId(wanted.Id) && MacForm().IsMatch(wanted.MacAddress) && AddressForm.Address(wanted.Address) is not null
        && (wanted.FloatingAddress is null || AddressForm.Ipv4(wanted.FloatingAddress) is not null);

    private static bool IsSound(DesiredForward forward) =>
        forward.Protocol is "tcp" or "udp" && forward.Port is > 0 and <= 65_535 && forward.TargetPort is > 0 and <= 65_535 && AddressForm.Ipv4(forward.Target) is not null;

    private static bool InRange(int? port, string protocol) => port is null || (port >= 0 && port <= (protocol == "icmp" ? 255 : 65_535));

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z", RegexOptions.IgnoreCase)] private static partial Regex LabelForm();

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,15}\z")] private static partial Regex DeviceForm();

    [GeneratedRegex(@"\A[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}\z")] private static partial Regex MacForm();

    /// <summary>What dnsmasq reads as one option's value; quotes and backslashes would escape from it.</summary>
    [GeneratedRegex(@"\A[A-Za-z0-9 .,:/_+=@-]{1,255}\z")] private static partial Regex OptionForm();
}
