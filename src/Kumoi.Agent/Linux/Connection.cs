using System.Globalization;
using System.Net;

namespace Kumoi.Agent.Linux;

/// <summary>Where a connection was opened to, and who answers.</summary>
public sealed record ConnectionWay(string Transport, string Destination, int DestinationPort, string Answerer, int AnswererPort);

/// <summary>A connection that the kernel tracks.</summary>
/// <param name="Source">Who opened it.</param>
/// <param name="Destination">Where it was opened to.</param>
/// <param name="Answerer">Who answers: another than the destination if it was led elsewhere.</param>
/// <param name="IsOpen">Of TCP: established; of UDP: answered.</param>
public sealed record Connection(string Transport, string Source, int SourcePort, string Destination, int DestinationPort, string Answerer, int AnswererPort, bool IsOpen)
{
    public ConnectionWay Way => new(Transport, Destination, DestinationPort, Answerer, AnswererPort);

    /// <summary>Reads a line of <c>/proc/net/nf_conntrack</c>; null if it is of another protocol than TCP and UDP.</summary>
    public static Connection? Parse(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 6 || words[2] is not ("tcp" or "udp")) return null;
        // Each word comes twice: of the first packet, and of the answer.
        string? Value(string name, int which) => words.Where(word => word.StartsWith(name, StringComparison.Ordinal)).Skip(which).FirstOrDefault()?[name.Length..];
        if (Address(Value("src=", 0)) is not { } source || Address(Value("dst=", 0)) is not { } destination || Address(Value("src=", 1)) is not { } answerer
            || Port(Value("sport=", 0)) is not { } sourcePort || Port(Value("dport=", 0)) is not { } port || Port(Value("sport=", 1)) is not { } answererPort) return null;
        return new Connection(words[2], source, sourcePort, destination, port, answerer, answererPort, words[2] == "tcp" ? words[5] == "ESTABLISHED" : !words.Contains("[UNREPLIED]"));
    }

    private static string? Address(string? text) => IPAddress.TryParse(text, out var address) ? address.ToString() : null;

    private static int? Port(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;
}
