using Kumoi.Server.Hosts;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Metrics;

/// <summary>How many of everything there are in the cloud.</summary>
/// <param name="Unmet">Living instances whose hosts have not acted on all that was asked.</param>
/// <param name="HeldLeases">Leases by name; true if this server holds it.</param>
public sealed record CensusCounts(
    IReadOnlyDictionary<string, long> Hosts, IReadOnlyDictionary<string, long> Instances, long Unmet, IReadOnlyDictionary<string, bool> HeldLeases, long HostsUntold, bool DatabaseUp, DateTimeOffset At);

/// <summary>
/// Counts records for the metrics: in the background, and only while somebody asks, so that a scrape costs no query, and a cloud that nobody
/// watches no counting.
/// </summary>
public sealed class Census(Database database, HostBell bell, ServerRegistry registry, TimeProvider clock) : BackgroundService
{
    // Shorter: fresher numbers, and 100,000 records counted more often.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5), AskedFor = TimeSpan.FromMinutes(2), Patience = TimeSpan.FromSeconds(3);

    private static readonly IReadOnlyDictionary<string, long> None = new Dictionary<string, long>();

    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile CensusCounts? _counts;
    private long _askedAt = clock.GetTimestamp() - (long)(AskedFor.TotalSeconds * clock.TimestampFrequency);

    /// <summary>The last count; the first time, or after nobody asked for long, a fresh one.</summary>
    public async Task<CensusCounts> AskAsync(CancellationToken cancel)
    {
        Volatile.Write(ref _askedAt, clock.GetTimestamp());
        if (_counts is { } known && clock.GetUtcNow() - known.At < Period * 3) return known;
        await _gate.WaitAsync(cancel);
        try
        {
            return _counts is { } other && clock.GetUtcNow() - other.At < Period ? other : await CountAsync(cancel);
        }
        finally
        {
            _gate.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            if (clock.GetElapsedTime(Volatile.Read(ref _askedAt)) < AskedFor) await CountAsync(stoppingToken);
    }

    public async Task<CensusCounts> CountAsync(CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        return _counts = await CountAllAsync(either.Token, cancel);
    }

    private async Task<CensusCounts> CountAllAsync(CancellationToken cancel, CancellationToken asker)
    {
        try
        {
            var hosts = await database.QueryAsync("SELECT state, count(*) FROM hosts GROUP BY state", row => (row.GetString(0), row.GetInt64(1)), cancel);
            var instances = await database.QueryAsync(
                "SELECT state, count(*), count(*) FILTER (WHERE observed_generation < generation) FROM instances WHERE terminated_at IS NULL GROUP BY state",
                row => (State: row.GetString(0), Count: row.GetInt64(1), Unmet: row.GetInt64(2)), cancel);
            var leases = await database.QueryAsync("SELECT name, holder = $1 AND until > clock_timestamp() FROM leases", row => (row.GetString(0), row.GetBoolean(1)), cancel, registry.Id);
            var waiting = bell.WaitingHosts();
            var untold = waiting.Count == 0 ? 0 : await database.FindAsync(
                "SELECT count(*) FROM unnest($1::text[], $2::bigint[]) AS w(id, after) JOIN hosts h ON h.id = w.id WHERE h.revision <> w.after", row => row.GetInt64(0), cancel,
                Columns.Texts(waiting.Select(w => w.HostId)), Columns.Bigints(waiting.Select(w => w.After)));
            // States that nobody is in are told as none, so that a graph has no gap.
            return new CensusCounts(
                HostStates.All.ToDictionary(state => state, state => hosts.Find(h => h.Item1 == state).Item2),
                InstanceStates.All.Where(state => state != InstanceStates.Terminated).ToDictionary(state => state, state => instances.Find(i => i.State == state).Count),
                instances.Sum(i => i.Unmet), leases.ToDictionary(), untold, true, clock.GetUtcNow());
        }
        catch (Exception e) when (e is NpgsqlException || e is OperationCanceledException && !asker.IsCancellationRequested)
        {
            // Numbers of before would pass for those of now: there are none.
            return new CensusCounts(None, None, 0, new Dictionary<string, bool>(), 0, false, clock.GetUtcNow());
        }
    }
}
