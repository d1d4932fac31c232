namespace Kumoi.Benchmarks.Scale;

/// <summary>How large the cloud is that is measured, and how often each thing is done.</summary>
/// <param name="Small">Instances at which a create's cost is measured the first time, while the cloud fills.</param>
/// <param name="Rounds">Everything is measured this often; figures that need more measurements take them from all rounds.</param>
/// <param name="Burst">Creates of a round by 32 clients.</param>
/// <param name="Steady">Creates of a round by 8 clients.</param>
public sealed record ScaleSizes(int Hosts, int Instances, int Accounts, int Small, int Rounds, int Burst, int Steady, int Lists, int Reads, int Decisions)
{
    public static ScaleSizes Full { get; } = new(Hosts: 10_000, Instances: 100_000, Accounts: 1000, Small: 1000, Rounds: 3, Burst: 1500, Steady: 800, Lists: 30, Reads: 500, Decisions: 1000);

    /// <summary>Only to see that everything works: the figures mean nothing.</summary>
    public static ScaleSizes Trial { get; } = new(Hosts: 200, Instances: 2000, Accounts: 20, Small: 200, Rounds: 3, Burst: 100, Steady: 50, Lists: 7, Reads: 40, Decisions: 100);
}
