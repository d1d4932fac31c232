using Kumoi.Reconcile;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Routers;

/// <summary>Sees to it that each public address of a network is on a host that is not down and has guests there. A host that is only silent keeps it: nobody
/// may take it while the other could answer for it still.</summary>
public sealed class GatewayController(Database database, Leases leases, HostRevisions hosts, EventLog events, TimeProvider clock, ILogger<GatewayController> log) : BackgroundService
{
    public const string Lease = "gateways";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2), LeaseTime = TimeSpan.FromSeconds(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Resync.RunAsync(new Doorbell(clock), Period, async cancel =>
    {
        if (await leases.HoldAsync(Lease, LeaseTime, cancel)) await LookAsync(cancel);
    }, e => GatewayLog.Failed(log, e is NpgsqlException ? null : e, e.Message), stoppingToken);

    /// <summary>Looks at all networks with public addresses once.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        foreach (var id in await GatewayStore.LackingAsync(database, cancel))
            await database.TransactionAsync<Done>(async transaction =>
            {
                await hosts.TouchByNetworksAsync(transaction, [id], cancel);
                var network = await transaction.FindAsync("SELECT account_id, name FROM networks WHERE id = $1 FOR UPDATE", row => (Account: row.GetString(0), Name: row.GetString(1)), cancel, id);
                if (network.Account is null) return new Done();
                foreach (var moved in await GatewayStore.ChooseAsync(transaction, id, cancel))
                {
                    var host = await transaction.FindAsync("SELECT name FROM hosts WHERE id = $1", row => row.GetString(0), cancel, Columns.Text(moved.HostId));
                    await events.WriteAsync(transaction, network.Account, EventActor.System, "network.move-gateway", new Subject("network", id, network.Name), cancel,
                        host is null ? $"{moved.Address} is on no host: none with guests of the network is up." : $"{moved.Address} is on host {host} now.");
                }
                return new Done();
            }, cancel);
    }
}

internal static partial class GatewayLog
{
    [LoggerMessage(3301, LogLevel.Warning, "Public addresses of networks could not be looked at; it is tried again in two seconds: {Message}")]
    public static partial void Failed(ILogger logger, Exception? exception, string message);
}
