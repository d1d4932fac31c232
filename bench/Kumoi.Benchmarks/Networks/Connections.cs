using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;
using Kumoi.Benchmarks.Figures;
using Kumoi.Testing.Networks;

namespace Kumoi.Benchmarks.Networks;

/// <summary>How many connections a client makes in a second to a server on another host, by the number of rules that are asked before one lets it in.</summary>
public static class Connections
{
    private const int Port = 8080;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(NetworkSizes sizes)
    {
        var rates = new Dictionary<string, List<double>>();
        async Task<List<double>> RatesAsync(string from, string to, string address)
        {
            var values = new List<double>();
            using var server = await ServeAsync(to);
            for (var round = 0; round < sizes.Transfers + 1; round++)
            {
                var rate = await ClientAsync(from, address, sizes.TransferSeconds);
                // The first finds no neighbour known.
                if (round > 0) values.Add(rate);
            }
            return values;
        }
        foreach (var count in (int[])[1, sizes.Rules])
        {
            await using var hosts = await StandIns.StartAsync(2);
            var others = Enumerable.Range(0, count - 1).Select(i => Samples.Ingress("tcp", Port, Port, $"10.{100 + i / 250}.{i % 250}.0/24", null));
            var kumoi = await KumoiHosts.MakeAsync(hosts, [.. others, Samples.Ingress("tcp", Port, Port, "10.0.0.0/24", null)]);
            if (count == 1)
            {
                var plain = await PlainHosts.MakeAsync(hosts);
                rates["plain bridges and VXLAN, no filter"] = await RatesAsync(plain.First, plain.Third, PlainHosts.Third);
            }
            rates[$"{count:N0} {(count == 1 ? "rule" : "rules")}, the last of which lets it in"] = await RatesAsync(kumoi.First.Namespace, kumoi.Third.Namespace, kumoi.Third.Ipv4);
        }
        return [.. rates.Select(rate => new Figure(rate.Key, new Sample(rate.Value), "/s", 0, null))];
    }

    private static Task<Socket> ServeAsync(string name) => NetworkNamespaces.RunInsideAsync(name, () =>
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, Port));
        listener.Listen(1024);
        new Thread(() =>
        {
            try
            {
                while (true) listener.Accept().Dispose();
            }
            catch (SocketException)
            {
                // Closed: the measure is over.
            }
            catch (ObjectDisposedException)
            {
            }
        }) { IsBackground = true }.Start();
        return listener;
    });

    /// <summary>Connections a second. Each is reset by the client, so that no port waits for late packets.</summary>
    private static Task<double> ClientAsync(string name, string address, int seconds) => NetworkNamespaces.RunInsideAsync(name, () =>
    {
        var (target, watch, made) = (new IPEndPoint(IPAddress.Parse(address), Port), Stopwatch.StartNew(), 0);
        for (; watch.Elapsed.TotalSeconds < seconds; made++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
            socket.Connect(target);
        }
        return made / watch.Elapsed.TotalSeconds;
    });
}
