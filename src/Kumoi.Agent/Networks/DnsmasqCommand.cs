using System.Globalization;
using System.Net;
using System.Text;

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

    /// <param name="resolvers">Where names outside the network are asked for.</param>
    public static IReadOnlyList<string> Build(NetworkIntent intent, string directory, IReadOnlyList<string> resolvers)
    {
        var arguments = new List<string>
        {
            "--conf-file=/dev/null", $"--pid-file={PidFile(directory)}", "--user=nobody",
            // Requests at any tap, present or future, count as requests at lo, where the gateway addresses are.
            "--bind-dynamic", "--interface=lo", "--interface=t*", "--bridge-interface=lo,t*",
            "--dhcp-authoritative", "--leasefile-ro", "--no-ping", "--dhcp-ignore=tag:!known", "--quiet-dhcp", "--dhcp-lease-max=65536",
            $"--dhcp-hostsfile={HostsFile(directory)}", "--no-hosts", $"--addn-hosts={NamesFile(directory)}",
            "--no-resolv", "--domain-needed", "--bogus-priv", "--cache-size=1000", $"--domain={intent.Domain}", $"--local=/{intent.Domain}/",
            "--dhcp-option-force=option:mtu,1500",
        };
        arguments.AddRange(resolvers.Select(resolver => $"--server={resolver}"));
        foreach (var subnet in intent.Subnets)
        {
            var range = IPNetwork.Parse(subnet.Cidr);
            arguments.Add($"--dhcp-range=set:{subnet.Id},{range.BaseAddress},static,{Mask(range.PrefixLength)},{LeaseTime}");
            arguments.Add($"--dhcp-option=tag:{subnet.Id},option:router,{subnet.Gateway}");
            var servers = subnet.DnsServers.Count > 0 ? string.Join(',', subnet.DnsServers) : subnet.Gateway;
            arguments.Add($"--dhcp-option=tag:{subnet.Id},option:dns-server,{servers}");
        }
        return arguments;
    }

    /// <summary>Who gets which address.</summary>
    public static string Hosts(NetworkIntent intent) =>
        string.Concat(intent.Ports.Select(port => $"{port.Mac},{port.Address},{port.Hostname}\n"));

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
