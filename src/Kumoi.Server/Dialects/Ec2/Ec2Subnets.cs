using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Zones;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Subnets. One reaches over all zones, so that it is told to be in whichever it is asked for in, and else in the first.</summary>
public sealed class Ec2Subnets(NetworkUseCases networks, Ec2Vpcs vpcs, ZoneUseCases zones, Ec2TagSource tags)
{
    public async Task<Ec2Answer> CreateSubnet(Ec2Call call)
    {
        var (vpc, range, zone, given) = (call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc), call.Parameters.Text("CidrBlock") ?? call.Parameters.Text("Ipv6CidrBlock"), call.Parameters.Text("AvailabilityZone"), call.Parameters.TagsFor("subnet"));
        if (call.Parameters.Fault is { } fault) return fault;
        if (range is null) return Ec2Fault.Missing("CidrBlock");
        if (call.Parameters.Has("CidrBlock") && call.Parameters.Has("Ipv6CidrBlock")) return Ec2Fault.Combination("CidrBlock", "Ipv6CidrBlock");
        var all = await ZonesAsync(call);
        if (zone is not null && !all.Contains(zone)) return Ec2Fault.Value("AvailabilityZone", zone);
        var asked = new CreateSubnet(vpc, Ec2TagSource.NameOf(given), range, null, Tags: given);
        var made = await networks.CreateSubnetAsync(call.Caller, asked, null, call.Cancelled);
        if (made.Failure is { Code: "name-taken" }) made = await networks.CreateSubnetAsync(call.Caller, asked with { Name = null }, null, call.Cancelled);
        if (made.Failure is { Violations: [{ Field: "cidr", Rule: not "overlaps" }, ..] } wrong) return new Ec2Fault("InvalidSubnet.Range", 400, "") { Native = wrong };
        var found = await networks.GetAsync(call.Caller, vpc, call.Cancelled);
        return Ec2Answer.Of(made, subnet => Ec2Answer.Of(found, network => Xml.Group("subnet", Fields(subnet, network, zone ?? all.FirstOrDefault(), call.Caller.AccountId, given ?? new Dictionary<string, string>()))));
    }

    public async Task<Ec2Answer> DeleteSubnet(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("SubnetId", Ec2Kind.Subnet);
        if (call.Parameters.Fault is { } fault) return fault;
        return Ec2Answer.Done(await networks.DeleteSubnetAsync(call.Caller, id, call.Cancelled));
    }

    private async Task<IReadOnlyList<string>> ZonesAsync(Ec2Call call)
    {
        var all = await Ec2Lists.AllAsync(page => zones.ListAsync(page, call.Cancelled), zone => zone.Id);
        return all.Failure is null ? [.. all.Value.Select(zone => zone.Name)] : [];
    }

    public async Task<Ec2Answer> DescribeSubnets(Ec2Call call)
    {
        var ids = call.Parameters.Ids("SubnetId", Ec2Kind.Subnet);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await vpcs.AllAsync(call);
        if (all.Failure is { } failure) return failure;
        var rows = all.Value.SelectMany(network => network.Subnets.Select(subnet => (Subnet: subnet, Network: network))).ToList();
        var (everywhere, tagsOf) = (await ZonesAsync(call), await tags.OfAsync(call, "subnet", rows.Select(row => row.Subnet.Id)));
        var asked = call.Parameters.Items("Filter").FirstOrDefault(filter => filter.Text("Name") is "availability-zone" or "availabilityZone")?.Texts("Value");
        var zone = everywhere.FirstOrDefault(one => asked?.Contains(one) != false);
        // A subnet that was not named is called by its range.
        IReadOnlyDictionary<string, string> Tags(Subnet subnet) => Ec2TagSource.Named(tagsOf(subnet.Id), subnet.Cidr.Replace('/', '-'), subnet.Name);
        var filters = new Ec2Filters<(Subnet Subnet, Network Network)>(row => Tags(row.Subnet), new()
        {
            ["subnet-id"] = row => [row.Subnet.Id], ["vpc-id"] = row => [Ec2Kind.Vpc.Of(row.Network.Id)], ["cidr"] = row => [row.Subnet.Cidr], ["cidr-block"] = row => [row.Subnet.Cidr], ["cidrBlock"] = row => [row.Subnet.Cidr], ["state"] = _ => ["available"],
            ["availability-zone"] = _ => everywhere, ["availabilityZone"] = _ => everywhere, ["default-for-az"] = row => [Ec2Vpcs.IsDefault(row.Network) ? "true" : "false"], ["defaultForAz"] = row => [Ec2Vpcs.IsDefault(row.Network) ? "true" : "false"], ["owner-id"] = _ => [call.Caller.AccountId],
            ["map-public-ip-on-launch"] = row => [IsPublic(row.Network) ? "true" : "false"], ["available-ip-address-count"] = row => [row.Subnet.FreeAddresses.ToString(CultureInfo.InvariantCulture)],
        });
        return Ec2Lists.Describe(call, "subnetSet", rows, ids, row => row.Subnet.Id, Ec2Kind.Subnet.NoSuch, filters, row => Fields(row.Subnet, row.Network, zone, call.Caller.AccountId, Tags(row.Subnet)));
    }

    // Where there is an outside, instances get a public address unless they are launched without one.
    private static bool IsPublic(Network network) => network is { Outside: "nat", Segment: null };

    private static object?[] Fields(Subnet subnet, Network network, string? zone, string accountId, IReadOnlyDictionary<string, string> tags)
    {
        var isV6 = subnet.Cidr.Contains(':', StringComparison.Ordinal);
        return
        [
            Xml.Of("subnetId", subnet.Id), Xml.Of("state", "available"), Xml.Of("vpcId", Ec2Kind.Vpc.Of(network.Id)), Xml.Of("ownerId", accountId), isV6 ? null : Xml.Of("cidrBlock", subnet.Cidr), Xml.Of("availableIpAddressCount", (int)Math.Min(int.MaxValue, subnet.FreeAddresses)),
            Xml.Of("availabilityZone", zone), Xml.Of("defaultForAz", Ec2Vpcs.IsDefault(network)), Xml.Of("mapPublicIpOnLaunch", !isV6 && IsPublic(network)), Xml.Of("assignIpv6AddressOnCreation", isV6), Xml.Of("ipv6Native", isV6), Xml.Tags(tags),
            Xml.Set("ipv6CidrBlockAssociationSet", isV6 ? [subnet.Cidr] : Array.Empty<string>(), range => new object?[] { Xml.Of("ipv6CidrBlock", range), Xml.Of("associationId", "subnet-cidr-assoc" + subnet.Id[subnet.Id.LastIndexOf('-')..]), Xml.Group("ipv6CidrBlockState", Xml.Of("state", "associated")) }),
        ];
    }

    /// <summary>Whether guests get public addresses follows from their network's outside.</summary>
    public async Task<Ec2Answer> ModifySubnetAttribute(Ec2Call call)
    {
        var (id, wanted) = (call.Parameters.RequiredId("SubnetId", Ec2Kind.Subnet), call.Parameters.Below("MapPublicIpOnLaunch").Boolean("Value"));
        if (call.Parameters.Fault is { } fault) return fault;
        var subnet = await networks.GetSubnetAsync(call.Caller, id, call.Cancelled);
        if (subnet.Failure is { } failure) return failure;
        var network = await networks.GetAsync(call.Caller, subnet.Value.Network.Id, call.Cancelled);
        return network.Failure is { } gone ? gone : wanted is { } map && map != IsPublic(network.Value) ? Ec2Fault.Unsupported($"MapPublicIpOnLaunch {(map ? "true" : "false")}") : Xml.Return;
    }
}
