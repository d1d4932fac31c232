using System.Globalization;
using System.Net;
using System.Text;
using Kumoi.Agent.Networks.Bridged;
using static System.FormattableString;

namespace Kumoi.Agent.Networks;

/// <summary>The command line and files of a network's dnsmasq: pure functions, kept by golden files.</summary>
public static class DnsmasqCommand
{
    public const string Program = "dnsmasq";

    /// <summary>Addresses and names are given out for this long; guests ask again after half of it.</summary>
    private const string LeaseTime = "1h";

    public static string PidFile(string directory) => Path.Combine(directory, "dnsmasq.pid");

    public static string HostsFile(string directory) => Path.Combine(directory, "dhcp-hosts");

    public static string NamesFile(string directory) => Path.Combine(directory, "names");

    public static string OptionsFile(string directory) => Path.Combine(directory, "dhcp-options");

    /// <param name="resolvers">Where names outside the network are asked for.</param>
    public static IReadOnlyList<string> Build(NetworkIntent intent, string directory, IReadOnlyList<string> resolvers)
    {
        if (intent.Segment is not null) return BuildBridged(intent, directory);
        var arguments = new List<string>
        {
            "--conf-file=/dev/null", $"--pid-file={PidFile(directory)}", "--user=nobody",
            // Requests at any tap, present or future, count as requests at lo, where the gateway addresses are.
            "--bind-dynamic", "--interface=lo", "--interface=t*", "--bridge-interface=lo,t*",
            "--dhcp-authoritative", "--leasefile-ro", "--no-ping", "--dhcp-ignore=tag:!known", "--quiet-dhcp", "--dhcp-lease-max=65536",
            $"--dhcp-hostsfile={HostsFile(directory)}", $"--dhcp-optsfile={OptionsFile(directory)}", "--no-hosts", $"--addn-hosts={NamesFile(directory)}",
            "--no-resolv", "--domain-needed", "--bogus-priv", "--cache-size=1000", $"--domain={intent.Domain}", $"--local=/{intent.Domain}/",
            Invariant($"--dhcp-option-force=option:mtu,{intent.Mtu}"),
        };
        // Clients of the VPN gateway ask for names; addresses they have already.
        if (intent.OwnVpn is { } vpn) arguments.AddRange([$"--interface={vpn.Device}", $"--no-dhcp-interface={vpn.Device}"]);
        arguments.AddRange(resolvers.Select(resolver => $"--server={resolver}"));
        if (intent.HasIpv6) arguments.AddRange(["--enable-ra", "--quiet-dhcp6", "--quiet-ra", Invariant($"--ra-param=*,mtu:{intent.Mtu},60,1800")]);
        arguments.AddRange(intent.Subnets.Select(Range));
        return arguments;
    }

    /// <summary>
    /// In a bridged network it answers DHCP and nothing else: routers and name servers are the segment's. Its own address is of none of the subnets of IPv4,
    /// which are therefore named as shared; for IPv6 that does not do, and the bridge has an address of each.
    /// </summary>
    private static List<string> BuildBridged(NetworkIntent intent, string directory) =>
    [
        "--conf-file=/dev/null", $"--pid-file={PidFile(directory)}", "--user=nobody", "--port=0", "--bind-dynamic", $"--interface={BridgeRuleset.Bridge}", "--except-interface=lo",
        "--dhcp-authoritative", "--leasefile-ro", "--no-ping", "--dhcp-ignore=tag:!known", "--quiet-dhcp", "--dhcp-lease-max=65536",
        $"--dhcp-hostsfile={HostsFile(directory)}", $"--dhcp-optsfile={OptionsFile(directory)}", "--no-hosts", "--no-resolv", $"--domain={intent.Domain}",
        Invariant($"--dhcp-option-force=option:mtu,{intent.Mtu}"), .. intent.HasIpv6 ? (string[])["--quiet-dhcp6"] : [],
        .. intent.Subnets.Where(subnet => !subnet.IsIpv6).Select(subnet => $"--shared-network={BridgeRuleset.Bridge},{IPNetwork.Parse(subnet.Cidr).BaseAddress}"),
        .. intent.Subnets.Select(subnet => Range(subnet).Replace(",off-link", "", StringComparison.Ordinal)),
    ];

    /// <summary>A prefix of IPv6 is announced with addresses from DHCPv6 only (managed), and with everything behind the gateway (off-link), as nothing is flooded.</summary>
    private static string Range(SubnetIntent subnet)
    {
        var range = IPNetwork.Parse(subnet.Cidr);
        return subnet.IsIpv6
            ? $"--dhcp-range=set:{subnet.Id},{range.BaseAddress},static,off-link,64,{LeaseTime}"
            : $"--dhcp-range=set:{subnet.Id},{range.BaseAddress},static,{Mask(range.PrefixLength)},{LeaseTime}";
    }

    /// <summary>What guests are told beside their addresses. In a file, where one option that dnsmasq does not take is left out by it and no more.</summary>
    public static string Options(NetworkIntent intent)
    {
        var text = new StringBuilder();
        foreach (var subnet in intent.Subnets)
        {
            var own = subnet.Options.Select(option => option.Code).ToHashSet();
            void Say(int code, string name, string value)
            {
                if (!own.Contains(code)) text.Append(CultureInfo.InvariantCulture, $"tag:{subnet.Id},{name},{value}\n");
            }
            var search = string.Join(',', intent.SearchDomains);
            string[] servers = subnet.DnsServers.Count > 0 ? [.. subnet.DnsServers] : [subnet.Gateway];
            if (subnet.IsIpv6)
            {
                Say(23, "option6:dns-server", string.Join(',', servers.Select(server => $"[{server}]")));
                Say(24, "option6:domain-search", search.Length > 0 ? search : intent.Domain);
                foreach (var option in subnet.Options) text.Append(CultureInfo.InvariantCulture, $"tag:{subnet.Id},option6:{option.Code},{option.Value}\n");
                continue;
            }
            Say(3, "option:router", subnet.Gateway);
            Say(6, "option:dns-server", string.Join(',', servers));
            if (search.Length > 0) Say(119, "option:domain-search", search);
            // Whoever heeds this option passes over the one for the router (RFC 3442), so it names both.
            if (intent.Segment is not null) Say(121, "option:classless-static-route", $"{BridgeRuleset.Metadata}/32,0.0.0.0,0.0.0.0/0,{subnet.Gateway}");
            foreach (var option in subnet.Options) text.Append(CultureInfo.InvariantCulture, $"tag:{subnet.Id},{option.Code},{option.Value}\n");
        }
        return text.ToString();
    }

    /// <summary>Who gets which addresses.</summary>
    public static string Hosts(NetworkIntent intent)
    {
        var text = new StringBuilder();
        foreach (var port in intent.Ports)
        {
            string[] announced = [.. port.Addresses.Where(address => address.Announced).Select(address => AddressForm.IsIpv6(address.Text) ? $"[{address.Text}]" : address.Text)];
            if (announced.Length > 0) text.Append(CultureInfo.InvariantCulture, $"{port.Mac},{string.Join(',', announced)},{port.Hostname}\n");
        }
        return text.ToString();
    }

    /// <summary>Names of the network's guests on all hosts; the full name first, so that it answers reverse questions.</summary>
    public static string Names(NetworkIntent intent)
    {
        var text = new StringBuilder();
        foreach (var name in intent.Names) text.Append(CultureInfo.InvariantCulture, $"{name.Address} {name.Name}.{intent.Domain} {name.Name}\n");
        return text.ToString();
    }

    private static IPAddress Mask(int prefix)
    {
        var bits = prefix == 0 ? 0 : uint.MaxValue << (32 - prefix);
        return new IPAddress([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
    }
}
