namespace Kumoi.Api;

/// <summary>What an account has and uses: running counts for a dashboard. Memory in MiB, disk in GiB.</summary>
/// <param name="Instances">Number of instances by state.</param>
public sealed record AccountSummary(
    Ref Account, IReadOnlyDictionary<string, int> Instances, int Vcpus, int MemoryMib, int DiskGib, int Images, int KeyPairs, int Networks,
    int SecurityGroups);
