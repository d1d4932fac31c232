using Kumoi.Reconcile;
using Kumoi.Server.Alerts.Telling;
using Kumoi.Server.Platform;
using Npgsql;

namespace Kumoi.Server.Alerts;

/// <summary>Looks for what needs somebody, and writes the messages that tell it: one server of several.</summary>
public sealed class AlertLoop(Leases leases, AlertWatch watch, AlertTeller teller, TimeProvider clock, ILogger<AlertLoop> log) : BackgroundService
{
    public const string Lease = "alerts";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10), LeaseTime = TimeSpan.FromSeconds(60);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        if (!await leases.HoldAsync(Lease, LeaseTime, cancel)) return;
        await watch.LookAsync(clock.GetUtcNow(), cancel);
        await teller.LookAsync(clock.GetUtcNow(), cancel);
    }, Broken, stoppingToken);

    private void Broken(Exception e)
    {
        if (e is NpgsqlException) AlertLog.LookFailed(log, e.Message);
        else AlertLog.Broken(log, e);
    }
}

internal static partial class AlertLog
{
    [LoggerMessage(9901, LogLevel.Warning, "What needs somebody could not be looked for; the next try is in ten seconds: {Message}")]
    public static partial void LookFailed(ILogger logger, string message);

    [LoggerMessage(9902, LogLevel.Error, "Looking for what needs somebody met an error in the server")]
    public static partial void Broken(ILogger logger, Exception e);
}
