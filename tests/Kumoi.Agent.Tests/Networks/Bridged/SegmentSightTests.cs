using System.Text.Json;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Bridged;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>Goal: whatever the segment's device is, a network is joined to it in the right way. Method: answers of <c>ip</c>, and the lines that follow from them.</summary>
public sealed class SegmentSightTests
{
    private const string Bridge = """{"ifindex":4,"ifname":"br0","flags":["UP"],"mtu":9000,"linkinfo":{"info_kind":"bridge","info_data":{"vlan_filtering":0}}}""",
        Filtering = """{"ifindex":4,"ifname":"br0","flags":["UP"],"mtu":1500,"linkinfo":{"info_kind":"bridge","info_data":{"vlan_filtering":1}}}""",
        Card = """{"ifindex":5,"ifname":"eth1","flags":["UP"],"mtu":1500}""", End = """{"ifindex":9,"ifname":"x","flags":["UP"],"mtu":1500,"master":"br0","linkinfo":{"info_kind":"veth"}}""";

    private static JsonElement? Json(string? text)
    {
        if (text is null) return null;
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static SegmentIntent Segment(string device, int? vlan) => new(device, vlan, false);

    private static NetworkIntent Intent(string device, int? vlan) => NetworkIntents.Read(
        Shared.Document([SegmentStand.Network() with { Segment = new DesiredSegment(device, vlan) }], []), Samples.Network, "abcd12", "172.31.0.1", _ => false)!;

    private static SegmentSight Read(string device, int? vlan, string? there, string? inner = null, string? port = null, string? vlans = null) =>
        SegmentSight.Read(Segment(device, vlan), Json(there), Json(inner), Json(port), vlans);

    [Fact]
    public void A_bridge_of_the_host_gets_a_port_of_its_own_mtu()
    {
        var sight = Read("br0", null, Bridge);
        Assert.Equal(SegmentWay.Pair, sight.Way);
        Assert.False(sight.Joined);
        Assert.Equal(
            ["link add name sabcd12-7 mtu 9000 type veth peer name seg mtu 1500 netns kumoi-abcd12-19a3f2b4c5d6e7f80", "link set dev sabcd12-7 addrgenmode none master br0 up"], sight.Making(Intent("br0", null)));
        Assert.Empty(sight.Tagging(Intent("br0", null)));
    }

    [Fact]
    public void A_vlan_of_a_card_or_of_a_plain_bridge_is_a_device()
    {
        foreach (var (device, there) in new[] { ("eth1", Card), ("br0", Bridge) })
        {
            var sight = Read(device, 120, there);
            Assert.Equal(SegmentWay.Vlan, sight.Way);
            Assert.Equal([$"link add link {device} name seg netns kumoi-abcd12-19a3f2b4c5d6e7f80 mtu 1500 type vlan id 120"], sight.Making(Intent(device, 120)));
        }
        string Inner(int id, int parent) => $$$"""{"ifindex":3,"ifname":"seg","link_index":{{{parent}}},"flags":["UP"],"mtu":1500,"linkinfo":{"info_kind":"vlan","info_data":{"id":{{{id}}} } } }""";
        Assert.True(Read("eth1", 120, Card, Inner(120, 5)).Joined);
        Assert.False(Read("eth1", 120, Card, Inner(121, 5)).Joined);
        Assert.False(Read("eth1", 120, Card, Inner(120, 6)).Joined);
        Assert.False(Read("eth1", 120, Card, Inner(120, 5).Replace("\"UP\"", "", StringComparison.Ordinal)).Joined);
    }

    [Fact]
    public void A_bridge_that_knows_vlans_has_the_port_in_one_of_them()
    {
        var intent = Intent("br0", 120);
        var fresh = Read("br0", 120, Filtering, null, End, """[{"ifname":"sabcd12-7","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]}]}]""");
        Assert.Equal(SegmentWay.TaggedPair, fresh.Way);
        Assert.Equal(["vlan add dev sabcd12-7 vid 120 pvid untagged", "vlan delete dev sabcd12-7 vid 1"], fresh.Tagging(intent));
        var right = Read("br0", 120, Filtering, End, End, """[{"ifname":"sabcd12-7","vlans":[{"vlan":120,"flags":["PVID","Egress Untagged"]}]}]""");
        Assert.True(right.Joined);
        Assert.Empty(right.Tagging(intent).Concat(right.Mending(intent)));
        // Taken out of the bridge, it would be in another VLAN for a moment as it comes back: it is made anew.
        foreach (var away in new[] { End.Replace("\"master\":\"br0\",", "", StringComparison.Ordinal), End.Replace("\"master\":\"br0\"", "\"master\":\"br1\"", StringComparison.Ordinal) })
            Assert.False(Read("br0", 120, Filtering, End, away, """[{"ifname":"sabcd12-7","vlans":[{"vlan":120,"flags":["PVID","Egress Untagged"]}]}]""").Joined);
    }

    [Fact]
    public void A_port_that_somebody_took_away_or_changed_is_put_back()
    {
        var intent = Intent("br0", null);
        Assert.Equal(["link set dev sabcd12-7 mtu 9000", "link set dev sabcd12-7 master br0 up"], Read("br0", null, Bridge, End, End.Replace("\"master\":\"br0\",", "", StringComparison.Ordinal)).Mending(intent));
    }

    [Fact]
    public void What_cannot_be_a_segment_is_refused_in_words()
    {
        Assert.Contains("no device br0", Assert.Throws<IOException>(() => Read("br0", null, null)).Message, StringComparison.Ordinal);
        Assert.Contains("no bridge", Assert.Throws<IOException>(() => Read("eth1", null, Card)).Message, StringComparison.Ordinal);
        foreach (var bad in new[] { "", "a b", "../x", ".", "0123456789abcdef", "x\n" })
            Assert.Null(NetworkIntents.Read(Shared.Document([SegmentStand.Network() with { Segment = new DesiredSegment(bad, null) }], []), Samples.Network, "abcd12", "172.31.0.1", _ => false));
        foreach (var bad in new[] { 0, -1, 4095 })
            Assert.Null(NetworkIntents.Read(Shared.Document([SegmentStand.Network() with { Segment = new DesiredSegment("br0", bad) }], []), Samples.Network, "abcd12", "172.31.0.1", _ => false));
    }
}
