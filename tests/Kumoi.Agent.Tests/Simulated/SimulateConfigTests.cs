using Kumoi.Agent.Instances.Simulated;
using Kumoi.Cli.Local;
using Kumoi.Cli.Roles;
using Kumoi.Cli.Text;
using Xunit;

namespace Kumoi.Agent.Tests.Simulated;

public sealed class SimulateConfigTests
{
    [Fact]
    public void The_example_of_the_documentation_is_read_as_it_stands()
    {
        var page = File.ReadAllText(Path.Combine(Tree(), "docs/simulate.md"));
        var begin = page.IndexOf("```yaml\n", StringComparison.Ordinal) + "```yaml\n".Length;
        var config = Read(page[begin..page.IndexOf("```", begin, StringComparison.Ordinal)]);
        Assert.Equal("sim", config.Zone);
        var expected = new SimulatedSettings(
            7, new SimulatedSize(32, 131_072, 4000, "store-1"),
            new SimulatedTimes(Times(200, 1000), Times(100, 100), Times(1000, 4000), Times(2000, 5000)), new SimulatedErrors(0.01, 0.02, 0, 0, 0, 0.01),
            new SimulatedFailures(TimeSpan.FromHours(1), TimeSpan.FromHours(12), Times(20_000, 120_000), TimeSpan.FromDays(1), 0.05),
            new SimulatedNetworkFaults(Times(5, 50), 0.01, 0.01, 0.02), Times(-2000, 2000));
        Assert.Equal(expected, config.Settings);
    }

    [Fact]
    public void An_empty_file_is_the_default() => Assert.Equal(SimulateConfig.Default, Read("# nothing\n"));

    [Theory]
    [InlineData("seed: 1\nsede: 2\n", "yaml-unknown", "line 2", "sede")]
    [InlineData("host:\n  vcpus: 4\n  memory: 5\n", "yaml-unknown", "line 3", "memoryMib")]
    [InlineData("host:\n  vcpus: many\n", "yaml-value", "line 2", "vcpus")]
    [InlineData("host: 3\n", "yaml-mapping", "line 1", "keys")]
    [InlineData("errors: { start: 1.5 }\n", "yaml-value", "line 1", "0 to 1")]
    [InlineData("errors: { start: -0.1 }\n", "yaml-value", "line 1", "0 to 1")]
    [InlineData("times:\n  start: 3\n", "yaml-value", "line 2", "250ms")]
    [InlineData("times:\n  start: 3s..1s\n", "yaml-value", "line 2", "1s..3s")]
    [InlineData("times:\n  start: -3s\n", "yaml-value", "line 2", "start")]
    [InlineData("failures:\n  agentEvery: 0s\n", "yaml-value", "line 2", "agentEvery")]
    [InlineData("zone: a b\n", "yaml-value", "line 1", "zone")]
    [InlineData("seed: 1\nseed: 2\n", "yaml-syntax", "line 2", "seed")]
    [InlineData("seed: [\n", "yaml-syntax", "line ", "YAML")]
    [InlineData("seed: 1\n---\nseed: 2\n", "yaml-documents", "sim.yaml", "one document")]
    public void What_cannot_be_meant_is_refused_with_line_and_reason(string yaml, string key, string place, string word)
    {
        var refused = Assert.Throws<UserException>(() => Read(yaml));
        Assert.Equal(key, refused.Key);
        Assert.StartsWith("sim.yaml", refused.Message, StringComparison.Ordinal);
        Assert.Contains(place, refused.Message, StringComparison.Ordinal);
        Assert.Contains(word, refused.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_command_line_says_everything_in_both_languages() =>
        Assert.Equal(Messages.Load("en").Keys.Order(StringComparer.Ordinal), Messages.Load("ja").Keys.Order(StringComparer.Ordinal));

    private static SimulateConfig Read(string yaml) => SimulateConfig.Read("sim.yaml", new StringReader(yaml));

    private static TimeRange Times(int minMs, int maxMs) => new(TimeSpan.FromMilliseconds(minMs), TimeSpan.FromMilliseconds(maxMs));

    private static string Tree()
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
            if (File.Exists(Path.Combine(directory, "Kumoi.slnx"))) return directory;
        throw new DirectoryNotFoundException("The tests run below the source tree.");
    }
}
