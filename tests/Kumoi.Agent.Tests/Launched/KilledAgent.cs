using Kumoi.Agent.Linux;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>An agent that is killed in the middle of its work.</summary>
internal static class KilledAgent
{
    /// <summary>The agent is killed where it would do something for the time of this number: nothing after it happens. False if it came to an end before.</summary>
    /// <param name="changes">Whether something is counted: what only looks changes nothing for who comes after.</param>
    public static Task<bool> BeforeAsync(int number, Func<string, bool> changes, Func<Task> act)
    {
        var left = number;
        return WhereAsync(what => changes(what) && Interlocked.Decrement(ref left) <= 0, act);
    }

    /// <summary>The agent is killed where it would do this.</summary>
    public static async Task<bool> WhereAsync(Func<string, bool> isThere, Func<Task> act)
    {
        var dead = false;
        FaultPoints.Reached.Value = what =>
        {
            dead |= isThere(what);
            if (dead) throw new OperationCanceledException($"The agent was killed before: {what}");
        };
        try
        {
            await act();
        }
        catch (OperationCanceledException) when (dead)
        {
            // What it had begun is left as it is, its programs too.
        }
        finally
        {
            FaultPoints.Reached.Value = null;
        }
        return dead;
    }
}
