using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.FloatingAddresses;
using Kumoi.Server.Flavors;
using Kumoi.Server.Instances;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Networks;
using Kumoi.Server.Volumes;
using Kumoi.Server.Zones;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Region, zones, instance types, and what an account may have.</summary>
public sealed class Ec2Regions(ServerOptions options, ZoneUseCases zones, FlavorUseCases flavors, NetworkUseCases networks)
{
    private static readonly Ec2Filters<string> RegionFilters = new(null, new() { ["region-name"] = name => [name], ["opt-in-status"] = _ => ["opt-in-not-required"], ["endpoint"] = _ => [] });

    public Task<Ec2Answer> DescribeRegions(Ec2Call call) => Task.FromResult(Ec2Lists.Describe(
        call, "regionInfo", [options.Region], call.Parameters.Texts("RegionName"), name => name, name => Ec2Fault.Value("RegionName", name), RegionFilters,
        name => new object?[] { Xml.Of("regionName", name), Xml.Of("regionEndpoint", call.Endpoint), Xml.Of("optInStatus", "opt-in-not-required") }));

    public async Task<Ec2Answer> DescribeAvailabilityZones(Ec2Call call)
    {
        var filters = new Ec2Filters<Zone>(null, new()
        {
            ["zone-name"] = zone => [zone.Name], ["zone-id"] = zone => [zone.Id], ["region-name"] = _ => [options.Region], ["state"] = _ => ["available"], ["zone-type"] = _ => ["availability-zone"], ["group-name"] = _ => [options.Region],
            ["opt-in-status"] = _ => ["opt-in-not-required"],
        });
        var byId = call.Parameters.Texts("ZoneId");
        return Ec2Answer.Of(await Ec2Lists.AllAsync(page => zones.ListAsync(page, call.Cancelled), zone => zone.Id), all => Ec2Lists.Describe(
            call, "availabilityZoneInfo", all, byId.Count > 0 ? byId : call.Parameters.Texts("ZoneName"), zone => byId.Count > 0 ? zone.Id : zone.Name, name => Ec2Fault.Value("ZoneName", name), filters, zone => new object?[]
            {
                Xml.Of("zoneName", zone.Name), Xml.Of("zoneId", zone.Id), Xml.Of("zoneState", "available"), Xml.Of("regionName", options.Region), Xml.Set("messageSet", Array.Empty<string>(), _ => null), Xml.Of("groupName", options.Region),
                Xml.Of("networkBorderGroup", options.Region), Xml.Of("zoneType", "availability-zone"), Xml.Of("optInStatus", "opt-in-not-required"),
            }));
    }

    public async Task<Ec2Answer> DescribeAccountAttributes(Ec2Call call)
    {
        var found = await networks.GetAsync(call.Caller, Ec2Vpcs.Default, call.Cancelled);
        var all = new Dictionary<string, string>
        {
            ["supported-platforms"] = "VPC", ["default-vpc"] = found.Failure is null ? Ec2Kind.Vpc.Of(found.Value.Id) : "none", ["vpc-max-security-groups-per-interface"] = Text(InterfaceCatalogue.SecurityGroupsMax),
        };
        var asked = call.Parameters.Texts("AttributeName");
        if (asked.FirstOrDefault(name => !all.ContainsKey(name)) is { } unknown) return Ec2Fault.Value("AttributeName", unknown);
        return Xml.Set("accountAttributeSet", all.Where(one => asked.Count == 0 || asked.Contains(one.Key)), one => new object?[] { Xml.Of("attributeName", one.Key), Xml.Set("attributeValueSet", [one.Value], value => Xml.Of("attributeValue", value)) });
    }

    private static readonly Ec2Filters<Flavor> TypeFilters = new(null, new()
    {
        ["instance-type"] = flavor => [flavor.Name], ["vcpu-info.default-vcpus"] = flavor => [Text(flavor.Vcpus)], ["memory-info.size-in-mib"] = flavor => [Text(flavor.MemoryMib)], ["current-generation"] = _ => ["true"], ["bare-metal"] = _ => ["false"],
        ["processor-info.supported-architecture"] = _ => [ImageArchitectures.X64], ["supported-virtualization-type"] = _ => ["hvm"], ["supported-root-device-type"] = _ => ["ebs"], ["hypervisor"] = _ => ["nitro"], ["instance-storage-supported"] = _ => ["false"],
    });

    public async Task<Ec2Answer> DescribeInstanceTypes(Ec2Call call) => Ec2Answer.Of(await FlavorsAsync(call), all => Ec2Lists.Describe(
        call, "instanceTypeSet", all, call.Parameters.Texts("InstanceType"), flavor => flavor.Name, name => new Ec2Fault("InvalidInstanceType", 400, "not-found", "instance type", name), TypeFilters, flavor => new object?[]
        {
            Xml.Of("instanceType", flavor.Name), Xml.Of("currentGeneration", true), Xml.Of("freeTierEligible", false), Words("supportedUsageClasses", "on-demand"), Words("supportedRootDeviceTypes", "ebs"), Words("supportedVirtualizationTypes", "hvm"),
            Xml.Of("bareMetal", false), Xml.Of("hypervisor", "nitro"), Xml.Group("processorInfo", Words("supportedArchitectures", ImageArchitectures.X64)),
            Xml.Group("vCpuInfo", Xml.Of("defaultVCpus", flavor.Vcpus), Xml.Of("defaultCores", flavor.Vcpus), Xml.Of("defaultThreadsPerCore", 1)), Xml.Group("memoryInfo", Xml.Of("sizeInMiB", flavor.MemoryMib)), Xml.Of("instanceStorageSupported", false),
            Xml.Group("networkInfo", Xml.Of("maximumNetworkInterfaces", InterfaceRules.InterfacesMax), Xml.Of("ipv6Supported", true)), Xml.Group("placementGroupInfo", Words("supportedStrategies", "cluster", "spread")),
            Xml.Of("hibernationSupported", false), Xml.Of("burstablePerformanceSupported", false), Xml.Of("dedicatedHostsSupported", false), Xml.Of("autoRecoverySupported", true),
        }));

    public async Task<Ec2Answer> DescribeInstanceTypeOfferings(Ec2Call call)
    {
        var byZone = call.Parameters.Text("LocationType") switch { null or "region" => false, "availability-zone" => true, var other => call.Parameters.Refuse<string>(Ec2Fault.Value("LocationType", other)) is not null };
        var filters = new Ec2Filters<(string Type, string Location)>(null, new() { ["instance-type"] = one => [one.Type], ["location"] = one => [one.Location] });
        var all = await FlavorsAsync(call);
        if (all.Failure is { } failure) return failure;
        var places = byZone ? await Ec2Lists.AllAsync(page => zones.ListAsync(page, call.Cancelled), zone => zone.Id) : new List<Zone>();
        if (places.Failure is { } none) return none;
        var rows = all.Value.SelectMany(flavor => byZone ? places.Value.Select(zone => (flavor.Name, zone.Name)) : [(flavor.Name, options.Region)]).ToList();
        if (filters.Read(call.Parameters) is not { } fits) return call.Parameters.Fault!;
        return Ec2Lists.Page(call, "instanceTypeOfferingSet", [.. rows.Where(row => fits(row))], row => $"{row.Item1} {row.Item2}", row => new object?[] { Xml.Of("instanceType", row.Item1), Xml.Of("locationType", byZone ? "availability-zone" : "region"), Xml.Of("location", row.Item2) });
    }

    private Task<Platform.Result<List<Flavor>>> FlavorsAsync(Ec2Call call) => Ec2Lists.AllAsync(page => flavors.ListAsync(page, call.Cancelled), flavor => flavor.Id);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static System.Xml.Linq.XElement Words(string name, params string[] words) => Xml.Set(name, words, word => word);
}
