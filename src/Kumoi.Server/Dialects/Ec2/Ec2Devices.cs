using Kumoi.Server.Volumes;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Names of devices: the root disk is <c>/dev/sda1</c>, and the letter of any other says its place among the instance's volumes. Pure.</summary>
internal static class Ec2Devices
{
    public const string Root = "/dev/sda1";

    public static string Of(int slot) => slot == 0 ? Root : $"/dev/sd{(char)('a' + slot)}";

    public static bool IsRoot(string name) => name is Root or "/dev/sda" or "/dev/xvda" or "/dev/vda" or "sda1" or "sda" or "xvda" or "vda";

    /// <summary>The place that a name such as <c>/dev/sdf</c>, <c>xvdf</c> or <c>/dev/vdf</c> stands for; null if it is none.</summary>
    public static int? Slot(string name)
    {
        var plain = name.StartsWith("/dev/", StringComparison.Ordinal) ? name[5..] : name;
        var letter = plain switch { ['s' or 'v', 'd', var one] => one, ['x', 'v', 'd', var one] => one, _ => '\0' };
        return letter - 'a' is >= 1 and <= VolumeRules.SlotMax and var slot ? slot : null;
    }
}
