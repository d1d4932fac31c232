using System.Text.Json;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>What images of a pool take there, measured beside everything else: it takes the longer the more there is.</summary>
internal sealed class RbdUse(TimeProvider clock)
{
    /// <summary>How often it is measured. Too low: the cluster is kept busy with it; too high: people see old numbers.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private volatile IReadOnlyDictionary<(string Image, string Point), long> _used = new Dictionary<(string, string), long>();
    private Task _measuring = Task.CompletedTask;
    private long? _since;

    /// <summary>The same with what was measured last; 0 if nothing was.</summary>
    public BlockDisk In(BlockDisk disk) => disk with { UsedBytes = _used.GetValueOrDefault((disk.Name, "")), Points = [.. disk.Points.Select(point => point with { UsedBytes = _used.GetValueOrDefault((disk.Name, point.Name)) })] };

    /// <summary>Begins to measure, if the last time was long ago.</summary>
    public void Measure(Func<Task<string>> ask)
    {
        lock (_gate)
        {
            if (!_measuring.IsCompleted || (_since is { } since && clock.GetElapsedTime(since) < Period)) return;
            _since = clock.GetTimestamp();
            _measuring = Task.Run(() => MeasureAsync(ask));
        }
    }

    private async Task MeasureAsync(Func<Task<string>> ask)
    {
        try
        {
            _used = Understand(await ask());
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // The numbers of before stay until the next time.
        }
    }

    internal static IReadOnlyDictionary<(string Image, string Point), long> Understand(string answer)
    {
        using var found = JsonDocument.Parse(answer);
        return found.RootElement.GetProperty("images").EnumerateArray().DistinctBy(KeyOf).ToDictionary(KeyOf, one => one.GetProperty("used_size").GetInt64());
    }

    private static (string, string) KeyOf(JsonElement one) => (one.GetProperty("name").GetString()!, one.TryGetProperty("snapshot", out var snapshot) ? snapshot.GetString()! : "");
}
