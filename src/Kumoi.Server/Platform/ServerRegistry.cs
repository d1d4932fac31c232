using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Platform;

/// <summary>Which servers of the cloud live: each says so every few seconds, and agents are told of all of them.</summary>
public sealed class ServerRegistry(Database database, ServerOptions options, TimeProvider clock, ILogger<ServerRegistry> log) : BackgroundService
{
    // A server unheard of for three periods is not told to agents; after a day its row is dropped.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2), LiveFor = TimeSpan.FromSeconds(15);

    private volatile IReadOnlyList<string> _urls = [options.AgentUrl];

    /// <summary>Names this process among servers, also in leases.</summary>
    public string Id { get; } = "srv-" + Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));

    /// <summary>Addresses of the agent API of every server that lives.</summary>
    public IReadOnlyList<string> AgentUrls => _urls;

    public int Count => _urls.Count;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        do
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                ServerLog.RegistryFailed(log, e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    public async Task LookAsync(CancellationToken cancel)
    {
        await database.ExecuteAsync(
            """
            INSERT INTO servers (id, name, agent_url, version, started_at, seen_at) VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp())
            ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
            """, cancel, Id, Environment.MachineName, options.AgentUrl, Version);
        await database.ExecuteAsync("DELETE FROM servers WHERE seen_at < clock_timestamp() - interval '1 day'", cancel);
        var live = await database.QueryAsync(
            "SELECT DISTINCT agent_url FROM servers WHERE seen_at > clock_timestamp() - make_interval(secs => $1) ORDER BY 1", row => row.GetString(0), cancel, LiveFor.TotalSeconds);
        _urls = live.Contains(options.AgentUrl) ? live : [.. live, options.AgentUrl];
    }

    public static string Version { get; } =
        typeof(ServerRegistry).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>A server that ends as asked says so, and no agent is sent to it any more.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await database.ExecuteAsync("DELETE FROM servers WHERE id = $1", cancellationToken, Id);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
        {
            ServerLog.RegistryFailed(log, e.Message);
        }
    }
}

/// <summary>Lets one server at a time do a piece of work. Losing the lease in the middle does no harm: every effect is guarded by what it was decided from.</summary>
public sealed class Leases(Database database, ServerRegistry registry)
{
    /// <summary>True if this server has the lease for the time given, from now on.</summary>
    public async Task<bool> HoldAsync(string name, TimeSpan time, CancellationToken cancel) => await database.ExecuteAsync(
        """
        INSERT INTO leases (name, holder, until) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE leases.holder = $2 OR leases.until < clock_timestamp()
        """, cancel, name, registry.Id, time.TotalSeconds) == 1;
}

internal static partial class ServerLog
{
    [LoggerMessage(9101, LogLevel.Warning, "The list of servers could not be kept; the next try is in five seconds: {Message}")]
    public static partial void RegistryFailed(ILogger logger, string message);

    [LoggerMessage(9102, LogLevel.Warning, "Other servers cannot be heard or told of changes now; they see them by looking: {Message}")]
    public static partial void BusFailed(ILogger logger, string message);
}
