namespace Kumoi.Agent.LoadBalancers;

/// <summary>Adds up counts whose source may begin anew: a process that is started again, a table that is set again. What was counted before the first sight is left out.</summary>
public sealed class Tally(DateTimeOffset since)
{
    private Counts? _last;
    private string? _source;

    public DateTimeOffset Since { get; } = since;

    public Counts Counts { get; private set; } = Counts.None;

    /// <param name="source">What counts; another one counts from nothing.</param>
    /// <returns>What has come since.</returns>
    public Counts Take(Counts seen, string source)
    {
        var before = _last is null ? seen : source == _source ? _last : Counts.None;
        var grown = new Counts(0, Grown(before.Connections, seen.Connections), Grown(before.BytesIn, seen.BytesIn), Grown(before.BytesOut, seen.BytesOut));
        (_last, _source) = (seen, source);
        Grow(grown);
        Counts = Counts with { Active = seen.Active };
        return grown;
    }

    /// <summary>Adds what was counted elsewhere.</summary>
    public void Grow(Counts grown) => Counts += grown;

    private static long Grown(long before, long now) => now >= before ? now - before : now;
}
