namespace Kumoi.Agent.Linux;

/// <summary>Points at which a test may have the agent die: before each command to another program or process, and around each change of a file that is to last.</summary>
internal static class FaultPoints
{
    /// <summary>Gets what is about to be done, and may throw. Of the test's own flow of execution, and nobody else's.</summary>
    public static AsyncLocal<Action<string>?> Reached { get; } = new();

    public static void Reach(string what) => Reached.Value?.Invoke(what);
}
