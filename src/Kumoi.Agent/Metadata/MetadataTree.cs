using System.Globalization;
using System.Text;
using System.Text.Json;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Metadata;

/// <summary>
/// What a guest may read of itself, as a tree of the EC2 instance metadata service's paths. A pure function of the document. Values have no
/// newline at the end, as in the original.
/// </summary>
public sealed class MetadataTree
{
    private readonly SortedDictionary<string, byte[]> _leaves = new(StringComparer.Ordinal);

    private MetadataTree()
    {
    }

    /// <summary>The tree of one instance, below a version.</summary>
    public static MetadataTree Build(DesiredDocument document, DesiredInstance instance)
    {
        var tree = new MetadataTree();
        var interfaces = instance.Interfaces.OrderBy(port => port.Index).ToArray();
        var first = interfaces[0];
        var domain = document.Networks.FirstOrDefault(network => network.Id == first.NetworkId)?.Domain ?? "internal";
        void Meta(string path, string value) => tree._leaves[$"meta-data/{path}"] = Encoding.UTF8.GetBytes(value);

        Meta("ami-id", instance.ImageId);
        Meta("ami-launch-index", "0");
        Meta("ami-manifest-path", "(unknown)");
        foreach (var (name, device) in Devices(document, instance)) Meta($"block-device-mapping/{name}", device);
        Meta("events/maintenance/scheduled", "[]");
        Meta("hibernation/configured", "false");
        Meta("hostname", $"{instance.Hostname}.{domain}");
        Meta("instance-action", "none");
        Meta("instance-id", instance.Id);
        Meta("instance-life-cycle", "on-demand");
        Meta("instance-type", instance.Labels.Flavor);
        Meta("local-hostname", $"{instance.Hostname}.{domain}");
        if (Addresses(first, ipv6: false) is [var ipv4, ..]) Meta("local-ipv4", ipv4);
        if (Addresses(first, ipv6: true) is [var ipv6, ..]) Meta("ipv6", ipv6);
        Meta("mac", first.MacAddress);
        Meta("placement/availability-zone", instance.Labels.Zone);
        if (instance.Labels.ZoneId is { } zone) Meta("placement/availability-zone-id", zone);
        if (instance.Labels.PlacementGroup is { } group) Meta("placement/group-name", group);
        Meta("placement/region", Region(instance));
        Meta("reservation-id", "r-" + instance.Id[(instance.Id.IndexOf('-', StringComparison.Ordinal) + 1)..]);
        Meta("security-groups", string.Join('\n', instance.Labels.SecurityGroups));
        Meta("services/domain", domain);
        Meta("services/partition", "kumoi");
        if (first.FloatingAddress is { } floating)
        {
            Meta("public-hostname", floating);
            Meta("public-ipv4", floating);
        }
        if (instance.PublicKey is { } key) Meta("public-keys/0/openssh-key", key.Trim());
        foreach (var port in interfaces) Interface(document, instance, port, domain, Meta);
        foreach (var (name, value) in Tags(instance)) Meta($"tags/instance/{name}", value);
        if (instance.UserData is { } data) tree._leaves["user-data"] = Convert.FromBase64String(data);
        tree._leaves["dynamic/instance-identity/document"] = Identity(instance, first);
        tree.KeyName = instance.Labels.KeyPair ?? "key";
        return tree;
    }

    private string KeyName { get; set; } = "";

    private static string Region(DesiredInstance instance) => instance.Labels.Region ?? instance.Labels.Zone;

    /// <summary>The disks by the names that the EC2 dialect has for them: a letter for each slot, whatever the guest's system calls them.</summary>
    private static IEnumerable<(string Name, string Device)> Devices(DesiredDocument document, DesiredInstance instance)
    {
        yield return ("ami", "sda1");
        foreach (var volume in document.Volumes ?? [])
            if (volume.InstanceId == instance.Id && volume is { Desired: VolumeDesire.Present, Slot: >= 1 and <= 'z' - 'a' and var slot }) yield return (string.Create(CultureInfo.InvariantCulture, $"ebs{slot}"), $"sd{(char)('a' + slot)}");
        yield return ("root", "/dev/sda1");
    }

    /// <summary>
    /// The tags that a path can name, if the guest is told any; the name of what has one and no tag <c>Name</c> is told as that, as by the EC2 dialect.
    /// </summary>
    private static IEnumerable<(string Key, string Value)> Tags(DesiredInstance instance)
    {
        if (instance.Metadata?.Tags is not { } tags) yield break;
        if (instance.Name != instance.Id && !tags.ContainsKey("Name")) yield return ("Name", instance.Name);
        foreach (var (key, value) in tags)
            if (key is not ("" or "." or ".." or "_index") && key.All(c => char.IsAsciiLetterOrDigit(c) || "+-.,_:@".Contains(c, StringComparison.Ordinal))) yield return (key, value);
    }

    private static void Interface(DesiredDocument document, DesiredInstance instance, DesiredInterface port, string domain, Action<string, string> meta)
    {
        var network = document.Networks.FirstOrDefault(network => network.Id == port.NetworkId);
        var path = $"network/interfaces/macs/{port.MacAddress.ToLowerInvariant()}/";
        void Tell(string name, IEnumerable<string> values)
        {
            if (string.Join('\n', values) is { Length: > 0 } text) meta(path + name, text);
        }
        meta(path + "device-number", port.Index.ToString(CultureInfo.InvariantCulture));
        meta(path + "interface-id", port.Id);
        meta(path + "local-hostname", $"{instance.Hostname}.{domain}");
        meta(path + "mac", port.MacAddress.ToLowerInvariant());
        meta(path + "owner-id", instance.AccountId);
        meta(path + "security-group-ids", string.Join('\n', port.SecurityGroupIds));
        meta(path + "security-groups", string.Join('\n', instance.Labels.SecurityGroups));
        meta(path + "subnet-id", port.SubnetId);
        meta(path + "vpc-id", port.NetworkId);
        var (ipv4, ipv6) = (Addresses(port, ipv6: false), Addresses(port, ipv6: true));
        Tell("local-ipv4s", ipv4);
        Tell("ipv6s", ipv6);
        if (port.FloatingAddress is { } floating)
        {
            meta(path + "public-hostname", floating);
            meta(path + "public-ipv4s", floating);
            if (ipv4.Count > 0) meta($"{path}ipv4-associations/{floating}", ipv4[0]);
        }
        if (network is null) return;
        string[] own = [port.SubnetId, .. (port.Further ?? []).Select(further => further.SubnetId)];
        var subnets = network.Subnets.Where(subnet => own.Contains(subnet.Id)).Select(subnet => subnet.Cidr).ToArray();
        Tell("subnet-ipv4-cidr-block", subnets.Where(cidr => !IsIpv6(cidr)).Take(1));
        Tell("subnet-ipv6-cidr-blocks", subnets.Where(IsIpv6));
        Tell("vpc-ipv4-cidr-block", network.Subnets.Select(subnet => subnet.Cidr).Where(cidr => !IsIpv6(cidr)).Take(1));
        Tell("vpc-ipv4-cidr-blocks", network.Subnets.Select(subnet => subnet.Cidr).Where(cidr => !IsIpv6(cidr)));
        Tell("vpc-ipv6-cidr-blocks", network.Subnets.Select(subnet => subnet.Cidr).Where(IsIpv6));
    }

    /// <summary>The interface's addresses of one family, the first one first.</summary>
    private static IReadOnlyList<string> Addresses(DesiredInterface port, bool ipv6) =>
        [.. (port.Further ?? []).Select(further => further.Address).Prepend(port.Address).Where(address => IsIpv6(address) == ipv6).Distinct()];

    private static bool IsIpv6(string text) => text.Contains(':', StringComparison.Ordinal);

    private static byte[] Identity(DesiredInstance instance, DesiredInterface first)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("accountId", instance.AccountId);
            writer.WriteString("architecture", "x86_64");
            writer.WriteString("availabilityZone", instance.Labels.Zone);
            writer.WriteString("imageId", instance.ImageId);
            writer.WriteString("instanceId", instance.Id);
            writer.WriteString("instanceType", instance.Labels.Flavor);
            writer.WriteString("pendingTime", instance.LaunchedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("privateIp", Addresses(first, ipv6: false).FirstOrDefault());
            writer.WriteString("region", Region(instance));
            writer.WriteString("version", "2017-09-30");
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>A value, or the listing of a directory (its own directories with a slash behind); null if there is neither.</summary>
    public byte[]? Find(string path)
    {
        path = path.Trim('/');
        if (_leaves.TryGetValue(path, out var value)) return value;
        // The listing of keys names them, as tools expect; what is below goes by number.
        if (path == "meta-data/public-keys" && _leaves.ContainsKey("meta-data/public-keys/0/openssh-key")) return Encoding.UTF8.GetBytes($"0={KeyName}");
        var prefix = path.Length == 0 ? "" : path + "/";
        var names = _leaves.Keys.Where(leaf => leaf.StartsWith(prefix, StringComparison.Ordinal)).Select(leaf => leaf[prefix.Length..])
            .Select(rest => rest.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? rest[..(slash + 1)] : rest).Distinct().ToArray();
        return names.Length == 0 ? null : Encoding.UTF8.GetBytes(string.Join('\n', names));
    }
}
