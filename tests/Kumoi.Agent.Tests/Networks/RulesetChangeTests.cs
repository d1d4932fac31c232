using System.Text.RegularExpressions;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Networks;

/// <summary>
/// Goal: from any rules to any others, the difference gives in the kernel what the whole gives, and its size does not grow with what stays.
/// Method: random networks, one after the other, in a namespace of the test.
/// </summary>
public sealed partial class RulesetChangeTests
{
    [Fact]
    public async Task From_any_rules_to_any_others_the_difference_gives_what_the_whole_gives()
    {
        await using var machine = new Machine("qemu");
        var name = $"kumoi-{machine.Tag}-1";
        var commands = new Commands(TimeProvider.System);
        await new NetworkNamespaces(commands).CreateAsync(name, default);
        var seed = Environment.TickCount;
        var random = new Random(seed);
        try
        {
            for (var round = 0; round < 25; round++)
            {
                var network = RandomNetworks.Intent(random);
                foreach (var ruleset in new[] { NetworkRuleset.Build(network), HostRuleset.Build("abcd12", [network], random.Next(2) == 0 ? "eth0" : null) })
                {
                    if (ruleset.Change(await SeeAsync(name, commands, ruleset)) is { } change) await NftAsync(name, commands, change, "-f", "-");
                    Assert.Null(ruleset.Change(await SeeAsync(name, commands, ruleset)));
                    var grown = await ListAsync(name, commands, ruleset);
                    await NftAsync(name, commands, ruleset.Replacement(), "-f", "-");
                    Assert.Null(ruleset.Change(await SeeAsync(name, commands, ruleset)));
                    Assert.Equal(await ListAsync(name, commands, ruleset), grown);
                }
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Failed with seed {seed}.", e);
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1000)]
    public void One_member_and_one_port_cost_the_same_however_many_there_are(int count)
    {
        var instances = Enumerable.Range(1, count + 1).Select(i => Instance(i)).ToArray();
        var (before, after) = (Build(instances[..count]), Build(instances));
        var member = after with { Chains = before.Chains, Sets = [.. before.Sets.Select(set => set.Name.StartsWith("m_", StringComparison.Ordinal) ? after.Sets.First(wanted => wanted.Name == set.Name) : set)] };
        Assert.Equal(1, member.Change(before.Expected())!.Count(c => c == '\n'));
        // Three chains, with their rules; three verdicts, the floating address three times, and the member.
        Assert.Equal(17, after.Change(before.Expected())!.Count(c => c == '\n'));
        Assert.InRange(after.Change(before.Expected())!.Length, 0, 2200);
        Assert.InRange(before.Change(after.Expected())!.Count(c => c == '\n'), 0, 16);
    }

    [Fact]
    public async Task What_someone_else_changed_is_put_back_and_nothing_else_is_touched()
    {
        await using var machine = new Machine("qemu");
        var name = $"kumoi-{machine.Tag}-1";
        var commands = new Commands(TimeProvider.System);
        await new NetworkNamespaces(commands).CreateAsync(name, default);
        var tables = new NetworkTables(commands);
        var ruleset = NetworkRuleset.Build(RulesetTests.Intent(RulesetTests.Document()));
        await tables.ApplyAsync(name, ruleset, default);
        var right = await ListAsync(name, commands, ruleset);
        string[] strange =
        [
            "add rule inet kumoi egress accept", "insert rule inet kumoi ingress accept", "flush chain inet kumoi antispoof", "add element inet kumoi m_19a3f2b4c5d6e7f82 { 203.0.113.9 }",
            "add chain inet kumoi more { type filter hook forward priority -5; }", "delete element inet kumoi ports_in { \"t3f2b4c5d6e000b\" }", "chain inet kumoi input { policy accept; }", "delete table inet kumoi",
        ];
        foreach (var change in strange)
        {
            await NftAsync(name, commands, change + "\n", "-f", "-");
            Assert.NotEqual(right, await ListAsync(name, commands, ruleset, orNothing: true));
            await tables.ApplyAsync(name, ruleset, default);
            Assert.Equal(right, await ListAsync(name, commands, ruleset));
        }
    }

    private static DesiredInstance Instance(int number)
    {
        var instance = Samples.Instance(1, "running");
        return instance with
        {
            Id = Samples.InstanceId(number),
            Interfaces = [instance.Interfaces[0] with { Id = $"eni-19a3f2b4c5d6e{number:x4}", Address = $"10.0.{number / 200}.{number % 200 + 10}", FloatingAddress = $"198.51.{number / 200}.{number % 200 + 10}" }],
        };
    }

    private static Ruleset Build(DesiredInstance[] instances) =>
        NetworkRuleset.Build(RulesetTests.Intent(Samples.Document(1, null, [Samples.Ingress("any", null, null, null, Samples.Group), Samples.EgressAll], instances)));

    private static async Task<RulesetSight?> SeeAsync(string name, Commands commands, Ruleset ruleset)
    {
        var answer = await commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(name, "nft", ["-j", "list", "table", .. ruleset.Table.Split(' ')]), default);
        return answer.Succeeded ? RulesetReader.Read(answer.Output) : null;
    }

    /// <summary>The table as nft lists it, its parts in order: the kernel keeps them in the order in which they came.</summary>
    private static async Task<string> ListAsync(string name, Commands commands, Ruleset ruleset, bool orNothing = false)
    {
        var answer = await commands.TryRunAsync("nsenter", NetworkNamespaces.Inside(name, "nft", ["list", "table", .. ruleset.Table.Split(' ')]), default);
        if (orNothing && !answer.Succeeded) return "";
        Assert.True(answer.Succeeded, answer.Error);
        var parts = answer.Output[(answer.Output.IndexOf('\n', StringComparison.Ordinal) + 1)..answer.Output.LastIndexOf('}')];
        parts = Elements().Replace(parts, elements => string.Join(",", elements.Value.Split(',', '{', '}').Select(part => part.Trim()).Order(StringComparer.Ordinal)));
        return string.Join("\n", parts.Split("\n\t}\n").Select(part => part.Trim()).Order(StringComparer.Ordinal));
    }

    private static Task<string> NftAsync(string name, Commands commands, string? input, params string[] arguments) =>
        commands.RunAsync("nsenter", NetworkNamespaces.Inside(name, "nft", arguments), input, default);

    [GeneratedRegex(@"elements = \{[^{}]*\}", RegexOptions.Singleline)] private static partial Regex Elements();
}
