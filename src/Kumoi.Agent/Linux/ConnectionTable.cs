using System.Buffers.Binary;
using System.Net;

namespace Kumoi.Agent.Linux;

/// <summary>The kernel's table of connections (conntrack) of the namespace that the calling thread is in.</summary>
public static class ConnectionTable
{
    /// <summary>Of ctnetlink (linux/netfilter/nfnetlink_conntrack.h): subsystem 1, message "delete".</summary>
    private const ushort DeleteMessage = 0x0102, Request = 0x01, Acknowledge = 0x04, Nested = 0x8000;

    private const ushort TupleOriginal = 1, TupleIp = 1, TupleProtocol = 2, ProtocolNumber = 1, SourcePort = 2, DestinationPort = 3;

    private const string Listing = "/proc/thread-self/net/nf_conntrack";

    /// <summary>Connections of TCP and UDP, line by line; none on a kernel that does not list them (CONFIG_NF_CONNTRACK_PROCFS).</summary>
    public static IEnumerable<Connection> Read() => File.Exists(Listing) ? File.ReadLines(Listing).Select(Connection.Parse).OfType<Connection>() : [];

    /// <summary>Forgets a connection: its next packet is looked at as the first of a new one. One that is gone is no error.</summary>
    public static unsafe void Delete(Connection connection)
    {
        var descriptor = Libc.OpenSocket(Libc.NetlinkFamily, Libc.RawSocket | Libc.CloseOnExec, Libc.NetfilterProtocol);
        if (descriptor < 0) throw Libc.Failed("Opening a socket to the kernel's table of connections failed");
        try
        {
            var message = Message(connection);
            Span<byte> answer = stackalloc byte[512];
            fixed (byte* sent = message, received = answer)
            {
                if (Libc.Send(descriptor, sent, (nuint)message.Length, 0) < 0) throw Libc.Failed("Ending a connection failed");
                if (Libc.Receive(descriptor, received, (nuint)answer.Length, 0) < 20) throw Libc.Failed("Ending a connection failed");
            }
            // struct nlmsgerr behind the header of 16 bytes: 0, or an error as a negative number.
            var error = -BinaryPrimitives.ReadInt32LittleEndian(answer[16..]);
            if (error is not (0 or Libc.NoSuchEntry)) throw new IOException(FormattableString.Invariant($"Ending a connection failed with error {error}."));
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    internal static byte[] Message(Connection connection)
    {
        var (source, destination) = (IPAddress.Parse(connection.Source).GetAddressBytes(), IPAddress.Parse(connection.Destination).GetAddressBytes());
        var ipv6 = source.Length == 16;
        var tuple = Attribute(TupleOriginal | Nested,
        [
            .. Attribute(TupleIp | Nested, [.. Attribute((ushort)(ipv6 ? 3 : 1), source), .. Attribute((ushort)(ipv6 ? 4 : 2), destination)]),
            .. Attribute(TupleProtocol | Nested, [.. Attribute(ProtocolNumber, [(byte)(connection.Transport == "tcp" ? 6 : 17)]), .. Attribute(SourcePort, Port(connection.SourcePort)), .. Attribute(DestinationPort, Port(connection.DestinationPort))]),
        ]);
        var message = new byte[20 + tuple.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, message.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), DeleteMessage);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), Request | Acknowledge);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(8), 1);
        // struct nfgenmsg: the family.
        message[16] = (byte)(ipv6 ? 10 : 2);
        tuple.CopyTo(message.AsSpan(20));
        return message;
    }

    /// <summary>Length and type, the value, and zeros up to a multiple of four bytes.</summary>
    private static byte[] Attribute(ushort type, byte[] value)
    {
        var bytes = new byte[(4 + value.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), type);
        value.CopyTo(bytes.AsSpan(4));
        return bytes;
    }

    private static byte[] Port(int port) => [(byte)(port >> 8), (byte)port];
}
