namespace Kumoi.Testing;

/// <summary>Waits for a condition; never for a time.</summary>
public static class Wait
{
    public static async Task UntilAsync(Func<Task<bool>> condition, int seconds = 60, string? what = null)
    {
        var end = DateTimeOffset.UtcNow.AddSeconds(seconds);
        while (!await condition())
        {
            if (DateTimeOffset.UtcNow > end) throw new TimeoutException($"Not within {seconds} s: {what ?? "the condition"}.");
            await Task.Delay(50);
        }
    }
}
