using System.Text.RegularExpressions;
using Kumoi.Agent.Instances.Simulated;
using Kumoi.Cli.Text;

namespace Kumoi.Cli.Roles;

/// <summary>What the file of <c>kumoi simulate --config</c> says; docs/simulate.md describes it.</summary>
/// <param name="Zone">Where the hosts join; null: the cloud's default.</param>
public sealed partial record SimulateConfig(string? Zone, SimulatedSettings Settings)
{
    private const int MemoryMibMax = 16_777_216, DiskGibMax = 1_000_000;

    public static SimulateConfig Default { get; } = new(null, SimulatedSettings.Perfect);

    public static SimulateConfig Read(string file, TextReader text)
    {
        var top = SimulateYaml.Read(file, text);
        var (host, times, errors, failures, network, usual) =
            (top.Section("host"), top.Section("times"), top.Section("errors"), top.Section("failures"), top.Section("network"), SimulatedSettings.Perfect.Size);
        var config = new SimulateConfig(top.Word("zone", Messages.Text("yaml-name"), NameForm().IsMatch), new SimulatedSettings(
            top.Whole("seed", 0, int.MaxValue, SimulatedSettings.Perfect.Seed),
            new SimulatedSize(
                host.Whole("vcpus", 1, 4096, usual.Vcpus), host.Whole("memoryMib", 64, MemoryMibMax, usual.MemoryMib), host.Whole("diskGib", 1, DiskGibMax, usual.DiskGib),
                host.Word("storage", Messages.Text("yaml-name"), NameForm().IsMatch)),
            new SimulatedTimes(times.Times("makeDisk"), times.Times("start"), times.Times("stop"), times.Times("copy")),
            new SimulatedErrors(
                errors.Share("makeDisk"), errors.Share("start"), errors.Share("resume"), errors.Share("pressPowerButton"), errors.Share("kill"), errors.Share("remove")),
            new SimulatedFailures(
                failures.Time("agentEvery"), failures.Time("hostEvery"), failures.Times("hostDown"), failures.Time("guestEvery"), failures.Share("ignoresPowerButton")),
            new SimulatedNetworkFaults(network.Times("latency"), network.Share("lostRequests"), network.Share("lostAnswers"), network.Share("repeatedReports")),
            top.Times("clockSkew", negative: true)));
        top.Finish();
        return config;
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\\z")] private static partial Regex NameForm();
}
