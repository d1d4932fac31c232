using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks;

/// <summary>One guest interface of a network on this host, in the words of the kernel.</summary>
/// <param name="Id">The interface's id.</param>
public sealed record Port(
    string Id, string Tap, string Mac, string Address, string Hostname, string? FloatingAddress, IReadOnlyList<string> SecurityGroups);

/// <summary>Everything one network should be on this host: checked, sorted, and free of things that are not this network's.</summary>
public sealed record NetworkIntent(
    string Id, string Namespace, string HostDevice, string Uplink, string Domain, IReadOnlyList<DesiredSubnet> Subnets,
    IReadOnlyList<DesiredName> Names, IReadOnlyList<Port> Ports, IReadOnlyList<GroupIntent> Groups);

/// <summary>A security group as one network sees it.</summary>
/// <param name="Members">The group's addresses in this network.</param>
public sealed record GroupIntent(string Name, IReadOnlyList<DesiredRule> Rules, IReadOnlyList<string> Members);

/// <summary>Reads the desired document into what each network should be. Pure; whatever does not have its proper form is left out, since it
/// would end up in a ruleset or a hosts file.</summary>
public static partial class NetworkIntents
{
    /// <param name="keep">Interfaces whose terminated instance still has a process: their taps stay until it has ended.</param>
    public static NetworkIntent? Read(DesiredDocument document, string networkId, string tag, Func<string, bool> keep)
    {
        var network = document.Networks.FirstOrDefault(network => network.Id == networkId);
        if (network is null || !ObjectNames.IsId(network.Id) || !IsAddress(network.Uplink)) return null;
        var ports = document.Instances.Where(instance => ObjectNames.IsId(instance.Id) && (!instance.Leaves() || keep(instance.Id)))
            .SelectMany(instance => instance.Interfaces.Where(wanted => wanted.NetworkId == networkId && IsSound(wanted))
                .Select(wanted => new Port(
                    wanted.Id, ObjectNames.Tap(wanted.Id), wanted.MacAddress.ToLowerInvariant(), wanted.Address,
                    IsLabel(instance.Hostname) ? instance.Hostname : instance.Id, wanted.FloatingAddress,
                    [.. wanted.SecurityGroupIds.Where(ObjectNames.IsId).Select(ObjectNames.Group).Distinct().Order(StringComparer.Ordinal)])))
            .OrderBy(port => port.Tap, StringComparer.Ordinal).ToArray();
        return new NetworkIntent(
            network.Id, ObjectNames.Namespace(tag, network.Id), ObjectNames.Uplink(tag, network.Vni), network.Uplink,
            IsDomain(network.Domain) ? network.Domain : "internal",
            [.. network.Subnets.Where(IsSound).OrderBy(subnet => subnet.Cidr, StringComparer.Ordinal)],
            [.. network.Names.Where(name => IsLabel(name.Name) && IsAddress(name.Address)).OrderBy(name => name.Name, StringComparer.Ordinal)],
            ports, Groups(document, networkId, ports));
    }

    private static GroupIntent[] Groups(DesiredDocument document, string networkId, Port[] ports)
    {
        var used = ports.SelectMany(port => port.SecurityGroups).ToHashSet();
        var named = document.SecurityGroups.Where(group => ObjectNames.IsId(group.Id) && used.Contains(ObjectNames.Group(group.Id)))
            .SelectMany(group => group.Rules).Select(rule => rule.GroupId).OfType<string>().Where(ObjectNames.IsId).Select(ObjectNames.Group).ToHashSet();
        return [.. document.SecurityGroups.Where(group => ObjectNames.IsId(group.Id))
            .Select(group => new GroupIntent(
                ObjectNames.Group(group.Id), used.Contains(ObjectNames.Group(group.Id)) ? [.. group.Rules.Where(IsSound)] : [],
                [.. group.Members.Where(member => member.NetworkId == networkId && IsAddress(member.Address)).Select(member => member.Address)
                    .Distinct().Order(StringComparer.Ordinal)]))
            .Where(group => used.Contains(group.Name) || named.Contains(group.Name)).OrderBy(group => group.Name, StringComparer.Ordinal)];
    }

    /// <summary>Addresses of the host's own that guests reach the outside by: the uplinks of networks and the floating addresses.</summary>
    public static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == text;

    public static bool IsRange(string text) =>
        IPNetwork.TryParse(text, out var range) && range.BaseAddress.AddressFamily == AddressFamily.InterNetwork && range.ToString() == text;

    public static bool IsLabel(string text) => LabelForm().IsMatch(text);

    private static bool IsDomain(string text) => text.Length <= 190 && text.Split('.').All(IsLabel);

    private static bool IsSound(DesiredSubnet subnet) =>
        ObjectNames.IsId(subnet.Id) && IsRange(subnet.Cidr) && IsAddress(subnet.Gateway) && subnet.DnsServers.All(IsAddress);

    private static bool IsSound(DesiredInterface wanted) =>
        ObjectNames.IsId(wanted.Id) && MacForm().IsMatch(wanted.MacAddress) && IsAddress(wanted.Address)
        && (wanted.FloatingAddress is null || IsAddress(wanted.FloatingAddress));

    private static bool IsSound(DesiredRule rule) =>
        rule.Direction is "ingress" or "egress" && rule.Protocol is "tcp" or "udp" or "icmp" or "any"
        && (rule.Cidr is null || IsRange(rule.Cidr)) && (rule.GroupId is null || ObjectNames.IsId(rule.GroupId))
        && InRange(rule.FromPort, rule.Protocol) && InRange(rule.ToPort, rule.Protocol)
        && (rule.Protocol == "icmp" || rule.FromPort is null || rule.ToPort is null || rule.FromPort <= rule.ToPort);

    private static bool InRange(int? port, string protocol) => port is null || (port >= 0 && port <= (protocol == "icmp" ? 255 : 65_535));

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", RegexOptions.IgnoreCase)] private static partial Regex LabelForm();

    [GeneratedRegex("^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$")] private static partial Regex MacForm();
}
