using Kumoi.Agent.Control;
using Kumoi.Agent.Instances.Simulated;
using Xunit;

namespace Kumoi.Agent.Tests.Simulated;

public sealed class SimulatedStateTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kumoi-simulated-").FullName;

    [Fact]
    public void Disks_and_identities_survive_the_process_and_their_file_does_not_grow_with_what_is_over()
    {
        var identity = new Identity("h-1", "https://127.0.0.1:1", "key", "certificate", "authority", null);
        using (var state = new SimulatedState(_directory))
        {
            var (own, shared) = (state.Journal!.Disks("host sim-1"), state.Journal.Disks("storage s"));
            foreach (var round in Enumerable.Range(0, 100))
            {
                own.Make("i-1");
                if (round < 99) own.Remove("i-1");
            }
            shared.Make("i-2");
            state.Keep("sim-1", identity);
            state.Keep("sim-1", identity with { Certificate = "renewed" });
        }
        // The end of a process can cut off its last line.
        File.AppendAllText(Path.Combine(_directory, "identities"), "{\"Host\":\"sim-2\",");
        using (var state = new SimulatedState(_directory))
        {
            Assert.Equal(["i-1"], state.Journal!.Disks("host sim-1").List());
            Assert.Equal(["i-2"], state.Journal.Disks("storage s").List());
            Assert.Equal(identity with { Certificate = "renewed" }, state.Find("sim-1"));
            Assert.Null(state.Find("sim-2"));
        }
        Assert.Equal(2, File.ReadAllLines(Path.Combine(_directory, "disks")).Length);
        Assert.Single(File.ReadAllLines(Path.Combine(_directory, "identities")));
        Assert.Equal(AgentModes.PrivateFile, File.GetUnixFileMode(Path.Combine(_directory, "identities")));
    }

    [Fact]
    public void A_second_process_is_kept_from_the_same_directory()
    {
        using var first = new SimulatedState(_directory);
        Assert.Throws<IOException>(() => new SimulatedState(_directory));
    }

    [Fact]
    public void Chance_is_the_same_for_a_seed_and_a_name_and_even_over_names()
    {
        var (one, same, other) = (new SimulatedChance(3), new SimulatedChance(3), new SimulatedChance(4));
        Assert.Equal(one.Of("i-1"), same.Of("i-1"));
        Assert.NotEqual(one.Of("i-1"), other.Of("i-1"));
        Assert.Equal(Enumerable.Range(0, 20).Select(_ => one.Next()), Enumerable.Range(0, 20).Select(_ => same.Next()));
        var share = Enumerable.Range(0, 10_000).Count(number => one.Of($"i-19a3f2b4c5d6{number:x5}") < 0.25) / 10_000.0;
        Assert.InRange(share, 0.23, 0.27);
        Assert.Equal(25_000, Enumerable.Range(0, 10_000).Sum(_ => one.Times(2.5)), 500.0);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
