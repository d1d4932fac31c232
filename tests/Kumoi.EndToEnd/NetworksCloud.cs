using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>A guest of the tests of networks, with the same last part in both addresses.</summary>
public sealed record Guest(string Name, string Account, string Network, int Host, int Range, int Number)
{
    public string Ipv4 => $"10.{Range}.0.{Number}";

    public string Ipv6 => $"fd00:{Range}::{Number}";
}

/// <summary>
/// Three hosts, three networks of two accounts, six guests. Two networks have the same ranges, and guests with the same addresses are on the
/// same host. Each guest answers with its name at TCP port 7001 and 7002, and counts without end at 7003.
/// </summary>
public sealed class NetworksCloud : ThreeHostsCloud
{
    public const string Lives = "networks";

    private const string Servers =
        """
        #!/bin/sh
        mkdir -p /srv
        hostname >/srv/name
        printf '#!/bin/sh\ni=0\nwhile echo $i; do i=$((i + 1)); usleep 100000; done\n' >/srv/count
        chmod +x /srv/count
        httpd -p '[::]:7001' -h /srv
        httpd -p '[::]:7002' -h /srv
        nc -ll -p 7003 -e /srv/count </dev/null >/dev/null 2>&1 &

        """;

    public static readonly Guest
        A = new("a", "demo", "n1", 1, 1, 5), B = new("b", "demo", "n1", 1, 1, 6), C = new("c", "demo", "n1", 3, 1, 7), D = new("d", "demo", "n2", 1, 2, 8),
        X = new("x", "friend", "m1", 1, 1, 5), Y = new("y", "friend", "m1", 2, 1, 7);

    public static readonly IReadOnlyList<Guest> Guests = [A, B, C, D, X, Y];

    private static readonly string[] Rules =
    [
        "tcp:7001,7001,ip4:0.0.0.0/0", "tcp:7001,7001,ip6:::/0", "udp:7001,7001,ip4:0.0.0.0/0", "udp:7001,7001,ip6:::/0", "icmp:-1,-1,ip4:0.0.0.0/0", "icmp:-1,-1,ip6:::/0",
    ];

    private bool _open;

    private readonly HttpClient _http = new();

    private string _token = "", _key = "", _servers = "";

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _http.BaseAddress = new Uri(Url, "api/v1/");
        _token = await OperatorTokenAsync();
        _key = Path.Combine(Environment["HOME"], $".config/kumoi/keys/127.0.0.1-{Port}/demo");
        await FenceAsync();
        await AsAsync("operator", "account", "create", "friend");
        var publicKey = Path.Combine(Environment["HOME"], "key.pub");
        _servers = Path.Combine(Environment["HOME"], "servers");
        await File.WriteAllTextAsync(publicKey, await Machine.SayAsync("ssh-keygen", "-y", "-f", _key));
        await File.WriteAllTextAsync(_servers, Servers);
        await AsAsync("demo", "instance", "delete", "first");
        await AsAsync("friend", "key-pair", "create", "demo", "--public-key-file", publicKey);
        foreach (var network in Guests.DistinctBy(guest => guest.Network))
            await AsAsync(network.Account, "network", "create", network.Network, "--subnet", $"10.{network.Range}.0.0/24", "--subnet", $"fd00:{network.Range}::/64");
        foreach (var account in (string[])["demo", "friend"])
        {
            await AsAsync(account, "secgroup", "create", "access");
            await AsAsync(account, "secgroup", "rule", "add", "access", "tcp:22,22,ip4:0.0.0.0/0", "tcp:7003,7003,ip4:0.0.0.0/0", "tcp:7003,7003,ip6:::/0");
            await AsAsync(account, "secgroup", "create", "probed");
        }
        foreach (var guest in Guests) await LaunchAsync(guest.Account, guest.Name, guest.Host, $"{guest.Network},address={guest.Ipv4},address6={guest.Ipv6}");
        foreach (var guest in Guests)
            await Wait.UntilAsync(async () => (await TryInAsync(guest, $"netstat -ltn | grep -q :7003 && ifconfig eth0 | grep -q {guest.Ipv6}/")).Code == 0, 180, $"{guest.Name} serves, and has its addresses");
    }

    public Task LaunchAsync(string account, string name, int host, string network) => AsAsync(account, "instance", "create", name, "--image", "tiny", "--flavor", "tiny", "--key", "demo",
        "--host", $"host-{host}", "--network", network, "--security-group", "access", "--security-group", "probed", "--user-data-file", _servers);

    /// <summary>What guests send to networks that theirs is not joined to goes outside like any other address; it must not go beyond this machine.</summary>
    private Task FenceAsync() => Machine.RunAsync("nft", ["-f", "-"], input:
        $$"""
        table inet fence_{{Tag}} {
          chain forward {
            type filter hook forward priority filter - 10; policy accept;
            iifname "k{{Tag}}-hosts" ip daddr { 10.1.0.0/16, 10.2.0.0/16 } reject
          }
        }

        """);

    /// <summary>The program as an operator who acts for an account.</summary>
    public async Task<string> AsAsync(string account, params string[] arguments)
    {
        var environment = new Dictionary<string, string>(Environment) { ["KUMOI_URL"] = $"http://127.0.0.1:{Port}", ["KUMOI_TOKEN"] = _token };
        return (await Machine.RunAsync(Path.Combine(Tree, "kumoi"), account == "operator" ? arguments : ["--account", account, .. arguments], environment)).Ok;
    }

    private async Task<JsonElement> CallAsync(string account, HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        request.Headers.Add("Kumoi-Account", account);
        using var answer = await _http.SendAsync(request);
        return await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>What the cloud says about a packet.</summary>
    public async Task<bool> TraceAsync(Guest from, string to, string protocol, int? port) =>
        (await CallAsync(from.Account, HttpMethod.Post, "networks/trace", new { from = from.Name, to, protocol, port })).GetProperty("passes").GetBoolean();

    /// <summary>Lets TCP in at one port, by a change of its own.</summary>
    public Task AllowAsync(string account, string group, int port) =>
        CallAsync(account, HttpMethod.Post, $"security-groups/{group}/rules", new { direction = "ingress", protocol = "tcp", fromPort = port, toPort = port, cidr = "10.1.0.0/24" });

    public Task MakeGroupAsync(string account, string name, params (string Direction, string Protocol, int Port, string Cidr)[] rules) => CallAsync(
        account, HttpMethod.Post, "security-groups", new { name, rules = rules.Select(rule => new { direction = rule.Direction, protocol = rule.Protocol, fromPort = rule.Port, toPort = rule.Port, cidr = rule.Cidr }) });

    public Task PutInAsync(string account, Guest guest, string[] groups) => CallAsync(account, HttpMethod.Put, $"instances/{guest.Name}/security-groups", new { securityGroups = groups });

    public async Task<string> FloatingOfAsync(Guest guest) => (await CallAsync(guest.Account, HttpMethod.Get, "instances/" + guest.Name)).GetProperty("interfaces")[0].GetProperty("floatingAddress").GetString()!;

    public async Task<string> NetworkIdAsync(string account, string name) => (await CallAsync(account, HttpMethod.Get, "networks/" + name)).GetProperty("id").GetString()!;

    public async Task<string> PeeringIdAsync(string account) => (await CallAsync(account, HttpMethod.Get, "peerings")).GetProperty("items")[0].GetProperty("id").GetString()!;

    /// <summary>A script in a guest, over its floating address.</summary>
    public async Task<Ran> TryInAsync(Guest guest, string script) => await Machine.RunAsync("ssh", Ssh(await FloatingOfAsync(guest)), input: script + "\n", seconds: 120);

    /// <summary>What has a guest at an address run the script of its standard input.</summary>
    public string[] Ssh(string address) =>
    [
        "-i", _key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5",
        "root@" + address, "sh -s",
    ];

    public async Task<string> InAsync(Guest guest, string script) => (await TryInAsync(guest, script)).Ok;

    /// <summary>The hosts that have a namespace for a network.</summary>
    public async Task<IEnumerable<int>> CarriersAsync(string network) => (await Machine.SayAsync("ip", "netns", "list")).Split('\n').Select(line => line.Split(' ')[0])
        .Where(name => name.StartsWith($"kumoi-{Tag}", StringComparison.Ordinal) && name.EndsWith("-" + network["net-".Length..], StringComparison.Ordinal))
        .Select(name => int.Parse(name.Split('-')[1].AsSpan(6), CultureInfo.InvariantCulture)).Order();

    /// <summary>Has guests answer at port 7001 and to pings, or not.</summary>
    public async Task OpenAsync(bool open)
    {
        if (open == _open) return;
        foreach (var account in (string[])["demo", "friend"]) await AsAsync(account, ["secgroup", "rule", open ? "add" : "remove", "probed", .. Rules]);
        _open = open;
    }

    public override async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Machine.RunAsync("nft", ["delete", "table", "inet", "fence_" + Tag]);
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>One cloud lives through the tests of both classes.</summary>
[CollectionDefinition(NetworksCloud.Lives)]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "It is what the test framework calls it.")]
public sealed class NetworksCollection : ICollectionFixture<NetworksCloud>;
