using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Switches;

/// <summary>A port that is to be looked at.</summary>
public sealed record DuePort(string SwitchId, string Name, PortSetting Wanted, long Generation, long Applied, int Attempts);

/// <summary>Every statement on switches and their ports.</summary>
public sealed class SwitchStore(Database database, MasterKey masterKey, TimeProvider clock)
{
    private const string Select = "SELECT s.id, s.name, s.driver, s.url, s.authority_pem IS NOT NULL, s.created_at, s.checked_at, s.conditions::text FROM switches s ";

    private static Switch Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetBoolean(4), [], row.Time(5), row.TimeOrNull(6), Problem(row.GetString(7)));

    private static string? Problem(string conditions) => JsonSerializer.Deserialize(conditions, ApiJson.Default.ConditionArray) is [var condition, ..] ? condition.Message : null;

    private static (string Switch, SwitchPort Port) ReadPort(NpgsqlDataReader row) => (row.GetString(0), new SwitchPort(
        row.GetString(1), row.GetString(2), row.IntOrNull(3), row.Texts(4), row.GetBoolean(5) ? "applied" : "pending", row.TimeOrNull(6), Problem(row.GetString(7))));

    private const string SelectPorts = "SELECT switch_id, name, mode, access_vlan, trunk_vlans, applied_generation = generation, checked_at, conditions::text FROM switch_ports WHERE switch_id = ANY($1) ORDER BY name";

    /// <summary>A token is good for its switch only: moved to another row it cannot be read.</summary>
    private static string Purpose(string switchId) => "switch " + switchId;

    public async Task<List<Switch>> ListAsync(string after, int limit, CancellationToken cancel) =>
        await WithPortsAsync(await database.QueryAsync(Select + "WHERE s.id > $1 ORDER BY s.id LIMIT $2", Read, cancel, after, limit), cancel);

    public async Task<Switch?> FindAsync(string key, CancellationToken cancel) =>
        (await WithPortsAsync(await database.QueryAsync(Select + "WHERE s.id = $1 OR s.name = $1", Read, cancel, key), cancel)).FirstOrDefault();

    private async Task<List<Switch>> WithPortsAsync(List<Switch> switches, CancellationToken cancel)
    {
        var ports = (await database.QueryAsync(SelectPorts, ReadPort, cancel, Columns.Texts(switches.Select(one => one.Id)))).ToLookup(port => port.Switch, port => port.Port);
        return switches.ConvertAll(one => one with { Ports = [.. ports[one.Id]] });
    }

    /// <summary>False if there is one of that name.</summary>
    public async Task<bool> InsertAsync(Transaction transaction, string id, string name, CreateSwitch create, string driver, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        INSERT INTO switches (id, account_id, name, driver, url, encrypted_token, authority_pem, created_at) VALUES ($1, (SELECT min(id) FROM accounts WHERE kind = 'operator'), $2, $3, $4, $5, $6, $7)
        ON CONFLICT (name) DO NOTHING
        """, cancel, id, name, driver, create.Url, masterKey.Encrypt(Encoding.UTF8.GetBytes(create.Token), Purpose(id)), Columns.Text(create.Authority), clock.GetUtcNow()) == 1;

    public static Task<Ref?> LockAsync(Transaction transaction, string key, CancellationToken cancel) =>
        transaction.FindAsync("SELECT id, name FROM switches WHERE id = $1 OR name = $1 FOR UPDATE", row => new Ref(row.GetString(0), row.GetString(1)), cancel, key);

    /// <summary>Says what a port should be; false if it was said already.</summary>
    public static async Task<bool> SetPortAsync(Transaction transaction, string switchId, string port, PortSetting setting, CancellationToken cancel) => await transaction.ExecuteAsync(
        """
        INSERT INTO switch_ports AS p (switch_id, name, account_id, mode, access_vlan, trunk_vlans) VALUES ($1, $2, (SELECT account_id FROM switches WHERE id = $1), $3, $4, $5)
        ON CONFLICT (switch_id, name) DO UPDATE SET mode = excluded.mode, access_vlan = excluded.access_vlan, trunk_vlans = excluded.trunk_vlans, generation = p.generation + 1,
                                                    attempts = 0, next_look_at = NULL, conditions = '[]'
        WHERE (p.mode, p.access_vlan, p.trunk_vlans) IS DISTINCT FROM (excluded.mode, excluded.access_vlan, excluded.trunk_vlans)
        """, cancel, switchId, port, setting.Mode, Columns.Integer(setting.AccessVlan), Columns.Texts(setting.Texts)) == 1;

    public static Task<SwitchPort?> FindPortAsync(Transaction transaction, string switchId, string port, CancellationToken cancel) => transaction.FindAsync(
        "SELECT switch_id, name, mode, access_vlan, trunk_vlans, applied_generation = generation, checked_at, conditions::text FROM switch_ports WHERE switch_id = $1 AND name = $2",
        row => ReadPort(row).Port, cancel, switchId, port);

    /// <summary>Ports whose time has come, the longest waiting first.</summary>
    public Task<List<DuePort>> DueAsync(int most, CancellationToken cancel) => database.QueryAsync(
        """
        SELECT switch_id, name, mode, access_vlan, trunk_vlans, generation, applied_generation, attempts FROM switch_ports
        WHERE next_look_at IS NULL OR next_look_at < clock_timestamp() ORDER BY next_look_at NULLS FIRST LIMIT $1
        """, row => new DuePort(row.GetString(0), row.GetString(1), PortSetting.Of(row.GetString(2), row.IntOrNull(3), row.Texts(4))!, row.GetInt64(5), row.GetInt64(6), row.GetInt32(7)), cancel, most);

    /// <summary>How a switch is spoken to; a problem if this server cannot.</summary>
    public async Task<(string? Driver, SwitchTarget? Target, string? Problem)> TargetAsync(string switchId, CancellationToken cancel)
    {
        var (driver, url, sealedToken, authority) = await database.FindAsync("SELECT driver, url, encrypted_token, authority_pem FROM switches WHERE id = $1",
            row => (row.GetString(0), row.GetString(1), row.GetFieldValue<byte[]>(2), row.TextOrNull(3)), cancel, switchId);
        if (driver is null) return (null, null, null);
        try
        {
            return (driver, new SwitchTarget(new Uri(url!), Encoding.UTF8.GetString(masterKey.Decrypt(sealedToken!, Purpose(switchId))), authority), null);
        }
        catch (CryptographicException)
        {
            return (driver, null, "The switch's token cannot be read with this server's master key. Give the servers the same key, or make the switch anew.");
        }
    }

    /// <summary>Keeps what came of a look at a port; of one that was changed meanwhile it is worth nothing.</summary>
    /// <param name="applied">The switch has it so.</param>
    public Task<int> KeepAsync(DuePort port, bool applied, string? problem, DateTimeOffset next, CancellationToken cancel) => database.ExecuteAsync(
        """
        UPDATE switch_ports SET applied_generation = CASE WHEN $4 THEN generation ELSE 0 END, attempts = CASE WHEN $4 THEN 0 ELSE attempts + 1 END, checked_at = $7, next_look_at = $6,
                                conditions = CASE WHEN conditions -> 0 ->> 'message' = $5 THEN conditions ELSE $8 END
        WHERE switch_id = $1 AND name = $2 AND generation = $3
        """, cancel, port.SwitchId, port.Name, port.Generation, applied, Columns.Text(problem), next, clock.GetUtcNow(), Columns.Json(Conditions(problem, next)));

    /// <summary>Has a port looked at again at once.</summary>
    public Task<int> AgainAsync(DuePort port, CancellationToken cancel) =>
        database.ExecuteAsync("UPDATE switch_ports SET next_look_at = NULL WHERE switch_id = $1 AND name = $2", cancel, port.SwitchId, port.Name);

    /// <summary>Keeps whether a switch answers. A problem that stands keeps the time since when it does.</summary>
    public Task<int> KeepAsync(string switchId, string? problem, CancellationToken cancel) => database.ExecuteAsync(
        "UPDATE switches SET checked_at = $2, conditions = CASE WHEN conditions -> 0 ->> 'message' = $3 THEN conditions ELSE $4 END WHERE id = $1", cancel,
        switchId, clock.GetUtcNow(), Columns.Text(problem), Columns.Json(Conditions(problem, null)));

    private Condition[] Conditions(string? problem, DateTimeOffset? next) => problem is null ? [] : [new Condition("Switch", "switch-failed", problem, clock.GetUtcNow(), next)];
}
