using System.Globalization;
using Kumoi.Server.Events;

namespace Kumoi.Server.Platform.Http;

/// <summary>Questions that are answered when something is as the caller wants it, or cannot become so, or the caller's time is over.</summary>
public static class Waits
{
    // Rings may be lost; a look costs little.
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>How long the caller waits.</summary>
    public static Result<TimeSpan> Read(Call call)
    {
        var seconds = 60;
        if (call.Query("timeout") is { } text && (!int.TryParse(text, CultureInfo.InvariantCulture, out seconds) || seconds is < 1 or > 300))
            return Failure.Invalid("timeout", "between", 1, 300);
        return TimeSpan.FromSeconds(seconds);
    }

    /// <param name="find">What is now; its failure ends the wait.</param>
    /// <param name="judge">Whether that is what is wanted; null if it can never be.</param>
    /// <param name="tell">Name, state, and what is known of why it is not otherwise.</param>
    public static async Task<Result<T>> ForAsync<T>(
        EventBell bell, TimeProvider clock, string wanted, TimeSpan timeout, Func<Task<Result<T>>> find, Func<T, bool?> judge, Func<T, (string Name, string State, IEnumerable<Api.Condition> Why)> tell, CancellationToken cancel)
    {
        var until = clock.GetUtcNow() + timeout;
        for (; ; )
        {
            var ring = bell.Next;
            var found = await find();
            if (found.Failure is not null || judge(found.Value) == true) return found;
            var (name, state, conditions) = tell(found.Value);
            var why = string.Join(" ", conditions.Select(condition => condition.Message));
            if (judge(found.Value) is null) return new Failure("wait-unreachable", 409, name, wanted, why);
            var left = until - clock.GetUtcNow();
            if (left <= TimeSpan.Zero) return new Failure("wait-timeout", 408, name, state, wanted, why);
            await Task.WhenAny(ring, Task.Delay(left < LookInterval ? left : LookInterval, clock, cancel));
            cancel.ThrowIfCancellationRequested();
        }
    }
}
