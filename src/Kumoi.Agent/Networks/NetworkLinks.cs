using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks;

/// <summary>Looks at a network's devices and routes, and makes the differences with <c>ip -batch</c> and <c>bridge -batch</c>.</summary>
/// <param name="hostNamespace">The namespace that stands for the host; null: the agent's own.</param>
public sealed class NetworkLinks(Commands commands, string? hostNamespace) : IDisposable
{
    /// <summary>A link belongs to two networks that may be put in order at the same time.</summary>
    private readonly SemaphoreSlim _linkGate = new(1, 1);

    public async Task<LinkState> SeeAsync(NetworkIntent intent, CancellationToken cancel)
    {
        var inside = commands.RunAsync("ip", ["-n", intent.Namespace, "-j", "-batch", "-"], LinkReader.Questions, cancel);
        var forwarding = intent.NeedsOverlay ? commands.RunAsync("bridge", ["-n", intent.Namespace, "-j", "fdb", "show"], cancel) : null;
        var ipv6Rules = LinkState.SharesIpv6(intent) ? commands.RunAsync("ip", ["-6", "-n", intent.Namespace, "-j", "rule", "show"], cancel) : null;
        var host = await commands.TryRunAsync("ip", [.. In(hostNamespace), "-j", "route", "show", "dev", intent.HostDevice], cancel);
        var devices = await inside;
        var limited = intent.Ports.Any(port => port.RateMbps is not null) || devices.Contains("\"ifname\":\"i", StringComparison.Ordinal);
        var limits = limited ? await commands.RunAsync("tc", ["-n", intent.Namespace, "-j", "qdisc", "show"], cancel) : null;
        return LinkReader.Read(devices, forwarding is null ? null : await forwarding, limits, host.Succeeded ? host.Output : null, intent.HostDevice, ipv6Rules is null ? null : await ipv6Rules);
    }

    /// <summary>Makes the links to networks that are on the host already. The devices that are there afterwards.</summary>
    public async Task<IReadOnlySet<string>> LinkAsync(NetworkIntent intent, LinkState seen, CancellationToken cancel)
    {
        var present = new HashSet<string>();
        foreach (var link in intent.Links)
        {
            if (!NetworkNamespaces.Exists(link.Namespace)) continue;
            if (!seen.Devices.ContainsKey(link.Device)) await MakeAsync(intent, link, cancel);
            present.Add(link.Device);
        }
        return present;
    }

    private async Task MakeAsync(NetworkIntent intent, LinkIntent link, CancellationToken cancel)
    {
        await _linkGate.WaitAsync(cancel);
        try
        {
            var there = await commands.TryRunAsync("ip", ["-n", intent.Namespace, "link", "show", "dev", link.Device], cancel);
            if (there.Succeeded) return;
            await commands.RunAsync(
                "ip", [.. In(hostNamespace), "link", "add", link.Device, "netns", intent.Namespace, "type", "veth", "peer", "name", LinkIntent.DeviceTo(intent.Vni), "netns", link.Namespace], cancel);
        }
        finally
        {
            _linkGate.Release();
        }
    }

    /// <summary>Runs a plan but for its surplus.</summary>
    public async Task ApplyAsync(LinkPlan plan, LinkState wanted, NetworkIntent intent, CancellationToken cancel)
    {
        await BatchAsync("ip", intent.Namespace, plan.Outdated, cancel);
        if (plan.Leading.Count > 0 && plan.Leading[0].Contains(intent.HostDevice, StringComparison.Ordinal)) await RemoveUplinkAsync(intent.HostDevice, cancel);
        await Task.WhenAll(BatchAsync("ip", hostNamespace, plan.Leading, cancel), BatchAsync("ip", intent.Namespace, plan.Taps, cancel));
        // All devices, not only new ones: someone may have changed them.
        await NetworkNamespaces.RunInsideAsync(intent.Namespace, () => { foreach (var device in wanted.Devices.Keys) NamespaceSettings.SetDevice(device, intent); return true; });
        await ConnectAsync(plan, intent, cancel);
    }

    /// <summary>Runs what of a plan needs no devices to be made: addresses, routes, neighbours.</summary>
    public async Task ConnectAsync(LinkPlan plan, NetworkIntent intent, CancellationToken cancel)
    {
        // A batch is of one family where its lines do not say which.
        var ipv6 = plan.Inside.Where(IsIpv6Rule).ToArray();
        await Task.WhenAll(BatchAsync("ip", intent.Namespace, [.. plan.Inside.Except(ipv6)], cancel), BatchAsync("bridge", intent.Namespace, plan.Forwarding, cancel));
        await BatchAsync("ip", intent.Namespace, [.. ipv6.Select(line => line.Replace(LinkState.Ipv6, "", StringComparison.Ordinal))], cancel, "-6");
        await BatchAsync("tc", intent.Namespace, plan.Limits, cancel);
        await BatchAsync("ip", hostNamespace, plan.Host, cancel);
    }

    public Task RemoveAsync(string networkNamespace, IReadOnlyList<string> lines, CancellationToken cancel) => BatchAsync("ip", networkNamespace, lines, cancel);

    /// <summary>A half-made uplink (the agent was killed between two steps) is taken away before it is made anew.</summary>
    private async Task RemoveUplinkAsync(string device, CancellationToken cancel)
    {
        var there = await commands.TryRunAsync("ip", [.. In(hostNamespace), "link", "show", "dev", device], cancel);
        if (there.Succeeded) await commands.RunAsync("ip", [.. In(hostNamespace), "link", "delete", device], cancel);
    }

    /// <summary>
    /// What is taken away is taken away last, and it is no failure if it has gone already: with a device, an address or a setting other things go by
    /// themselves. What is there nonetheless is seen by the next look.
    /// </summary>
    private async Task BatchAsync(string program, string? networkNamespace, IReadOnlyList<string> lines, CancellationToken cancel, params string[] options)
    {
        var removals = lines.Where(line => line.Contains(" delete ", StringComparison.Ordinal)).ToArray();
        if (removals.Length < lines.Count) await commands.RunAsync(program, [.. options, .. In(networkNamespace), "-batch", "-"], Text(lines.Except(removals)), cancel);
        if (removals.Length > 0) await commands.TryRunAsync(program, [.. options, .. In(networkNamespace), "-force", "-batch", "-"], Text(removals), [], Commands.DefaultLimit, cancel);
    }

    private static bool IsIpv6Rule(string line) => line.StartsWith("rule ", StringComparison.Ordinal) && line.Contains(LinkState.Ipv6, StringComparison.Ordinal);

    private static string Text(IEnumerable<string> lines) => string.Join('\n', lines) + "\n";

    private static string[] In(string? networkNamespace) => networkNamespace is null ? [] : ["-n", networkNamespace];

    public void Dispose() => _linkGate.Dispose();
}
