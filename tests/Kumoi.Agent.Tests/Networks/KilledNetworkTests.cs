using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>
/// Goal: wherever an agent is killed while it changes networks, the next one gets everything right. Method: from one random document to another, cut off before
/// each command in turn, or in the middle of the lines it is fed; then a new driver, and a look at what is there.
/// </summary>
public sealed class KilledNetworkTests
{
    [Fact]
    public async Task A_change_that_was_cut_off_anywhere_is_completed()
    {
        await using var hosts = await StandIns.StartAsync(1);
        var host = hosts.All[0];
        var seed = Environment.TickCount;
        var random = new Random(seed);
        try
        {
            var completed = false;
            for (var cut = 1; !completed; cut++)
            {
                var document = RandomNetworks.Document(random);
                completed = await ApplyCutOffAsync(hosts, host, document, cut, random);
                using var next = new LinuxNetworks(host.Options, hosts.Commands, TimeProvider.System, host.Namespace);
                await StandIns.ApplyAsync(host with { Driver = next }, document, [.. Taps(host).Except(StandIns.IntentsOf(host, document).SelectMany(intent => intent.Ports).Select(port => port.Tap))]);
                await RightAsync(hosts, host, document);
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Failed with seed {seed}.", e);
        }
    }

    /// <summary>All taps that random documents have, so that those of the document before are known to be gone.</summary>
    private static IEnumerable<string> Taps(StandInHost host) => Enumerable.Range(11, 8).Select(i => ObjectNames.Tap($"eni-19a3f2b4c5d6e{i:x4}"));

    /// <summary>True if it was not cut off, because there were fewer commands.</summary>
    private static async Task<bool> ApplyCutOffAsync(StandIns hosts, StandInHost host, DesiredDocument document, int cut, Random random)
    {
        var count = 0;
        var commands = new Commands(TimeProvider.System)
        {
            Fault = (program, input) =>
            {
                var number = Interlocked.Increment(ref count);
                if (number < cut) return input;
                // Rules are taken over whole or not at all; lines one by one.
                if (number > cut || program is "nsenter" or "nft" || input is null) throw new IOException("The agent is dead.");
                var lines = input.Split('\n');
                return string.Join('\n', lines[..random.Next(lines.Length)]) + "\n";
            },
        };
        using var driver = new LinuxNetworks(host.Options, commands, TimeProvider.System, host.Namespace);
        try
        {
            await StandIns.ApplyAsync(host with { Driver = driver }, document, [.. Taps(host).Except(StandIns.IntentsOf(host, document).SelectMany(intent => intent.Ports).Select(port => port.Tap))]);
            return count < cut;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task RightAsync(StandIns hosts, StandInHost host, DesiredDocument document)
    {
        using var links = new NetworkLinks(hosts.Commands, host.Namespace);
        var tables = new NetworkTables(hosts.Commands);
        foreach (var intent in StandIns.IntentsOf(host, document))
        {
            var seen = await links.SeeAsync(intent, default);
            var present = intent.Links.Select(link => link.Device).ToHashSet();
            if (intent.OwnVpn is { } vpn)
            {
                present.Add(vpn.Device);
                Assert.True(WireGuardConfiguration.Holds(vpn, WireGuardSight.Read(await hosts.Commands.RunAsync("nsenter", NetworkNamespaces.Inside(intent.Namespace, "wg", "show", vpn.Device, "dump"), default))!));
            }
            var plan = LinkPlan.Between(seen, LinkState.Wanted(intent, present), intent, Taps(host).ToHashSet());
            Assert.Empty(plan.Outdated.Concat(plan.Leading).Concat(plan.Taps).Concat(plan.Inside).Concat(plan.Forwarding).Concat(plan.Limits).Concat(plan.Host).Concat(plan.Surplus));
            Assert.Null(NetworkRuleset.Build(intent).Change(await tables.SeeAsync(intent.Namespace, NetworkRuleset.Table, default)));
            Assert.Equal(intent.Ports.Count > 0, Dnsmasq.IsAlive(Path.Combine(host.Options.Paths.Networks, intent.Namespace)));
        }
        var ruleset = HostRuleset.Build(host.Options.Tag, StandIns.IntentsOf(host, document), host.Options.UplinkDevice);
        Assert.Null(ruleset.Change(await tables.SeeAsync(host.Namespace, ruleset.Table, default)));
        var outer = StandIns.IntentsOf(host, document).SelectMany(HostRuleset.Outer).ToHashSet();
        Assert.True(outer.SetEquals(await new FloatingAddresses(hosts.Commands, host.Namespace).AnsweredAsync("ul", default)));
    }
}
