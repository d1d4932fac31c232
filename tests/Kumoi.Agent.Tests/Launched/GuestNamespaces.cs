using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>A network with the addresses of the metadata service, a guest in it, and a container behind the guest: each a namespace, and each passes packets on.</summary>
internal static class GuestNamespaces
{
    public const string Guest = "10.0.0.11", Container = "10.0.0.12", Guest6 = "fd00:1::b", Container6 = "fd00:1::c";

    public static async Task<(string Network, string Guest, string Container)> MakeAsync(Machine machine)
    {
        var commands = new Commands(TimeProvider.System);
        string[] names = [.. Enumerable.Range(1, 3).Select(i => ObjectNames.Namespace(machine.Tag, $"net-0000000000000000{i}"))];
        foreach (var name in names)
        {
            await new NetworkNamespaces(commands).CreateAsync(name, default);
            await NetworkNamespaces.RunInsideAsync(name, () =>
            {
                File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
                File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
                // Links are usable at once: nobody else is on them.
                foreach (var which in (string[])["all", "default"]) File.WriteAllText($"/proc/sys/net/ipv6/conf/{which}/accept_dad", "0");
                return true;
            });
            await commands.RunAsync("ip", ["-n", name, "link", "set", "lo", "up"], default);
        }
        var (network, guest, container) = (names[0], names[1], names[2]);
        await commands.RunAsync("ip", ["-n", network, "link", "add", "g0", "type", "veth", "peer", "name", "eth0", "netns", guest], default);
        await commands.RunAsync("ip", ["-n", guest, "link", "add", "c0", "type", "veth", "peer", "name", "eth0", "netns", container], default);
        await commands.RunAsync("ip", ["-n", network, "-batch", "-"],
            $"addr add 169.254.169.254/32 dev lo\naddr add fd00:ec2::254/128 dev lo nodad\naddr add 198.51.100.1/30 dev g0\naddr add fd00:2::1/64 dev g0 nodad\nlink set g0 up\n" +
            $"route add {Guest}/32 via 198.51.100.2\nroute add {Container}/32 via 198.51.100.2\nroute add {Guest6}/128 via fd00:2::2\nroute add {Container6}/128 via fd00:2::2\n", default);
        await commands.RunAsync("ip", ["-n", guest, "-batch", "-"],
            $"addr add 198.51.100.2/30 dev eth0\naddr add fd00:2::2/64 dev eth0 nodad\naddr add {Guest}/32 dev lo\naddr add {Guest6}/128 dev lo nodad\naddr add 198.51.100.5/30 dev c0\naddr add fd00:3::1/64 dev c0 nodad\nlink set eth0 up\nlink set c0 up\n" +
            $"route add default via 198.51.100.1 src {Guest}\nroute add default via fd00:2::1\nroute add {Container}/32 via 198.51.100.6\nroute add {Container6}/128 via fd00:3::2\n", default);
        await commands.RunAsync("ip", ["-n", container, "-batch", "-"],
            $"addr add 198.51.100.6/30 dev eth0\naddr add fd00:3::2/64 dev eth0 nodad\naddr add {Container}/32 dev lo\naddr add {Container6}/128 dev lo nodad\nlink set eth0 up\nroute add default via 198.51.100.5\nroute add default via fd00:3::1\n", default);
        return (network, guest, container);
    }
}
