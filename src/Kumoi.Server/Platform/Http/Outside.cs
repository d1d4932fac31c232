using System.Net;
using System.Net.Sockets;

namespace Kumoi.Server.Platform.Http;

/// <summary>Connects to public addresses only, for requests that others name the place of: else the cloud would ask its own inside on their behalf.</summary>
public static class Outside
{
    // What is not of the public Internet (IANA's registries of special-purpose addresses), and addresses of IPv6 that stand for one of IPv4.
    private static readonly string[] Inside =
        ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
            "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"];

    private static readonly IPNetwork[] InsideRanges = Array.ConvertAll(Inside, IPNetwork.Parse);

    public static bool IsInside(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return InsideRanges.Any(range => range.Contains(address));
    }

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>: the check is on the address connected to, so a name that resolves differently the second time gains nothing.</summary>
    /// <param name="allowed">True of an address that may be connected to.</param>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, Func<IPAddress, bool> allowed, CancellationToken cancel)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancel);
        var usable = Array.FindAll(addresses, address => allowed(address));
        if (usable.Length == 0) throw new InsideAddressException($"{context.DnsEndPoint.Host} is not a public address.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(usable, context.DnsEndPoint.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The place is not on a public network, and who asks for it is no operator.</summary>
public sealed class InsideAddressException(string message) : IOException(message);
