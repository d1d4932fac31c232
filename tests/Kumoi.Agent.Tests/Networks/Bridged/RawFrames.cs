using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>Sends and sees frames as they are on the wire of a namespace's <c>eth0</c> (packet(7)).</summary>
internal sealed class RawFrames : IDisposable
{
    private const int EveryProtocol = 0x0003, AddressLength = 20;
    private readonly Socket _socket;
    private readonly Device _device;

    private RawFrames(Socket socket, int index) => (_socket, _device) = (socket, new Device(index));

    public static Task<RawFrames> OpenAsync(string name) => NetworkNamespaces.RunInsideAsync(name, () =>
    {
        var socket = new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)IPAddress.HostToNetworkOrder((short)EveryProtocol));
        return new RawFrames(socket, TapDevices.NumberOf("eth0"));
    });

    public void Send(params byte[] frame) => _socket.SendTo(frame, _device);

    /// <summary>The first frame that is wanted; null if none comes within the patience.</summary>
    public Task<byte[]?> SeeAsync(Func<byte[], bool> wanted, TimeSpan patience) => Task.Run(() =>
    {
        var begun = Stopwatch.GetTimestamp();
        var buffer = new byte[2048];
        while (patience - Stopwatch.GetElapsedTime(begun) is var left && left > TimeSpan.Zero)
        {
            if (!_socket.Poll(left, SelectMode.SelectRead)) continue;
            var frame = buffer[.._socket.Receive(buffer)];
            if (wanted(frame)) return frame;
        }
        return null;
    });

    public static byte[] Mac(string text) => Convert.FromHexString(text.Replace(":", "", StringComparison.Ordinal));

    public static byte[] Arp(byte operation, string from, string senderMac, string sender, string target, string to = "ff:ff:ff:ff:ff:ff") =>
        [.. Mac(to), .. Mac(from), 8, 6, 0, 1, 8, 0, 6, 4, 0, operation, .. Mac(senderMac), .. IPAddress.Parse(sender).GetAddressBytes(), .. Mac("00:00:00:00:00:00"), .. IPAddress.Parse(target).GetAddressBytes()];

    /// <summary>A packet of UDP over IPv4; its checksum is left out, as UDP allows.</summary>
    public static byte[] Udp(string from, string to, string source, string target, int sourcePort, int targetPort, byte[] payload)
    {
        var length = 8 + payload.Length;
        byte[] head = [0x45, 0, (byte)((20 + length) >> 8), (byte)(20 + length), 0, 1, 0, 0, 64, 17, 0, 0, .. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(target).GetAddressBytes()];
        var sum = Sum(head);
        (head[10], head[11]) = ((byte)(sum >> 8), (byte)sum);
        return [.. Mac(to), .. Mac(from), 8, 0, .. head, (byte)(sourcePort >> 8), (byte)sourcePort, (byte)(targetPort >> 8), (byte)targetPort, (byte)(length >> 8), (byte)length, 0, 0, .. payload];
    }

    /// <summary>The same frame with a tag of a VLAN.</summary>
    public static byte[] Tagged(byte[] frame, int vlan) => [.. frame[..12], 0x81, 0, (byte)(vlan >> 8), (byte)vlan, .. frame[12..]];

    /// <summary>A message of ICMPv6 (RFC 4443) with its checksum.</summary>
    public static byte[] Icmp6(string from, string to, string source, string target, byte type, byte[] body)
    {
        byte[] message = [type, 0, 0, 0, .. body];
        byte[] addresses = [.. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(target).GetAddressBytes()];
        var sum = Sum([.. addresses, 0, 0, (byte)(message.Length >> 8), (byte)message.Length, 0, 0, 0, 58, .. message]);
        (message[2], message[3]) = ((byte)(sum >> 8), (byte)sum);
        return [.. Mac(to), .. Mac(from), 0x86, 0xdd, 0x60, 0, 0, 0, (byte)(message.Length >> 8), (byte)message.Length, 58, 255, .. addresses, .. message];
    }

    private static int Sum(byte[] data)
    {
        var sum = 0;
        for (var i = 0; i < data.Length; i += 2) sum += (data[i] << 8) + (i + 1 < data.Length ? data[i + 1] : 0);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return ~sum & 0xffff;
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>struct sockaddr_ll.</summary>
    private sealed class Device(int index) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, AddressLength);
            for (var i = 0; i < 4; i++) address[4 + i] = (byte)(index >> (8 * i));
            return address;
        }
    }
}
