using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Power;

/// <summary>Hosts' power controllers: keeps what is known of them, and speaks to each about one thing at a time.</summary>
public sealed class PowerControllers(Database database, MasterKey masterKey, PowerDrivers drivers, TimeProvider clock)
{
    // Many controllers refuse a second session, or answer the first one late because of it.
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new();

    /// <summary>A password is good for its host only: moved to another row it cannot be read.</summary>
    private static string Purpose(string hostId) => "host-power " + hostId;

    /// <summary>Keeps a controller for the host; what was known of the one before is forgotten.</summary>
    public Task SetAsync(Transaction transaction, string hostId, SetHostPower set, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        INSERT INTO host_power (host_id, account_id, driver, address, user_name, encrypted_password) SELECT id, account_id, $2, $3, $4, $5 FROM hosts WHERE id = $1
        ON CONFLICT (host_id) DO UPDATE SET driver = excluded.driver, address = excluded.address, user_name = excluded.user_name, encrypted_password = excluded.encrypted_password,
                                            state = NULL, checked_at = NULL, conditions = '[]'
        """, cancel, hostId, set.Driver, set.Address, set.User, masterKey.Encrypt(Encoding.UTF8.GetBytes(set.Password), Purpose(hostId)));

    /// <summary>Asks for the state; the answer is kept beside the host. Null: the host has no controller.</summary>
    public Task<PowerAnswer?> AskAsync(string hostId, CancellationToken cancel) => SpeakAsync(hostId, (driver, target) => driver.StatusAsync(target, cancel), cancel);

    /// <summary>Has the power switched. Null: the host has no controller.</summary>
    /// <param name="still">Asked when it is this order's turn; false takes it back.</param>
    public Task<PowerAnswer?> SwitchAsync(string hostId, bool on, Func<bool> still, CancellationToken cancel) => SpeakAsync(
        hostId, async (driver, target) => still() ? await driver.SwitchAsync(target, on, cancel) : new PowerAnswer(null, "The order to switch the power came too late, and was taken back."), cancel);

    private async Task<PowerAnswer?> SpeakAsync(string hostId, Func<IPowerDriver, PowerTarget, Task<PowerAnswer>> speak, CancellationToken cancel)
    {
        var gate = _gates.GetOrAdd(hostId, static _ => new SemaphoreSlim(1));
        await gate.WaitAsync(cancel);
        try
        {
            var (driverName, address, user, sealedPassword) = await database.FindAsync("SELECT driver, address, user_name, encrypted_password FROM host_power WHERE host_id = $1",
                row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetFieldValue<byte[]>(3)), cancel, hostId);
            if (driverName is null) return null;
            var answer = Open(hostId, sealedPassword!) is not { } password ? new PowerAnswer(null, "The controller's password cannot be read with this server's master key. Give the servers the same key, or set the password anew.")
                : drivers.Find(driverName) is not { } driver ? new PowerAnswer(null, $"This server has no driver {driverName}.")
                : await speak(driver, new PowerTarget(address!, user!, password));
            await KeepAsync(hostId, sealedPassword!, answer, cancel);
            return answer;
        }
        finally
        {
            gate.Release();
        }
    }

    private string? Open(string hostId, byte[] sealedPassword)
    {
        try
        {
            return Encoding.UTF8.GetString(masterKey.Decrypt(sealedPassword, Purpose(hostId)));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>A problem that stands keeps the time since when it does. An answer of a controller that was replaced meanwhile is worth nothing.</summary>
    private Task<int> KeepAsync(string hostId, byte[] asWhom, PowerAnswer answer, CancellationToken cancel)
    {
        Condition[] conditions = answer.Problem is { } problem ? [new Condition("Power", "power-controller", problem, clock.GetUtcNow(), null)] : [];
        return database.ExecuteAsync(
            """
            UPDATE host_power SET state = coalesce($3, state), checked_at = clock_timestamp(),
                                  conditions = CASE WHEN conditions -> 0 ->> 'message' = $4 THEN conditions ELSE $5 END WHERE host_id = $1 AND encrypted_password = $2
            """, cancel, hostId, asWhom, Columns.Text(answer.State), Columns.Text(answer.Problem), Columns.Json(conditions));
    }
}
