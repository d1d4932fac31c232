using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks.Bridged;

/// <summary>Has the kernel ask the stateful filters of a namespace for what its bridge carries (br_netfilter).</summary>
/// <param name="hostNamespace">The namespace that stands for the host; null: the agent's own.</param>
public sealed class BridgeFiltering(Commands commands, string? hostNamespace)
{
    private static readonly string[] Settings = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"];

    /// <summary>Fails where the kernel cannot; the rules for frames then let no packet pass.</summary>
    public async Task EnsureAsync(string networkNamespace, CancellationToken cancel)
    {
        if (await SwitchAsync(networkNamespace, "1")) return;
        var loaded = await commands.TryRunAsync("modprobe", ["br_netfilter"], cancel);
        // The module begins with all bridges of the machine, and the host's own are not this agent's to filter.
        if (loaded.Succeeded) await SwitchAsync(hostNamespace, "0");
        if (!await SwitchAsync(networkNamespace, "1"))
            throw new IOException("The kernel cannot filter what a bridge carries (module br_netfilter), so that no packet of the bridged network passes.");
    }

    private static Task<bool> SwitchAsync(string? place, string value) => place is null ? Task.FromResult(Switch(value)) : NetworkNamespaces.RunInsideAsync(place, () => Switch(value));

    private static bool Switch(string value)
    {
        foreach (var file in Settings.Select(setting => $"/proc/sys/net/bridge/{setting}"))
        {
            if (!File.Exists(file)) return false;
            if (File.ReadAllText(file).Trim() != value) File.WriteAllText(file, value);
        }
        return true;
    }
}
