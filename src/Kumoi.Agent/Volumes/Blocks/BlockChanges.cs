using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>
/// Commands that change a place. Each runs to its end, also when the agent ends or has waited long enough: cut off in the middle it could leave a disk suspended, or half of it noted. What is changed
/// next in the same turn waits for that, also in an agent that was started since.
/// </summary>
public sealed class BlockChanges(Commands commands, AgentPaths paths)
{
    /// <summary>How long to wait for changes before this one. Too low: a busy place fails what would be done soon; too high: who waits for a tool that hangs is not told of it.</summary>
    private static readonly TimeSpan TurnLimit = TimeSpan.FromSeconds(60);

    // In order, within this agent.
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();

    private long _count;

    /// <summary>How many have ended, or are not waited for any more.</summary>
    public long Count => Interlocked.Read(ref _count);

    private string Directory => Path.Combine(paths.RunRoot, "turns");

    /// <summary>The turn of all that changes something, whatever its name holds.</summary>
    public static string TurnOf(string changed) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(changed)))[..32];

    /// <param name="turn">Changes of one turn come one after another.</param>
    public async Task<CommandResult> TryAsync(string turn, string program, IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancel)
    {
        DurableFiles.MakeDirectory(paths.RunRoot, AgentModes.Passable);
        DurableFiles.MakeDirectory(Directory, AgentModes.PrivateDirectory);
        var gate = _gates.GetOrAdd(turn, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(cancel);
        try
        {
            return await commands.TryChangeAsync(program, arguments, Path.Combine(Directory, turn), TurnLimit, limit, cancel);
        }
        finally
        {
            Interlocked.Increment(ref _count);
            gate.Release();
        }
    }
}
