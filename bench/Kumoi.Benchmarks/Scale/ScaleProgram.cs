using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using static Kumoi.Benchmarks.Figures.Steps;

namespace Kumoi.Benchmarks.Scale;

/// <summary>Many hosts and instances on one machine; started by bench/scale, which has made ready a directory and a port.</summary>
public static class ScaleProgram
{
    /// <param name="tree">The source tree, built.</param>
    /// <param name="directory">Of the cloud and its hosts; what is there already is gone on with.</param>
    /// <param name="page">Where the figures are written to; null: only to the terminal.</param>
    public static async Task RunAsync(string tree, string directory, int port, ScaleSizes sizes, string? page)
    {
        var machine = await MachineFacts.ReadAsync(tree);
        Say(machine.Description);
        var local = new LocalCloud(tree, Path.Combine(directory, "cloud"), port);
        await using var cloud = new ScaleCloud(local);
        await cloud.UpAsync();
        var seeding = new Seeding(local, directory, sizes, Say);
        var seeded = seeding.Load() ?? await seeding.AccountsAsync();
        seeding.Keep(seeded);
        Say($"{sizes.Hosts:N0} hosts");
        await using var hosts = await SimulatedHosts.StartAsync(tree, local, seeded.AdminToken, Path.Combine(directory, "sim"), sizes.Hosts);
        var present = await cloud.InstancesAsync();
        if (seeded.SmallCosts.Count == 0 && present <= sizes.Small)
        {
            Say($"{sizes.Small:N0} instances");
            await seeding.InstancesAsync(seeded.AdminToken, present, sizes.Small);
            await cloud.SettleAsync(TimeSpan.FromMinutes(10));
            await cloud.AnalyseAsync();
            seeded = seeded with { SmallCosts = await new ScaleMeasures(cloud, hosts, seeded, sizes).SmallCostsAsync(), SmallInstances = sizes.Small };
            seeding.Keep(seeded);
            present = await cloud.InstancesAsync();
        }
        if (present < sizes.Instances)
        {
            if (present < sizes.Instances / 2) await seeding.ListAsync(seeded.AdminToken);
            present = await cloud.InstancesAsync();
            await seeding.InstancesAsync(seeded.AdminToken, present, sizes.Instances);
            await cloud.SettleAsync(TimeSpan.FromMinutes(30));
        }
        Say("accounts for the load");
        seeded = await seeding.LoadAccountsAsync(seeded);
        await cloud.SettleAsync(TimeSpan.FromMinutes(10));
        await cloud.AnalyseAsync();
        var measures = new ScaleMeasures(cloud, hosts, seeded, sizes);
        Say("warming");
        await measures.WarmAsync();
        for (var round = 1; round <= sizes.Rounds; round++) await measures.RoundAsync(what => Say($"round {round}: {what}"));
        var atEnd = await cloud.InstancesAsync();
        var section = new Section($"{sizes.Hosts:N0} simulated hosts, {atEnd:N0} instances of {sizes.Accounts:N0} accounts at the end", await measures.FiguresAsync(sizes.Instances));
        var markdown = Report.Markdown(machine, [section]);
        Console.WriteLine(markdown);
        if (page is not null) Report.Write(page, "scale", markdown);
    }
}
