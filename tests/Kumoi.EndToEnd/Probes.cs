namespace Kumoi.EndToEnd;

/// <summary>One packet, or connection, from a guest to an address of another.</summary>
public sealed record Probe(Guest From, Guest To, string Protocol, string Address, int Port)
{
    public override string ToString() => $"{From.Name} → {To.Name} {Protocol} {Address} {Port}";

    /// <summary>Both families, each protocol at an open port, and TCP at one that no rule names.</summary>
    public static IEnumerable<Probe> Between(Guest sender, Guest receiver) =>
        new[] { receiver.Ipv4, receiver.Ipv6 }.SelectMany(address => Packets.Select(packet => new Probe(sender, receiver, packet.Protocol, address, packet.Port)));

    private static readonly (string Protocol, int Port)[] Packets = [("tcp", 7001), ("udp", 7001), ("icmp", 0), ("tcp", 7002)];

    /// <summary>
    /// Says what answered each line of its input. A UDP packet arrives at a port where nobody listens, which the guest itself answers
    /// (traceroute sends its first packet to the port after the one it is told). A name proves which guest it was.
    /// </summary>
    private const string Script =
        """
        try() {
          case $1:$2 in
            tcp:*) printf 'GET /name HTTP/1.0\r\n\r\n' | timeout 3 nc -w 2 "$2" "$3" 2>/dev/null | tail -n 1 | grep -x '[a-z]' ;;
            udp:*:*) traceroute6 -n -f 9 -m 9 -q 1 -w 2 -p $(($3 - 1)) "$2" 2>/dev/null | grep -q "^ *9 *$2 " && echo yes ;;
            udp:*) traceroute -n -f 9 -m 9 -q 1 -w 2 -p $(($3 - 1)) "$2" 2>/dev/null | grep -q "^ *9 *$2 " && echo yes ;;
            icmp:*) ping -c 1 -W 2 "$2" >/dev/null 2>&1 && echo yes ;;
          esac
        }
        one() { echo "$1 $2 $3 $(try "$@" || try "$@" || echo no)"; }
        while read -r protocol address port; do one "$protocol" "$address" "$port" </dev/null & done <<END
        """;

    /// <summary>Sends all of them at once, over one connection to each sender.</summary>
    public static async Task<IReadOnlyDictionary<Probe, string>> SendAsync(NetworksCloud cloud, IReadOnlyList<Probe> probes)
    {
        var said = await Task.WhenAll(probes.GroupBy(probe => probe.From).Select(async sender =>
        {
            var lines = sender.ToDictionary(probe => $"{probe.Protocol} {probe.Address} {probe.Port}");
            var output = await cloud.InAsync(sender.Key, $"{Script}\n{string.Join('\n', lines.Keys)}\nEND\nwait");
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).Select(words => (Probe: lines[string.Join(' ', words[..^1])], Heard: words[^1]));
        }));
        return said.SelectMany(answers => answers).ToDictionary(answer => answer.Probe, answer => answer.Heard);
    }
}
