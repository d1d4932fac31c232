using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Kumoi.Agent;

/// <summary>
/// Names of kernel objects, derived from ids and the cloud's tag, so that each can be found and removed by its name alone.
/// Ids come from the server, but they become paths and device names here, so their form is checked first.
/// </summary>
public static partial class ObjectNames
{
    private const int TapDigits = 14;

    /// <summary>True if the text can be an id: a short type, a dash, and hex digits.</summary>
    public static bool IsId(string text) => IdForm().IsMatch(text);

    /// <summary>True if the text can be the id of a volume.</summary>
    public static bool IsVolume(string text) => IsId(text) && text.StartsWith(VolumePrefix, StringComparison.Ordinal);

    private const string VolumePrefix = "vol-";

    /// <summary>True if the text can be the id of a backup.</summary>
    public static bool IsBackup(string text) => IsId(text) && text.StartsWith("bk-", StringComparison.Ordinal);

    /// <summary>The serial number under which a guest sees a volume: its id without the dash, 20 bytes, which is all that virtio has for it.</summary>
    public static string Serial(string volumeId) => "vol" + Digits(volumeId);

    /// <summary>The namespace of a network: <c>kumoi-TAG-HEX</c>.</summary>
    public static string Namespace(string tag, string networkId) => $"{NamespacePrefix(tag)}{Digits(networkId)}";

    public static string NamespacePrefix(string tag) => $"kumoi-{tag}-";

    /// <summary>The tap of an interface, unique within its network: <c>t</c> and the last 14 digits of the id, 32 bits of time and 24 random.</summary>
    public static string Tap(string interfaceId)
    {
        var digits = Digits(interfaceId);
        return "t" + (digits.Length >= TapDigits ? digits[^TapDigits..] : digits);
    }

    /// <summary>The host's end of a network's uplink: <c>k</c>, the tag, and the network's number in base 36; at most 15 characters.</summary>
    public static string Uplink(string tag, int vni) => UplinkPrefix(tag) + Base36(vni);

    public static string UplinkPrefix(string tag) => $"k{tag}-";

    /// <summary>The WireGuard device of a network: <c>w</c>, the tag, and the network's number in base 36; at most 15 characters.</summary>
    public static string Vpn(string tag, int vni) => VpnPrefix(tag) + Base36(vni);

    public static string VpnPrefix(string tag) => $"w{tag}-";

    /// <summary>The host's end of what joins a bridged network to a bridge of the host.</summary>
    public static string Segment(string tag, int vni) => SegmentPrefix(tag) + Base36(vni);

    public static string SegmentPrefix(string tag) => $"s{tag}-";

    /// <summary>The nftables table in the host's own namespace.</summary>
    public static string HostTable(string tag) => $"kumoi_{tag}";

    /// <summary>The identity a guest's process carries in its own name: id, incarnation and boot epoch.</summary>
    public static string Guest(string id, int incarnation, int bootEpoch) => FormattableString.Invariant($"{id}/{incarnation}/{bootEpoch}");

    /// <summary>A short name for a security group within one ruleset.</summary>
    public static string Group(string securityGroupId) => Digits(securityGroupId);

    /// <summary>The UUID the guest sees: <c>ec2</c>, the 17 digits of the id, and 12 digits of its hash. A UUID that begins so, and equals the
    /// serial number, is how cloud-init recognises an EC2 metadata service.</summary>
    public static string MachineUuid(string instanceId)
    {
        var digits = $"ec2{Digits(instanceId)}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(instanceId)))}"[..32];
        return $"{digits[..8]}-{digits[8..12]}-{digits[12..16]}-{digits[16..20]}-{digits[20..]}";
    }

    /// <summary>The hex digits of an id.</summary>
    public static string Digits(string id) =>
        IsId(id) ? id[(id.IndexOf('-', StringComparison.Ordinal) + 1)..] : throw new ArgumentException($"'{id}' is not an id.", nameof(id));

    private static string Base36(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, (1 << 24) - 1);
        var text = "";
        for (; number > 0; number /= 36) text = "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36] + text;
        return text;
    }

    [GeneratedRegex(@"\A[a-z]{1,6}-[0-9a-f]{1,17}\z")] private static partial Regex IdForm();
}
