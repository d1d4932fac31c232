using System.Globalization;
using Kumoi.Api;
using Kumoi.Benchmarks.Accounts;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using Kumoi.Benchmarks.Measures;
using Kumoi.Benchmarks.Networks;
using Kumoi.Benchmarks.Scale;
using Kumoi.Benchmarks.Storage;
using static Kumoi.Benchmarks.Figures.Steps;

// Started by bench/run, which has made ready a directory and a port, and removes whatever is left.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string Argument(string name) => Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : throw new ArgumentException($"{name} is missing; use bench/run.");
if (args.Contains("--network"))
{
    var place = Argument("--tree");
    await NetworkProgram.RunAsync(place, args.Contains("--trial") ? NetworkSizes.Trial : NetworkSizes.Full, args.Contains("--write") ? Path.Combine(place, "docs/benchmarks.md") : null);
    return 0;
}
if (args.Contains("--storage"))
{
    var place = Argument("--tree");
    await StorageProgram.RunAsync(place, Argument("--image"), args.Contains("--trial") ? StorageSizes.Trial : args.Contains("--short") ? StorageSizes.Short : StorageSizes.Full, args.Contains("--write") ? Path.Combine(place, "docs/benchmarks.md") : null);
    return 0;
}
var (tree, home, port) = (Argument("--tree"), Argument("--home"), int.Parse(Argument("--port"), CultureInfo.InvariantCulture));
if (args.Contains("--scale"))
{
    try
    {
        var scale = args.Contains("--trial") ? ScaleSizes.Trial : ScaleSizes.Full;
        if (args.Contains("--rounds")) scale = scale with { Rounds = int.Parse(Argument("--rounds"), CultureInfo.InvariantCulture) };
        await ScaleProgram.RunAsync(tree, home, port, scale, args.Contains("--write") ? Path.Combine(tree, "docs/benchmarks.md") : null);
        return 0;
    }
    catch (Exception e)
    {
        // Caught, so that what was begun is ended.
        Console.Error.WriteLine(e);
        return 1;
    }
}
var sizes = args.Contains("--trial") ? Sizes.Trial : Sizes.Full;
var imageFile = Argument("--image");
if (args.Contains("--accounts"))
{
    await AccountsProgram.RunAsync(new LocalCloud(tree, Path.Combine(home, "state"), port), tree, imageFile, args.Contains("--trial") ? AccountsSizes.Trial : AccountsSizes.Full, args.Contains("--write") ? Path.Combine(tree, "docs/benchmarks.md") : null);
    return 0;
}
var sections = new List<Section>();

var machine = await MachineFacts.ReadAsync(tree);
Say(machine.Description);
Say("starts of clouds");
var starts = await Starting.MeasureAsync(tree, home, port, sizes);

var cloud = new LocalCloud(tree, Path.Combine(home, "state"), port);
await cloud.KumoiAsync("up");
var pids = await cloud.PidsAsync();
Say("memory after the start");
var idle = await Memory.MeasureAsync(cloud, "idle after start");

Say("commits of PostgreSQL");
var commits = await Limits.CommitAsync(cloud, sizes);
var tenant = await Tenant.MakeAsync(cloud, imageFile);
using var admin = tenant.Admin();
var accelerator = (await admin.GetAsync<Page<Host>>("hosts")).Items[0].Accelerator;

await using (var host = await BoundlessHost.JoinAsync(tenant))
{
    var creating = new Creating(tenant, host, pids["server"], pids["postgres"], sizes);
    var first = await creating.WarmAsync();
    var silent = new List<Figure>();
    var obeyed = new List<Figure>();
    foreach (var clients in (int[])[1, 8])
    {
        Say($"creates, {clients} at once");
        silent.AddRange(await creating.CreateAsync(clients, obeyed: false));
        await creating.DeleteAllAsync();
        obeyed.AddRange(await creating.CreateAsync(clients, obeyed: true));
        if (clients == 1) await creating.DeleteAllAsync();
    }
    Say("deletes");
    var deleted = await creating.DeleteAsync(8);
    sections.Add(new Section("The control plane: a fake host that has room for everything and nothing to boot", [.. commits, first, .. silent, .. obeyed, await creating.RunningAsync(), .. deleted]));
    Say("lists");
    await creating.FillAsync(sizes.Rows);
    await host.BeSilentAsync();
    sections.Add(new Section($"Reading, with {sizes.Rows:N0} instances", await Reading.MeasureAsync(tenant, pids["server"], pids["postgres"], sizes)));
    await creating.DeleteAllAsync();
}

Say("real guests");
var bare = await Limits.QemuAsync(home, imageFile, accelerator, sizes);
sections.Add(new Section($"Real guests (flavor tiny, accelerator {accelerator}), one after another", [.. bare, .. await new Launching(tenant, sizes).MeasureAsync()]));
Say("commands and memory");
sections.Add(new Section("Starting and commands", [.. starts, await Starting.CommandAsync(tenant, sizes)]));
sections.Add(new Section("Resident memory", [.. idle, .. await Memory.MeasureAsync(cloud, "after the runs")]));

var markdown = Report.Markdown(machine, sections);
Console.WriteLine(markdown);
if (args.Contains("--write")) Report.Write(Path.Combine(tree, "docs/benchmarks.md"), "run", markdown);
return 0;
