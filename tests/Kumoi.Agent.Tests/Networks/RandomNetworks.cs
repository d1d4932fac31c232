using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>Networks with everything in them, more or less of each.</summary>
internal static class RandomNetworks
{
    public const string Other = "net-19a3f2b4c5d6e7f99";
    private static readonly string[] Groups = [.. Enumerable.Range(1, 4).Select(i => $"sg-19a3f2b4c5d6e00{i:x2}")];

    private static readonly string[] Peers = ["1lBtXp6ybAnS3TxMGnAyfMKSURJzCOwc/bbR69Ffg2w=", "pjnmi/etX73IZA9J4y+l+M2HiL/6gGJ5KTEo8DZ7Wn8="];

    public static NetworkIntent Intent(Random random) => NetworkIntents.Read(Document(random), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;

    public static DesiredDocument Document(Random random)
    {
        DesiredInstance[] instances = [.. Enumerable.Range(1, 8).Where(_ => random.Next(2) == 0).Select(i => Instance(random, i))];
        DesiredSubnet[] subnets = [new(Samples.Subnet, "10.0.0.0/24", "10.0.0.1", []), .. random.Next(2) == 0 ? (DesiredSubnet[])[new("subnet-19a3f2b4c5d6e7f91", "fd00:1::/64", "fd00:1::1", [])] : []];
        NetworkHost[] hosts = [new("172.31.0.1", []), .. Enumerable.Range(2, 3).Where(_ => random.Next(2) == 0).Select(i => new NetworkHost($"172.31.0.{i}", [$"10.0.0.{i + 100}", $"fd00:1::{i + 100:x}"]))];
        var network = new DesiredNetwork(
            Samples.Network, "default", 7, "100.64.0.2", "default.internal", subnets, [], 0, random.Next(2) == 0 ? 1450 : 0, random.Next(2) == 0 ? NetworkOutside.None : NetworkOutside.Nat, null, hosts,
            random.Next(2) == 0 ? [new DesiredLink(Other, ["10.8.0.0/24", "fd00:8::/64"])] : [], random.Next(2) == 0 ? [new DesiredRoute("172.20.0.0/16", "10.0.0.1" + random.Next(1, 9))] : [],
            random.Next(2) == 0 ? [new DesiredGateway("198.51.100.99", $"172.31.0.{random.Next(1, 3)}", random.Next(2) == 0, [new DesiredForward("tcp", 8080, "10.0.0.11", 80), new DesiredForward("tcp", 8081, "10.0.0.250", 80)])] : [],
            LoadBalancers: Balancers(random));
        if (network.Gateways is [var gateway] && random.Next(2) == 0)
        {
            var here = gateway.Host == "172.31.0.1";
            network = network with { Vpn = new DesiredVpn("vpn-19a3f2b4c5d6e7fa0", gateway.Address, 51820, gateway.Host, ["10.99.0.0/24"], here ? "WE8ynvO/eR8+wfmO9kF1kSrlyvo2bOtL/e+aV8zz4lE=" : null, here ? [.. Peers.Where(_ => random.Next(2) == 0).Select((key, i) => new DesiredVpnPeer($"vpc-{i}", key, null, null, [$"10.99.0.{i + 2}/32"]))] : null) };
        }
        var other = new DesiredNetwork(Other, "other", 8, "100.64.0.3", "other.internal", [new DesiredSubnet("subnet-19a3f2b4c5d6e7f92", "10.8.0.0/24", "10.8.0.1", [])], [], Links: [new DesiredLink(Samples.Network, ["10.0.0.0/24"])], Hosts: hosts);
        return new DesiredDocument(1, "h-1", [], [network, other], [.. Groups.Where(_ => random.Next(4) > 0).Select(id => Group(random, id))], instances, [], [], []);
    }

    private static DesiredLoadBalancer[] Balancers(Random random)
    {
        if (random.Next(2) == 0) return [];
        string[] protocols = ["tcp", "udp", "http"], algorithms = ["round-robin", "source"];
        DesiredListener Listener(int i) => new(
            $"lsn-19a3f2b4c5d6e00{i:x2}", protocols[random.Next(3)], 79 + i, algorithms[random.Next(2)], "none", false, null, null, new DesiredHealthCheck("none", null, null, 5, 2, 2, 2), random.Next(1, 3) * 60,
            [.. Enumerable.Range(1, 8).Where(_ => random.Next(2) == 0).Select(i => new DesiredBackend($"mbr-19a3f2b4c5d6e00{i:x2}", random.Next(3) == 0 ? $"fd00:1::{i + 10:x}" : $"10.0.0.{i + 10}", 80, random.Next(4), random.Next(4) == 0))]);
        return [new DesiredLoadBalancer("lb-19a3f2b4c5d6e0001", random.Next(2) == 0 ? ["10.0.0.250"] : ["10.0.0.250", "fd00:1::250"], [.. Enumerable.Range(1, 3).Where(_ => random.Next(2) == 0).Select(Listener)])];
    }

    private static DesiredInstance Instance(Random random, int i)
    {
        var instance = Samples.Instance(i + 10, "running");
        return instance with
        {
            Interfaces =
            [
                instance.Interfaces[0] with
                {
                    FloatingAddress = random.Next(2) == 0 ? $"198.51.100.{random.Next(1, 20)}" : null, SecurityGroupIds = [.. Groups.Where(_ => random.Next(2) == 0)],
                    Further = random.Next(2) == 0 ? [new DesiredAddress("subnet-19a3f2b4c5d6e7f91", $"fd00:1::{i + 10:x}", true), new DesiredAddress(Samples.Subnet, $"10.0.0.{i + 60}", false)] : null,
                    Allowed = random.Next(2) == 0 ? ["172.20.0.0/16", "10.0.0.200/32"] : null, RateMbps = random.Next(2) == 0 ? 100 : null,
                },
            ],
        };
    }

    private static DesiredSecurityGroup Group(Random random, string id) => new(
        id, [.. Enumerable.Range(0, random.Next(5)).Select(_ => Rule(random))],
        [.. Enumerable.Range(1, 12).Where(_ => random.Next(2) == 0).SelectMany(i => (DesiredMember[])[new(Samples.Network, $"10.0.0.{i + 10}"), new(Samples.Network, $"fd00:1::{i + 10:x}")])]);

    private static DesiredRule Rule(Random random)
    {
        string[] protocols = ["tcp", "udp", "icmp", "any"], ranges = ["0.0.0.0/0", "::/0", "192.0.2.0/24", "fd00:1::/64"];
        var protocol = protocols[random.Next(4)];
        int? from = protocol == "any" || random.Next(3) == 0 ? null : random.Next(0, 200);
        var group = random.Next(2) == 0 ? Groups[random.Next(Groups.Length)] : null;
        return new DesiredRule(random.Next(2) == 0 ? "ingress" : "egress", protocol, from, from is null || protocol == "icmp" ? null : from + random.Next(3), group is null ? ranges[random.Next(4)] : null, group);
    }
}
