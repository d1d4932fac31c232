using Kumoi.Benchmarks.Figures;
using static Kumoi.Benchmarks.Figures.Steps;

namespace Kumoi.Benchmarks.Networks;

/// <summary>How often each thing of networks is done.</summary>
/// <param name="Networks">On one host, for what an agent has to do with many.</param>
/// <param name="Interfaces">In each of them.</param>
public sealed record NetworkSizes(int Rounds, int Members, int Transfers, int TransferSeconds, int Networks, int Interfaces, int Rules)
{
    public static NetworkSizes Full { get; } = new(Rounds: 40, Members: 1000, Transfers: 7, TransferSeconds: 3, Networks: 200, Interfaces: 20, Rules: 1000);

    /// <summary>Only to see that everything works: the figures mean nothing.</summary>
    public static NetworkSizes Trial { get; } = new(Rounds: 3, Members: 50, Transfers: 2, TransferSeconds: 1, Networks: 5, Interfaces: 4, Rules: 50);
}

/// <summary>The networks of hosts, without a cloud: the agent's own driver and controller, hosts and guests as namespaces of this machine; started by bench/network.</summary>
public static class NetworkProgram
{
    /// <param name="page">Where the figures are written to; null: only to the terminal.</param>
    public static async Task RunAsync(string tree, NetworkSizes sizes, string? page)
    {
        var machine = await MachineFacts.ReadAsync(tree);
        Say(machine.Description);
        Say("changes");
        var changes = await Changes.MeasureAsync(sizes);
        Say("transfers");
        var transfers = await Transfers.MeasureAsync(sizes);
        Say("connections");
        var connections = await Connections.MeasureAsync(sizes);
        Say($"{sizes.Networks} networks");
        var many = await ManyNetworks.MeasureAsync(sizes, Say);
        var markdown = Report.Markdown(machine,
        [
            new Section("From a change to its effect on a host", changes), new Section("Throughput of one TCP connection between guests, and of the same without Kumoi", transfers),
            new Section("New TCP connections, one after another", connections),
            new Section($"One host with {sizes.Networks} networks of {sizes.Interfaces} interfaces each", many),
        ]);
        Console.WriteLine(markdown);
        if (page is not null) Report.Write(page, "network", markdown);
    }
}
