using System.Text.RegularExpressions;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks.Vpn;

/// <summary>The VPN gateway of a network, checked and sorted.</summary>
/// <param name="Device">Of WireGuard, in the namespace of the host that is the gateway; its name is unique on the machine, since the program's socket has it too.</param>
/// <param name="Host">Address of that host on the underlay.</param>
/// <param name="Ranges">What is reached by it.</param>
/// <param name="PrivateKey">Null on other hosts, and where the server could not read it.</param>
public sealed partial record VpnIntent(string Id, string Device, string Address, int Port, string Host, IReadOnlyList<string> Ranges, string? PrivateKey, IReadOnlyList<DesiredVpnPeer> Peers)
{
    /// <summary>WireGuard adds 60 bytes over IPv4; 80 are what its own tools reckon with. IPv6 needs 1,280 (RFC 8200), and then its packets travel in parts.</summary>
    private const int Overhead = 80, MtuMin = 1280;

    public static int Mtu(NetworkIntent intent) => Math.Max(MtuMin, intent.Mtu - Overhead);

    /// <summary>True for names that devices of WireGuard have, and nothing else in a namespace.</summary>
    public static bool IsDevice(string name) => name.Length > 1 && name[0] == 'w' && name.Contains('-', StringComparison.Ordinal);

    /// <param name="gateways">Public addresses of the network, checked.</param>
    /// <param name="isElsewhere">Whether a range may be led to another place than the network's own.</param>
    public static VpnIntent? Read(DesiredVpn? wanted, string device, IEnumerable<DesiredGateway> gateways, Func<string, bool> isElsewhere)
    {
        if (wanted is null || !ObjectNames.IsId(wanted.Id) || wanted.Port is < 1 or > 65_535 || !gateways.Any(gateway => gateway.Address == wanted.Address && gateway.Host == wanted.Host)) return null;
        string[] ranges = [.. wanted.Ranges.Select(AddressForm.Range).OfType<string>().Where(isElsewhere).Distinct().Order(StringComparer.Ordinal)];
        return new VpnIntent(
            wanted.Id, device, wanted.Address, wanted.Port, wanted.Host, ranges, IsKey(wanted.PrivateKey) ? wanted.PrivateKey : null,
            [.. (wanted.Peers ?? []).Where(peer => ObjectNames.IsId(peer.Id) && IsKey(peer.PublicKey) && (peer.PresharedKey is null || IsKey(peer.PresharedKey)) && (peer.Endpoint is null || IsEndpoint(peer.Endpoint)))
                .DistinctBy(peer => peer.PublicKey).Select(peer => peer with { Ranges = [.. peer.Ranges.Select(AddressForm.Range).OfType<string>().Where(range => ranges.Any(all => Holds(all, range))).Distinct().Order(StringComparer.Ordinal)] })
                .OrderBy(peer => peer.PublicKey, StringComparer.Ordinal)]);
    }

    private static bool Holds(string all, string part) => AddressForm.Overlap(all, part) && System.Net.IPNetwork.Parse(all).PrefixLength <= System.Net.IPNetwork.Parse(part).PrefixLength;

    private static bool IsKey(string? text) => text is not null && KeyForm().IsMatch(text);

    private static bool IsEndpoint(string text) =>
        text.Split(':') is [var address, var port] && AddressForm.Ipv4(address) is not null && ushort.TryParse(port, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) && number > 0;

    /// <summary>32 bytes in base64.</summary>
    [GeneratedRegex(@"\A[A-Za-z0-9+/]{43}=\z")] private static partial Regex KeyForm();
}
