using System.Net;
using System.Net.Sockets;

namespace Kumoi.Agent.Networks;

/// <summary>The name servers the host itself uses, as far as they can be reached from a network's namespace.</summary>
public static class Resolvers
{
    /// <summary>systemd-resolved's own file comes first: /etc/resolv.conf then names only its address on the host's loopback.</summary>
    private static readonly string[] Files = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];

    public static IReadOnlyList<string> Read()
    {
        var file = Files.FirstOrDefault(File.Exists);
        return file is null ? [] : Parse(File.ReadAllLines(file));
    }

    /// <summary>IPv4 servers of a resolv.conf, without those on a loopback.</summary>
    public static IReadOnlyList<string> Parse(IEnumerable<string> lines) =>
        [.. lines.Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length >= 2 && words[0] == "nameserver")
            .Select(words => IPAddress.TryParse(words[1], out var address) ? address : null)
            .Where(address => address is { AddressFamily: AddressFamily.InterNetwork } && !IPAddress.IsLoopback(address))
            .Select(address => address!.ToString()).Distinct().Take(3)];
}
