using Kumoi.Agent.Linux;

namespace Kumoi.Cli.Local;

/// <summary>
/// Puts the underlay of a plan in force. Every step may be repeated, and cut off anywhere: rules come before the links that they are about,
/// and a half-made link is made anew.
/// </summary>
public sealed class Underlay(UnderlayPlan plan)
{
    private readonly Commands _commands = new(TimeProvider.System);

    /// <param name="forwarding">Where to note whether the machine forwarded packets before, for <see cref="Agent.AgentCleanup"/> to put back.</param>
    public async Task EnsureAsync(IReadOnlyList<LocalHost> hosts, string forwarding, CancellationToken cancel)
    {
        await _commands.RunAsync("nft", ["-f", "-"], plan.MachineRules, cancel);
        await BatchAsync(null, [.. plan.BridgeLinks(HasDevice(plan.Bridge)), .. plan.Segment.SwitchLinks(HasDevice(plan.Segment.Switch))], cancel);
        SwitchForwardingOn(forwarding);
        await Task.WhenAll(hosts.Select(host => EnsureAsync(host, cancel)));
    }

    private async Task EnsureAsync(LocalHost host, CancellationToken cancel)
    {
        var name = host.Namespace!;
        var namespaces = new NetworkNamespaces(_commands);
        if (NetworkNamespaces.Exists(name) && !await IsWholeAsync(name)) await namespaces.DeleteAsync(name, cancel);
        await namespaces.CreateAsync(name, cancel);
        await _commands.RunAsync("nsenter", NetworkNamespaces.Inside(name, "nft", ["-f", "-"]), plan.HostRules, cancel);
        foreach (var cable in CablesOf(host)) await JoinAsync(cable, host, cancel);
        var hasSegment = await NetworkNamespaces.RunInsideAsync(name, () => HasDevice(SegmentPlan.Bridge));
        await BatchAsync(name, [.. plan.Inside(host), .. SegmentPlan.Inside(hasSegment)], cancel);
        await NetworkNamespaces.RunInsideAsync(name, () =>
        {
            foreach (var (setting, value) in UnderlayPlan.Settings) File.WriteAllText("/proc/sys/" + setting, value);
            return true;
        });
    }

    private Cable[] CablesOf(LocalHost host) => [plan.CableOf(host), plan.Segment.CableOf(host)];

    private async Task JoinAsync(Cable cable, LocalHost host, CancellationToken cancel)
    {
        var joined = await IsJoinedAsync(cable, host);
        if (!joined) await UnjoinAsync(cable, host, cancel);
        await BatchAsync(null, cable.Join(host, joined), cancel);
    }

    /// <summary>True if both ends of the host's links are where they belong.</summary>
    public async Task<bool> IsJoinedAsync(LocalHost host)
    {
        if (!NetworkNamespaces.Exists(host.Namespace!) || !await IsWholeAsync(host.Namespace!)) return false;
        foreach (var cable in CablesOf(host)) if (!await IsJoinedAsync(cable, host)) return false;
        return true;
    }

    private static async Task<bool> IsJoinedAsync(Cable cable, LocalHost host) =>
        HasDevice(cable.Bridge) && HasDevice(cable.Device) && await NetworkNamespaces.RunInsideAsync(host.Namespace!, () => HasDevice(cable.Inner));

    /// <summary>What is left of a link whose other end went with an older namespace.</summary>
    private async Task UnjoinAsync(Cable cable, LocalHost host, CancellationToken cancel)
    {
        if (HasDevice(cable.Device)) await _commands.TryRunAsync("ip", ["link", "delete", cable.Device], cancel);
        if (await NetworkNamespaces.RunInsideAsync(host.Namespace!, () => HasDevice(cable.Inner)))
            await _commands.TryRunAsync("ip", ["-n", host.Namespace!, "link", "delete", cable.Inner], cancel);
    }

    /// <summary>False if the name stands for no namespace: who made it was killed between the two.</summary>
    private static async Task<bool> IsWholeAsync(string name)
    {
        try
        {
            return await NetworkNamespaces.RunInsideAsync(name, () => true);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Asks the namespace that the thread is in; /sys/class/net shows another one's, and /proc/sys misses some while others come and go.</summary>
    private static bool HasDevice(string name) => TapDevices.NumberOf(name) > 0;

    private async Task BatchAsync(string? networkNamespace, IReadOnlyList<string> lines, CancellationToken cancel) =>
        await _commands.RunAsync("ip", networkNamespace is null ? ["-batch", "-"] : ["-n", networkNamespace, "-batch", "-"], string.Join('\n', lines) + "\n", cancel);

    private static void SwitchForwardingOn(string forwarding)
    {
        const string setting = "/proc/sys/net/ipv4/ip_forward";
        var present = File.ReadAllText(setting).Trim();
        if (present == "1") return;
        Directory.CreateDirectory(Path.GetDirectoryName(forwarding)!);
        DurableFiles.Write(forwarding, System.Text.Encoding.ASCII.GetBytes(present), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(setting, "1");
    }
}
