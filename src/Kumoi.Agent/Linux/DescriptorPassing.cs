using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Linux;

/// <summary>Hands an open descriptor to the process at the other end of a unix socket (<c>SCM_RIGHTS</c>, unix(7)), which .NET does not offer.</summary>
internal static class DescriptorPassing
{
    private const int SocketLevel = 1, Rights = 1, NoSignal = 0x4000;

    /// <summary>Sends bytes, and the descriptor with the first of them. Gives how many were taken; 0 if the socket takes none now.</summary>
    public static unsafe int Send(Socket socket, ReadOnlySpan<byte> bytes, SafeFileHandle descriptor)
    {
        // The header's length counts itself and the descriptor, without the padding behind it.
        var control = new Libc.DescriptorMessage
        {
            Length = (nuint)(sizeof(nuint) + 3 * sizeof(int)), Level = SocketLevel, Kind = Rights, Descriptor = (int)descriptor.DangerousGetHandle(),
        };
        fixed (byte* start = bytes)
        {
            var part = new Libc.Part { Start = start, Length = (nuint)bytes.Length };
            var message = new Libc.Message { Parts = &part, PartCount = 1, Control = &control, ControlLength = (nuint)sizeof(Libc.DescriptorMessage) };
            var sent = Libc.SendMessage((int)socket.Handle, ref message, NoSignal);
            GC.KeepAlive(descriptor);
            if (sent >= 0) return (int)sent;
        }
        if (Marshal.GetLastPInvokeError() is Libc.WouldBlock or Libc.Interrupted) return 0;
        throw Libc.Failed("Handing over a descriptor failed");
    }
}
