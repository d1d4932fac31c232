using System.Net;
using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.SecurityGroups;

/// <summary>Every statement on security groups and rules.</summary>
public sealed class SecurityGroupStore(Database database, HostRevisions hosts, Ids ids, TimeProvider clock)
{
    private const string Groups = "SELECT id, name, description, created_at FROM security_groups ";
    private const string Rules =
        """
        SELECT r.security_group_id, r.id, r.direction, r.protocol, r.from_port, r.to_port, r.cidr, p.id,
               CASE WHEN p.account_id = r.account_id THEN p.name ELSE a.name || '/' || p.name END, r.description
        FROM security_group_rules r LEFT JOIN security_groups p ON p.id = r.peer_group_id LEFT JOIN accounts a ON a.id = p.account_id WHERE r.security_group_id = ANY($1) ORDER BY r.id
        """;

    private static SecurityGroup Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), [], row.Time(3));

    private static (string Group, SecurityGroupRule Rule) ReadRule(NpgsqlDataReader row) => (row.GetString(0), new SecurityGroupRule(
        row.GetString(1), row.GetString(2), row.GetString(3), row.IntOrNull(4), row.IntOrNull(5), row.IsDBNull(6) ? null : row.GetFieldValue<IPNetwork>(6).ToString(),
        row.IsDBNull(7) ? null : new Ref(row.GetString(7), row.GetString(8)), row.TextOrNull(9)));

    public async Task<List<SecurityGroup>> ListAsync(string accountId, PageRequest page, CancellationToken cancel)
    {
        var groups = await database.QueryAsync(Groups + "WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3", Read, cancel, accountId, page.After, page.Limit + 1);
        var rules = await database.QueryAsync(Rules, ReadRule, cancel, Columns.Texts(groups.Select(g => g.Id)));
        var byGroup = rules.ToLookup(r => r.Group, r => r.Rule);
        return groups.ConvertAll(group => group with { Rules = [.. byGroup[group.Id]] });
    }

    /// <summary>Groups by their ids, of whatever accounts.</summary>
    public async Task<List<SecurityGroup>> ReadAsync(IReadOnlyList<string> ids, CancellationToken cancel)
    {
        var groups = await database.QueryAsync(Groups + "WHERE id = ANY($1) ORDER BY id", Read, cancel, Columns.Texts(ids));
        var rules = (await database.QueryAsync(Rules, ReadRule, cancel, Columns.Texts(ids))).ToLookup(r => r.Group, r => r.Rule);
        return groups.ConvertAll(group => group with { Rules = [.. rules[group.Id]] });
    }

    private const string Find = Groups + "WHERE account_id = $1 AND (id = $2 OR name = $2)";

    public async Task<SecurityGroup?> FindAsync(string accountId, string key, CancellationToken cancel)
    {
        var group = await database.FindAsync(Find, Read, cancel, accountId, key);
        return group is null ? null : group with { Rules = (await database.QueryAsync(Rules, ReadRule, cancel, Columns.Texts([group.Id]))).ConvertAll(r => r.Rule) };
    }

    public async Task<SecurityGroup?> FindAsync(Transaction transaction, string accountId, string key, CancellationToken cancel)
    {
        var group = await transaction.FindAsync(Find, Read, cancel, accountId, key);
        return group is null ? null : group with { Rules = (await transaction.QueryAsync(Rules, ReadRule, cancel, Columns.Texts([group.Id]))).ConvertAll(r => r.Rule) };
    }

    /// <summary>The group, held against removal until the transaction ends; null if the account has none of that id or name.</summary>
    public Task<Ref?> LockAsync(Transaction transaction, string accountId, string key, CancellationToken cancel) => transaction.FindAsync(
        "SELECT id, name FROM security_groups WHERE account_id = $1 AND (id = $2 OR name = $2) FOR UPDATE", row => new Ref(row.GetString(0), row.GetString(1)), cancel,
        accountId, key);

    /// <summary>A group that rules name, held against removal: the account's own, or another's by its id or as <c>ACCOUNT/NAME</c>; null: there is none.</summary>
    public async Task<Ref?> PeerAsync(Transaction transaction, string accountId, string key, CancellationToken cancel)
    {
        var (account, name) = key.Split('/', 2) is [var owner, var named] ? (owner, named) : ("", key);
        var (id, owned, label) = await transaction.FindAsync(
            """
            SELECT g.id, a.id = $1, CASE WHEN a.id = $1 THEN g.name ELSE a.name || '/' || g.name END FROM security_groups g JOIN accounts a ON a.id = g.account_id
            WHERE CASE WHEN $2 = '' THEN g.id = $3 OR a.id = $1 AND g.name = $3 ELSE (a.id = $2 OR a.name = $2) AND (g.id = $3 OR g.name = $3) END FOR KEY SHARE OF g
            """, row => (row.GetString(0), row.GetBoolean(1), row.GetString(2)), cancel, accountId, account, name);
        return id is null ? null : new Ref(id, label);
    }

    /// <summary>Removes what other accounts' rules say of groups that are about to go, and tells their hosts: no account keeps another's group alive.</summary>
    public async Task ForgetAsync(Transaction transaction, IReadOnlyList<string> groupIds, string accountId, CancellationToken cancel)
    {
        var changed = await transaction.QueryAsync("DELETE FROM security_group_rules WHERE peer_group_id = ANY($1) AND account_id <> $2 RETURNING security_group_id",
            row => row.GetString(0), cancel, Columns.Texts(groupIds), accountId);
        foreach (var group in changed.Distinct()) await hosts.TouchByGroupAsync(transaction, group, cancel);
    }

    /// <summary>Everything may go out, in both families.</summary>
    public static IReadOnlyList<SecurityGroupRule> AllEgress(Ids ids) =>
        [.. ((string[])["0.0.0.0/0", "::/0"]).Select(all => new SecurityGroupRule(ids.New(Ids.Rule), "egress", "any", null, null, all, null, null))];

    /// <summary>The new group's id, or null if the account has one of that name.</summary>
    public async Task<string?> InsertAsync(Transaction transaction, string accountId, string name, string description, CancellationToken cancel)
    {
        var id = ids.New(Ids.SecurityGroup);
        var made = await transaction.ExecuteAsync(
            "INSERT INTO security_groups (id, account_id, name, description, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, name) DO NOTHING", cancel,
            id, accountId, name, description, clock.GetUtcNow());
        return made == 0 ? null : id;
    }

    /// <summary>Members reach each other, and everything outside; nothing outside reaches them.</summary>
    public async Task InsertDefaultAsync(Transaction transaction, string accountId, CancellationToken cancel)
    {
        var id = (await InsertAsync(transaction, accountId, "default", "", cancel))!;
        await InsertRuleAsync(transaction, accountId, id, new SecurityGroupRule(ids.New(Ids.Rule), "ingress", "any", null, null, null, new Ref(id, "default"), null), cancel);
        foreach (var rule in AllEgress(ids)) await InsertRuleAsync(transaction, accountId, id, rule, cancel);
    }

    public Task<int> InsertRuleAsync(Transaction transaction, string accountId, string groupId, SecurityGroupRule rule, CancellationToken cancel) => transaction.ExecuteAsync(
        """
        INSERT INTO security_group_rules (id, account_id, security_group_id, direction, protocol, from_port, to_port, cidr, peer_group_id, description)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """, cancel,
        rule.Id, accountId, groupId, rule.Direction, rule.Protocol, Columns.Integer(rule.FromPort), Columns.Integer(rule.ToPort),
        Columns.Cidr(rule.Cidr is { } cidr ? IPNetwork.Parse(cidr) : null), Columns.Text(rule.Group?.Id), Columns.Text(rule.Description));

    /// <summary>Instances in the group, and other groups of the account whose rules name it.</summary>
    public Task<List<Ref>> UsersAsync(Transaction transaction, string groupId, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT DISTINCT v.id, v.name FROM interface_security_groups m JOIN interfaces i ON i.id = m.interface_id JOIN instances v ON v.id = i.instance_id
        WHERE m.security_group_id = $1 AND i.released_at IS NULL
        UNION SELECT g.id, g.name FROM security_group_rules r JOIN security_groups g ON g.id = r.security_group_id WHERE r.peer_group_id = $1 AND g.id <> $1 AND g.account_id = (SELECT account_id FROM security_groups WHERE id = $1)
        LIMIT 20
        """, row => new Ref(row.GetString(0), row.GetString(1)), cancel, groupId);

    public async Task DeleteAsync(Transaction transaction, string groupId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM interface_security_groups WHERE security_group_id = $1", cancel, groupId);
        await transaction.ExecuteAsync("DELETE FROM security_group_rules WHERE security_group_id = $1", cancel, groupId);
        await transaction.ExecuteAsync("DELETE FROM security_groups WHERE id = $1", cancel, groupId);
    }
}
