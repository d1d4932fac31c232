using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Accounts;

/// <summary>
/// Keeps the guests of accounts that are not active still, and starts those again that it stopped once the account is active. What was asked for
/// at the same moment as the suspension is found at the next look.
/// </summary>
public sealed class AccountHolding(Database database, HostRevisions hosts, EventLog events, TimeProvider clock, ILogger<AccountHolding> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

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
                AccountLog.HoldingFailed(log, e);
            }
        }
    }

    /// <summary>One look at all accounts.</summary>
    public async Task LookAsync(CancellationToken cancel)
    {
        var accounts = await database.QueryAsync(
            """
            SELECT a.id FROM accounts a WHERE a.state <> 'active' AND EXISTS (SELECT 1 FROM instances i WHERE i.account_id = a.id AND i.desired = 'running')
            UNION SELECT i.account_id FROM instances i JOIN accounts a ON a.id = i.account_id WHERE i.held AND a.state = 'active'
            """, row => row.GetString(0), cancel);
        foreach (var account in accounts)
            await database.TransactionAsync<Platform.Done>(async transaction =>
            {
                await transaction.ExecuteAsync("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE", cancel, account);
                await ApplyAsync(transaction, account, cancel);
                return new Platform.Done();
            }, cancel);
    }

    /// <summary>Stops what runs, or starts what was stopped, as the account's state says; the account is locked by the caller.</summary>
    public async Task ApplyAsync(Transaction transaction, string accountId, CancellationToken cancel)
    {
        var changed = await transaction.LockedAsync(
            ("SELECT 1 FROM instances WHERE account_id = $1 AND (held OR desired = 'running') ORDER BY id FOR UPDATE", [accountId]),
            row => (Id: row.GetString(0), Name: row.GetString(1), Host: row.TextOrNull(2), Desired: row.GetString(3)),
            """
            UPDATE instances i SET held = a.state <> 'active', generation = generation + 1,
                desired = CASE WHEN i.desired = 'terminated' THEN i.desired WHEN a.state = 'active' THEN 'running' ELSE 'stopped' END
            FROM accounts a WHERE a.id = i.account_id AND i.account_id = $1 AND (CASE WHEN a.state = 'active' THEN i.held ELSE i.desired = 'running' END)
            RETURNING i.id, i.name, i.host_id, i.desired
            """, accountId);
        await events.WriteAsync(transaction, [.. changed.Where(i => i.Desired != "terminated").OrderBy(i => i.Id).Select(i => new NewEvent(accountId, EventActor.System, i.Desired == "running" ? "instance.start" : "instance.stop", new Subject("instance", i.Id, i.Name),
            i.Desired == "running" ? "Its account is active again." : "Its account is not active."))], cancel);
        await hosts.TouchAsync(transaction, [.. changed.Select(i => i.Host).OfType<string>().Distinct()], cancel);
    }
}

internal static partial class AccountLog
{
    [LoggerMessage(2901, LogLevel.Warning, "The guests of suspended accounts could not be looked at; the next look is in ten seconds.")]
    public static partial void HoldingFailed(ILogger logger, Exception exception);
}
