using FsCheck;
using FsCheck.Fluent;
using Kumoi.Server.Instances;
using Kumoi.Testing;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.Instances;

public sealed class InstanceStateTests
{
    [Theory]
    [InlineData("running", "absent", 1, 0, "pending")]
    [InlineData("running", "stopped", 1, 1, "pending")]
    [InlineData("running", "running", 1, 1, "running")]
    [InlineData("running", "running", 2, 1, "running")]
    [InlineData("running", "shutdown", 1, 1, "pending")]
    [InlineData("stopped", "running", 2, 1, "stopping")]
    [InlineData("stopped", "shutdown", 2, 2, "stopping")]
    [InlineData("stopped", "absent", 2, 1, "stopping")]
    [InlineData("stopped", "stopped", 2, 2, "stopped")]
    [InlineData("terminated", "running", 3, 3, "shutting-down")]
    [InlineData("terminated", "absent", 3, 3, "shutting-down")]
    public void The_state_follows_from_desired_and_observed(string desired, string power, long generation, long observed, string state) =>
        Assert.Equal(state, InstanceStates.Of(desired, power, generation, observed, terminated: false));

    /// <summary>The database computes the state in a column; both must say the same for everything a record can hold.</summary>
    [Fact]
    public async Task The_database_computes_the_same_state()
    {
        await using var scene = await Scene.StartAsync();
        var id = (await scene.LaunchAsync("web-1")).Id;
        await using var source = NpgsqlDataSource.Create(scene.Cloud.Options.ConnectionString);
        foreach (var desired in (string[])["running", "stopped", "terminated"])
            foreach (var power in (string[])["absent", "stopped", "running", "shutdown"])
                foreach (var observed in (long[])[0, 4, 5])
                    foreach (var terminated in (bool[])[false, true])
                    {
                        if (terminated && desired != "terminated") continue;
                        await using var command = source.CreateCommand(
                            $"UPDATE instances SET desired = '{desired}', power = '{power}', generation = 5, observed_generation = {observed}, terminated_at = {(terminated ? "now()" : "NULL")} WHERE id = '{id}' RETURNING state");
                        Assert.Equal(InstanceStates.Of(desired, power, 5, observed, terminated), (string)(await command.ExecuteScalarAsync())!);
                    }
    }

    [Fact]
    public void Hostnames_are_always_valid_labels() => Prop.ForAll<string>(name =>
    {
        var host = Server.Platform.Names.Hostname(name ?? "", "i-19a3f2b4c5d6e7f80");
        return host.Length is > 0 and <= 63 && host.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && host[0] != '-' && host[^1] != '-';
    }).QuickCheckThrowOnFailure();
}
