using System.Collections.Concurrent;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks;

/// <summary>
/// Networks as namespaces of the Linux kernel (see docs/architecture.md, "routed overlay"). Each call reads what is there, computes the
/// differences, and has one <c>ip -batch</c> and one <c>nft -f</c> make them; what is right is not touched.
/// </summary>
public sealed class LinuxNetworks(AgentOptions options, Commands commands, TimeProvider clock) : INetworkDriver
{
    private const string ForwardSetting = "/proc/sys/net/ipv4/ip_forward";

    private readonly AgentPaths _paths = options.Paths;
    private readonly NetworkNamespaces _namespaces = new(commands);
    private readonly Dnsmasq _dnsmasq = new(commands, clock);

    /// <summary>How the kernel listed each table right after it was set, to notice changes by others.</summary>
    private readonly ConcurrentDictionary<string, string> _shapes = new();

    public IReadOnlyList<string> List() => NetworkNamespaces.List(ObjectNames.NamespacePrefix(options.Tag));

    public TimeSpan? WatchPeriod { get; } = TimeSpan.FromSeconds(2);

    public bool IsServed(string networkNamespace) => Dnsmasq.IsAlive(FilesOf(networkNamespace));

    public async Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel)
    {
        await ApplyRulesetAsync(null, HostRuleset.Build(options.Tag, networks, options.UplinkDevice), cancel);
        SwitchForwardingOn();
        if (options.UplinkDevice is not { } device) return;
        var floating = networks.SelectMany(network => network.Ports).Select(port => port.FloatingAddress).OfType<string>().Distinct();
        await BatchAsync(null, [.. floating.Select(address => $"neigh replace proxy {address} dev {device}")], cancel);
    }

    public async Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        var fresh = !NetworkNamespaces.Exists(intent.Namespace);
        await _namespaces.CreateAsync(intent.Namespace, cancel);
        await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => { SetDefaults(); return true; });
        // Rules name devices by text, so they need no devices; and no guest runs on a new tap before this whole call has returned.
        var rules = ApplyRulesetAsync(intent.Namespace, NetworkRuleset.Build(intent), cancel);
        var links = ApplyLinksAsync(intent, fresh, removable, cancel);
        await Task.WhenAll(rules, links);
        var (seen, plan) = await links;
        await _dnsmasq.EnsureAsync(intent, FilesOf(intent.Namespace), cancel);
        await BatchAsync(intent.Namespace, plan.Surplus, cancel);
        return new NetworkSight([.. seen.Taps.Keys.Where(tap => !removable.Contains(tap)).Union(intent.Ports.Select(port => port.Tap)).Order(StringComparer.Ordinal)]);
    }

    private async Task<(LinkSight Seen, LinkPlan Plan)> ApplyLinksAsync(NetworkIntent intent, bool fresh, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        var seen = fresh ? LinkSight.None : await SeeAsync(intent, cancel);
        var plan = LinkPlan.Make(intent, seen, removable);
        if (plan.Host.Count > 0) await RemoveUplinkAsync(intent.HostDevice, cancel);
        await BatchAsync(null, plan.Host, cancel);
        await BatchAsync(intent.Namespace, plan.Inside, cancel);
        // All taps, not only new ones: an agent that was killed between the two steps left one without its settings.
        await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => { foreach (var port in intent.Ports) SetTap(port.Tap); return true; });
        await BatchAsync(null, plan.HostRoutes, cancel);
        return (seen, plan);
    }

    public async Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        if (NetworkNamespaces.Exists(networkNamespace))
        {
            var addresses = await commands.RunAsync("ip", ["-n", networkNamespace, "-j", "addr", "show"], cancel);
            var taps = LinkSight.Read(addresses, "[]", null).Taps.Keys.ToArray();
            var left = taps.Where(tap => !removable.Contains(tap)).ToArray();
            if (left.Length > 0)
            {
                var surplus = taps.Where(removable.Contains).ToArray();
                if (surplus.Length > 0)
                    await commands.RunAsync("ip", ["-n", networkNamespace, "-batch", "-"], string.Concat(surplus.Select(tap => $"link delete {tap}\n")), cancel);
                return left;
            }
        }
        var directory = FilesOf(networkNamespace);
        await _dnsmasq.StopAsync(directory, cancel);
        // The uplink's other end goes with the namespace.
        await _namespaces.DeleteAsync(networkNamespace, cancel);
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        _shapes.TryRemove(networkNamespace, out _);
        return null;
    }

    private string FilesOf(string networkNamespace) => Path.Combine(_paths.Networks, networkNamespace);

    private async Task<LinkSight> SeeAsync(NetworkIntent intent, CancellationToken cancel)
    {
        var addresses = commands.RunAsync("ip", ["-n", intent.Namespace, "-j", "addr", "show"], cancel);
        var routes = commands.RunAsync("ip", ["-n", intent.Namespace, "-j", "route", "show"], cancel);
        var host = commands.TryRunAsync("ip", ["-j", "route", "show", "dev", intent.HostDevice], cancel);
        var answer = await host;
        return LinkSight.Read(await addresses, await routes, answer.Succeeded ? answer.Output : null);
    }

    /// <summary>A half-made uplink (the agent was killed between two steps) is taken away before it is made anew.</summary>
    private async Task RemoveUplinkAsync(string device, CancellationToken cancel)
    {
        // /sys shows the devices of the namespace in which it was mounted, which need not be the agent's.
        if (Directory.Exists($"/proc/sys/net/ipv4/conf/{device}")) await commands.RunAsync("ip", ["link", "delete", device], cancel);
    }

    private async Task ApplyRulesetAsync(string? networkNamespace, Ruleset ruleset, CancellationToken cancel)
    {
        var key = networkNamespace ?? "";
        var seen = await SeeRulesetAsync(networkNamespace, ruleset.Table, cancel);
        // Someone else's change to the table is undone; after a restart of the agent the mark alone has to do.
        var tampered = seen is not null && _shapes.TryGetValue(key, out var shape) && shape != seen.Shape;
        var change = tampered ? ruleset.Replacement() : ruleset.Change(seen);
        if (change is not null)
        {
            await NftAsync(networkNamespace, ["-f", "-"], change, cancel);
            seen = await SeeRulesetAsync(networkNamespace, ruleset.Table, cancel);
        }
        _shapes[key] = seen!.Shape;
    }

    private async Task<RulesetSight?> SeeRulesetAsync(string? networkNamespace, string table, CancellationToken cancel)
    {
        string[] arguments = ["-j", "list", "table", .. table.Split(' ')];
        var (program, line) = Nft(networkNamespace, arguments);
        var answer = await commands.TryRunAsync(program, line, cancel);
        if (answer.Succeeded) return RulesetReader.Read(answer.Output);
        return answer.Error.Contains("No such file or directory", StringComparison.Ordinal) ? null : throw Commands.Failure(program, line, answer);
    }

    private Task<string> NftAsync(string? networkNamespace, string[] arguments, string input, CancellationToken cancel)
    {
        var (program, line) = Nft(networkNamespace, arguments);
        return commands.RunAsync(program, line, input, cancel);
    }

    private static (string Program, IReadOnlyList<string> Arguments) Nft(string? networkNamespace, string[] arguments) =>
        networkNamespace is null ? ("nft", arguments) : ("nsenter", NetworkNamespaces.Inside(networkNamespace, "nft", arguments));

    private async Task BatchAsync(string? networkNamespace, IReadOnlyList<string> lines, CancellationToken cancel)
    {
        if (lines.Count == 0) return;
        IReadOnlyList<string> arguments = networkNamespace is null ? ["-batch", "-"] : ["-n", networkNamespace, "-batch", "-"];
        await commands.RunAsync("ip", arguments, string.Join('\n', lines) + "\n", cancel);
    }

    private static void SetDefaults()
    {
        Set("net/ipv4/ip_forward", "1");
        // Redirects would tell guests to go around the gateway, and they have no other way.
        foreach (var scope in new[] { "all", "default" })
        {
            Set($"net/ipv4/conf/{scope}/rp_filter", "1");
            Set($"net/ipv4/conf/{scope}/send_redirects", "0");
            Set($"net/ipv4/conf/{scope}/accept_redirects", "0");
            if (Directory.Exists("/proc/sys/net/ipv6")) Set($"net/ipv6/conf/{scope}/disable_ipv6", "1");
        }
    }

    private static void SetTap(string tap)
    {
        Set($"net/ipv4/conf/{tap}/proxy_arp", "1");
        Set($"net/ipv4/conf/{tap}/rp_filter", "1");
        // ARP for the neighbours' addresses is answered at once, not after the customary random wait.
        Set($"net/ipv4/neigh/{tap}/proxy_delay", "0");
    }

    private static void Set(string setting, string value)
    {
        var file = $"/proc/sys/{setting}";
        if (File.ReadAllText(file).Trim() != value) File.WriteAllText(file, value);
    }

    private void SwitchForwardingOn()
    {
        var present = File.ReadAllText(ForwardSetting).Trim();
        if (present == "1") return;
        // What it was is put back when the cloud is removed from the machine.
        DurableFiles.Write(Path.Combine(_paths.State, "ip_forward"), System.Text.Encoding.ASCII.GetBytes(present), AgentModes.PrivateFile);
        File.WriteAllText(ForwardSetting, "1");
    }
}
