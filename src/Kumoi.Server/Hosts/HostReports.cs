using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Hosts;

/// <summary>Takes in a host's report: facts and heartbeat, then what it sees of instances.</summary>
public sealed class HostReports(Database database, InstanceObservation instances, EventLog events, ServerOptions options, TimeProvider clock)
{
    public async Task<Result<Done>> ObserveAsync(string hostId, ObservedReport report, CancellationToken cancel)
    {
        var facts = report.Facts;
        var result = await database.TransactionAsync<string>(async transaction =>
        {
            var (name, account, state) = await transaction.FindAsync("SELECT name, account_id, state FROM hosts WHERE id = $1 FOR UPDATE",
                row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancel, hostId);
            if (name is null) return new Failure("unknown-host", 401);
            await transaction.ExecuteAsync(
                """
                UPDATE hosts SET hypervisor = $2, accelerator = $3, accelerator_reason = $4, address = $5, agent_version = $6, boot_id = $7, vcpus = $8, memory_mib = $9, disk_gib = $10,
                                 strays = $11, conditions = $12, state = 'up', heard_at = $13 WHERE id = $1
                """, cancel,
                hostId, facts.Hypervisor, facts.Accelerator, facts.AcceleratorReason, facts.Address, facts.AgentVersion, facts.BootId, facts.Vcpus * options.VcpuRatio, facts.MemoryMib,
                facts.DiskGib, Columns.Texts(report.Strays), Columns.Json(report.Conditions), clock.GetUtcNow());
            if (state != "up") await events.WriteAsync(transaction, account, EventActor.Host(hostId, name), "host.up", new Subject("host", hostId, name), cancel);
            return name;
        }, cancel);
        if (result.Failure is { } failure) return failure;
        await instances.ObserveAsync(hostId, result.Value, report.Instances, cancel);
        return new Done();
    }
}

/// <summary>Marks hosts that have fallen silent. Unreachable is not down: nothing is done to their guests.</summary>
public sealed class HostWatch(Database database, EventLog events, TimeProvider clock, ILogger<HostWatch> log) : BackgroundService
{
    // Three full reports missed. Shorter cries wolf at a slow network; longer keeps placing instances on a dead host.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(90), Period = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Npgsql.NpgsqlException e)
            {
                HostLog.WatchFailed(log, e);
            }
        }
    }

    public Task LookAsync(CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var silent = await transaction.QueryAsync(
            "UPDATE hosts SET state = 'unreachable' WHERE state = 'up' AND heard_at < $1 RETURNING id, name, account_id", row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancel,
            clock.GetUtcNow() - SilenceMax);
        foreach (var (id, name, account) in silent)
            await events.WriteAsync(transaction, account, EventActor.System, "host.unreachable", new Subject("host", id, name), cancel, "No report for 90 seconds. Its guests may well be running.");
        return new Done();
    }, cancel);
}

internal static partial class HostLog
{
    [LoggerMessage(3001, LogLevel.Warning, "Silent hosts could not be looked for; the next try is in ten seconds.")]
    public static partial void WatchFailed(ILogger logger, Exception exception);
}
