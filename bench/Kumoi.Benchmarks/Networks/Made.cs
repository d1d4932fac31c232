using Kumoi.Api.Agent;
using Kumoi.Testing.Networks;

namespace Kumoi.Benchmarks.Networks;

/// <summary>Networks by number, with as many interfaces as are wanted: 10.200.0.0/16 in each, since ranges of networks may be the same.</summary>
internal static class Made
{
    public static string NetworkId(int network) => $"net-19a3f2b4c5d6e{network:x4}";

    private static string InterfaceId(int network, int number) => $"eni-19a3f2b4c5{network:x3}{number:x4}";

    private static string Address(int number) => $"10.200.{number / 250}.{number % 250 + 2}";

    public static DesiredNetwork Network(int network, int interfaces) => new(
        NetworkId(network), $"n{network}", 100 + network, $"198.19.{network / 250}.{network % 250 + 2}", $"n{network}.internal",
        [new DesiredSubnet($"subnet-19a3f2b4c5d6e{network:x4}", "10.200.0.0/16", "10.200.0.1", [])],
        [.. Enumerable.Range(0, interfaces).Select(number => new DesiredName($"vm-{network}-{number}", Address(number)))]);

    public static IEnumerable<DesiredInstance> Instances(int network, int interfaces) => Enumerable.Range(0, interfaces).Select(number => Samples.Instance(1, "running") with
    {
        Id = $"i-19a3f2b4c5{network:x3}{number:x4}", Hostname = $"vm-{network}-{number}",
        Interfaces =
        [
            new DesiredInterface(InterfaceId(network, number), 0, NetworkId(network), $"subnet-19a3f2b4c5d6e{network:x4}", $"52:54:{network / 256:x2}:{network % 256:x2}:{number / 256:x2}:{number % 256:x2}",
                Address(number), null, [Samples.Group]),
        ],
    });

    /// <summary>One group with the usual rules for all of them.</summary>
    /// <param name="members">Beside the interfaces of the instances themselves.</param>
    public static DesiredDocument Document(IReadOnlyList<DesiredNetwork> networks, IEnumerable<DesiredMember> members, IEnumerable<DesiredInstance> instances)
    {
        DesiredInstance[] all = [.. instances];
        DesiredRule[] rules = [Samples.Ingress("tcp", 22, 22, "0.0.0.0/0", null), Samples.Ingress("icmp", null, null, "0.0.0.0/0", null), Samples.Ingress("any", null, null, null, Samples.Group), Samples.EgressAll];
        return Shared.Document(networks, [new DesiredSecurityGroup(Samples.Group, rules, [.. all.Select(one => new DesiredMember(one.Interfaces[0].NetworkId, one.Interfaces[0].Address)), .. members])], all);
    }
}
