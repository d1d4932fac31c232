using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Hosts;

/// <summary>The longest packet that the device with the host's address carries: what an overlay has is less by its own headers.</summary>
public static class UnderlayMtu
{
    private static volatile string? _device;

    /// <summary>In bytes; null if no device has the address. Asked with each report, so the device is looked for only if it is not known or has gone.</summary>
    public static int? Of(string address)
    {
        if (_device is { } known && Mtu(known) is { } mtu) return mtu;
        if (!IPAddress.TryParse(address, out var wanted)) return null;
        _device = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(device => device.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(wanted)))?.Name;
        return _device is { } found ? Mtu(found) : null;
    }

    /// <summary>By the kernel's call and not from /sys, which shows the devices of the namespace that it was mounted in.</summary>
    private static unsafe int? Mtu(string device)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var request = default(Libc.InterfaceNumber);
        if (Encoding.ASCII.GetBytes(device, new Span<byte>(request.Name, TapDevices.NameLimit)) != device.Length) return null;
        return Libc.InterfaceRequest((int)socket.Handle, Libc.GetInterfaceMtu, ref request) == 0 ? request.Value : null;
    }
}
