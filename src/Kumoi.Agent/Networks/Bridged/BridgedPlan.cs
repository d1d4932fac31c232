using System.Net;

namespace Kumoi.Agent.Networks.Bridged;

/// <summary>What a bridged network's devices should be, and the difference to what is there: pure.</summary>
public static class BridgedPlan
{
    private const string Bridge = BridgeRuleset.Bridge, Segment = BridgeRuleset.Segment;

    public static LinkState Wanted(NetworkIntent intent)
    {
        // In the order in which they come up: what leads to the segment is last.
        var devices = new Dictionary<string, DeviceState> { [Bridge] = new(LinkState.GatewayMac, true, intent.Mtu) };
        foreach (var port in intent.Ports) devices[port.Tap] = new DeviceState(LinkState.GatewayMac, true, intent.Mtu, Bridge);
        foreach (var port in intent.Ports.Where(port => port.RateMbps is not null)) devices[RateLimits.DeviceOf(port.Tap)] = new DeviceState("", true, intent.Mtu);
        devices[Segment] = new DeviceState("", true, intent.Mtu, Bridge);
        var (routes, neighbours) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        // So that the host answers its guests without asking the segment who they are.
        foreach (var port in intent.Ports)
            foreach (var address in port.Addresses)
            {
                routes.TryAdd(AddressForm.Single(address.Text), $"dev {Bridge}");
                neighbours.TryAdd($"{address.Text} dev {Bridge}", port.Mac);
            }
        return LinkState.None with
        {
            Devices = devices, Routes = routes, Rules = new HashSet<string> { LinkState.OwnFirst }, Neighbours = neighbours, Limits = RateLimits.Wanted(intent),
            Local = new HashSet<string>(
            [
                $"{BridgeRuleset.Metadata}/32 dev {Bridge}",
                .. intent.Subnets.Where(subnet => subnet.IsIpv6).Select(subnet => $"{OwnAddress(subnet)}/64 dev {Bridge}"),
                .. intent.HasIpv6 ? (string[])[$"{LinkState.GatewayLinkLocal}/64 dev {Bridge}", $"{NetworkRuleset.MetadataIpv6}/128 dev {Bridge}"] : [],
            ]),
        };
    }

    /// <summary>The host's own address of a subnet of IPv6, made of the bridge's hardware address: dnsmasq serves no subnet of which it has none. Nobody else sees it.</summary>
    private static IPAddress OwnAddress(SubnetIntent subnet) =>
        new([.. IPNetwork.Parse(subnet.Cidr).BaseAddress.GetAddressBytes()[..8], .. IPAddress.Parse(LinkState.GatewayLinkLocal).GetAddressBytes()[8..]]);

    /// <param name="removable">As in <see cref="LinkPlan.Between"/>.</param>
    public static LinkPlan Between(LinkState seen, LinkState wanted, NetworkIntent intent, IReadOnlySet<string> removable) => new(
        [], seen.Devices.ContainsKey(Bridge) ? [] : [$"link add name {Bridge} netns {intent.Namespace} address {LinkState.GatewayMac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"],
        [.. LinkPlan.NewTaps(seen, wanted, intent)], [.. LinkPlan.Inner(seen, wanted, intent)], [], [.. RateLimits.Lines(seen, wanted)], [], LinkPlan.Unwanted(seen, wanted, intent, removable));
}
