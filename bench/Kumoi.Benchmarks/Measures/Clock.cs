using System.Diagnostics;

namespace Kumoi.Benchmarks.Measures;

/// <summary>Times things, alone or from several clients at once.</summary>
public static class Clock
{
    public static async Task<double> MillisecondsAsync(Func<Task> work)
    {
        var begin = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    public static async Task<List<double>> RepeatAsync(int times, Func<int, Task<double>> measure)
    {
        var values = new List<double>(times);
        for (var i = 0; i < times; i++) values.Add(await measure(i));
        return values;
    }

    /// <summary>Work numbered 0 to <paramref name="total"/> − 1, each client taking the next when it has done its last. Returns the milliseconds of each and the seconds of all.</summary>
    /// <param name="work">Takes the client's number and the work's.</param>
    public static async Task<(List<double> EachMs, double AllSeconds)> ShareAsync(int clients, int total, Func<int, int, Task> work)
    {
        var (taken, each) = (-1, new List<double>[clients]);
        var begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            each[client] = [];
            for (int number; (number = Interlocked.Increment(ref taken)) < total;) each[client].Add(await MillisecondsAsync(() => work(client, number)));
        })));
        return ([.. each.SelectMany(times => times)], Stopwatch.GetElapsedTime(begin).TotalSeconds);
    }
}
