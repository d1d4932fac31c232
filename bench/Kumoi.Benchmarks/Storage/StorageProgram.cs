using Kumoi.Benchmarks.Figures;
using static Kumoi.Benchmarks.Figures.Steps;

namespace Kumoi.Benchmarks.Storage;

/// <summary>How often each thing of storage is done.</summary>
/// <param name="Clones">Attachments of each kind.</param>
/// <param name="Guests">From one image on one host, for what they take on disk.</param>
/// <param name="Mebibytes">Of each sequential transfer.</param>
/// <param name="Writes">Of 4 KiB, one after another, in each round.</param>
public sealed record StorageSizes(int Clones, int Guests, int Snapshots, int Rounds, int Mebibytes, int Writes, int Increments)
{
    public static StorageSizes Full { get; } = new(Clones: 20, Guests: 50, Snapshots: 20, Rounds: 7, Mebibytes: 256, Writes: 1000, Increments: 7);

    /// <summary>Fewer of each, in a third of the time; each figure says of how many it is.</summary>
    public static StorageSizes Short { get; } = new(Clones: 10, Guests: 20, Snapshots: 10, Rounds: 3, Mebibytes: 64, Writes: 300, Increments: 4);

    /// <summary>Only to see that everything works: the figures mean nothing.</summary>
    public static StorageSizes Trial { get; } = new(Clones: 2, Guests: 2, Snapshots: 2, Rounds: 2, Mebibytes: 16, Writes: 50, Increments: 2);
}

/// <summary>Volumes, snapshots and backups of real guests on a cloud of two hosts; started by bench/storage.</summary>
public static class StorageProgram
{
    /// <param name="page">Where the figures are written to; null: only to the terminal.</param>
    public static async Task RunAsync(string tree, string image, StorageSizes sizes, string? page)
    {
        var machine = await MachineFacts.ReadAsync(tree);
        Say(machine.Description);
        Say("a cloud of two hosts");
        await using var cloud = await StorageCloud.MakeAsync(tree);
        Say("clones");
        var clones = await Clones.MeasureAsync(cloud, image, sizes);
        Say("snapshots");
        var pauses = await Pauses.MeasureAsync(cloud, sizes);
        Say("transfers");
        var transfers = await DiskTransfers.MeasureAsync(cloud, sizes);
        Say("increments");
        var increments = await Increments.MeasureAsync(cloud, sizes);
        Say($"{sizes.Guests} guests");
        var guests = await Clones.OnDiskAsync(cloud, sizes);
        var markdown = Report.Markdown(machine,
        [
            new Section("A volume in a running guest, begun as an image or empty", clones), new Section($"{sizes.Guests} guests from one image", guests), new Section("Snapshots of a running guest", pauses),
            new Section("A guest's disk on its own host, on another one, and the bare file without a guest", transfers), new Section("Incremental backups", increments),
        ]);
        Console.WriteLine(markdown);
        if (page is not null) Report.Write(page, "storage", markdown);
    }
}
