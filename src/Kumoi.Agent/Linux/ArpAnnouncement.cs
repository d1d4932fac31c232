using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Kumoi.Agent.Linux;

/// <summary>
/// Tells everyone on a segment that addresses are now at this host (RFC 5227, section 2.3), so that what was sent to the host that had them
/// before comes here at once. To be called on a thread that is in the device's namespace.
/// </summary>
public static class ArpAnnouncement
{
    private const int LinkLayerAddressLength = 20;

    public static void Send(string device, IReadOnlyCollection<string> addresses)
    {
        var link = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(link => link.Name == device)
            ?? throw new IOException($"The uplink device {device} is not there.");
        var mac = link.GetPhysicalAddress().GetAddressBytes();
        // A device without hardware addresses of its own (a tunnel) has no neighbours to tell.
        if (mac.Length != 6) return;
        try
        {
            using var socket = new Socket(AddressFamily.Packet, SocketType.Dgram, (ProtocolType)IPAddress.HostToNetworkOrder((short)0x0806));
            var everyone = new Everyone(link.GetIPProperties().GetIPv4Properties().Index);
            foreach (var address in addresses)
            {
                // Some systems heed only requests, and some only answers.
                socket.SendTo(Packet(operation: 1, mac, address), everyone);
                socket.SendTo(Packet(operation: 2, mac, address), everyone);
            }
        }
        catch (SocketException e)
        {
            throw new IOException($"Addresses could not be announced at {device}: {e.Message}", e);
        }
    }

    /// <summary>An ARP packet (RFC 826) whose sender and target are the address.</summary>
    internal static byte[] Packet(byte operation, byte[] mac, string address)
    {
        var own = IPAddress.Parse(address).GetAddressBytes();
        return [0, 1, 8, 0, 6, 4, 0, operation, .. mac, .. own, 0, 0, 0, 0, 0, 0, .. own];
    }

    /// <summary>struct sockaddr_ll of the broadcast address on a device.</summary>
    private sealed class Everyone(int index) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, LinkLayerAddressLength);
            (address[2], address[3]) = (0x08, 0x06);
            for (var i = 0; i < 4; i++) address[4 + i] = (byte)(index >> (8 * i));
            address[11] = 6;
            for (var i = 12; i < 18; i++) address[i] = 0xff;
            return address;
        }
    }
}
