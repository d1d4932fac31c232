using System.Diagnostics;

namespace Kumoi.Agent.Tests.Fakes;

/// <summary>Waits for conditions; no test sleeps for a fixed time.</summary>
internal static class Wait
{
    public static Task ForAsync(string what, Func<bool> condition, TimeSpan limit) => ForAsync(what, () => Task.FromResult(condition()), limit);

    public static async Task ForAsync(string what, Func<Task<bool>> condition, TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > limit) throw new TimeoutException($"Waited {limit.TotalSeconds:0} s in vain for: {what}");
            await Task.Delay(10);
        }
    }
}
