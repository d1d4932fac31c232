using System.Security.Cryptography;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>
/// A segment that hosts are attached to: a switch in a namespace, a bridge <c>br0</c> in each host's, and a machine beside the cloud, which is the
/// segment's router too.
/// </summary>
internal sealed class SegmentStand
{
    public const string Device = "br0", Router = "10.0.0.1", Router6 = "fd00:1::1", RouterMac = "52:54:00:aa:00:01";

    private readonly StandIns _hosts;
    private readonly string _digits = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
    private int _guests;

    private SegmentStand(StandIns hosts) => _hosts = hosts;

    /// <summary>The machine beside the cloud.</summary>
    public string Machine => $"ktm{_digits}";

    public IReadOnlyList<StandInHost> All { get; private set; } = [];

    public static async Task<SegmentStand> StartAsync(StandIns hosts)
    {
        var stand = new SegmentStand(hosts);
        await stand.StartAsync();
        return stand;
    }

    private async Task StartAsync()
    {
        var segment = await _hosts.NamespaceAsync($"kts{_digits}");
        await _hosts.NamespaceAsync(Machine);
        await _hosts.IpAsync(segment, "link add name sw type bridge forward_delay 0 stp_state 0", "link set dev sw up");
        await _hosts.IpAsync(Machine, "link set lo up", $"link add eth0 address {RouterMac} type veth peer name m netns {segment}");
        await NetworkNamespaces.RunInsideAsync(Machine, () => { File.WriteAllText("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0"); return true; });
        await _hosts.IpAsync(Machine, "link set eth0 up", $"addr add {Router}/24 dev eth0", $"addr add {Router6}/64 dev eth0 nodad");
        await _hosts.IpAsync(segment, "link set dev m master sw up");
        foreach (var host in _hosts.All)
        {
            await _hosts.IpAsync(host.Namespace, $"link add name {Device} type bridge forward_delay 0 stp_state 0", $"link add eth1 type veth peer name h{host.Number} netns {segment}", $"link set dev eth1 master {Device} up", $"link set dev {Device} up");
            await _hosts.IpAsync(segment, $"link set dev h{host.Number} master sw up");
        }
        All = [.. _hosts.All.Select(With)];
    }

    private StandInHost With(StandInHost host)
    {
        var options = host.Options with { SegmentDevices = [Device] };
        return host with { Options = options, Driver = new LinuxNetworks(options, _hosts.Commands, TimeProvider.System, host.Namespace) };
    }

    public static DesiredNetwork Network(bool externalDhcp = false) => Shared.Network() with { Segment = new DesiredSegment(Device, null, externalDhcp), Mtu = 1500 };

    /// <summary>A guest's place, with its own addresses and the segment's router.</summary>
    public async Task<StandInGuest> GuestAsync(StandInHost host, DesiredInterface wanted, bool configured = true)
    {
        var network = ObjectNames.Namespace(host.Options.Tag, wanted.NetworkId);
        if (!NetworkNamespaces.Exists(network)) await _hosts.NamespaceAsync(network);
        var name = await _hosts.NamespaceAsync($"kte{_digits}{_guests++}");
        await _hosts.IpAsync(name, "link set lo up", $"link add eth0 address {wanted.MacAddress} type veth peer name {ObjectNames.Tap(wanted.Id)} netns {network}");
        await NetworkNamespaces.RunInsideAsync(name, () => { File.WriteAllText("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0"); return true; });
        await _hosts.IpAsync(name, "link set eth0 up");
        if (!configured) return new StandInGuest(name, wanted);
        await _hosts.IpAsync(name, $"addr add {wanted.Address}/24 dev eth0", $"route add default via {Router}");
        foreach (var address in (wanted.Further ?? []).Select(further => further.Address)) await _hosts.IpAsync(name, $"addr add {address}/64 dev eth0 nodad");
        if (wanted.Further is not null) await _hosts.IpAsync(name, $"route add ::/0 via {Router6}");
        return new StandInGuest(name, wanted);
    }

    /// <summary>Bridges forward only some time after their ports have come up: until a guest's frame arrives.</summary>
    public async Task OpenAsync(StandInGuest guest)
    {
        using var from = await RawFrames.OpenAsync(guest.Namespace);
        using var to = await RawFrames.OpenAsync(Machine);
        var frame = RawFrames.Arp(1, guest.Wanted.MacAddress, guest.Wanted.MacAddress, "0.0.0.0", "10.0.0.250");
        await Wait.ForAsync("a frame of a guest on the segment", async () =>
        {
            from.Send(frame);
            return await to.SeeAsync(seen => seen.AsSpan().StartsWith(frame), TimeSpan.FromMilliseconds(100)) is not null;
        }, TimeSpan.FromSeconds(30));
    }
}
