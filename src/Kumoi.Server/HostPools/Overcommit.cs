namespace Kumoi.Server.HostPools;

/// <summary>What hosts of a pool offer for each of what they have. What they offer is computed here and nowhere else, and kept in their rows, where claims compare with it.</summary>
public sealed record Overcommit(decimal Cpu, decimal Memory)
{
    public const double CpuMax = 64, MemoryMax = 16;

    /// <summary>Nothing is offered in parts.</summary>
    public (int Vcpus, int MemoryMib) Offer(int vcpus, int memoryMib) => (Times(vcpus, Cpu), Times(memoryMib, Memory));

    private static int Times(int amount, decimal ratio) => (int)Math.Min(decimal.Floor(amount * ratio), int.MaxValue);
}
