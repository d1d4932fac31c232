using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>VPCs: the account's networks. The one named <c>default</c> is the default VPC.</summary>
public sealed class Ec2Vpcs(NetworkUseCases networks, Ec2TagSource tags)
{
    public const string Default = "default";

    public Task<Result<List<Network>>> AllAsync(Ec2Call call) => Ec2Lists.AllAsync(page => networks.ListAsync(call.Caller, page, call.Cancelled), network => network.Id);

    /// <summary>Its guests reach the outside once an internet gateway is attached.</summary>
    public async Task<Ec2Answer> CreateVpc(Ec2Call call)
    {
        var (range, given) = (call.Parameters.Required("CidrBlock"), call.Parameters.TagsFor("vpc"));
        if (call.Parameters.Boolean("AmazonProvidedIpv6CidrBlock") == true) return Ec2Fault.Unsupported("AmazonProvidedIpv6CidrBlock");
        if (call.Parameters.Text("InstanceTenancy") is { } tenancy and not "default") return Ec2Fault.Unsupported($"InstanceTenancy {tenancy}");
        if (call.Parameters.Fault is { } fault) return fault;
        var asked = new CreateNetwork(Ec2TagSource.NameOf(given), null, Outside: "none", Tags: given, Range: range);
        var made = await networks.CreateAsync(call.Caller, asked, null, call.Cancelled);
        if (made.Failure is { Code: "name-taken" }) made = await networks.CreateAsync(call.Caller, asked with { Name = null }, null, call.Cancelled);
        if (made.Failure is { Violations: [{ Field: "range" }, ..] } wrong) return new Ec2Fault("InvalidVpc.Range", 400, "") { Native = wrong };
        return Ec2Answer.Of(made, network => Xml.Group("vpc", Fields(network, call.Caller.AccountId, given ?? new Dictionary<string, string>())));
    }

    public async Task<Ec2Answer> DeleteVpc(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc);
        if (call.Parameters.Fault is { } fault) return fault;
        // As in EC2, subnets go first, by themselves.
        var found = await networks.GetAsync(call.Caller, id, call.Cancelled);
        if (found.Failure is { } failure) return failure;
        if (found.Value.Subnets.Count > 0) return Ec2Errors.Of(Failure.InUse("network", found.Value.Name, [.. found.Value.Subnets.Select(subnet => new Ref(subnet.Id, subnet.Name))]));
        return Ec2Answer.Done(await networks.DeleteAsync(call.Caller, id, call.Cancelled));
    }

    public async Task<Ec2Answer> DescribeVpcs(Ec2Call call)
    {
        var ids = Named(call, "VpcId", Ec2Kind.Vpc);
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await AllAsync(call);
        if (all.Failure is { } failure) return failure;
        var tagsOf = await tags.OfAsync(call, "network", all.Value.Select(network => network.Id));
        IReadOnlyDictionary<string, string> Tags(Network network) => Ec2TagSource.Named(tagsOf(network.Id), network.Id, network.Name);
        var filters = new Ec2Filters<Network>(Tags, new()
        {
            ["vpc-id"] = network => [Ec2Kind.Vpc.Of(network.Id)], ["cidr"] = network => [Range(network)], ["cidr-block"] = network => [Range(network)], ["cidrBlock"] = network => [Range(network)], ["cidr-block-association.cidr-block"] = network => [Range(network)], ["state"] = _ => ["available"],
            ["is-default"] = network => [IsDefault(network) ? "true" : "false"], ["isDefault"] = network => [IsDefault(network) ? "true" : "false"], ["owner-id"] = _ => [call.Caller.AccountId], ["dhcp-options-id"] = _ => ["default"],
        });
        return Ec2Lists.Describe(call, "vpcSet", all.Value, ids, network => Ec2Kind.Vpc.Of(network.Id), Ec2Kind.Vpc.NoSuch, filters, network => Fields(network, call.Caller.AccountId, Tags(network)));
    }

    /// <summary>EC2's ids as they were asked for, checked to be some.</summary>
    public static IReadOnlyList<string> Named(Ec2Call call, string name, Ec2Kind kind) => [.. call.Parameters.Ids(name, kind).Select(kind.Of)];

    public static bool IsDefault(Network network) => network.Name == Default;

    /// <summary>The range that it was made with, or else the smallest one around its IPv4 subnets; null: it has none.</summary>
    private static string? Range(Network network) => network.Range ?? Ec2Ranges.Around([.. network.Subnets.Select(subnet => System.Net.IPNetwork.Parse(subnet.Cidr)).Where(AddressRange.IsV4)])?.ToString();

    private static object?[] Fields(Network network, string accountId, IReadOnlyDictionary<string, string> tags) =>
    [
        Xml.Of("vpcId", Ec2Kind.Vpc.Of(network.Id)), Xml.Of("ownerId", accountId), Xml.Of("state", "available"), Xml.Of("cidrBlock", Range(network)), Xml.Of("dhcpOptionsId", "default"), Xml.Of("instanceTenancy", "default"), Xml.Of("isDefault", IsDefault(network)),
        Xml.Set("cidrBlockAssociationSet", Range(network) is { } range ? [range] : Array.Empty<string>(), one => new object?[]
        {
            Xml.Of("cidrBlock", one), Xml.Of("associationId", "vpc-cidr-assoc" + network.Id[network.Id.LastIndexOf('-')..]), Xml.Group("cidrBlockState", Xml.Of("state", "associated")),
        }), Xml.Tags(tags),
    ];

    /// <summary>Names are resolved and given in every network.</summary>
    public async Task<Ec2Answer> DescribeVpcAttribute(Ec2Call call)
    {
        var (id, attribute) = (call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc), call.Parameters.Required("Attribute"));
        if (call.Parameters.Fault is { } fault) return fault;
        if (attribute is not ("enableDnsSupport" or "enableDnsHostnames")) return Ec2Fault.Value("Attribute", attribute);
        return Ec2Answer.Of(await networks.GetAsync(call.Caller, id, call.Cancelled), network => (object?[])[Xml.Of("vpcId", Ec2Kind.Vpc.Of(network.Id)), Xml.Group(attribute, Xml.Of("value", true))]);
    }

    public async Task<Ec2Answer> ModifyVpcAttribute(Ec2Call call)
    {
        var id = call.Parameters.RequiredId("VpcId", Ec2Kind.Vpc);
        foreach (var name in (string[])["EnableDnsSupport", "EnableDnsHostnames"])
            if (call.Parameters.Below(name).Boolean("Value") == false) return Ec2Fault.Unsupported($"{name} false");
        return call.Parameters.Fault is { } fault ? fault : Ec2Answer.Done(await networks.GetAsync(call.Caller, id, call.Cancelled));
    }
}

/// <summary>Arithmetic on ranges that EC2 asks for. Pure.</summary>
internal static class Ec2Ranges
{
    /// <summary>The smallest range that holds them all; null: there are none.</summary>
    public static System.Net.IPNetwork? Around(IReadOnlyList<System.Net.IPNetwork> ranges)
    {
        if (ranges.Count == 0) return null;
        for (var around = ranges[0]; ; around = Wider(around))
            if (ranges.All(range => NetworkRules.IsWithin(around, range))) return around;
    }

    private static System.Net.IPNetwork Wider(System.Net.IPNetwork range)
    {
        var bits = range.PrefixLength - 1;
        var bytes = range.BaseAddress.GetAddressBytes();
        var number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) & (bits == 0 ? 0 : uint.MaxValue << (32 - bits));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new System.Net.IPNetwork(new System.Net.IPAddress(bytes), bits);
    }
}
