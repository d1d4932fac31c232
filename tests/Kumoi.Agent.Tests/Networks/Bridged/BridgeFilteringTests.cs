using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks.Bridged;
using Kumoi.Agent.Tests.Networks;
using Xunit;

namespace Kumoi.Agent.Tests.Networks.Bridged;

/// <summary>Goal: wherever an agent dies while it loads the kernel's module, the machine's own bridges are not filtered in the end. Method: a directory in the place of the kernel's settings.</summary>
public sealed class BridgeFilteringTests : IDisposable
{
    private static readonly string[] Names = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"];

    private readonly string _directory = Directory.CreateTempSubdirectory("kumoi-bridge").FullName;

    private string Settings => Path.Combine(_directory, "settings");

    private string Note => Path.Combine(_directory, "note");

    private BridgeFiltering Agent(Func<string, string?, string?>? fault = null) => new(new Commands(TimeProvider.System) { Fault = fault }, null, Note, Settings);

    private void Load()
    {
        Directory.CreateDirectory(Settings);
        foreach (var name in Names) File.WriteAllText(Path.Combine(Settings, name), "1\n");
    }

    private string[] Values() => [.. Names.Select(name => File.ReadAllText(Path.Combine(Settings, name)).Trim())];

    [Fact]
    public async Task The_next_agent_puts_back_what_a_dead_one_left()
    {
        await using var hosts = await StandIns.StartAsync(1);
        await Assert.ThrowsAsync<IOException>(() => Agent((program, input) => program == "modprobe" ? throw new IOException("The agent is dead.") : input).EnsureAsync(hosts.All[0].Namespace, default));
        // The module comes when nobody waits for it any more.
        await Agent().FinishAsync();
        Load();
        await Agent().FinishAsync();
        Assert.Equal(["0", "0", "0"], Values());
        Assert.False(File.Exists(Note));

        // From then on they are whoever's they are.
        Load();
        await Agent().FinishAsync();
        Assert.Equal(["1", "1", "1"], Values());
    }

    [Fact]
    public async Task A_note_of_another_boot_says_nothing()
    {
        Load();
        await File.WriteAllTextAsync(Note, "another");
        await Agent().FinishAsync();
        Assert.Equal(["1", "1", "1"], Values());
        Assert.False(File.Exists(Note));
        await File.WriteAllTextAsync(Note, BootTime.Id());
        await Agent().FinishAsync();
        Assert.Equal(["0", "0", "0"], Values());
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
