using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Kumoi.EndToEnd;

/// <summary>A cloud of three hosts on this machine, made by `./kumoi quickstart --hosts 3`.</summary>
public class ThreeHostsCloud : QuickstartCloud
{
    protected override string[] Options => ["--hosts", "3"];

    /// <summary>The machine's address on the underlay.</summary>
    public async Task<string> MachineAddressAsync() =>
        JsonDocument.Parse(await Machine.SayAsync("ip", "-j", "-4", "addr", "show", "dev", $"k{Tag}-hosts")).RootElement[0].GetProperty("addr_info")[0].GetProperty("local").GetString()!;

    /// <summary>What the operator sees at a path of the API.</summary>
    public async Task<JsonElement> OperatorAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = Url };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await OperatorTokenAsync());
        return await http.GetFromJsonAsync<JsonElement>("/api/v1/" + path);
    }

    public async Task<IReadOnlyList<JsonElement>> HostsAsync() => [.. (await OperatorAsync("hosts")).GetProperty("items").EnumerateArray().OrderBy(host => host.GetProperty("name").GetString(), StringComparer.Ordinal)];
}
