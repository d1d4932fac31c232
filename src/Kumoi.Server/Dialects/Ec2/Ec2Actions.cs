namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Every action of the dialect: what it needs, and who does it. The table of contents.</summary>
public sealed class Ec2Actions
{
    private readonly Dictionary<string, Ec2Action> _byName;

    public Ec2Actions(
        Ec2Identity identity, Ec2Regions regions, Ec2KeyPairs keyPairs, Ec2Images images, Ec2SecurityGroups groups, Ec2SecurityGroupRules rules, Ec2Instances instances, Ec2Launches launches, Ec2InstanceAttributes attributes, Ec2MetadataOptions metadata, Ec2Volumes volumes, Ec2Snapshots snapshots, Ec2Tags tags, Ec2Addresses addresses,
        Ec2Vpcs vpcs, Ec2Subnets subnets, Ec2RouteTables tables, Ec2Gateways gateways, Ec2Interfaces interfaces, Ec2PlacementGroups placementGroups)
    {
        All =
        [
            Read("users", identity.GetCallerIdentity) with { HasDryRun = false },
            Read("zones", regions.DescribeRegions), Read("zones", regions.DescribeAvailabilityZones), Read("flavors", regions.DescribeInstanceTypes), Read("flavors", regions.DescribeInstanceTypeOfferings), Read("networks", regions.DescribeAccountAttributes),

            Write("key-pairs", keyPairs.CreateKeyPair, "KeyName"), Write("key-pairs", keyPairs.ImportKeyPair, "KeyName", "PublicKeyMaterial"), Read("key-pairs", keyPairs.DescribeKeyPairs), Write("key-pairs", keyPairs.DeleteKeyPair),

            Read("images", images.DescribeImages), Write("images", images.CreateImage, "InstanceId", "Name"), Write("images", images.RegisterImage, "Name"), Write("images", images.DeregisterImage, "ImageId"), Read("images", images.DescribeImageAttribute, "ImageId", "Attribute"),
            Write("images", images.ModifyImageAttribute, "ImageId"), Write("images", images.ResetImageAttribute, "ImageId", "Attribute"),

            Write("security-groups", groups.CreateSecurityGroup, "GroupName", "GroupDescription"), Write("security-groups", groups.DeleteSecurityGroup), Read("security-groups", groups.DescribeSecurityGroups), Read("security-groups", rules.DescribeSecurityGroupRules),
            Write("security-groups", rules.AuthorizeSecurityGroupIngress), Write("security-groups", rules.AuthorizeSecurityGroupEgress), Write("security-groups", rules.RevokeSecurityGroupIngress), Write("security-groups", rules.RevokeSecurityGroupEgress),
            Write("security-groups", rules.UpdateSecurityGroupRuleDescriptionsIngress), Write("security-groups", rules.UpdateSecurityGroupRuleDescriptionsEgress), Write("security-groups", rules.ModifySecurityGroupRules, "GroupId", "SecurityGroupRule"),

            Write("instances", launches.RunInstances, "ImageId", "MinCount", "MaxCount"), Read("instances", instances.DescribeInstances), Read("instances", instances.DescribeInstanceStatus), Write("instances", instances.StartInstances, "InstanceId"), Write("instances", instances.StopInstances, "InstanceId"),
            Write("instances", instances.RebootInstances, "InstanceId"), Write("instances", instances.TerminateInstances, "InstanceId"), Read("instances", instances.GetConsoleOutput, "InstanceId"), Read("instances", attributes.DescribeInstanceAttribute, "InstanceId", "Attribute"),
            Write("instances", attributes.ModifyInstanceAttribute, "InstanceId"), Write("instances", attributes.ResetInstanceAttribute, "InstanceId", "Attribute"), Write("instances", metadata.ModifyInstanceMetadataOptions, "InstanceId"),

            Write("volumes", volumes.CreateVolume, "AvailabilityZone"), Write("volumes", volumes.DeleteVolume, "VolumeId"), Write("volumes", volumes.AttachVolume, "Device", "InstanceId", "VolumeId"), Write("volumes", volumes.DetachVolume, "VolumeId"), Write("volumes", volumes.ModifyVolume, "VolumeId"),
            Read("volumes", volumes.DescribeVolumes), Read("volumes", volumes.DescribeVolumeStatus), Read("volumes", volumes.DescribeVolumesModifications),

            Write("snapshots", snapshots.CreateSnapshot, "VolumeId"), Write("snapshots", snapshots.CreateSnapshots, "InstanceSpecification"), Write("snapshots", snapshots.DeleteSnapshot, "SnapshotId"), Read("snapshots", snapshots.DescribeSnapshots),

            Write("tags", tags.CreateTags, "ResourceId", "Tag"), Write("tags", tags.DeleteTags, "ResourceId"), Read("tags", tags.DescribeTags),

            Write("floating-addresses", addresses.AllocateAddress), Write("floating-addresses", addresses.ReleaseAddress), Write("floating-addresses", addresses.AssociateAddress), Write("floating-addresses", addresses.DisassociateAddress), Read("floating-addresses", addresses.DescribeAddresses),

            Write("networks", vpcs.CreateVpc), Write("networks", vpcs.DeleteVpc, "VpcId"), Read("networks", vpcs.DescribeVpcs), Read("networks", vpcs.DescribeVpcAttribute, "VpcId", "Attribute"), Write("networks", vpcs.ModifyVpcAttribute, "VpcId") with { HasDryRun = false },
            Write("subnets", subnets.CreateSubnet, "VpcId"), Write("subnets", subnets.DeleteSubnet, "SubnetId"), Read("subnets", subnets.DescribeSubnets), Write("subnets", subnets.ModifySubnetAttribute, "SubnetId") with { HasDryRun = false },
            Read("networks", tables.DescribeRouteTables), Write("networks", tables.CreateRoute, "RouteTableId"), Write("networks", tables.DeleteRoute, "RouteTableId"),
            Write("internet-gateways", gateways.CreateInternetGateway), Read("internet-gateways", gateways.DescribeInternetGateways), Write("internet-gateways", gateways.AttachInternetGateway, "InternetGatewayId", "VpcId"),
            Write("internet-gateways", gateways.DetachInternetGateway, "InternetGatewayId", "VpcId"), Write("internet-gateways", gateways.DeleteInternetGateway, "InternetGatewayId"),
            Read("interfaces", interfaces.DescribeNetworkInterfaces), Write("interfaces", interfaces.ModifyNetworkInterfaceAttribute, "NetworkInterfaceId"), Write("interfaces", interfaces.AssignPrivateIpAddresses, "NetworkInterfaceId") with { HasDryRun = false },
            Write("interfaces", interfaces.UnassignPrivateIpAddresses, "NetworkInterfaceId") with { HasDryRun = false }, Write("interfaces", interfaces.DetachNetworkInterface, "AttachmentId"),

            Write("placement-groups", placementGroups.CreatePlacementGroup), Write("placement-groups", placementGroups.DeletePlacementGroup, "GroupName"), Read("placement-groups", placementGroups.DescribePlacementGroups),
        ];
        _byName = All.ToDictionary(action => action.Name, StringComparer.Ordinal);
    }

    public IReadOnlyList<Ec2Action> All { get; }

    public Ec2Action? Find(string name) => _byName.GetValueOrDefault(name);

    // An action is called as its method is.
    private static Ec2Action Read(string capability, Func<Ec2Call, Task<Ec2Answer>> handle, params string[] required) => new(handle.Method.Name, capability, Ec2Action.Read, required, handle);

    private static Ec2Action Write(string capability, Func<Ec2Call, Task<Ec2Answer>> handle, params string[] required) => new(handle.Method.Name, capability, Ec2Action.Write, required, handle);
}
