using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kumoi.Testing;
using Xunit;
using static Kumoi.EndToEnd.NetworksCloud;

namespace Kumoi.EndToEnd;

/// <summary>
/// Goal: packets between guests pass where rules and links let them, and nowhere else, wherever the guests are, whatever fails meanwhile.
/// Method: by packets from inside real guests on three hosts, in one cloud that lives through all tests.
/// </summary>
[TestCaseOrderer(typeof(InOrder))]
[Collection(NetworksCloud.Lives)]
public sealed class NetworksTests(NetworksCloud cloud)
{
    private static string _joined = "";

    [Fact]
    public async Task Only_hosts_with_guests_carry_a_network()
    {
        foreach (var network in Guests.GroupBy(guest => (guest.Account, guest.Network)))
        {
            var id = await cloud.NetworkIdAsync(network.Key.Account, network.Key.Network);
            Assert.Equal(network.Select(guest => guest.Host).Distinct().Order(), await cloud.CarriersAsync(id));
        }
    }

    /// <summary>
    /// The guests of the pairs: same host and other host, same network, another one (to which a router leads) and one of another account (with which
    /// there is a peering). Two networks with the same ranges are live at once: it is the name that answers which tells them apart.
    /// </summary>
    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "")]
    [InlineData(true, "router")]
    [InlineData(false, "router")]
    [InlineData(true, "peering")]
    [InlineData(false, "peering")]
    public async Task Packets_pass_where_rules_and_links_let_them_and_the_trace_agrees(bool open, string joined)
    {
        await JoinAsync(joined);
        await cloud.OpenAsync(open);
        (Guest From, Guest To)[] pairs = joined == "peering" ? [(A, B), (A, C), (X, Y), (D, X), (D, Y), (X, D), (Y, D), (A, D)] : [(A, B), (A, C), (C, A), (X, Y), (A, D), (C, D), (D, A), (D, C)];
        await PassAsync(pairs.SelectMany(pair => Probe.Between(pair.From, pair.To)), probe => open && probe.Port != 7002 && Together(probe, joined));
    }

    /// <summary>Packets pass exactly where they should, and traces say so.</summary>
    private async Task PassAsync(IEnumerable<Probe> sent, Func<Probe, bool> passes)
    {
        var probes = sent.ToList();
        var expected = Lines(probes, passes);
        // Hosts hear of a change a moment after the cloud has taken it.
        for (var round = 0; ; round++)
        {
            var answers = await Probe.SendAsync(cloud, probes);
            var heard = Lines(probes, probe => answers[probe]);
            if (heard != expected && round < 3) continue;
            Assert.Equal(expected, heard);
            break;
        }
        var traced = new Dictionary<Probe, bool>();
        foreach (var probe in probes) traced[probe] = await cloud.TraceAsync(probe.From, probe.Address, probe.Protocol, probe.Port == 0 ? null : probe.Port);
        Assert.Equal(expected, Lines(probes, probe => traced[probe]));
    }

    private static string Lines(IEnumerable<Probe> probes, Func<Probe, bool> passes) => Lines(probes, probe => !passes(probe) ? "no" : probe.Protocol == "tcp" ? probe.To.Name : "yes");

    private static string Lines(IEnumerable<Probe> probes, Func<Probe, string> heard) => string.Join('\n', probes.Select(probe => $"{probe}: {heard(probe)}"));

    private static bool Together(Probe probe, string joined) => probe.From.Network == probe.To.Network || (joined, string.Join(' ', new[] { probe.From.Network, probe.To.Network }.Order(StringComparer.Ordinal))) is ("router", "n1 n2") or ("peering", "m1 n2");

    private async Task JoinAsync(string joined)
    {
        if (joined == _joined) return;
        if (_joined == "router") await cloud.AsAsync("demo", "router", "delete", "r1");
        if (joined == "router") await cloud.AsAsync("demo", "router", "create", "r1", "--network", "n1", "--network", "n2");
        if (joined == "peering")
        {
            await cloud.AsAsync("demo", "peering", "create", "--network", "n2", "--with", "friend/m1");
            await cloud.AsAsync("friend", "peering", "accept", await cloud.PeeringIdAsync("friend"));
        }
        _joined = joined;
    }

    [Fact]
    public async Task Members_of_a_group_are_known_on_other_hosts_as_they_leave_and_join()
    {
        await cloud.OpenAsync(false);
        await cloud.AsAsync("demo", "secgroup", "rule", "add", "probed", "tcp:7001,7001,probed");
        Probe[] probes = [.. Probe.Between(A, C), .. Probe.Between(B, C), .. Probe.Between(B, A)];
        await PassAsync(probes, probe => probe is { Protocol: "tcp", Port: 7001 });
        await cloud.PutInAsync("demo", B, ["access"]);
        await PassAsync(probes, probe => probe is { Protocol: "tcp", Port: 7001 } && probe.From == A);
        await cloud.PutInAsync("demo", B, ["access", "probed"]);
        await PassAsync(probes, probe => probe is { Protocol: "tcp", Port: 7001 });
        await cloud.AsAsync("demo", "secgroup", "rule", "remove", "probed", "tcp:7001,7001,probed");
    }

    [Fact]
    public async Task What_no_rule_lets_out_stays_with_its_guest()
    {
        await cloud.OpenAsync(true);
        await cloud.MakeGroupAsync("demo", "quiet", ("ingress", "tcp", 22, "0.0.0.0/0"), ("egress", "tcp", 7001, "10.1.0.7/32"), ("egress", "udp", 7001, "fd00:1::/64"));
        await cloud.PutInAsync("demo", B, ["quiet"]);
        await PassAsync([.. Probe.Between(B, A), .. Probe.Between(B, C)], probe => (probe.Protocol, probe.Port, probe.Address) is ("tcp", 7001, "10.1.0.7") or ("udp", 7001, "fd00:1::5" or "fd00:1::7"));
        await cloud.PutInAsync("demo", B, ["access", "probed"]);
    }

    [Fact]
    public async Task Packets_of_full_length_cross_hosts()
    {
        await cloud.OpenAsync(true);
        await Wait.UntilAsync(async () => (await cloud.TryInAsync(A, $"ping -c 1 -W 3 {C.Ipv4}")).Code == 0, 30, "a reaches c");
        await cloud.InAsync(A, $"[ $(cat /sys/class/net/eth0/mtu) = 1500 ] && ping -c 1 -W 3 -s 1472 {C.Ipv4} && ping -c 1 -W 3 -s 1452 {C.Ipv6}");
    }

    [Fact]
    public async Task A_floating_address_moves_to_another_host_and_flows_of_others_go_on()
    {
        var address = JsonDocument.Parse(await cloud.AsAsync("demo", "floating-ip", "create", "--output", "json")).RootElement.GetProperty("address").GetString()!;
        await cloud.AsAsync("demo", "floating-ip", "associate", address, "d");
        await Wait.UntilAsync(async () => await NameAtAsync(address) == "d", 30, "d answers at the address");
        using var flow = new TcpClient();
        await flow.ConnectAsync(await cloud.FloatingOfAsync(A), 7003);
        using var counts = new StreamReader(flow.GetStream(), Encoding.ASCII);
        Assert.Equal("0", await counts.ReadLineAsync());
        await cloud.AsAsync("demo", "floating-ip", "associate", address, "c", "--move");
        await Wait.UntilAsync(async () => await NameAtAsync(address) == "c", 30, "c answers at the address");
        // Whatever was counted meanwhile has come, and what is counted now comes too.
        for (var count = 1; count <= 100; count++) Assert.Equal(count.ToString(CultureInfo.InvariantCulture), await counts.ReadLineAsync());
    }

    /// <summary>The name that answers at port 7001 of an address; null if none does.</summary>
    private static async Task<string?> NameAtAsync(string address)
    {
        var ran = await Machine.RunAsync("curl", ["-s", "--noproxy", "*", "--max-time", "3", $"http://{address}:7001/name"]);
        return ran.Code == 0 ? ran.Output.Trim() : null;
    }

    [Fact]
    public async Task A_cut_underlay_stops_what_crosses_it_and_nothing_else_until_it_is_healed()
    {
        await StartFlowAsync(A, "crossing", C.Ipv4);
        await StartFlowAsync(A, "crossing6", C.Ipv6);
        await StartFlowAsync(A, "local", B.Ipv4);
        Probe[] probes = [.. Probe.Between(A, B), .. Probe.Between(A, C)];
        await Machine.SayAsync("ip", "link", "set", $"k{cloud.Tag}-3", "down");
        try
        {
            var answers = await Probe.SendAsync(cloud, probes);
            Assert.All(probes, probe => Assert.True(answers[probe] == (probe.To == C || probe.Port == 7002 ? "no" : probe.Protocol == "tcp" ? "b" : "yes"), $"{probe}: {answers[probe]}"));
            await AdvancesAsync(A, "local");
        }
        finally
        {
            await Machine.SayAsync("ip", "link", "set", $"k{cloud.Tag}-3", "up");
        }
        await AdvancesAsync(A, "crossing", "crossing6", "local");
        var healed = await Probe.SendAsync(cloud, probes);
        Assert.All(probes, probe => Assert.True(healed[probe] == (probe.Port == 7002 ? "no" : probe.Protocol == "tcp" ? probe.To.Name : "yes"), $"{probe}: {healed[probe]}"));
    }

    /// <summary>One connection whose other end counts, in a guest, for as long as it holds.</summary>
    private async Task StartFlowAsync(Guest guest, string name, string address)
    {
        await cloud.InAsync(guest, $"nc {address} 7003 >/tmp/{name} 2>/dev/null </dev/null & exit 0");
        await AdvancesAsync(guest, name);
    }

    private async Task AdvancesAsync(Guest guest, params string[] flows)
    {
        var before = await CountsAsync(guest, flows);
        await Wait.UntilAsync(async () => (await CountsAsync(guest, flows)).Zip(before).All(flow => flow.First > flow.Second), 60, $"the flows {string.Join(", ", flows)} of {guest.Name} go on after {string.Join(", ", before)}");
    }

    private async Task<IReadOnlyList<int>> CountsAsync(Guest guest, string[] flows) =>
        [.. (await cloud.InAsync(guest, string.Join('\n', flows.Select(flow => $"wc -l </tmp/{flow}")))).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(count => int.Parse(count, CultureInfo.InvariantCulture))];

    [Fact]
    public async Task An_agent_killed_while_rules_change_lets_nothing_forbidden_pass_and_breaks_no_flow()
    {
        Guest[] senders = [B, C];
        foreach (var sender in senders)
        {
            await StartFlowAsync(sender, "flow", A.Ipv4);
            await StartFlowAsync(sender, "flow6", A.Ipv6);
            await cloud.InAsync(sender, Forbidden);
        }
        var before = await ArrivedAsync();
        for (var round = 0; round < 4; round++)
        {
            var pid = await cloud.PidAsync(round == 3 ? "agent-3" : "agent-1");
            // Changes follow each other faster than a host takes them; it is killed among them, after another number of them each time.
            for (var change = 0; change < 10; change++)
            {
                await cloud.AllowAsync("demo", "probed", 8000 + round * 10 + change);
                if (change == 2 * round) await Task.WhenAll(Machine.KillAsync(pid), cloud.PutInAsync("demo", B, round % 2 == 0 ? ["access"] : ["access", "probed"]));
            }
            (await cloud.KumoiAsync("up")).Ok.ToString();
            await Task.WhenAll(senders.Select(sender => AdvancesAsync(sender, "flow", "flow6")));
        }
        foreach (var sender in senders) Assert.Equal("", await cloud.InAsync(sender, "cat /tmp/heard"));
        Assert.Equal(before, await ArrivedAsync());
        // The same senders are heard as soon as they may be: it was not their silence.
        await cloud.AsAsync("demo", "secgroup", "rule", "add", "probed", "tcp:7002,7002,ip4:0.0.0.0/0", "tcp:7002,7002,ip6:::/0", "udp:7002,7002,ip4:0.0.0.0/0", "udp:7002,7002,ip6:::/0");
        foreach (var sender in senders)
            await Wait.UntilAsync(async () => (await cloud.InAsync(sender, "sort -u /tmp/heard")).Trim() == $"{A.Ipv4} a\n{A.Ipv6} a", 60, $"{sender.Name} hears a at the port that was forbidden");
        await Wait.UntilAsync(async () => await ArrivedAsync() is var now && now.V4 > before.V4 && now.V6 > before.V6, 60, "what they send by UDP arrives");
        await Task.WhenAll(senders.Select(sender => AdvancesAsync(sender, "flow", "flow6")));
    }

    /// <summary>Sends to a port that is not allowed, by TCP and UDP and both families, without end.</summary>
    private static string Forbidden =>
        $$"""
        : >/tmp/heard
        for address in {{A.Ipv4}} {{A.Ipv6}}; do
          while :; do
            name=$(printf 'GET /name HTTP/1.0\r\n\r\n' | timeout 2 nc -w 1 $address 7002 2>/dev/null | tail -n 1 | grep -x '[a-z]') && echo $address $name >>/tmp/heard
          done </dev/null >/dev/null 2>&1 &
        done
        while :; do traceroute -n -f 9 -m 9 -q 1 -w 1 -p 7001 {{A.Ipv4}}; usleep 100000; done </dev/null >/dev/null 2>&1 &
        while :; do traceroute6 -n -f 9 -m 9 -q 1 -w 1 -p 7001 {{A.Ipv6}}; usleep 100000; done </dev/null >/dev/null 2>&1 &
        exit 0
        """;

    /// <summary>How many UDP packets have come to a guest's ports where nobody listens.</summary>
    private async Task<(int V4, int V6)> ArrivedAsync()
    {
        var counts = (await cloud.InAsync(A, "grep '^Udp: [0-9]' /proc/net/snmp | cut -d' ' -f3; awk '$1 == \"Udp6NoPorts\" { print $2 }' /proc/net/snmp6")).Split('\n');
        return (int.Parse(counts[0], CultureInfo.InvariantCulture), int.Parse(counts[1], CultureInfo.InvariantCulture));
    }
}
