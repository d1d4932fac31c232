namespace Kumoi.Cli.Local;

/// <summary>A pair of devices from a bridge of the root namespace to a host that is a namespace.</summary>
/// <param name="Device">The end in the root namespace.</param>
/// <param name="Inner">The end in the host's.</param>
/// <param name="Address">The hardware address of the inner end; null: any.</param>
public sealed record Cable(string Device, string Inner, string Bridge, int Mtu, string? Address)
{
    /// <summary>Lines for <c>ip -batch</c> in the root namespace.</summary>
    public IReadOnlyList<string> Join(LocalHost host, bool present) =>
    [
        .. present ? (string[])[] : [$"link add {Device} mtu {Mtu} type veth peer name {Inner}{(Address is null ? "" : " address " + Address)} mtu {Mtu} netns {host.Namespace}"],
        $"link set {Device} mtu {Mtu} master {Bridge} up",
    ];
}
