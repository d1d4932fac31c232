using System.Text.RegularExpressions;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>A kind of resource as EC2 and as Kumoi call it.</summary>
/// <param name="Prefix">Of EC2's ids.</param>
/// <param name="Native">Of Kumoi's.</param>
/// <param name="Malformed">EC2's code for what does not look like an id.</param>
/// <param name="NotFound">EC2's code for an id that stands for nothing.</param>
/// <param name="Word">What tags call it.</param>
public sealed partial record Ec2Kind(string Prefix, string Native, string Malformed, string NotFound, string Word)
{
    public static readonly Ec2Kind
        Instance = new("i", "i", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "instance"),
        Volume = new("vol", "vol", "InvalidVolumeID.Malformed", "InvalidVolume.NotFound", "volume"),
        Snapshot = new("snap", "snap", "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound", "snapshot"),
        Image = new("ami", "img", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image"),
        KeyPair = new("key", "key", "InvalidKeyPair.NotFound", "InvalidKeyPair.NotFound", "key-pair"),
        SecurityGroup = new("sg", "sg", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security-group"),
        Rule = new("sgr", "sgr", "InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound", "security-group-rule"),
        Vpc = new("vpc", "net", "InvalidVpcId.Malformed", "InvalidVpcID.NotFound", "vpc"),
        Subnet = new("subnet", "subnet", "InvalidSubnetId.Malformed", "InvalidSubnetID.NotFound", "subnet"),
        Interface = new("eni", "eni", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound", "network-interface"),
        Attachment = new("eni-attach", "eni", "InvalidAttachmentID.Malformed", "InvalidAttachmentID.NotFound", "network-interface"),
        Address = new("eipalloc", "fip", "InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound", "elastic-ip"),
        Association = new("eipassoc", "fip", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound", "elastic-ip"),
        RouteTable = new("rtb", "net", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound", "route-table"),
        TableAssociation = new("rtbassoc", "net", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound", "route-table"),
        Gateway = new("igw", "igw", "InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound", "internet-gateway"),
        OwnGateway = new("igw", "net", "InvalidInternetGatewayId.Malformed", "InvalidInternetGatewayID.NotFound", "internet-gateway"),
        PlacementGroup = new("pg", "pg", "InvalidPlacementGroup.Unknown", "InvalidPlacementGroup.Unknown", "placement-group"),
        Reservation = new("r", "i", "InvalidReservationID.Malformed", "InvalidReservationID.NotFound", "instance");

    /// <summary>Those that have tags, each by its own prefix.</summary>
    public static IReadOnlyList<Ec2Kind> Tagged { get; } = [Instance, Volume, Snapshot, Image, KeyPair, SecurityGroup, Vpc, Subnet, Interface, Address, PlacementGroup, Gateway];

    /// <summary>EC2's id of a resource: the same digits behind its own prefix, so that no table is kept of them.</summary>
    public string Of(string native) => Prefix + native[native.LastIndexOf('-')..];

    /// <summary>Kumoi's id; null if the text is no id of this kind.</summary>
    public string? Read(string id) => id.StartsWith(Prefix + "-", StringComparison.Ordinal) && Digits().IsMatch(id.AsSpan(Prefix.Length + 1)) ? Native + id[Prefix.Length..] : null;

    public Ec2Fault NoSuch(string id) => new(NotFound, 400, "not-found", Word, id);

    public Ec2Fault NoId(string text) => new(Malformed, 400, "malformed-id", Word, text);

    /// <summary>The kind of an id that may have tags; null if it is of none.</summary>
    public static Ec2Kind? OfTagged(string id) => Tagged.FirstOrDefault(kind => kind.Read(id) is not null);

    /// <summary>A native sentence, with the ids in it as EC2 has them.</summary>
    public static string Translate(string text) => NativeId().Replace(text, match => match.Groups[1].Value switch { "img" => Image.Of(match.Value), "net" => Vpc.Of(match.Value), _ => Address.Of(match.Value) });

    // Eight digits are what old ids had: nothing of ours has one, but it is no mistake to ask for it.
    [GeneratedRegex("^(?:[0-9a-f]{8}|[0-9a-f]{17})$")]
    private static partial Regex Digits();

    [GeneratedRegex(@"\b(img|net|fip)-[0-9a-f]{17}\b")]
    private static partial Regex NativeId();
}
