using System.CommandLine;
using System.Net;
using Kumoi.Api;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Client;

/// <summary>Options that make a network a bridged one, and say what of its subnet is given out.</summary>
internal sealed class SegmentOptions
{
    private readonly Option<string?> _device = Options.New<string?>("--bridged"), _gateway = Options.New<string?>("--gateway"), _dhcp = Options.New<string?>("--dhcp");
    private readonly Option<int?> _vlan = Options.New<int?>("--vlan");
    private readonly SpaceOptions _space = new();

    public IEnumerable<Option> All => [_device, _vlan, _dhcp, _gateway, .. _space.All];

    /// <summary>Null if none of the options is given: a network of the overlay.</summary>
    public CreateSegment? Segment(ParseResult parsed)
    {
        var (device, vlan, dhcp) = (parsed.GetValue(_device), parsed.GetValue(_vlan), parsed.GetValue(_dhcp));
        return device is null && vlan is null && dhcp is null ? null : new CreateSegment(device, vlan, dhcp);
    }

    /// <summary>A subnet with those of the addresses that are in it; what is in none is the first one's, for the server to refuse.</summary>
    public CreateNetworkSubnet Subnet(ParseResult parsed, string cidr, string[] all, string[] dns)
    {
        bool IsOf(string text) => (all.FirstOrDefault(one => Contains(one, text)) ?? all[0]) == cidr;
        IReadOnlyList<string>? Of(Option<string[]> option) => _space.Some(parsed, option) is { } texts ? [.. texts.Where(IsOf)] : null;
        var (gateway, range) = (parsed.GetValue(_gateway), parsed.GetValue(_space.Range));
        return new CreateNetworkSubnet(
            null, cidr, dns, null, gateway is not null && IsOf(gateway) ? gateway : null, range is not null && IsOf(range) ? range : null, Of(_space.Reserved), Of(_space.Excluded));
    }

    private static bool Contains(string cidr, string text) => IPNetwork.TryParse(cidr, out var range) && IPAddress.TryParse(text.Split('-')[0], out var address) && range.Contains(address);

    public static string Text(Segment? segment) => segment is null ? "" : segment.Vlan is { } vlan ? $"{segment.Device}.{vlan}" : segment.Device;
}

/// <summary>Options that say which addresses of a subnet are given out.</summary>
internal sealed class SpaceOptions
{
    public Option<string?> Range { get; } = new("--range") { Description = Messages.Text("option-address-range") };

    public Option<string[]> Reserved { get; } = new("--reserve") { Description = Messages.Text("option-reserve-addresses") };

    public Option<string[]> Excluded { get; } = new("--exclude") { Description = Messages.Text("option-exclude-addresses") };

    public IEnumerable<Option> All => [Range, Reserved, Excluded];

    public void AddTo(Command command)
    {
        foreach (var option in All) command.Options.Add(option);
    }

    /// <summary>What is given; the word <c>none</c> stands for nothing at all, and null for no change.</summary>
    public IReadOnlyList<string>? Some(ParseResult parsed, Option<string[]> option) => parsed.GetValue(option) switch { null or [] => null, ["none"] => [], var given => given };
}
