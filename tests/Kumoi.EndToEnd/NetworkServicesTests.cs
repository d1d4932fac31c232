using System.Net;
using System.Text.Json;
using Kumoi.Testing;
using Xunit;
using static Kumoi.EndToEnd.NetworksCloud;

namespace Kumoi.EndToEnd;

/// <summary>
/// Goal: what networks offer beyond guests' own packets holds with real guests on three hosts: load balancers, VPN, bridged networks.
/// Method: by packets of guests, of a machine beyond this one and of one beside it, in the cloud of <see cref="NetworksTests"/>.
/// </summary>
[TestCaseOrderer(typeof(InOrder))]
[Collection(NetworksCloud.Lives)]
public sealed class NetworkServicesTests(NetworksCloud cloud)
{
    [Fact]
    public async Task Connections_are_balanced_over_guests_of_several_hosts_and_who_dies_leaves()
    {
        await cloud.OpenAsync(true);
        var balanced = new Balanced(cloud);
        await balanced.MakeAsync();
        await balanced.UntilAsync("a b c", B, C);
        await cloud.InAsync(B, "kill $(pidof httpd)");
        await balanced.UntilAsync("a c", B, C);
        await Wait.UntilAsync(async () => await balanced.HealthAsync() == "a healthy, b unhealthy, c healthy", 60, "the cloud tells that b does not work");
        await cloud.InAsync(B, "httpd -p '[::]:7001' -h /srv; httpd -p '[::]:7002' -h /srv");
        await balanced.UntilAsync("a b c", C);
        // A host that is gone: the others balance over what is left.
        await Machine.SayAsync("ip", "link", "set", $"k{cloud.Tag}-3", "down");
        try
        {
            await balanced.UntilAsync("a b", A);
        }
        finally
        {
            await Machine.SayAsync("ip", "link", "set", $"k{cloud.Tag}-3", "up");
        }
        await balanced.UntilAsync("a b c", A);
        await cloud.AsAsync("demo", "load-balancer", "member", "drain", "lb1", "c");
        await balanced.UntilAsync("a b", A, C);
        await cloud.AsAsync("demo", "load-balancer", "member", "undrain", "lb1", "c");
        var address = await balanced.OpenAsync();
        await Wait.UntilAsync(async () => await balanced.HeardOutsideAsync(address, 80, cookies: false) == "a b c", 60, "all answer outside");
        await Wait.UntilAsync(async () => await balanced.HeardOutsideAsync(address, 8080, cookies: false) == "a c", 60, "the members of the other listener answer outside");
        Assert.Single((await balanced.HeardOutsideAsync(address, 8080, cookies: true)).Split(' '));
        await cloud.AsAsync("demo", "load-balancer", "delete", "lb1");
        await Wait.UntilAsync(async () => await balanced.HeardOutsideAsync(address, 80, cookies: false) == "-", 60, "nobody answers any more");
    }

    [Fact]
    public async Task A_device_reaches_guests_of_every_host_by_vpn_until_it_is_removed()
    {
        await cloud.OpenAsync(true);
        await cloud.AsAsync("demo", "vpn", "create", "v1", "--network", "n1");
        await using var outside = await Outside.MakeAsync(cloud.Tag);
        await using var device = new VpnDevice(outside, cloud.Environment["HOME"]);
        await device.ConnectAsync(await cloud.AsAsync("demo", "vpn", "client", "add", "v1", "laptop"));
        foreach (var guest in (Guest[])[A, C])
        {
            await Wait.UntilAsync(async () => await device.NameAtAsync(guest.Ipv4) == guest.Name, 60, $"{guest.Name} answers the device");
            Assert.Null(await device.NameAtAsync(D.Ipv4));
        }
        await Wait.UntilAsync(async () => JsonDocument.Parse(await cloud.AsAsync("demo", "vpn", "client", "list", "v1", "--output", "json")).RootElement[0].GetProperty("handshakeAt").ValueKind == JsonValueKind.String, 60, "the cloud knows that it is connected");
        await cloud.AsAsync("demo", "vpn", "client", "remove", "v1", "laptop");
        await Wait.UntilAsync(async () => await device.NameAtAsync(A.Ipv4) is null, 30, "the removed device is cut off");
        await cloud.AsAsync("demo", "vpn", "delete", "v1");
    }

    [Fact]
    public async Task Guests_of_a_bridged_network_are_beside_other_machines_and_their_rules_hold_there()
    {
        await cloud.OpenAsync(false);
        await cloud.AsAsync("operator", "network", "create", "lan", "--bridged", "segment", "--subnet", "192.168.77.0/24", "--gateway", "192.168.77.254", "--range", "192.168.77.100-192.168.77.199", "--account", "demo");
        (string Name, string Address)[] guests = [("near", "192.168.77.101"), ("far", "192.168.77.103")];
        foreach (var (name, address) in guests) await cloud.LaunchAsync("demo", name, name == "near" ? 1 : 3, $"lan,address={address}");
        await using var beside = await Beside.PlugInAsync(cloud.Tag, IPAddress.Parse("192.168.77.254"), 24);
        foreach (var (name, address) in guests)
        {
            await Wait.UntilAsync(async () => (await beside.RunAsync("ssh", cloud.Ssh(address), "hostname; netstat -ltn | grep -q :7001\n")) is { Code: 0 } ran && ran.Output.Trim() == name, 180, $"{name} is reached from beside");
            Assert.Null(await beside.NameAtAsync(address));
        }
        await cloud.OpenAsync(true);
        foreach (var (name, address) in guests) await Wait.UntilAsync(async () => await beside.NameAtAsync(address) == name, 30, $"{name} answers where rules let it");
        var seen = (await beside.RunAsync("ssh", cloud.Ssh("192.168.77.101"), "ip route; wget -qO- http://192.168.77.103:7001/name; wget -qO- http://169.254.169.254/latest/meta-data/local-ipv4\n")).Ok;
        Assert.Contains("default via 192.168.77.254", seen, StringComparison.Ordinal);
        Assert.EndsWith("far\n192.168.77.101", seen.Trim(), StringComparison.Ordinal);
        await cloud.OpenAsync(false);
        foreach (var (name, address) in guests) await Wait.UntilAsync(async () => await beside.NameAtAsync(address) is null, 30, $"{name} answers no longer");
        foreach (var (name, _) in guests) await cloud.AsAsync("demo", "instance", "delete", name, "--wait");
        await cloud.AsAsync("demo", "network", "delete", "lan");
    }

    [Fact]
    public async Task Hosts_without_guests_of_a_network_carry_it_no_longer()
    {
        await cloud.AsAsync("demo", "network", "create", "n3", "--subnet", "10.3.0.0/24");
        var id = await cloud.NetworkIdAsync("demo", "n3");
        foreach (var host in (int[])[1, 2]) await cloud.LaunchAsync("demo", $"on-{host}", host, "n3");
        await Wait.UntilAsync(async () => (await cloud.CarriersAsync(id)).SequenceEqual([1, 2]), 60, "both hosts carry n3");
        await cloud.AsAsync("demo", "instance", "delete", "on-2", "--wait");
        await Wait.UntilAsync(async () => (await cloud.CarriersAsync(id)).SequenceEqual([1]), 60, "only host-1 carries n3");
        await cloud.AsAsync("demo", "instance", "delete", "on-1", "--wait");
        await cloud.AsAsync("demo", "network", "delete", "n3");
    }
}
