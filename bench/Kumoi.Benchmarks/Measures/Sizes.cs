namespace Kumoi.Benchmarks.Measures;

/// <summary>How often each thing is done. More steadies the figures and costs minutes.</summary>
/// <param name="Batches">Rates and costs are told over this many batches.</param>
/// <param name="Batch">Creates or deletes in a batch.</param>
/// <param name="First">Creates on a server just started, told apart.</param>
/// <param name="Rows">Instances in the list that is read; no more than one page holds.</param>
public sealed record Sizes(int Batches, int Batch, int First, int Warm, int Rows, int Lists, int Reads, int Launches, int Banners, int Starts, int Commands, int Bare, int Commits)
{
    public static Sizes Full { get; } = new(Batches: 5, Batch: 120, First: 100, Warm: 500, Rows: 1000, Lists: 100, Reads: 2000, Launches: 20, Banners: 7, Starts: 5, Commands: 20, Bare: 20, Commits: 600);

    /// <summary>Only to see that everything works: the figures mean nothing.</summary>
    public static Sizes Trial { get; } = new(Batches: 2, Batch: 20, First: 20, Warm: 5, Rows: 100, Lists: 5, Reads: 50, Launches: 2, Banners: 2, Starts: 2, Commands: 2, Bare: 2, Commits: 20);
}
