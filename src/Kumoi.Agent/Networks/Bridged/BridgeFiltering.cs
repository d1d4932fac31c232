using System.Text;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks.Bridged;

/// <summary>Has the kernel ask the stateful filters of a namespace for what its bridge carries (br_netfilter).</summary>
/// <param name="hostNamespace">The namespace that stands for the host; null: the agent's own.</param>
/// <param name="note">A file that is there while the host's own settings are still to be put back; it holds the boot that it is of.</param>
/// <param name="settings">Where the kernel has them.</param>
public sealed class BridgeFiltering(Commands commands, string? hostNamespace, string note, string settings = "/proc/sys/net/bridge")
{
    private static readonly string[] Asked = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"], All = [.. Asked, "bridge-nf-call-arptables"];

    public static string NoteIn(AgentPaths paths) => Path.Combine(paths.State, "bridge-filtering");

    /// <summary>Fails where the kernel cannot; the rules for frames then let no packet pass.</summary>
    public async Task EnsureAsync(string networkNamespace, CancellationToken cancel)
    {
        await FinishAsync();
        if (await SwitchAsync(networkNamespace, Asked, "1")) return;
        // The module begins with all bridges of the machine, and the host's own are not this agent's to filter.
        DurableFiles.Write(note, Encoding.ASCII.GetBytes(BootTime.Id()), AgentModes.PrivateFile);
        var loaded = await commands.TryRunAsync("modprobe", ["br_netfilter"], cancel);
        if (loaded.Succeeded) await FinishAsync();
        else File.Delete(note);
        if (!await SwitchAsync(networkNamespace, Asked, "1"))
            throw new IOException("The kernel cannot filter what a bridge carries (module br_netfilter), so that no packet of the bridged network passes.");
    }

    /// <summary>Puts the host's own settings back, if an agent has loaded the module and has not come to it.</summary>
    public async Task FinishAsync()
    {
        if (!File.Exists(note)) return;
        // The program that loads it may outlive the agent that began it, so the note stays until there is something to put back.
        if (File.ReadAllText(note).Trim() == BootTime.Id() && !await SwitchAsync(hostNamespace, All, "0")) return;
        File.Delete(note);
    }

    private Task<bool> SwitchAsync(string? place, IReadOnlyList<string> names, string value) =>
        place is null ? Task.FromResult(Switch(names, value)) : NetworkNamespaces.RunInsideAsync(place, () => Switch(names, value));

    private bool Switch(IReadOnlyList<string> names, string value)
    {
        foreach (var file in names.Select(name => Path.Combine(settings, name)))
        {
            if (!File.Exists(file)) return false;
            if (File.ReadAllText(file).Trim() != value) File.WriteAllText(file, value);
        }
        return true;
    }
}
