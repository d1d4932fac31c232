using System.Net;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Cli.Local;
using Xunit;

namespace Kumoi.Agent.Tests.Local;

/// <summary>Goal: hosts that are namespaces of one machine have names and addresses of their own, and their number is only ever raised.</summary>
public sealed class LocalHostsTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("kumoi-hosts-").FullName;

    private CloudLayout Layout(int? hosts = null)
    {
        var layout = new CloudLayout(_state);
        layout.ChooseHosts(hosts);
        return layout;
    }

    [Fact]
    public void Without_a_number_the_machine_itself_is_the_host()
    {
        var host = Assert.Single(Layout().Hosts);
        Assert.Equal((null, "agent", _state), (host.Namespace, host.Role, host.State));
        Assert.Equal(["postgres", "server", "agent"], Layout().Roles);
    }

    [Fact]
    public void The_number_is_kept_and_may_only_grow()
    {
        Layout(3).Keep();
        Assert.Equal(["host-1", "host-2", "host-3"], Layout().Hosts.Select(host => host.Name));
        Assert.Equal(3, Layout(3).Hosts.Count);
        Layout(5).Keep();
        Assert.Equal("hosts-fewer", Assert.Throws<UserException>(() => Layout(4)).Key);
        Assert.Equal(5, Layout().Hosts.Count);
        foreach (var wrong in (int[])[0, -1, LocalHost.CountMax + 1]) Assert.Equal("hosts-invalid", Assert.Throws<UserException>(() => Layout(wrong)).Key);
    }

    [Fact]
    public void A_cloud_whose_host_is_the_machine_itself_stays_one()
    {
        var layout = Layout();
        layout.Keep();
        Directory.CreateDirectory(layout.PostgresData);
        Assert.Equal("hosts-machine-itself", Assert.Throws<UserException>(() => Layout(2)).Key);
        Assert.Null(Layout().HostCount);
    }

    [Fact]
    public void Devices_for_bridged_networks_are_kept_until_others_are_named()
    {
        var layout = Layout();
        layout.ChooseSegmentDevices(["lo"]);
        layout.Keep();
        Assert.Equal(["lo"], Layout().SegmentDevices);
        foreach (var wrong in (string[])["nowhere0", "../net/lo", "", "lo\n"]) Assert.Equal("segment-device-unknown", Assert.Throws<UserException>(() => Layout().ChooseSegmentDevices([wrong])).Key);
        layout.ChooseSegmentDevices([]);
        Assert.Equal(["lo"], layout.SegmentDevices);
        layout.ChooseSegmentDevices(["none"]);
        layout.Keep();
        Assert.Empty(Layout().SegmentDevices);
    }

    [Fact]
    public void Hosts_that_are_namespaces_have_a_bridge_of_their_own_for_bridged_networks()
    {
        var layout = Layout(2);
        Assert.Equal([SegmentPlan.Bridge], layout.SegmentDevices);
        Assert.Equal("segment-device-of-hosts", Assert.Throws<UserException>(() => layout.ChooseSegmentDevices(["lo"])).Key);
    }

    [Fact]
    public void Nothing_of_one_host_is_named_as_another_s()
    {
        var hosts = Layout(LocalHost.CountMax).Hosts;
        foreach (var distinct in (Func<LocalHost, string?>[])[h => h.Name, h => h.Tag, h => h.State, h => h.RunDirectory, h => h.Namespace, h => h.Role]) Assert.Equal(hosts.Count, hosts.Select(distinct).Distinct().Count());
        foreach (var host in hosts) Assert.Empty(new AgentOptions { StateDirectory = host.State, Tag = host.Tag, Name = host.Name, Address = "198.19.8.2", RunDirectory = host.RunDirectory, UplinkDevice = UnderlayPlan.HostDevice, MachineShare = hosts.Count }.Validate());
        // An agent takes what begins so for a network of its own.
        Assert.DoesNotContain(hosts, host => hosts.Any(other => other.Namespace!.StartsWith(ObjectNames.NamespacePrefix(host.Tag), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ranges_of_several_hosts_do_not_overlap()
    {
        await File.WriteAllTextAsync(Path.Combine(_state, "ranges"), "3", TestContext.Current.CancellationToken);
        Assert.Null(AddressRanges.Kept(Layout())!.Underlay);
        var layout = Layout(LocalHost.CountMax);
        var ranges = AddressRanges.Kept(layout)!;
        Assert.Equal(("198.18.48.0/20", "198.19.48.0/21", "198.19.56.0/21"), (ranges.Floating.ToString(), ranges.Uplink.ToString(), ranges.Underlay.ToString()));
        var plan = new UnderlayPlan(layout.Tag, ranges, layout.AgentPort);
        IPAddress[] all = [plan.Address, .. layout.Hosts.Select(plan.AddressOf)];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(all, address => Assert.True(ranges.Underlay!.Value.Contains(address)));
    }

    [Theory]
    [InlineData("198.51.100.0/24 198.19.0.0/24")]
    [InlineData("198.51.100.0/24")]
    [InlineData("198.51.100.0/24 fd00::/48")]
    [InlineData("somewhere else")]
    public async Task Ranges_that_cannot_be_used_are_told(string text)
    {
        await File.WriteAllTextAsync(Path.Combine(_state, "ranges"), text, TestContext.Current.CancellationToken);
        var told = Assert.Throws<UserException>(() => AddressRanges.Kept(Layout(2)));
        Assert.Equal("ranges-invalid", told.Key);
        Assert.Contains("/23", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_underlay_is_as_reviewed()
    {
        var ranges = new AddressRanges(IPNetwork.Parse("198.18.0.0/20"), IPNetwork.Parse("198.19.0.0/21"), IPNetwork.Parse("198.19.8.0/21"));
        var plan = new UnderlayPlan("c0ffee", ranges, 8481);
        var host = new LocalHost(2, "host-2", "c0ffee02", "/state/hosts/2", "/run/kumoi-c0ffee/2", "kumoi-c0ffee-host-2");
        Cable[] cables = [plan.CableOf(host), plan.Segment.CableOf(host)];
        foreach (var device in cables.SelectMany(cable => (string[])[cable.Bridge, cable.Device + "0", cable.Inner])) Assert.InRange(device.Length, 1, 15);
        string[] sections =
        [
            "# The root namespace", plan.MachineRules, .. plan.BridgeLinks(present: false), .. plan.Segment.SwitchLinks(present: false), .. cables.SelectMany(cable => cable.Join(host, present: false)),
            "", "# The host's namespace", plan.HostRules, .. plan.Inside(host), .. SegmentPlan.Inside(present: false),
            .. UnderlayPlan.Settings.Select(setting => $"{setting.Setting} = {setting.Value}"),
        ];
        Golden.Check("underlay", string.Join('\n', sections) + "\n");
        Assert.Empty(plan.BridgeLinks(present: true).Concat(plan.Segment.SwitchLinks(present: true)).Concat(SegmentPlan.Inside(present: true)).Concat(cables.SelectMany(cable => cable.Join(host, present: true))).Where(line => line.Contains(" add ", StringComparison.Ordinal)));
    }

    public void Dispose() => Directory.Delete(_state, recursive: true);
}
