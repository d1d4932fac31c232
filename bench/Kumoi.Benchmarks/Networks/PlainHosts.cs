using Kumoi.Testing.Networks;

namespace Kumoi.Benchmarks.Networks;

/// <summary>
/// Hosts as one would set them up by hand, to compare with: a bridge on each, joined by VXLAN over the same kind of underlay, guests' devices in the bridge. Nothing is filtered.
/// </summary>
internal static class PlainHosts
{
    public const string First = "10.77.0.1", Second = "10.77.0.2", Third = "10.77.0.3";

    /// <summary>Names of three guests' namespaces, of which the first two are on one host. What is made ends with <paramref name="hosts"/>.</summary>
    public static async Task<(string First, string Second, string Third)> MakeAsync(StandIns hosts)
    {
        var names = new List<string>();
        foreach (var (number, guests) in new (int, string[])[] { (1, [First, Second]), (2, [Third]) })
        {
            var host = await hosts.NamespaceAsync($"{hosts.OutsideNamespace}p{number}");
            await hosts.IpAsync(host, $"link add ul mtu 1600 type veth peer name p{number} netns {hosts.OutsideNamespace}", $"addr add 172.31.0.{100 + number}/24 dev ul", "link set ul up", "link add br0 type bridge", "link set br0 up",
                $"link add vx0 type vxlan id 77 local 172.31.0.{100 + number} remote 172.31.0.{103 - number} dstport 4788", "link set vx0 mtu 1500 master br0", "link set vx0 up");
            await hosts.IpAsync(hosts.OutsideNamespace, $"link set p{number} mtu 1600 master br0 up");
            foreach (var address in guests)
            {
                var guest = await hosts.NamespaceAsync($"{hosts.OutsideNamespace}g{names.Count}");
                await hosts.IpAsync(guest, "link set lo up", $"link add eth0 type veth peer name g{names.Count} netns {host}", $"addr add {address}/24 dev eth0", "link set eth0 up");
                await hosts.IpAsync(host, $"link set g{names.Count} master br0", $"link set g{names.Count} up");
                names.Add(guest);
            }
        }
        return (names[0], names[1], names[2]);
    }
}
