using Kumoi.Api.Agent;

namespace Kumoi.Testing.Networks;

/// <summary>Documents and records that tests start from.</summary>
public static class Samples
{
    public const string Network = "net-19a3f2b4c5d6e7f80", Subnet = "subnet-19a3f2b4c5d6e7f81", Group = "sg-19a3f2b4c5d6e7f82", Image = "img-19a3f2b4c5d6e7f83";

    public static string InstanceId(int number) => $"i-19a3f2b4c5d6e{number:x4}";

    public static DesiredImage ImageOf(string sha256, long size, long virtualSize) => new(Image, sha256, "qcow2", size, virtualSize);

    public static DesiredRule Ingress(string protocol, int? from, int? to, string? cidr, string? group) => new("ingress", protocol, from, to, cidr, group);

    public static DesiredRule EgressAll => new("egress", "any", null, null, "0.0.0.0/0", null);

    public static DesiredInstance Instance(int number, string desired) => new(
        InstanceId(number), "a-1", $"vm{number}", $"vm{number}", 1, 1, desired, 1, 1, 192, 1, Image,
        [new DesiredInterface($"eni-19a3f2b4c5d6e{number:x4}", 0, Network, Subnet, $"52:54:00:00:00:{number:x2}", $"10.0.0.{number}", $"198.51.100.{number}", [Group])],
        null, null, new DesiredLabels("small", "tiny", "z1", "mykey", ["default"]), new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public static DesiredDocument Document(long revision, DesiredImage? image, IReadOnlyList<DesiredRule> rules, params IReadOnlyList<DesiredInstance> instances) => new(
        revision, "h-1", image is null ? [] : [image],
        [new DesiredNetwork(Network, "default", 7, "100.64.0.2", "default.internal", [new DesiredSubnet(Subnet, "10.0.0.0/24", "10.0.0.1", [])],
            [.. instances.Select(instance => new DesiredName(instance.Hostname, instance.Interfaces[0].Address))])],
        [new DesiredSecurityGroup(Group, rules, [.. instances.Select(instance => new DesiredMember(Network, instance.Interfaces[0].Address))])],
        instances, [], [], []);
}
