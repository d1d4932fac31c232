using System.Text.Json;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Networks.Bridged;

/// <summary>Joins bridged networks to their segments.</summary>
/// <param name="hostNamespace">The namespace that stands for the host; null: the agent's own.</param>
/// <param name="allowed">The devices that bridged networks may use.</param>
public sealed class SegmentLinks(Commands commands, string? hostNamespace, IReadOnlyList<string> allowed)
{
    /// <summary>Makes what leads to the segment unless it is right. It is down when it is made: the bridge takes it up last.</summary>
    public async Task EnsureAsync(NetworkIntent intent, SegmentIntent segment, CancellationToken cancel)
    {
        if (!allowed.Contains(segment.Device)) throw new IOException($"The device {segment.Device} of this host is not open to bridged networks; the agent's --segment-device says which are.");
        var sight = await SeeAsync(intent, segment, cancel);
        if (sight.Joined) await BatchAsync("ip", sight.Mending(intent), cancel);
        else
        {
            // With one end goes the other.
            if (sight.HasInner) await commands.RunAsync("ip", ["-n", intent.Namespace, "link", "delete", "dev", BridgeRuleset.Segment], cancel);
            else if (sight.Port is not null) await commands.RunAsync("ip", [.. Host, "link", "delete", "dev", intent.HostDevice], cancel);
            await BatchAsync("ip", sight.Making(intent), cancel);
        }
        if (sight.Way != SegmentWay.TaggedPair) return;
        var tagged = sight with { Vlans = SegmentSight.ReadVlans(await VlansAsync(intent, cancel)) };
        await BatchAsync("bridge", tagged.Tagging(intent), cancel);
    }

    public async Task<SegmentSight> SeeAsync(NetworkIntent intent, SegmentIntent segment, CancellationToken cancel)
    {
        var device = await ShowAsync(Host, segment.Device, cancel);
        var inner = await ShowAsync(["-n", intent.Namespace], BridgeRuleset.Segment, cancel);
        var port = await ShowAsync(Host, intent.HostDevice, cancel);
        var vlans = port is not null && SegmentSight.WayOf(segment, device) == SegmentWay.TaggedPair ? await VlansAsync(intent, cancel) : null;
        return SegmentSight.Read(segment, device, inner, port, vlans);
    }

    private async Task<JsonElement?> ShowAsync(string[] place, string device, CancellationToken cancel)
    {
        var answer = await commands.TryRunAsync("ip", [.. place, "-j", "-d", "link", "show", "dev", device], cancel);
        if (!answer.Succeeded) return null;
        using var document = JsonDocument.Parse(answer.Output);
        foreach (var entry in document.RootElement.EnumerateArray())
            if (entry.TryGetProperty("ifname", out _)) return entry.Clone();
        return null;
    }

    private Task<string> VlansAsync(NetworkIntent intent, CancellationToken cancel) => commands.RunAsync("bridge", [.. Host, "-j", "vlan", "show", "dev", intent.HostDevice], cancel);

    private async Task BatchAsync(string program, IEnumerable<string> lines, CancellationToken cancel)
    {
        var text = string.Join('\n', lines);
        if (text.Length > 0) await commands.RunAsync(program, [.. Host, "-batch", "-"], text + "\n", cancel);
    }

    private string[] Host => hostNamespace is null ? [] : ["-n", hostNamespace];
}
