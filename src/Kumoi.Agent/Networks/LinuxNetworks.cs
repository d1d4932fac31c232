using System.Globalization;
using System.Collections.Concurrent;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Networks.Vpn;
using Kumoi.Agent.LoadBalancers;
using Kumoi.Agent.Networks.Bridged;

namespace Kumoi.Agent.Networks;

/// <summary>
/// Networks as namespaces of the Linux kernel (see docs/architecture.md, "routed overlay"). Each call reads what is there, computes the
/// differences, and has one <c>ip -batch</c> and one <c>nft -f</c> make them; what is right is not touched.
/// </summary>
/// <param name="hostNamespace">The namespace that stands for the host, so that one process can be several; null: the agent's own.</param>
public sealed class LinuxNetworks(AgentOptions options, Commands commands, TimeProvider clock, string? hostNamespace) : INetworkDriver, IDisposable
{
    private const string ForwardSetting = "/proc/sys/net/ipv4/ip_forward";

    /// <summary>How long a network goes without its haproxy being tried again.</summary>
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(10);

    private readonly AgentPaths _paths = options.Paths;
    private readonly NetworkNamespaces _namespaces = new(commands);
    private readonly NetworkTables _tables = new(commands);
    private readonly NetworkLinks _links = new(commands, hostNamespace);
    private readonly SegmentLinks _segments = new(commands, hostNamespace, options.SegmentDevices);
    private readonly BridgeFiltering _filtering = new(commands, hostNamespace, BridgeFiltering.NoteIn(options.Paths));
    private readonly FloatingAddresses _floating = new(commands, hostNamespace);
    private readonly Dnsmasq _dnsmasq = new(commands, clock);
    private readonly WireGuard _wireGuard = new(commands, clock);
    private readonly Haproxy _haproxy = new(commands, Haproxy.Directories, clock);

    /// <summary>What each network was made the last time everything was looked at, or since.</summary>
    private readonly ConcurrentDictionary<string, Made> _made = new();

    public IReadOnlyList<string> List() => NetworkNamespaces.List(ObjectNames.NamespacePrefix(options.Tag));

    public TimeSpan? WatchPeriod { get; } = TimeSpan.FromSeconds(2);

    /// <summary>A network without guests here needs no server; one that is being made, or could not be, has had none that could have ended.</summary>
    public bool IsServed(string networkNamespace) => !_made.TryGetValue(networkNamespace, out var made)
        || ((made.Intent.OwnVpn is not { } vpn || _wireGuard.IsAlive(vpn.Device)) && (!NeedsServer(made.Intent) || Dnsmasq.IsAlive(FilesOf(networkNamespace))));

    private static bool NeedsServer(NetworkIntent intent) => intent.Ports.Count > 0 && intent.Segment is not { ExternalDhcp: true };

    public async Task ApplyHostAsync(IReadOnlyList<NetworkIntent> networks, CancellationToken cancel)
    {
        var ruleset = HostRuleset.Build(options.Tag, networks, options.UplinkDevice);
        string[] outer = [.. networks.SelectMany(HostRuleset.Outer).Distinct()];
        await ReleaseAsync(ruleset, outer, cancel);
        await _tables.ApplyAsync(hostNamespace, ruleset, cancel);
        await SwitchForwardingOnAsync();
        await _filtering.FinishAsync();
        if (options.UplinkDevice is { } device) await _floating.TakeAsync(device, outer, cancel);
    }

    /// <summary>What the table says is still ours and is no longer wanted: the table changes only once nobody is told that it is here.</summary>
    private async Task ReleaseAsync(Ruleset ruleset, string[] wanted, CancellationToken cancel)
    {
        if (options.UplinkDevice is not { } device || await _tables.SeeAsync(hostNamespace, ruleset.Table, cancel) is not { } seen) return;
        string[] gone = [.. seen.Sets.GetValueOrDefault("floating")?.Elements.Except(wanted) ?? []];
        if (gone.Length == 0) return;
        var answered = await _floating.AnsweredAsync(device, cancel);
        await _floating.ReleaseAsync(device, gone.Where(answered.Contains), cancel);
    }

    public async Task<NetworkSight> ApplyAsync(NetworkIntent intent, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        _made.TryRemove(intent.Namespace, out _);
        var fresh = !NetworkNamespaces.Exists(intent.Namespace);
        await _namespaces.CreateAsync(intent.Namespace, cancel);
        await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => { NamespaceSettings.SetDefaults(intent); return true; });
        if (intent.Segment is { } segment) return await ApplyBridgedAsync(intent, segment, removable, cancel);
        var looking = fresh ? Task.FromResult(LinkState.None) : _links.SeeAsync(intent, cancel);
        // Rules name devices by text, so they need none; they are in force before a device comes up, and before a route leads to it.
        var ruleset = NetworkRuleset.Build(intent);
        await Task.WhenAll(_tables.ApplyAsync(intent.Namespace, ruleset, cancel), looking);
        var seen = await looking;
        var vpn = await EnsureVpnAsync(intent, seen, cancel);
        var links = new HashSet<string>(await _links.LinkAsync(intent, seen, cancel));
        if (vpn is { HasDevice: true }) links.Add(intent.OwnVpn!.Device);
        var wanted = LinkState.Wanted(intent, links);
        var plan = LinkPlan.Between(seen, wanted, intent, removable);
        await _links.ApplyAsync(plan, wanted, intent, cancel);
        return (await FinishAsync(intent, ruleset, links, seen, plan, removable, cancel)) with { Vpn = vpn?.Seen };
    }

    private async Task<NetworkSight> FinishAsync(
        NetworkIntent intent, Ruleset ruleset, IReadOnlySet<string> links, LinkState seen, LinkPlan plan, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        await ServeAsync(intent, cancel);
        // It opens the load balancers' addresses, which are there now.
        var proxy = await BalanceAsync(intent, cancel);
        await _links.RemoveAsync(intent.Namespace, plan.Surplus, cancel);
        _made[intent.Namespace] = new Made(intent, ruleset, links, clock.GetTimestamp());
        return new NetworkSight([.. seen.Devices.Keys.Where(name => LinkPlan.IsTap(name) && !removable.Contains(name)).Union(intent.Ports.Select(port => port.Tap)).Order(StringComparer.Ordinal)], Lacking: proxy.Lacking, Again: proxy.Again);
    }

    /// <summary>What goes wrong is told in the answer: the network itself does not depend on it.</summary>
    private async Task<HaproxySight> BalanceAsync(NetworkIntent intent, CancellationToken cancel)
    {
        try
        {
            return await _haproxy.EnsureAsync(intent, FilesOf(intent.Namespace), cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new HaproxySight($"haproxy could not be put in order: {e.Message}", AfterFailure);
        }
    }

    /// <summary>The VPN gateway, if the host is to be it. A device that is wanted no more goes with its program, or with what is surplus.</summary>
    private async Task<WireGuardDevice?> EnsureVpnAsync(NetworkIntent intent, LinkState seen, CancellationToken cancel)
    {
        foreach (var device in seen.Devices.Keys.Where(name => VpnIntent.IsDevice(name) && name != intent.OwnVpn?.Device)) await _wireGuard.StopAsync(device, cancel);
        return intent.OwnVpn is { } vpn ? await _wireGuard.EnsureAsync(intent, vpn, seen.Devices.ContainsKey(vpn.Device), cancel) : null;
    }

    private Task ServeAsync(NetworkIntent intent, CancellationToken cancel) =>
        NeedsServer(intent) ? _dnsmasq.EnsureAsync(intent, FilesOf(intent.Namespace), cancel) : _dnsmasq.StopAsync(FilesOf(intent.Namespace), cancel);

    /// <summary>The same for a bridged network: nothing is a port of its bridge before both tables are in force, and what leads to the segment comes last.</summary>
    private async Task<NetworkSight> ApplyBridgedAsync(NetworkIntent intent, SegmentIntent segment, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        await _filtering.EnsureAsync(intent.Namespace, cancel);
        await _tables.ApplyAsync(intent.Namespace, BridgeRuleset.Build(intent, segment), cancel);
        var ruleset = BridgedRuleset.Build(intent, segment);
        await _tables.ApplyAsync(intent.Namespace, ruleset, cancel);
        await _segments.EnsureAsync(intent, segment, cancel);
        var seen = await _links.SeeAsync(intent, cancel);
        var wanted = BridgedPlan.Wanted(intent);
        var plan = BridgedPlan.Between(seen, wanted, intent, removable);
        await _links.ApplyAsync(plan, wanted, intent, cancel);
        return await FinishAsync(intent, ruleset, new HashSet<string>(), seen, plan, removable, cancel);
    }

    public async Task<bool> TryApplyPeersAsync(NetworkIntent intent, CancellationToken cancel)
    {
        // Taken away first: if a step fails, or two come together, everything is looked at.
        if (!_made.TryRemove(intent.Namespace, out var made) || clock.GetElapsedTime(made.LookedAt) > 2 * options.NetworksPeriod(_made.Count + 1)) return false;
        if (intent.Segment != made.Intent.Segment) return false;
        var ruleset = intent.Segment is { } segment ? BridgedRuleset.Build(intent, segment) : NetworkRuleset.Build(intent);
        var change = ruleset.Change(made.Ruleset.Expected());
        // Who else is in a bridged network changes no device or route of it.
        var plan = intent.Segment is not null ? LinkPlan.None : LinkPlan.Between(LinkState.Wanted(made.Intent, made.Links), LinkState.Wanted(intent, made.Links), intent, new HashSet<string>());
        if (!plan.KeepsDevices || !ruleset.KeepsChains(made.Ruleset)) return false;
        await Task.WhenAll(change is null ? Task.CompletedTask : _tables.FeedAsync(intent.Namespace, change, cancel), _links.ConnectAsync(plan, intent, cancel));
        if (NeedsServer(intent)) await _dnsmasq.EnsureAsync(intent, FilesOf(intent.Namespace), cancel);
        _made[intent.Namespace] = made with { Intent = intent, Ruleset = ruleset };
        return true;
    }

    public async Task<IReadOnlyList<string>?> TryRemoveAsync(string networkNamespace, IReadOnlySet<string> removable, CancellationToken cancel)
    {
        _made.TryRemove(networkNamespace, out _);
        if (NetworkNamespaces.Exists(networkNamespace))
        {
            var addresses = await commands.RunAsync("ip", ["-n", networkNamespace, "-j", "addr", "show"], cancel);
            var devices = LinkReader.Read(addresses, null, null, null, "").Devices.Keys;
            var taps = devices.Where(LinkPlan.IsTap).ToArray();
            // A program that stays would keep the namespace.
            foreach (var device in devices.Where(VpnIntent.IsDevice)) await _wireGuard.StopAsync(device, cancel);
            var left = taps.Where(tap => !removable.Contains(tap)).ToArray();
            if (left.Length > 0)
            {
                await _links.RemoveAsync(networkNamespace, [.. taps.Where(removable.Contains).Select(tap => $"link delete {tap}")], cancel);
                return left;
            }
        }
        var directory = FilesOf(networkNamespace);
        await _dnsmasq.StopAsync(directory, cancel);
        await _haproxy.StopAsync(directory, cancel);
        // The other ends of its links go with the namespace.
        await _namespaces.DeleteAsync(networkNamespace, cancel);
        if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        _tables.Forget(networkNamespace);
        return null;
    }

    public async Task<IReadOnlyDictionary<string, TapCounters>> CountersAsync(CancellationToken cancel)
    {
        var all = new Dictionary<string, TapCounters>();
        foreach (var name in List())
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                foreach (var (tap, counters) in await NetworkNamespaces.RunInsideAsync(name, CountersHere)) all[tap] = counters;
            }
            catch (IOException) when (!NetworkNamespaces.Exists(name))
            {
                // It has gone meanwhile, and has nothing more to tell.
            }
        }
        return all;
    }

    private static IReadOnlyDictionary<string, TapCounters> CountersHere()
    {
        var cookie = NetworkNamespaces.Cookie();
        return TapCounters.Read(File.ReadAllText("/proc/thread-self/net/dev"), tap => TapDevices.NumberOf(tap) is > 0 and var number ? string.Create(CultureInfo.InvariantCulture, $"{cookie}/{number}") : null);
    }

    private string FilesOf(string networkNamespace) => Path.Combine(_paths.Networks, networkNamespace);

    private async Task SwitchForwardingOnAsync()
    {
        var present = hostNamespace is null ? Forwarding() : await NetworkNamespaces.RunInsideAsync(hostNamespace, Forwarding);
        if (present == "1") return;
        // What it was is put back when the cloud is removed from the machine.
        if (hostNamespace is null) DurableFiles.Write(Path.Combine(_paths.State, "ip_forward"), System.Text.Encoding.ASCII.GetBytes(present), AgentModes.PrivateFile);
        if (hostNamespace is null) File.WriteAllText(ForwardSetting, "1");
        else await NetworkNamespaces.RunInsideAsync(hostNamespace, () => { File.WriteAllText(ForwardSetting, "1"); return true; });
    }

    private static string Forwarding() => File.ReadAllText(ForwardSetting).Trim();

    public void Dispose() => _links.Dispose();

    /// <param name="LookedAt">When everything was last looked at.</param>
    private sealed record Made(NetworkIntent Intent, Ruleset Ruleset, IReadOnlySet<string> Links, long LookedAt);
}
