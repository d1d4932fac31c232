using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Vpn;

/// <summary>
/// Goal: clients and sites reach guests on every host and are reached by them, as security groups say and no further, through whatever befalls the gateway. Method: two hosts in namespaces, the
/// other ends in namespaces of the outside with WireGuard devices of their own, and packets from all of them.
/// </summary>
public sealed class VpnPacketTests : IAsyncLifetime
{
    internal const string Id = "vpn-19a3f2b4c5d6e7fa0", Public = "172.31.0.200", PrivateKey = "WE8ynvO/eR8+wfmO9kF1kSrlyvo2bOtL/e+aV8zz4lE=", PublicKey = "9yjRYTBtVssgAJaV0ck7/UuCv6olq8FbQpZKVHm+Gyo=";
    private const string Clients = "10.99.0.0/24", Clients6 = "fd00:99::/64", Site = "192.168.10.0/24", Elsewhere = "203.0.113.1";

    /// <summary>A client whose gateway was started anew notices after its own timeouts, some 15 seconds (WireGuard's KEEPALIVE_TIMEOUT and REKEY_TIMEOUT).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DesiredInterface _near = Shared.Interface(11, Samples.Group), _far = Shared.Interface(12, Samples.Group);
    private readonly List<Remote> _remotes = [];
    private StandIns _hosts = null!;
    private StandInGuest[] _guests = [];

    private StandInHost One => _hosts.All[0];

    private StandInHost Two => _hosts.All[1];

    public async ValueTask InitializeAsync()
    {
        _hosts = await StandIns.StartAsync(2);
        _guests = [await _hosts.GuestAsync(One, _near), await _hosts.GuestAsync(Two, _far)];
        foreach (var guest in _guests) await _hosts.ServeAsync(guest.Namespace, 80, 81);
        await _hosts.IpAsync(_hosts.OutsideNamespace, $"addr add {Elsewhere}/32 dev lo");
        await _hosts.ServeAsync(_hosts.OutsideNamespace, 80);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var remote in _remotes) await remote.DisposeAsync();
        await _hosts.DisposeAsync();
    }

    private async Task<Remote> RemoteAsync(int number, string[] addresses, string[] ranges, int? listen = null, string? presharedKey = null)
    {
        var remote = await Remote.StartAsync(_hosts, number, PublicKey, $"{Public}:443", addresses, ranges, listen, presharedKey);
        _remotes.Add(remote);
        return remote;
    }

    /// <summary>The hosts' documents; the gateway is on one of them, the network's source address may be on another.</summary>
    private async Task<ObservedVpn?> ApplyAsync(StandInHost gateway, string[] ranges, DesiredVpnPeer[] peers, StandInHost? source = null, LinuxNetworks? driver = null, StandInHost? only = null)
    {
        DesiredRule[] rules =
        [
            Samples.Ingress("tcp", 80, 80, Clients, null), Samples.Ingress("tcp", 80, 80, Clients6, null), Samples.Ingress("tcp", 80, 80, Site, null), Samples.EgressAll, new("egress", "any", null, null, "::/0", null),
        ];
        var groups = new[] { Shared.Group(Samples.Group, rules, _near, _far) };
        ObservedVpn? seen = null;
        foreach (var (host, instance) in new[] { (One, Shared.Instance(11, _near)), (Two, Shared.Instance(12, _far)) })
        {
            if (only is not null && only != host) continue;
            var mine = host == gateway;
            var network = Shared.Network(Shared.HostOf(One, _near), Shared.HostOf(Two, _far)) with
            {
                Names = [new DesiredName("far", _far.Address)],
                Gateways = [new DesiredGateway(Public, gateway.Options.Address, false, []), .. source is null ? (DesiredGateway[])[] : [new DesiredGateway("172.31.0.201", source.Options.Address, true, [])]],
                Vpn = new DesiredVpn(Id, Public, 443, gateway.Options.Address, ranges, mine ? PrivateKey : null, mine ? peers : null),
            };
            var document = Shared.Document([network], groups, instance);
            var used = driver is not null && mine ? driver : host.Driver;
            var intents = StandIns.IntentsOf(host, document);
            await used.ApplyHostAsync(intents, default);
            var sight = await used.ApplyAsync(intents[0], new HashSet<string>(), default);
            if (mine) seen = sight.Vpn;
            else Assert.Null(sight.Vpn);
        }
        return seen;
    }

    private static DesiredVpnPeer Client(Remote remote, int number) => new($"vpc-19a3f2b4c5d6e{number:x4}", remote.PublicKey, null, null, [$"10.99.0.{number}/32", $"fd00:99::{number}/128"]);

    private static Task<string?> ReachAsync(Remote remote, string address, int port = 80, string? source = null) => StandIns.TcpAsync(remote.Namespace, address, port, source);

    private string Device(StandInHost host) => ObjectNames.Vpn(host.Options.Tag, 7);

    private int? Process(StandInHost host) => Processes.All().FirstOrDefault(process => WireGuard.IsOf(Device(host), process.Arguments))?.Id;

    [Fact]
    public async Task A_client_reaches_guests_on_every_host_as_their_groups_say_and_nothing_else()
    {
        string[] all = ["10.0.0.0/24", "fd00:1::/64", "10.99.0.0/24", $"{Elsewhere}/32"];
        var (laptop, phone) = (await RemoteAsync(50, ["10.99.0.2", "fd00:99::2"], all), await RemoteAsync(51, ["10.99.0.3", "fd00:99::3"], all));
        await _hosts.ServeAsync(phone.Namespace, 80);
        DesiredVpnPeer[] peers = [Client(laptop, 2), Client(phone, 3)];
        Assert.Null((await ApplyAsync(One, [Clients, Clients6], peers))!.Problem);
        // The gateway does not look for clients: it hears of each when that speaks.
        Assert.Equal("10.99.0.3", await ReachAsync(phone, _near.Address));
        foreach (var ipv6 in new[] { false, true })
            foreach (var guest in _guests)
            {
                Assert.Equal(ipv6 ? "fd00:99::2" : "10.99.0.2", await ReachAsync(laptop, guest.Of(ipv6)));
                Assert.Null(await ReachAsync(laptop, guest.Of(ipv6), 81));
                // Guests reach the client, whose own filter is its own affair.
                Assert.Equal(guest.Of(ipv6), await StandIns.TcpAsync(guest.Namespace, ipv6 ? "fd00:99::3" : "10.99.0.3", 80));
            }
        Assert.Equal(_far.Address, await laptop.ResolveAsync("10.0.0.1", "far.default.internal"));
        Assert.True(await StandIns.ReachesAsync(laptop.Namespace, "icmp", "10.0.0.1", 0));
        Assert.Null(await ReachAsync(laptop, "10.99.0.3"));
        // A guest reaches it by the network's own way outside, a client does not.
        Assert.NotNull(await StandIns.TcpAsync(_guests[0].Namespace, Elsewhere, 80));
        Assert.Null(await ReachAsync(laptop, Elsewhere));
        Assert.Null(await ReachAsync(laptop, "169.254.169.254"));

        var seen = (await ApplyAsync(One, [Clients, Clients6], peers))!;
        Assert.Equal(["vpc-19a3f2b4c5d6e0002", "vpc-19a3f2b4c5d6e0003"], seen.Peers.Select(peer => peer.Id));
        Assert.StartsWith("172.31.0.50:", seen.Peers[0].Endpoint, StringComparison.Ordinal);
        Assert.True(seen.Peers[0].BytesIn > 0 && seen.Peers[0].BytesOut > 0);

        // One is removed; the other's connection goes on as it is.
        var handshake = await phone.HandshakeAsync();
        await ApplyAsync(One, [Clients, Clients6], [peers[1]]);
        foreach (var guest in _guests)
        {
            Assert.Null(await ReachAsync(laptop, guest.Ipv4));
            Assert.Equal("10.99.0.3", await ReachAsync(phone, guest.Ipv4));
        }
        Assert.Equal(handshake, await phone.HandshakeAsync());
    }

    [Fact]
    public async Task A_sites_range_is_reached_both_ways_whoever_begins_and_where_the_network_leaves_by_another_host()
    {
        const string Secret = "zfWgiWr9BnKnHkEeU9foDnVdxjAAygZRB2D7oGUmvOs=";
        var site = await RemoteAsync(60, ["192.168.10.5"], ["10.0.0.0/24"], listen: 51821, presharedKey: Secret);
        await _hosts.ServeAsync(site.Namespace, 80);
        var peer = new DesiredVpnPeer("vps-19a3f2b4c5d6e0001", site.PublicKey, Secret, "172.31.0.60:51821", [Site]);
        // Without the secret nobody speaks.
        Assert.Null((await ApplyAsync(One, [Clients, Site], [peer with { PresharedKey = PrivateKey }], source: Two))!.Problem);
        foreach (var guest in _guests) Assert.Null(await StandIns.TcpAsync(guest.Namespace, "192.168.10.5", 80));
        // The default route leads to the other host; WireGuard's own packets must not.
        await ApplyAsync(One, [Clients, Site], [peer], source: Two);
        await Wait.ForAsync("the gateway finds the site", async () => await StandIns.TcpAsync(_guests[0].Namespace, "192.168.10.5", 80) is not null, Patience);
        foreach (var guest in _guests)
        {
            Assert.Equal(guest.Ipv4, await StandIns.TcpAsync(guest.Namespace, "192.168.10.5", 80));
            Assert.Equal("192.168.10.5", await ReachAsync(site, guest.Ipv4));
            Assert.Null(await ReachAsync(site, guest.Ipv4, 81));
            // Not of the site, so not for the tunnel, and not for the outside either.
            Assert.Null(await StandIns.TcpAsync(guest.Namespace, "10.99.0.2", 80));
        }
        await ApplyAsync(One, [Clients], [], source: Two);
        Assert.Null(await ReachAsync(site, _guests[0].Ipv4));
        Assert.Null(await StandIns.TcpAsync(_guests[1].Namespace, "192.168.10.5", 80));
    }

    [Fact]
    public async Task A_source_that_is_not_the_clients_own_goes_nowhere()
    {
        var laptop = await RemoteAsync(50, ["10.99.0.2", "10.99.0.9", "10.0.0.77"], ["10.0.0.0/24"]);
        DesiredVpnPeer[] peers = [Client(laptop, 2)];
        await ApplyAsync(One, [Clients, Clients6], peers);
        Assert.Equal("10.99.0.2", await ReachAsync(laptop, _guests[0].Ipv4, source: "10.99.0.2"));
        // Within the gateway's ranges: WireGuard keeps each to its own.
        Assert.Null(await ReachAsync(laptop, _guests[0].Ipv4, source: "10.99.0.9"));
        // And where WireGuard would let it pass, the rules do not.
        await _hosts.Commands.RunAsync("nsenter", NetworkNamespaces.Inside(One.Network(Samples.Network), "wg", "set", Device(One), "peer", laptop.PublicKey, "allowed-ips", "10.99.0.2/32,10.0.0.77/32"), default);
        foreach (var guest in _guests) Assert.Null(await ReachAsync(laptop, guest.Ipv4, source: "10.0.0.77"));
        Assert.Equal("10.99.0.2", await ReachAsync(laptop, _guests[1].Ipv4, source: "10.99.0.2"));
        // The next look puts it right.
        await ApplyAsync(One, [Clients, Clients6], peers);
        Assert.DoesNotContain("10.0.0.77", await _hosts.Commands.RunAsync("nsenter", NetworkNamespaces.Inside(One.Network(Samples.Network), "wg", "show", Device(One), "allowed-ips"), default), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_cannot_work_is_told_of_and_the_network_goes_on()
    {
        var broken = true;
        var commands = new Commands(TimeProvider.System) { Fault = (_, input) => broken && input?.StartsWith("[Interface]", StringComparison.Ordinal) == true ? throw new IOException("There is no such program.") : input };
        using var driver = new LinuxNetworks(One.Options, commands, TimeProvider.System, One.Namespace);
        var laptop = await RemoteAsync(50, ["10.99.0.2"], ["10.0.0.0/24"]);
        Assert.Equal("There is no such program.", (await ApplyAsync(One, [Clients, Site], [Client(laptop, 2)], driver: driver))!.Problem);
        Assert.NotNull(await StandIns.TcpAsync(_guests[0].Namespace, Elsewhere, 80));
        Assert.Null(await ReachAsync(laptop, _near.Address));
        broken = false;
        Assert.Null((await ApplyAsync(One, [Clients, Site], [Client(laptop, 2)], driver: driver))!.Problem);
        await Wait.ForAsync("the client gets in", async () => await ReachAsync(laptop, _near.Address) is not null, Patience);
    }

    [Fact]
    public async Task It_outlives_the_agent_comes_back_when_it_is_killed_and_moves_with_its_address()
    {
        var laptop = await RemoteAsync(50, ["10.99.0.2"], ["10.0.0.0/24"]);
        DesiredVpnPeer[] peers = [Client(laptop, 2)];
        await ApplyAsync(One, [Clients], peers);
        Assert.Equal("10.99.0.2", await ReachAsync(laptop, _guests[1].Ipv4));
        var (process, handshake) = (Process(One), await laptop.HandshakeAsync());
        Assert.NotNull(process);

        // Another agent finds it as it is.
        using (var next = new LinuxNetworks(One.Options, _hosts.Commands, TimeProvider.System, One.Namespace))
        {
            Assert.Null((await ApplyAsync(One, [Clients], peers, driver: next))!.Problem);
            Assert.Equal(process, Process(One));
            Assert.Equal("10.99.0.2", await ReachAsync(laptop, _guests[1].Ipv4));
            Assert.Equal(handshake, await laptop.HandshakeAsync());

            // Killed, it is missed, and its ranges lead nowhere meanwhile.
            Assert.True(next.IsServed(One.Network(Samples.Network)));
            Processes.Signal(process.Value, Libc.SignalKill);
            await Processes.WaitForEndAsync(process.Value, TimeSpan.FromSeconds(5), TimeProvider.System, default);
            Assert.False(next.IsServed(One.Network(Samples.Network)));
            await ApplyAsync(One, [Clients], peers, driver: next);
            Assert.NotEqual(process, Process(One));
            await Wait.ForAsync("the client comes back by itself", async () => await ReachAsync(laptop, _guests[0].Ipv4) == "10.99.0.2", Patience);
        }

        // The other host has the address and the same key; the first one gives up all of it.
        await ApplyAsync(Two, [Clients], peers, only: One);
        await ApplyAsync(Two, [Clients], peers);
        Assert.Null(Process(One));
        Assert.NotNull(Process(Two));
        await Wait.ForAsync("the client finds it at its other host", async () => await ReachAsync(laptop, _guests[0].Ipv4) == "10.99.0.2", Patience);
        Assert.Equal("10.99.0.2", await ReachAsync(laptop, _guests[1].Ipv4));

        // Nothing of it is left with the network.
        Assert.Null(await Two.Driver.TryRemoveAsync(Two.Network(Samples.Network), new HashSet<string> { ObjectNames.Tap(_far.Id) }, default));
        Assert.Null(Process(Two));
    }
}
