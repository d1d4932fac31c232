using System.Text.Json;
using Kumoi.Testing;
using static Kumoi.EndToEnd.NetworksCloud;

namespace Kumoi.EndToEnd;

/// <summary>A load balancer with guests of two hosts as its members, asked from guests and from the outside.</summary>
internal sealed class Balanced(NetworksCloud cloud)
{
    private JsonElement _made;

    public string Address => _made.GetProperty("address").GetString()!;

    public string Address6 => _made.GetProperty("address6").GetString()!;

    public async Task MakeAsync() => _made = Read(await cloud.AsAsync(
        "demo", "load-balancer", "create", "lb1", "--listen", "80", "--member", "a:7001", "--member", "b:7001", "--member", "c:7001", "--interval", "1", "--health-timeout", "1", "--output", "json"));

    /// <summary>Also HTTP, where a client stays with its member, and a public address for all of it.</summary>
    public async Task<string> OpenAsync()
    {
        await cloud.AsAsync("demo", "load-balancer", "listener", "add", "lb1", "--listen", "http:8080", "--stickiness", "cookie", "--interval", "1", "--health-timeout", "1", "--member", "a:7001", "--member", "c:7001");
        var address = Read(await cloud.AsAsync("demo", "floating-ip", "create", "--output", "json")).GetProperty("address").GetString()!;
        await cloud.AsAsync("demo", "floating-ip", "associate", address, "--load-balancer", "lb1");
        return address;
    }

    private static JsonElement Read(string json) => JsonDocument.Parse(json).RootElement.Clone();

    /// <summary>The members' health as the cloud tells it, such as <c>a healthy, b unhealthy</c>.</summary>
    public async Task<string> HealthAsync() => string.Join(", ", Read(await cloud.AsAsync("demo", "load-balancer", "show", "lb1", "--output", "json")).GetProperty("listeners")[0].GetProperty("members").EnumerateArray()
        .Select(member => $"{member.GetProperty("instance").GetProperty("name").GetString()} {member.GetProperty("health").GetString()}").Order(StringComparer.Ordinal));

    /// <summary>Who answers a guest that asks twelve times at port 80: each name once, and <c>-</c> for no answer.</summary>
    public async Task<string> HeardInAsync(Guest guest, string address) => Names(await cloud.InAsync(guest,
        $"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'GET /name HTTP/1.0\\r\\n\\r\\n' | timeout 4 nc -w 3 {address} 80 2>/dev/null | tail -n 1 | grep -x '[a-z]' || echo -; done"));

    /// <summary>Who answers this machine at a port, which asks twelve times, with the cookies that it was given or without.</summary>
    public async Task<string> HeardOutsideAsync(string address, int port, bool cookies)
    {
        var jar = Path.Combine(cloud.Environment["HOME"], $"cookies-{Guid.NewGuid():N}");
        var heard = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            var ran = await Machine.RunAsync("curl", ["-s", "--noproxy", "*", "--max-time", "3", .. cookies ? (string[])["-b", jar, "-c", jar] : [], $"http://{address}:{port}/name"]);
            heard.Add(ran.Code == 0 ? ran.Output.Trim() : "-");
        }
        return Names(string.Join('\n', heard));
    }

    private static string Names(string lines) => string.Join(' ', lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Waits until these and no others answer guests of both hosts, in both families.</summary>
    public async Task UntilAsync(string names, params Guest[] clients)
    {
        foreach (var guest in clients)
            foreach (var address in (string[])[Address, Address6])
            {
                var heard = "";
                await Wait.UntilAsync(async () => (heard = await HeardInAsync(guest, address)) == names, 60, $"{names} answer {guest.Name} at {address}");
            }
    }
}
