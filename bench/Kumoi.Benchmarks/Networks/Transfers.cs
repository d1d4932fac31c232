using System.Globalization;
using System.Text.Json;
using Kumoi.Agent.Linux;
using Kumoi.Benchmarks.Figures;
using Kumoi.Testing.Networks;

namespace Kumoi.Benchmarks.Networks;

/// <summary>Bytes a second by iperf3, with Kumoi's rules and without anything of it, in turns.</summary>
public static class Transfers
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(NetworkSizes sizes)
    {
        await using var hosts = await StandIns.StartAsync(2);
        var kumoi = await KumoiHosts.MakeAsync(hosts, [Samples.Ingress("tcp", 5201, 5201, "0.0.0.0/0", null)]);
        var plain = await PlainHosts.MakeAsync(hosts);
        (string Name, string From, string To, string Address)[] ways =
        [
            ("two guests of one host", kumoi.First.Namespace, kumoi.Second.Namespace, kumoi.Second.Ipv4), ("the same by a plain bridge", plain.First, plain.Second, PlainHosts.Second),
            ("two guests of two hosts", kumoi.First.Namespace, kumoi.Third.Namespace, kumoi.Third.Ipv4), ("the same by plain bridges and VXLAN", plain.First, plain.Third, PlainHosts.Third),
        ];
        var rates = ways.ToDictionary(way => way.Name, _ => new List<double>());
        for (var round = 0; round < sizes.Transfers; round++)
            foreach (var way in ways) rates[way.Name].Add(await OneAsync(hosts.Commands, way.From, way.To, way.Address, sizes.TransferSeconds));
        Sample Shares(string with, string without) => new(rates[with].Zip(rates[without], (mine, bare) => mine / bare * 100));
        return
        [
            .. ways.Select(way => new Figure(way.Name, new Sample(rates[way.Name]), "Mbit/s", 0, null)),
            new Figure("one host: share of the plain bridge's, turn by turn", Shares(ways[0].Name, ways[1].Name), "%", 0, null),
            new Figure("two hosts: share of plain VXLAN's, turn by turn", Shares(ways[2].Name, ways[3].Name), "%", 0, null),
        ];
    }

    /// <summary>10^6 bits a second that arrived.</summary>
    private static async Task<double> OneAsync(Commands commands, string from, string to, string address, int seconds)
    {
        // It ends with the first client; one that never comes is told by the limit.
        var server = commands.TryRunAsync("nsenter", [.. NetworkNamespaces.Inside(to, "iperf3", "--server", "--one-off")], default);
        CommandResult client;
        do
        {
            // The server listens a moment after it was started.
            await Task.Delay(100);
            client = await commands.TryRunAsync("nsenter",
                [.. NetworkNamespaces.Inside(from, "iperf3", "--client", address, "--json", "--time", seconds.ToString(CultureInfo.InvariantCulture), "--connect-timeout", "3000")], default);
        }
        while (!client.Succeeded && !server.IsCompleted && client.Output.Contains("refused", StringComparison.OrdinalIgnoreCase));
        if (!client.Succeeded) throw new InvalidOperationException($"iperf3 from {from} to {address}: {client.ExitCode} {client.Output} {client.Error}");
        await server;
        using var answer = JsonDocument.Parse(client.Output);
        return answer.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble() / 1e6;
    }
}
