using System.Diagnostics;
using System.Text.Json.Nodes;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes.Exports;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>What becomes of an export whose processes somebody has taken over, or that an agent was killed at.</summary>
public sealed partial class VolumeExportTests
{
    private string NotePath => Path.Combine(_machine.Options.Paths.Exports, _volume.Id + ".json");

    /// <summary>In version 2 of control groups, in version 1, and where there are none.</summary>
    public static TheoryData<string, string> Hierarchies => new()
    {
        { VolumeProtocols.Nbd, "/sys/fs/cgroup/unified" }, { VolumeProtocols.Iscsi, "/sys/fs/cgroup/unified" }, { VolumeProtocols.Nbd, "/sys/fs/cgroup/pids" }, { VolumeProtocols.Iscsi, "/sys/fs/cgroup/pids" },
        { VolumeProtocols.Nbd, "" }, { VolumeProtocols.Iscsi, "" },
    };

    [Theory]
    [MemberData(nameof(Hierarchies))]
    public async Task What_a_process_that_was_taken_over_has_started_ends_with_it(string protocol, string hierarchy)
    {
        _protocol = protocol;
        _machine.Options = _machine.Options with { ProcessHierarchies = hierarchy.Length == 0 ? [] : [hierarchy] };
        // Its user is nobody else's, whatever other tests run on the machine.
        _volume = _volume with { Id = $"vol-19a{Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(7))}" };
        await MakeAsync();
        await GiveAsync(1, Key);
        Assert.Equal(hierarchy.Length > 0, Daemons().All(daemon => File.ReadAllText($"/proc/{daemon.Id}/cgroup").Contains($"/kumoi-{_machine.Tag}-exports/{_volume.Id}", StringComparison.Ordinal)));
        List<int> children = [];
        foreach (var daemon in Daemons()) children.AddRange(ForkedBy(daemon.Id));
        try
        {
            Assert.All(children, child => Assert.True(Processes.IsAlive(child)));
            // Those that the agent knows end, and those that it does not know do not.
            foreach (var daemon in Daemons()) Processes.Signal(daemon.Id, Libc.SignalKill);
            await Wait.ForAsync("their end", async () => (await SeeAsync()).Export is null, TimeSpan.FromSeconds(10));
            Assert.DoesNotContain(children, Processes.IsAlive);

            await GiveAsync(1, Key);
            foreach (var daemon in Daemons()) children.AddRange(ForkedBy(daemon.Id));
            await OnceAsync(driver => driver.EndExportAsync(_volume, default));
            Assert.DoesNotContain(children, Processes.IsAlive);
            Assert.False(File.Exists(NotePath));
            if (hierarchy.Length > 0) Assert.Empty(Directory.GetDirectories($"{hierarchy}/kumoi-{_machine.Tag}-exports"));
        }
        finally
        {
            foreach (var child in children.Where(Processes.IsAlive)) Processes.Signal(child, Libc.SignalKill);
        }
    }

    /// <summary>
    /// Processes as the daemon would have forked them: its user, its control groups, parents of their own, and names that tell nothing. One of them starts others as fast as it can.
    /// </summary>
    private static List<int> ForkedBy(int daemon)
    {
        var user = File.ReadLines($"/proc/{daemon}/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];
        var groups = File.ReadAllLines($"/proc/{daemon}/cgroup").Select(line => line.Split(':', 3)).Where(parts => parts[2].Contains("-exports/", StringComparison.Ordinal)).Select(parts => (parts[1].Length == 0 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup/" + parts[1]) + parts[2]);
        var enter = string.Join(' ', groups.Select(group => $"echo $$ > {group}/cgroup.procs;"));
        var found = new List<int>();
        foreach (var act in new[] { "exec sleep 600", "while :; do sleep 0.01 & wait $!; done" })
        {
            using var process = Process.Start(new ProcessStartInfo("bash", ["-c", $"{enter} exec setsid setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs bash -c 'echo ready; {act}'"]) { RedirectStandardOutput = true })!;
            Assert.Equal("ready", process.StandardOutput.ReadLine());
            found.Add(process.Id);
        }
        return found;
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task Processes_are_known_again_when_the_clock_was_set_and_by_notes_that_tell_only_the_time(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        await GiveAsync(1, Key);
        var daemons = Daemons().Select(daemon => daemon.Id).Order().ToArray();
        var note = JsonNode.Parse(await File.ReadAllTextAsync(NotePath))!.AsObject();
        // The clock was set: what the kernel now tells of the time of the start is another one.
        foreach (var name in new[] { "startedAt", "targetStartedAt" }) note[name] = ((DateTimeOffset)note[name]!).AddHours(1);
        await File.WriteAllTextAsync(NotePath, note.ToJsonString());
        Assert.Equal(1, (await SeeAsync()).Export!.Incarnation);
        // An agent of an earlier version has written it.
        foreach (var name in new[] { "startedAt", "targetStartedAt" }) note[name] = ((DateTimeOffset)note[name]!).AddHours(-1);
        foreach (var name in new[] { "start", "targetStart" }) Assert.True(note.Remove(name));
        await File.WriteAllTextAsync(NotePath, note.ToJsonString());
        Assert.Equal(1, (await SeeAsync()).Export!.Incarnation);
        Assert.Equal(daemons, Daemons().Select(daemon => daemon.Id).Order());
        // Another process has the number now, or the machine was restarted.
        var written = ExportNote.Read(NotePath)!.With(daemons[0]);
        Assert.NotNull(written.Process);
        Assert.Null((written with { Start = written.Start! with { Ticks = written.Start.Ticks + 1 } }).Process);
        Assert.Null((written with { Start = written.Start! with { BootId = Guid.Empty.ToString() } }).Process);
    }

    [Theory]
    [InlineData(VolumeProtocols.Nbd)]
    [InlineData(VolumeProtocols.Iscsi)]
    public async Task A_port_that_another_volume_is_known_at_is_passed_over_though_nobody_listens_there(string protocol)
    {
        _protocol = protocol;
        await MakeAsync();
        await GiveAsync(1, Key);
        var (first, port) = (_volume, (await SeeAsync()).Export!.Port);
        _machine.Options = _machine.Options with { ExportPorts = (port, port) };
        foreach (var daemon in Daemons()) Processes.Signal(daemon.Id, Libc.SignalKill);
        await Wait.ForAsync("its end", async () => (await SeeAsync()).Export is null, TimeSpan.FromSeconds(10));
        _volume = _volume with { Id = "vol-19a3f2b4c5d6e0002" };
        await OnceAsync(driver => driver.MakeAsync(_volume, null, default));
        Assert.Equal("export-ports-taken", (await Assert.ThrowsAsync<Agent.Instances.HypervisorException>(() => GiveAsync(1, OtherKey))).Reason);
        _machine.Options = _machine.Options with { ExportPorts = (port, port + 200) };
        await GiveAsync(1, OtherKey);
        Assert.NotEqual(port, (await SeeAsync()).Export!.Port);
        _volume = first;
        await GiveAsync(1, Key);
        Assert.Equal(port, (await SeeAsync()).Export!.Port);
    }

    [Fact]
    public async Task A_host_offers_iscsi_only_if_a_user_may_mount_in_a_namespace_of_its_own()
    {
        var commands = new Commands(TimeProvider.System);
        var ways = await ExportWays.FindAsync(commands, Agent.Volumes.Directories.DirectoryVolumes.UserOf("host1"), default);
        Assert.Equal([VolumeProtocols.Nbd, VolumeProtocols.Iscsi, VolumeProtocols.Move], ways.Protocols);
        Assert.Null(ways.Lacking);
        // One that nobody can be may do nothing.
        ways = await ExportWays.FindAsync(commands, uint.MaxValue, default);
        Assert.Equal([VolumeProtocols.Nbd, VolumeProtocols.Move], ways.Protocols);
        Assert.Contains("may not mount in a namespace of its own (unshare:", ways.Lacking, StringComparison.Ordinal);
    }
}
