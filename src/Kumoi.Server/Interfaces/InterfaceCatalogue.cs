using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Interfaces;

/// <summary>The networks, subnets and security groups that interfaces asked for name, read together. Groups are held against removal until the end of
/// the transaction.</summary>
public sealed class InterfaceCatalogue
{
    public const int SecurityGroupsMax = 16;

    private sealed record NetworkRow(string AccountId, Ref Network, bool Isolated, string? SegmentDevice);

    private readonly List<NetworkRow> _networks;
    private readonly ILookup<string, SubnetPart> _subnets;
    private readonly ILookup<string, Ref> _groups;

    private InterfaceCatalogue(List<NetworkRow> networks, ILookup<string, SubnetPart> subnets, ILookup<string, Ref> groups) => (_networks, _subnets, _groups) = (networks, subnets, groups);

    public static async Task<InterfaceCatalogue> ReadAsync(Transaction transaction, IEnumerable<string> accounts, IEnumerable<string> networkKeys, IEnumerable<string> groupKeys)
    {
        string[] accountIds = [.. accounts.Distinct()];
        var networks = await transaction.QueryAsync("SELECT account_id, id, name, outside = 'none', segment_device FROM networks WHERE account_id = ANY($1) AND (id = ANY($2) OR name = ANY($2))",
            row => new NetworkRow(row.GetString(0), new Ref(row.GetString(1), row.GetString(2)), row.GetBoolean(3), row.TextOrNull(4)), default, Columns.Texts(accountIds), Columns.Texts(networkKeys.Distinct()));
        var subnets = (await transaction.QueryAsync("SELECT network_id, id, name, cidr FROM subnets WHERE network_id = ANY($1) ORDER BY id",
            row => (Network: row.GetString(0), Subnet: new SubnetPart(new Ref(row.GetString(1), row.GetString(2)), row.GetFieldValue<IPNetwork>(3))), default,
            Columns.Texts(networks.Select(n => n.Network.Id)))).ToLookup(s => s.Network, s => s.Subnet);
        var groups = (await transaction.QueryAsync(
            "SELECT account_id, id, name FROM security_groups WHERE account_id = ANY($1) AND (id = ANY($2) OR name = ANY($2)) ORDER BY id FOR KEY SHARE",
            row => (Account: row.GetString(0), Group: new Ref(row.GetString(1), row.GetString(2))), default, Columns.Texts(accountIds),
            Columns.Texts(groupKeys.Distinct()))).ToLookup(g => g.Account, g => g.Group);
        return new InterfaceCatalogue(networks, subnets, groups);
    }

    /// <summary>The groups of the names, each once; names that stand for nothing are noted.</summary>
    public IReadOnlyList<Ref> Groups(string accountId, string field, IReadOnlyList<string> keys, List<Violation> violations)
    {
        var groups = new List<Ref>();
        for (var i = 0; i < keys.Count; i++)
            if (_groups[accountId].FirstOrDefault(g => g.Id == keys[i] || g.Name == keys[i]) is not { } group) violations.Add(new Violation($"{field}[{i}]", "no-such", new Noun("security-group"), keys[i]));
            else if (!groups.Contains(group)) groups.Add(group);
        return groups;
    }

    /// <summary>Resolves one interface; null if something about it is wrong, which is noted.</summary>
    /// <param name="otherwise">Its groups, if it names none itself.</param>
    public InterfaceParts? Find(string accountId, string prefix, LaunchInterface wanted, IReadOnlyList<Ref> otherwise, List<Violation> violations)
    {
        var before = violations.Count;
        var network = _networks.Find(n => n.AccountId == accountId && (n.Network.Id == wanted.Network || n.Network.Name == wanted.Network));
        var groups = wanted.SecurityGroups is { } keys ? Groups(accountId, prefix + "securityGroups", keys, violations) : otherwise;
        if (network is null)
        {
            violations.Add(new Violation(prefix + "network", "no-such", new Noun("network"), wanted.Network));
            return null;
        }
        var all = _subnets[network.Network.Id].ToList();
        if (all.Count == 0) violations.Add(new Violation(prefix + "network", "network-without-subnet", network.Network.Name));
        var (v4, v6) = (all.FindAll(s => AddressRange.IsV4(s.Range)), all.FindAll(s => !AddressRange.IsV4(s.Range)));
        if (wanted.Subnet is { } subnetKey)
        {
            var chosen = all.Find(s => s.Subnet.Id == subnetKey || s.Subnet.Name == subnetKey || s.Range.ToString() == subnetKey);
            if (chosen is null) violations.Add(new Violation(prefix + "subnet", "no-such", new Noun("subnet"), subnetKey));
            else if (AddressRange.IsV4(chosen.Range)) v4 = [chosen];
            else v6 = [chosen];
        }
        var (first, second) = v4.Count > 0 ? (v4, v6) : (v6, []);
        // Where there is no IPv4, the one address may be asked for by either name.
        var address = wanted.Address ?? (v4.Count == 0 ? wanted.Address6 : null);
        if (wanted.Address6 is not null && v6.Count == 0 && all.Count > 0) violations.Add(new Violation(prefix + "address6", "no-ipv6-subnet", network.Network.Name));
        var parts = new InterfaceParts(
            prefix, network.Network, network.Isolated, first, second, Address(prefix + "address", address, first, network.Network, violations),
            second.Count == 0 ? null : Address(prefix + "address6", wanted.Address6, second, network.Network, violations), groups,
            network.SegmentDevice);
        return violations.Count > before ? null : parts;
    }

    private static IPAddress? Address(string field, string? text, IReadOnlyList<SubnetPart> subnets, Ref network, List<Violation> violations)
    {
        if (text is null || subnets.Count == 0) return null;
        if (AddressRules.Check(field, text, [.. subnets.Select(s => s.Range)], network.Name) is not { } wrong) return AddressRange.Read(text);
        violations.Add(wrong);
        return null;
    }
}

/// <summary>What the address of an interface may be.</summary>
public static class AddressRules
{
    /// <summary>What is wrong with an address of one of the ranges; null if nothing.</summary>
    public static Violation? Check(string field, string text, IReadOnlyList<IPNetwork> ranges, string network)
    {
        if (AddressRange.Read(text) is not { } address) return new Violation(field, "ip-address");
        if (ranges.Where(range => range.Contains(address)).Select(range => (IPNetwork?)range).FirstOrDefault() is not { } holder) return new Violation(field, "not-in-subnets", network);
        return AddressRange.IsReserved(holder, address) ? new Violation(field, "reserved-address", holder.ToString()) : null;
    }
}
