using System.Globalization;
using System.Net.Sockets;

namespace Kumoi.EndToEnd;

/// <summary>What its tests ask of hosts and guests.</summary>
public sealed partial class HostsTests
{
    /// <summary>How often a host has answered that a port of it is closed: so it counts what reaches it at all.</summary>
    private async Task<int> ResetsAsync(string address)
    {
        var name = (await cloud.HostsAsync()).Single(host => host.GetProperty("address").GetString() == address).GetProperty("name").GetString();
        var lines = (await Machine.SayAsync("nsenter", $"--net=/run/netns/kumoi-{cloud.Tag}-{name}", "cat", "/proc/net/snmp")).Split('\n').Where(line => line.StartsWith("Tcp:", StringComparison.Ordinal)).Select(line => line.Split(' ')).ToList();
        return int.Parse(lines[1][Array.IndexOf(lines[0], "OutRsts")], CultureInfo.InvariantCulture);
    }

    private async Task<(string Id, string Address)> FloatingAsync(string name)
    {
        var instance = await cloud.JsonAsync("instance", "show", name);
        return (instance.GetProperty("id").GetString()!, instance.GetProperty("interfaces")[0].GetProperty("floatingAddress").GetString()!);
    }

    /// <summary>What a guest hears at a TCP port; an exit code other than 0 if it does not get there.</summary>
    private Task<Ran> TryFromGuestAsync(string name, string address, int port) =>
        cloud.InGuestAsync(name, "sh", "-c", $"nc -w 5 {address} {port} </dev/null | head -n 1 | grep .");

    private static async Task<bool> AnswersAsync(string address, int port)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, port, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }
}
