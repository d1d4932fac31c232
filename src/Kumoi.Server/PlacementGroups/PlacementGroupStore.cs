using Kumoi.Api;
using Kumoi.Server.Explanations;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.PlacementGroups;

/// <summary>Every statement on placement groups.</summary>
public sealed class PlacementGroupStore(Database database)
{
    // So many of those that use a group are told when it cannot be deleted.
    private const int UsersMax = 20;

    private const string Columns_ =
        """
        SELECT g.id, g.name, g.policy, (SELECT count(*)::int FROM instances v WHERE v.placement_group_id = g.id AND v.terminated_at IS NULL), g.created_at FROM placement_groups g
        """;

    private static PlacementGroup Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt32(3), row.Time(4));

    private static Ref ReadRef(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1));

    public Task<List<PlacementGroup>> ListAsync(string accountId, PageRequest page, CancellationToken cancel) =>
        database.QueryAsync(Columns_ + " WHERE g.account_id = $1 AND g.id > $2 ORDER BY g.id LIMIT $3", Read, cancel, accountId, page.After, page.Limit + 1);

    public Task<PlacementGroup?> FindAsync(string accountId, string key, CancellationToken cancel) =>
        database.FindAsync(Columns_ + " WHERE g.account_id = $1 AND (g.id = $2 OR g.name = $2)", Read, cancel, accountId, key);

    public static async Task<bool> InsertAsync(Transaction transaction, string accountId, PlacementGroup group, CancellationToken cancel) =>
        await transaction.ExecuteAsync(
            "INSERT INTO placement_groups (id, account_id, name, policy, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, name) DO NOTHING", cancel,
            group.Id, accountId, group.Name, group.Policy, group.CreatedAt) == 1;

    public static Task<Ref?> LockForDeletionAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) =>
        transaction.FindAsync("SELECT id, name FROM placement_groups WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE", ReadRef, cancel, accountId, key);

    public static Task<List<Ref>> UsersAsync(Transaction transaction, string id, CancellationToken cancel) => transaction.QueryAsync(
        "SELECT id, name FROM instances WHERE placement_group_id = $1 AND terminated_at IS NULL ORDER BY id LIMIT $2", ReadRef, cancel, id, UsersMax);

    /// <summary>Deletes a group without members. Records of terminated ones forget it; the database refuses if another member is left.</summary>
    public static async Task DeleteAsync(Transaction transaction, string id, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE instances SET placement_group_id = NULL, placement_policy = NULL WHERE placement_group_id = $1 AND terminated_at IS NOT NULL", cancel, id);
        await transaction.ExecuteAsync("DELETE FROM placement_groups WHERE id = $1", cancel, id);
    }

    /// <summary>The groups of a host's instances, with all their members, by instance: a guess, since nothing is locked.</summary>
    public async Task<Dictionary<string, GroupView>> OnHostAsync(string hostId, CancellationToken cancel)
    {
        var mine = await database.QueryAsync(
            "SELECT v.id, g.id, g.name, g.policy FROM instances v JOIN placement_groups g ON g.id = v.placement_group_id WHERE v.host_id = $1 AND v.terminated_at IS NULL",
            row => (Instance: row.GetString(0), Group: row.GetString(1), Name: row.GetString(2), Policy: row.GetString(3)), cancel, hostId);
        if (mine.Count == 0) return [];
        var members = (await database.QueryAsync(Members, ReadMembers, cancel, Columns.Texts(mine.Select(m => m.Group).Distinct()))).ToLookup(m => m.Group);
        var views = mine.DistinctBy(m => m.Group).ToDictionary(m => m.Group, m => View(m.Group, m.Name, m.Policy, members[m.Group]));
        return mine.ToDictionary(m => m.Instance, m => views[m.Group]);
    }

    /// <summary>One group, as <see cref="LockAsync(Transaction, IReadOnlyCollection{string}, IReadOnlyCollection{string}, CancellationToken)"/> does for launches; null if it is gone.</summary>
    public static async Task<GroupView?> LockAsync(Transaction transaction, string id, CancellationToken cancel)
    {
        var (name, policy) = await transaction.FindAsync("SELECT name, policy FROM placement_groups WHERE id = $1 FOR NO KEY UPDATE", row => (row.GetString(0), row.GetString(1)), cancel, id);
        return name is null ? null : View(id, name, policy, await transaction.QueryAsync(Members, ReadMembers, cancel, Columns.Texts([id])));
    }

    /// <summary>The group of an instance for its explanation; null if it is in none.</summary>
    public async Task<ExplainedGroup?> ExplainAsync(Instance instance, CancellationToken cancel)
    {
        if ((await OnHostAsync(instance.Host.Id, cancel)).GetValueOrDefault(instance.Id) is not { } view) return null;
        var own = new Capacity(instance.Vcpus, instance.MemoryMib, instance.DiskGib);
        if (view.Policy != PlacementPolicies.Affinity) return new ExplainedGroup(view, own, []);
        var (together, stay) = await database.FindAsync(
            """
            SELECT sum(vcpus)::int, sum(memory_mib)::int, sum(disk_gib)::int, coalesce(array_agg(name ORDER BY id) FILTER (WHERE id <> $2 AND (recovery <> 'restart' OR storage IS NULL)), '{}')
            FROM instances WHERE placement_group_id = $1 AND terminated_at IS NULL HAVING count(*) > 0
            """, row => (new Capacity(row.GetInt32(0), row.GetInt32(1), row.GetInt32(2)), row.Texts(3)), cancel, view.Id, instance.Id);
        return new ExplainedGroup(view, together ?? own, stay ?? []);
    }

    private const string Members =
        "SELECT placement_group_id, host_id, count(*)::int FROM instances WHERE placement_group_id = ANY($1) AND terminated_at IS NULL GROUP BY 1, 2";

    private static (string Group, string Host, int Count) ReadMembers(NpgsqlDataReader row) => (row.GetString(0), row.GetString(1), row.GetInt32(2));

    private static GroupView View(string id, string name, string policy, IEnumerable<(string Group, string Host, int Count)> members) =>
        new(id, name, policy, members.ToDictionary(m => m.Host, m => m.Count));

    /// <summary>The groups that launches name, by account, with their members. Their rows stay locked until the end of the transaction, so
    /// that nobody else places into them: what is read of the members after the lock is true, and stays so.</summary>
    public static async Task<List<(string AccountId, GroupView Group)>> LockAsync(
        Transaction transaction, IReadOnlyCollection<string> accountIds, IReadOnlyCollection<string> keys, CancellationToken cancel)
    {
        var groups = await transaction.QueryAsync(
            "SELECT account_id, id, name, policy FROM placement_groups WHERE account_id = ANY($1) AND (id = ANY($2) OR name = ANY($2)) ORDER BY id FOR NO KEY UPDATE",
            row => (Account: row.GetString(0), Id: row.GetString(1), Name: row.GetString(2), Policy: row.GetString(3)), cancel, Columns.Texts(accountIds), Columns.Texts(keys));
        if (groups.Count == 0) return [];
        // A statement of its own: one that waited for the lock sees the members as they were when it began.
        var members = (await transaction.QueryAsync(Members, ReadMembers, cancel, Columns.Texts(groups.Select(g => g.Id)))).ToLookup(m => m.Group);
        return groups.ConvertAll(g => (g.Account, View(g.Id, g.Name, g.Policy, members[g.Id])));
    }
}
