using System.Net.Http;
using System.Net.Sockets;
using Kumoi.Agent.Hosts;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Metadata;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Tests.Networks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>Against the real kernel, as root.</summary>
public sealed class LinuxTests
{
    [Fact]
    public async Task The_probe_answers_under_tcg()
    {
        await using var machine = new Machine("qemu");
        Assert.Equal(ProbeRom.Answer, await new AcceleratorProbe(new Commands(TimeProvider.System), machine.Options.Paths).RunAsync("tcg", "max", default));
    }

    [Fact]
    public async Task A_finding_is_kept_for_the_boot_it_was_made_in()
    {
        await using var machine = new Machine("qemu");
        var probe = new AcceleratorProbe(new Commands(TimeProvider.System), machine.Options.Paths);
        var found = await probe.FindAsync("auto", "boot-1", default);
        Assert.Equal(found, await probe.FindAsync("auto", "boot-1", default));
        Assert.Contains(found.Name, (string[])["kvm", "tcg"]);
        Assert.Equal("tcg", (await probe.FindAsync("tcg", "boot-1", default)).Name);
    }

    [Fact]
    public async Task A_network_is_made_left_alone_repaired_and_removed()
    {
        await using var machine = new Machine("qemu");
        var commands = new Commands(TimeProvider.System);
        using var networks = new LinuxNetworks(machine.Options, commands, TimeProvider.System, hostNamespace: null);
        DurableFiles.MakeDirectory(machine.Options.Paths.State, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        DurableFiles.MakeDirectory(machine.Options.Paths.RunRoot, AgentModes.Passable);
        DurableFiles.MakeDirectory(machine.Options.Paths.Networks, AgentModes.Passable);
        var intent = NetworkIntents.Read(RulesetTests.Document(), Samples.Network, machine.Tag, machine.Options.Address, _ => false)!;
        var none = new HashSet<string>();
        await networks.ApplyHostAsync([intent], default);
        var sight = await networks.ApplyAsync(intent, none, default);
        Assert.Equal(intent.Ports.Select(port => port.Tap), sight.Taps);
        Assert.True(networks.IsServed(intent.Namespace));

        // Nothing is planned a second time.
        using var links = new NetworkLinks(commands, null);
        Assert.True(LinkPlan.Between(await links.SeeAsync(intent, default), LinkState.Wanted(intent, none), intent, none).IsEmpty);
        using (var tap = await TapDevices.OpenAsync(intent.Namespace, intent.Ports[0].Tap)) Assert.False(tap.IsInvalid);

        // Someone takes things away; the next look brings them back.
        await commands.RunAsync("ip", ["-n", intent.Namespace, "link", "delete", intent.Ports[0].Tap], default);
        await commands.RunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, "nft", "flush", "chain", "inet", "kumoi", "ingress"), default);
        await networks.ApplyAsync(intent, none, default);
        Assert.Contains("vmap", await commands.RunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, "nft", "list", "chain", "inet", "kumoi", "ingress"), default), StringComparison.Ordinal);
        Assert.Equal("1", await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => File.ReadAllText($"/proc/sys/net/ipv4/conf/{intent.Ports[0].Tap}/proxy_arp").Trim()));

        // Taps keep a network; without them it goes.
        Assert.Equal(2, (await networks.TryRemoveAsync(intent.Namespace, none, default))!.Count);
        Assert.Null(await networks.TryRemoveAsync(intent.Namespace, intent.Ports.Select(port => port.Tap).ToHashSet(), default));
        Assert.Empty(networks.List());
    }

    [Fact]
    public async Task Metadata_is_served_inside_a_namespace_to_the_address_that_asks()
    {
        await using var machine = new Machine("qemu");
        var commands = new Commands(TimeProvider.System);
        var name = ObjectNames.Namespace(machine.Tag, Samples.Network);
        await new NetworkNamespaces(commands).CreateAsync(name, default);
        await commands.RunAsync("ip", ["-n", name, "-batch", "-"], "link set lo up\naddr add 169.254.169.254/32 dev lo\naddr add 10.0.0.11/32 dev lo\n", default);
        var state = new AgentState();
        var record = Samples.Instance(11, "running");
        state.Replace(Samples.Document(1, null, [], record with { Interfaces = [record.Interfaces[0] with { Further = [new DesiredAddress("subnet-1", "fd00:1::b", true)] }] }));
        var listeners = new NamespaceListeners(TimeProvider.System, Machine.Log);
        await using var server = new MetadataServer(listeners, new MetadataEndpoint(state, new MetadataTokens(new byte[32], TimeProvider.System), TimeProvider.System));
        await server.StartAsync(default);
        await listeners.EnsureAsync(name, Samples.Network);
        await listeners.EnsureAsync(name, Samples.Network);
        Assert.Equal((0, "i-19a3f2b4c5d6e000b"), await Curl(name, "10.0.0.11"));
        Assert.Equal((22, ""), await Curl(name, "127.0.0.1"));
        // The address of IPv6 may come when somebody listens for it already.
        await commands.RunAsync("ip", ["-n", name, "-6", "-batch", "-"], "addr add fd00:ec2::254/128 dev lo nodad\naddr add fd00:1::b/128 dev lo nodad\n", default);
        Assert.Equal((0, "i-19a3f2b4c5d6e000b"), await Curl(name, "fd00:1::b", "[fd00:ec2::254]"));
        Assert.Equal((22, ""), await Curl(name, "::1", "[fd00:ec2::254]"));
        await listeners.EnsureAsync(name, null);
        Assert.Equal((7, ""), await Curl(name, "fd00:1::b", "[fd00:ec2::254]"));
        Assert.Equal((7, ""), await Curl(name, "10.0.0.11"));
    }

    [Fact]
    public async Task A_command_that_takes_too_long_is_ended_and_a_missing_one_is_told()
    {
        var commands = new Commands(TimeProvider.System);
        var slow = await Assert.ThrowsAsync<CommandFailedException>(() => commands.TryRunAsync("sleep", ["60"], null, [], TimeSpan.FromMilliseconds(100), default));
        Assert.Contains("did not finish within 0.1 s", slow.Message, StringComparison.Ordinal);
        Assert.True((await Assert.ThrowsAsync<CommandFailedException>(() => commands.RunAsync("kumoi-no-such-program", [], default))).Missing);
        Assert.Equal("$(id) ; a b", await commands.RunAsync("printf", ["%s", "$(id) ; a b"], default));
    }

    private static Task<(int, string)> Curl(string name, string from, string to = "169.254.169.254") =>
        Machine.RunAsync("nsenter", $"--net={NetworkNamespaces.PathOf(name)}", "curl", "-sf", "--max-time", "5", "--interface", from, $"http://{to}/latest/meta-data/instance-id");
}
