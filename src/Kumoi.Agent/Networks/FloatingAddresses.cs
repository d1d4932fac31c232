using System.Text.Json;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks;

/// <summary>Answers for floating addresses on the segment of the host's uplink device (proxy ARP), and tells the segment of those that came here.</summary>
/// <param name="hostNamespace">The namespace that stands for the host; null: the agent's own.</param>
public sealed class FloatingAddresses(Commands commands, string? hostNamespace)
{
    /// <summary>
    /// Before the rules stop letting an address in: it is no longer answered for, as another host may have it already. Only those that this cloud's
    /// table names are taken away, since others may use the device, too.
    /// </summary>
    public Task ReleaseAsync(string device, IEnumerable<string> addresses, CancellationToken cancel) =>
        BatchAsync([.. addresses.Select(address => $"neigh delete proxy {address} dev {device}")], cancel);

    /// <summary>Once the rules let them in. What is answered for already was announced already.</summary>
    public async Task TakeAsync(string device, IReadOnlyCollection<string> addresses, CancellationToken cancel)
    {
        if (addresses.Count == 0) return;
        var present = await AnsweredAsync(device, cancel);
        string[] missing = [.. addresses.Where(address => !present.Contains(address))];
        if (missing.Length == 0) return;
        if (hostNamespace is null) ArpAnnouncement.Send(device, missing);
        else await NetworkNamespaces.RunInsideAsync(hostNamespace, () => { ArpAnnouncement.Send(device, missing); return true; });
        await BatchAsync([.. missing.Select(address => $"neigh replace proxy {address} dev {device}")], cancel);
    }

    public async Task<IReadOnlySet<string>> AnsweredAsync(string device, CancellationToken cancel)
    {
        var answer = await commands.RunAsync("ip", [.. Place, "-j", "neigh", "show", "proxy", "dev", device], cancel);
        if (answer.Trim().Length == 0) return new HashSet<string>();
        using var document = JsonDocument.Parse(answer);
        return document.RootElement.EnumerateArray().Where(entry => entry.TryGetProperty("dst", out _)).Select(entry => entry.GetProperty("dst").GetString()!).ToHashSet();
    }

    private string[] Place => hostNamespace is null ? [] : ["-n", hostNamespace];

    private async Task BatchAsync(IReadOnlyList<string> lines, CancellationToken cancel)
    {
        if (lines.Count > 0) await commands.RunAsync("ip", [.. Place, "-batch", "-"], string.Join('\n', lines) + "\n", cancel);
    }
}
