using System.Diagnostics;
using System.Security.Cryptography;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>The agent as a process of its own with real guests, killed while no server can be reached, and started again.</summary>
public sealed class KilledAgentTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Killed_in_a_partition_and_started_again_it_ends_what_may_move_and_leaves_the_rest()
    {
        await using var machine = new Machine("qemu");
        await using var server = await FakeServer.StartAsync();
        server.Answer = new ReportAnswer(1, 4);
        server.ImageFile = Path.Combine(machine.State, "empty.qcow2");
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", server.ImageFile, "8M")).Code);
        var bytes = await File.ReadAllBytesAsync(server.ImageFile);
        var image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 8 * 1024 * 1024);
        var stays = Samples.Instance(11, "running") with { Interfaces = [], MemoryMib = 64 };
        var moves = Samples.Instance(12, "running") with { Interfaces = [], MemoryMib = 64, Movable = true };
        server.Set(Samples.Document(1, image, []) with { Networks = [], SecurityGroups = [], Instances = [stays, moves] });
        var token = Path.Combine(machine.State, "token");
        await File.WriteAllTextAsync(token, server.Token);

        var agent = Start(machine, token);
        int guest;
        try
        {
            await Wait.ForAsync("both running", () => new[] { stays, moves }.All(one => server.Seen.GetValueOrDefault(one.Id) is { Power: PowerState.Running }), Soon);
            (guest, _) = (Guest(machine, stays.Id)!.Value, Guest(machine, moves.Id)!.Value);
        }
        finally
        {
            await KillAsync(agent);
        }
        server.Away = true;
        Assert.NotNull(Guest(machine, moves.Id));

        agent = Start(machine, token);
        try
        {
            await Wait.ForAsync("the end of the guest that may move", () => Guest(machine, moves.Id) is null, Soon);
            Assert.Equal(guest, Guest(machine, stays.Id));
            server.Seen.Clear();
            server.Away = false;
            await Wait.ForAsync("its start after an answer", () => server.Seen.GetValueOrDefault(moves.Id) is { Power: PowerState.Running, Conditions.Count: 0 }, Soon);
            Assert.Equal(guest, Guest(machine, stays.Id));
        }
        finally
        {
            await KillAsync(agent);
        }
    }

    private static int? Guest(Machine machine, string id) =>
        Processes.All().FirstOrDefault(process => process.Arguments[0] == QemuCommand.Emulator && process.Arguments.Any(argument => argument.Contains($"{machine.Options.Paths.Sockets(id)}/qmp", StringComparison.Ordinal)))?.Id;

    private static Process Start(Machine machine, string token)
    {
        var build = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(build.FullName, "../../../../../src/Kumoi.Cli/bin", build.Parent!.Name, build.Name, "kumoi.dll");
        return Process.Start(new ProcessStartInfo("dotnet", [
            program, "agent", "--state", machine.State, "--tag", machine.Tag, "--run-directory", machine.Options.Paths.RunRoot, "--name", "host1", "--address", "127.0.0.1",
            "--join-token-file", token, "--accelerator", "tcg"]))!;
    }

    private static async Task KillAsync(Process agent)
    {
        agent.Kill();
        await agent.WaitForExitAsync();
        agent.Dispose();
    }
}
