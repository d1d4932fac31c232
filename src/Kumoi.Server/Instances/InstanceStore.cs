using System.Net.NetworkInformation;
using Kumoi.Api;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Instances;

/// <summary>Every statement on instances, except those of observation.</summary>
public sealed class InstanceStore
{
    private const int Parallelism = 4, FoundAtOnce = 64;

    private readonly Database _database;
    private readonly Batcher<(string AccountId, string Key), Instance?> _find;

    public InstanceStore(Database database) => (_database, _find) = (database, new Batcher<(string, string), Instance?>("instances", Parallelism, FoundAtOnce, FindAsync));

    private const string Columns_ =
        $"""
        SELECT v.id, v.name, v.account_id, a.name, v.state, v.desired, v.flavor_id, v.flavor_name, v.vcpus, v.memory_mib,
               CASE WHEN v.root_volume THEN coalesce((SELECT w.size_gib FROM volumes w WHERE w.instance_id = v.id AND w.slot = 0), v.disk_gib) ELSE v.disk_gib END, v.image_id, m.name,
               v.key_pair_id, v.key_pair_name, v.zone_id, z.name, v.host_id, h.name, m.default_user, v.boot_epoch, v.generation, v.observed_generation,
               v.conditions::text, v.created_at, v.started_at, v.terminated_at, v.recovery, v.recovery_priority, (v.storage IS NOT NULL OR {Volumes.VolumeHolds.Networked}) AND v.fixed_volumes = 0, v.notices::text,
               v.placement_group_id, g.name, v.firmware, v.device_model, v.cd_image_id, c.name, v.tags::text, v.termination_protection, v.host_pool_id, hp.name, (v.required_labels || v.flavor_labels)::text,
               v.metadata_endpoint, v.metadata_tokens, v.metadata_hop_limit, v.metadata_tags
        FROM instances v JOIN accounts a ON a.id = v.account_id JOIN images m ON m.id = v.image_id JOIN zones z ON z.id = v.zone_id JOIN hosts h ON h.id = v.host_id
        LEFT JOIN placement_groups g ON g.id = v.placement_group_id LEFT JOIN images c ON c.id = v.cd_image_id LEFT JOIN host_pools hp ON hp.id = v.host_pool_id
        """;

    private static Instance Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetString(5),
        new Ref(row.GetString(6), row.GetString(7)), row.GetInt32(8), row.GetInt32(9), row.GetInt32(10), new Ref(row.GetString(11), row.GetString(12)),
        row.IsDBNull(13) ? null : new Ref(row.GetString(13), row.GetString(14)), new Ref(row.GetString(15), row.GetString(16)),
        new Ref(row.GetString(17), row.GetString(18)), row.GetString(19), [], row.GetInt32(20), row.GetInt64(21), row.GetInt64(22),
        [.. row.Conditions(30), .. row.Conditions(23)], row.Time(24), row.TimeOrNull(25), row.TimeOrNull(26), row.GetString(27), row.GetInt32(28), row.GetBoolean(29) && row.GetString(27) == "restart",
        row.IsDBNull(31) ? null : new Ref(row.GetString(31), row.GetString(32)), row.GetString(33), row.GetString(34), row.IsDBNull(35) ? null : new Ref(row.GetString(35), row.GetString(36)), Tags.Read(row, 37), row.GetBoolean(38),
        row.IsDBNull(39) ? null : new Ref(row.GetString(39), row.GetString(40)), Tags.Read(row, 41), row.GetString(42), row.GetString(43), row.GetInt32(44), row.GetString(45));

    public static string MacText(PhysicalAddress address) => string.Join(':', address.GetAddressBytes().Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));

    public async Task<List<Instance>> ListAsync(
        string accountId, string? state, string? name, string? host, string? image, string? placementGroup, TagFilter tags, PageRequest page, CancellationToken cancel)
    {
        await using var connection = await _database.Source.OpenConnectionAsync(cancel);
        var rows = await connection.RowsAsync(
            Columns_ + """
             WHERE v.account_id = $1 AND v.id > $2 AND ($4::text IS NOT DISTINCT FROM 'terminated' OR v.terminated_at IS NULL)
              AND ($4::text IS NULL OR v.state = $4) AND ($5::text IS NULL OR v.name = $5 OR v.name LIKE replace(replace(replace($5, '\', '\\'), '%', '\%'), '_', '\_') || '%')
              AND ($6::text IS NULL OR h.id = $6 OR h.name = $6) AND ($7::text IS NULL OR m.id = $7 OR m.name = $7)
              AND ($8::text IS NULL OR g.id = $8 OR g.name = $8) AND v.tags @> $9 AND v.tags ?& $10
            ORDER BY v.id LIMIT $3
            """, Read, cancel, accountId, page.After, page.Limit + 1, Columns.Text(state), Columns.Text(name), Columns.Text(host), Columns.Text(image), Columns.Text(placementGroup), tags.WantedColumn, tags.KeysColumn);
        return WithInterfaces(rows, await connection.RowsAsync(InterfaceStore.OfInstances, InterfaceStore.Read, cancel, Columns.Texts(rows.Select(r => r.Id))));
    }

    /// <summary>Those that are named, or all; among them those that ended after a time, which are not told otherwise.</summary>
    public async Task<List<Instance>> ListAsync(string accountId, IReadOnlyCollection<string> ids, DateTimeOffset endedAfter, CancellationToken cancel)
    {
        await using var connection = await _database.Source.OpenConnectionAsync(cancel);
        var rows = await connection.RowsAsync(
            Columns_ + " WHERE v.account_id = $1 AND (v.terminated_at IS NULL OR v.terminated_at > $2) AND ($3 OR v.id = ANY($4)) ORDER BY v.id", Read, cancel, accountId, endedAfter, ids.Count == 0, Columns.Texts(ids));
        return WithInterfaces(rows, await connection.RowsAsync(InterfaceStore.OfInstances, InterfaceStore.Read, cancel, Columns.Texts(rows.Select(r => r.Id))));
    }

    // A name means the instance that has it now; a terminated one is found by its id only.
    private const string ByKey = " WHERE v.account_id = $1 AND (v.id = $2 OR (v.name = $2 AND v.terminated_at IS NULL))";

    public Task<Instance?> FindAsync(string accountId, string key, CancellationToken cancel) => _find.AskAsync((accountId, key), cancel);

    private async Task<IReadOnlyList<Instance?>> FindAsync(IReadOnlyList<(string AccountId, string Key)> asked)
    {
        await using var connection = await _database.Source.OpenConnectionAsync();
        var byId = asked.Where(a => Ids.Looks(a.Key)).ToList();
        var byName = asked.Where(a => !Ids.Looks(a.Key)).ToList();
        var rows = byId.Count == 0 ? [] : await connection.RowsAsync(Columns_ + " WHERE v.id = ANY($1)", Read, default, Columns.Texts(byId.Select(a => a.Key).Distinct()));
        if (byName.Count > 0)
            rows.AddRange(await connection.RowsAsync(
                Columns_ + " JOIN unnest($1::text[], $2::text[]) AS n(account, name) ON v.account_id = n.account AND v.name = n.name WHERE v.terminated_at IS NULL", Read, default,
                Columns.Texts(byName.Select(a => a.AccountId)), Columns.Texts(byName.Select(a => a.Key))));
        var found = WithInterfaces(rows, await connection.RowsAsync(InterfaceStore.OfInstances, InterfaceStore.Read, default, Columns.Texts(rows.Select(r => r.Id).Distinct())));
        return [.. asked.Select(a => found.Find(instance => instance.Account.Id == a.AccountId && (instance.Id == a.Key || instance.Name == a.Key)))];
    }

    public async Task<List<Instance>> ReadAsync(Transaction transaction, IReadOnlyList<string> ids, CancellationToken cancel)
    {
        var rows = await transaction.QueryAsync(Columns_ + " WHERE v.id = ANY($1) ORDER BY v.id", Read, cancel, Columns.Texts(ids));
        return WithInterfaces(rows, await transaction.QueryAsync(InterfaceStore.OfInstances, InterfaceStore.Read, cancel, Columns.Texts(ids)));
    }

    /// <summary>The record, held until the transaction ends.</summary>
    public static Task<(string Id, string Name, string HostId, string Desired)> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync(
            "SELECT v.id, v.name, v.host_id, v.desired FROM instances v" + ByKey + " AND v.terminated_at IS NULL FOR UPDATE",
            row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancel, accountId, key);

    private static List<Instance> WithInterfaces(List<Instance> rows, List<(string Instance, Interface Interface)> interfaces)
    {
        var byInstance = interfaces.ToLookup(i => i.Instance, i => i.Interface);
        return rows.ConvertAll(row => row with { Interfaces = [.. byInstance[row.Id]] });
    }
}
