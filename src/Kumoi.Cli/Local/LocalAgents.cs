using System.Globalization;
using System.Net;
using Kumoi.Agent.Control;
using Kumoi.Agent.Linux;
using Kumoi.Api;

namespace Kumoi.Cli.Local;

/// <summary>Starts the agents of a cloud on this machine and waits until their hosts have joined.</summary>
public sealed class LocalAgents(CloudLayout layout, Daemons daemons, KumoiClient admin)
{
    private const string Share = "--machine-share", Segment = "--segment-device", BackupPlace = "--backup-store";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60), StopPatience = TimeSpan.FromSeconds(15), ReportAgeMax = TimeSpan.FromSeconds(30);

    // The users that programs of the agents' run as pass through, and cannot list.
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly DateTimeOffset _since = TimeProvider.System.GetUtcNow() - ReportAgeMax;

    private string TokenFile => Path.Combine(layout.Secrets, "join-token");

    /// <param name="underlay">What the hosts are joined by; null if the machine itself is the only one.</param>
    public async Task StartAsync(string programs, UnderlayPlan? underlay, CancellationToken cancel)
    {
        var hosts = layout.Hosts;
        var share = hosts.Count.ToString(CultureInfo.InvariantCulture);
        // Hosts that came to be more have a smaller part of the machine each; and devices are opened and closed to bridged networks.
        foreach (var outdated in LocalProcesses.Find(layout).Where(process => process.Role.StartsWith("agent", StringComparison.Ordinal) && !IsAsAsked(process, underlay, share)))
            await daemons.StopAsync(outdated.Role, StopPatience, cancel);
        foreach (var host in hosts) await ForgetRemovedAsync(host, cancel);
        var running = LocalProcesses.Find(layout).Select(process => process.Role).ToHashSet();
        var absent = hosts.Where(host => !running.Contains(host.Role)).ToList();
        if (absent.Count(host => !Directory.Exists(host.Identity)) is > 0 and var fresh)
        {
            var token = await admin.PostAsync<CreateJoinToken, JoinToken>("hosts/join-tokens", new CreateJoinToken(null, null, fresh), null, cancel);
            LocalCloud.WriteSecret(TokenFile, token.Token);
        }
        DurableFiles.MakeDirectory(layout.Backups, Passable);
        foreach (var host in absent) await daemons.StartAsync(host.Role, Command(host, programs, underlay, share), cancel);
        foreach (var host in hosts)
            if (!await Until.TrueAsync(() => IsUpAsync(host, cancel), StartLimit, cancel)) throw new UserException("start-failed", "kumoi " + host.Role, daemons.LogOf(host.Role));
    }

    /// <summary>A host that was removed from the cloud, as lost for example, joins it anew. What is in its stores stays, and is offered to those who lost it.</summary>
    private async Task ForgetRemovedAsync(LocalHost host, CancellationToken cancel)
    {
        if (Identity.Load(LocalCloud.AgentOptions(host).Paths) is not { } identity) return;
        try
        {
            await admin.GetAsync<Host>("hosts/" + identity.HostId, cancel);
        }
        catch (ProblemException e) when (e.Problem.Status == 404)
        {
            await daemons.StopAsync(host.Role, StopPatience, cancel);
            Directory.Delete(host.Identity, recursive: true);
        }
    }

    // Each of the cloud's hosts reaches it, since they are one machine.
    private string Backups => $"backups=directory:{layout.Backups},shared";

    private bool IsAsAsked(LocalProcess agent, UnderlayPlan? underlay, string share) =>
        (underlay is null || agent.Values(Share).SequenceEqual([share])) && agent.Values(BackupPlace).SequenceEqual([Backups]) && agent.Values(Segment).Order(StringComparer.Ordinal).SequenceEqual(layout.SegmentDevices.Order(StringComparer.Ordinal));

    private string[] Command(LocalHost host, string programs, UnderlayPlan? underlay, string share) =>
    [
        .. host.Namespace is { } name ? (string[])["nsenter", .. NetworkNamespaces.Inside(name, "env")] : ["env"],
        "DOTNET_NOLOGO=1", "DOTNET_gcServer=0", "DOTNET_GCConserveMemory=5", "DOTNET_GCgen0size=0x400000", "DOTNET_TieredPGO=0", LocalCloud.Dotnet(), Path.Combine(programs, "kumoi.dll"), "agent",
        "--state", host.State, "--tag", host.Tag, "--run-directory", host.RunDirectory, "--name", host.Name, "--address", $"{underlay?.AddressOf(host) ?? IPAddress.Loopback}",
        .. underlay is null ? (string[])[] : ["--uplink-device", UnderlayPlan.HostDevice, Share, share],
        .. layout.SegmentDevices.SelectMany(device => (string[])[Segment, device]),
        BackupPlace, Backups,
        .. File.Exists(TokenFile) ? (string[])["--join-token-file", TokenFile] : [],
        // The command line's library reads options from a file that is named so.
        .. File.Exists(host.Options) ? (string[])["@" + host.Options] : [],
    ];

    private async Task<bool> IsUpAsync(LocalHost host, CancellationToken cancel)
    {
        if (LocalProcesses.Find(layout).All(process => process.Role != host.Role)) return false;
        try
        {
            var seen = await admin.GetAsync<Host>($"hosts/{Uri.EscapeDataString(host.Name)}", cancel);
            return seen.State == "up" && seen.LastReportAt > _since;
        }
        catch (ProblemException e) when (e.Problem.Status == 404)
        {
            return false;
        }
    }
}
