using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Kumoi.Agent.Linux;

/// <summary>Opens persistent tap devices for guests.</summary>
public static class TapDevices
{
    /// <summary>The longest name Linux gives a network device.</summary>
    public const int NameLimit = 15;

    /// <summary>
    /// Opens a tap that exists in a namespace. The descriptor is closed at exec; <see cref="Commands"/> hands it to the one child it is for.
    /// </summary>
    public static Task<SafeFileHandle> OpenAsync(string networkNamespace, string name) => NetworkNamespaces.RunInsideAsync(networkNamespace, () => Open(name));

    /// <summary>The kernel's number of a device in this thread's namespace; 0 if there is none.</summary>
    public static int NumberOf(string name) => (int)Libc.NumberOfDevice(name);

    private static unsafe SafeFileHandle Open(string name)
    {
        // The kernel would make one, which has no settings and ends with the descriptor.
        if (!Directory.Exists($"/proc/sys/net/ipv4/conf/{name}")) throw new IOException($"The tap device {name} is not there.");
        var descriptor = Libc.Open("/dev/net/tun", Libc.ReadWrite | Libc.CloseOnExec, 0);
        if (descriptor < 0) throw Libc.Failed("Opening /dev/net/tun failed");
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        var request = new Libc.InterfaceFlags { Flags = Libc.InterfaceTap | Libc.InterfaceNoPacketInfo | Libc.InterfaceVnetHeader };
        if (Encoding.ASCII.GetBytes(name, new Span<byte>(request.Name, NameLimit)) != name.Length)
            throw new ArgumentException("The name of a tap is 1 to 15 ASCII characters.", nameof(name));
        if (Libc.InterfaceRequest(descriptor, Libc.TunSetInterface, ref request) < 0)
        {
            var failure = Libc.Failed($"Opening the tap device {name} failed");
            handle.Dispose();
            throw failure;
        }
        return handle;
    }
}
