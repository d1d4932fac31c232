using System.Net;

namespace Kumoi.EndToEnd;

/// <summary>A machine beside the cloud on the segment of its hosts: a namespace that is plugged into their switch.</summary>
public sealed class Beside : IAsyncDisposable
{
    private readonly string _name, _device;

    private Beside(string name, string device) => (_name, _device) = (name, device);

    public static async Task<Beside> PlugInAsync(string tag, IPAddress address, int prefix)
    {
        var (name, device) = ("beside-" + tag, "b" + tag);
        await Machine.SayAsync("ip", "netns", "add", name);
        await Machine.SayAsync("ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", name);
        await Machine.SayAsync("ip", "link", "set", device, "master", $"s{tag}-hosts", "up");
        await Machine.SayAsync("ip", "-n", name, "addr", "add", $"{address}/{prefix}", "dev", "eth0");
        await Machine.SayAsync("ip", "-n", name, "link", "set", "eth0", "up");
        return new Beside(name, device);
    }

    /// <summary>Runs a program on the machine.</summary>
    public Task<Ran> RunAsync(string program, IEnumerable<string> arguments, string? input = null) => Machine.RunAsync("nsenter", [$"--net=/run/netns/{_name}", "--", program, .. arguments], input: input, seconds: 120);

    /// <summary>The name that answers at port 7001 of an address; null if none does.</summary>
    public async Task<string?> NameAtAsync(string address)
    {
        var ran = await RunAsync("curl", ["-s", "--noproxy", "*", "--max-time", "3", $"http://{address}:7001/name"]);
        return ran.Code == 0 ? ran.Output.Trim() : null;
    }

    public async ValueTask DisposeAsync()
    {
        // The namespace alone would take the link with it at some later moment.
        await Machine.SayAsync("ip", "link", "delete", _device);
        await Machine.SayAsync("ip", "netns", "delete", _name);
    }
}
