using Kumoi.Agent.Linux;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks;
using Kumoi.Agent.Networks.Bridged;
using Kumoi.Agent.Networks.Vpn;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>
/// Takes everything of one cloud off the machine: guests, name servers, namespaces, links, rules, control groups, sockets; and puts back
/// what was changed. Disks and images under the state directory stay, since they are files the caller can see. May be repeated, also after it was cut off.
/// </summary>
public static class AgentCleanup
{
    /// <summary>Removes what carries the options' tag, and nothing else. False if something could not be removed; the log names it.</summary>
    public static async Task<bool> RunAsync(AgentOptions options, TimeProvider clock, ILogger log, CancellationToken cancel)
    {
        var commands = new Commands(clock);
        var paths = options.Paths;
        var clean = true;
        async Task TryAsync(string what, Func<Task> remove)
        {
            try
            {
                await remove();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                clean = false;
                log.CleanupLeft(what, e.Message);
            }
        }
        await TryAsync("processes", () => EndProcessesAsync(options, clock, cancel));
        foreach (var name in NetworkNamespaces.List(ObjectNames.NamespacePrefix(options.Tag)))
            await TryAsync(name, () => new NetworkNamespaces(commands).DeleteAsync(name, cancel));
        foreach (var device in Links(options.Tag))
            await TryAsync(device, () => DeleteLinkAsync(commands, device, cancel));
        await TryAsync("the table of the host", () => DeleteTableAsync(commands, ObjectNames.HostTable(options.Tag), cancel));
        new Cgroups($"kumoi-{options.Tag}").RemoveAll();
        await TryAsync(paths.RunRoot, () =>
        {
            if (Directory.Exists(paths.RunRoot)) Directory.Delete(paths.RunRoot, recursive: true);
            return Task.CompletedTask;
        });
        await TryAsync("bridge filtering", () => new BridgeFiltering(commands, null, BridgeFiltering.NoteIn(paths)).FinishAsync());
        await TryAsync("ip_forward", () => RestoreForwardingAsync(paths));
        return clean;
    }

    private static string[] Links(string tag) =>
        [.. new[] { ObjectNames.UplinkPrefix(tag), ObjectNames.SegmentPrefix(tag) }.SelectMany(prefix => Directory.EnumerateFileSystemEntries("/sys/class/net", prefix + "*"))
            .Select(path => Path.GetFileName(path))];

    /// <summary>Guests, name servers and proxies are known by the run directory in their command lines, a guest that only probes by the state directory, VPN gateways by their devices.</summary>
    private static async Task EndProcessesAsync(AgentOptions options, TimeProvider clock, CancellationToken cancel)
    {
        var (paths, vpn) = (options.Paths, ObjectNames.VpnPrefix(options.Tag));
        string[] marks = [paths.RunRoot + "/", paths.State + "/"];
        var own = Processes.All().Where(process =>
            Path.GetFileName(process.Arguments[0]) is "qemu-system-x86_64" or Volumes.Exports.ExportCommand.Program or Volumes.Exports.TargetCommand.Program or DnsmasqCommand.Program or Haproxy.Program && process.Arguments.Any(argument => marks.Any(mark => argument.Contains(mark, StringComparison.Ordinal)))
            || WireGuard.IsOf(vpn, process.Arguments));
        foreach (var process in own.ToArray())
        {
            Processes.Signal(process.Id, Libc.SignalKill);
            if (!await Processes.WaitForEndAsync(process.Id, TimeSpan.FromSeconds(10), clock, cancel))
                throw new IOException($"Process {process.Id} could not be ended.");
        }
        if (!await Volumes.Exports.ExportProcesses.GroupsOf(options, clock).EndAllAsync(TimeSpan.FromSeconds(10), cancel)) throw new IOException("A process that gives a volume to another host could not be ended.");
        WireGuard.ForgetSockets(vpn);
    }

    private static async Task DeleteLinkAsync(Commands commands, string device, CancellationToken cancel)
    {
        // The kernel may be removing it already, as the other end's namespace has gone.
        var result = await commands.TryRunAsync("ip", ["link", "delete", device], cancel);
        if (!result.Succeeded && Directory.Exists($"/sys/class/net/{device}")) throw new IOException(result.Error.Trim());
    }

    private static async Task DeleteTableAsync(Commands commands, string table, CancellationToken cancel)
    {
        string[] arguments = ["delete", "table", "inet", table];
        var result = await commands.TryRunAsync("nft", arguments, cancel);
        if (!result.Succeeded && !result.Error.Contains("No such file or directory", StringComparison.Ordinal)) throw Commands.Failure("nft", arguments, result);
    }

    private static Task RestoreForwardingAsync(AgentPaths paths)
    {
        var saved = Path.Combine(paths.State, "ip_forward");
        // Another cloud on this machine still forwards; the last one to go puts the setting back, if it was the one that changed it.
        if (!File.Exists(saved) || NetworkNamespaces.List("kumoi-").Count > 0) return Task.CompletedTask;
        File.WriteAllText("/proc/sys/net/ipv4/ip_forward", File.ReadAllText(saved));
        File.Delete(saved);
        return Task.CompletedTask;
    }
}
