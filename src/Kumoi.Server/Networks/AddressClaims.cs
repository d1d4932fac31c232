using System.Net;
using Kumoi.Server.Platform.Postgres;
using Npgsql;

namespace Kumoi.Server.Networks;

/// <summary>Finds free addresses for several at once. A free one may be taken by another transaction before it is written; the database then
/// refuses the second. Those that were given back rest, and are given out again before that only if there is no other.</summary>
public sealed class AddressClaims(AddressAllocator allocator, TimeProvider clock)
{
    // Long enough for what remembers the former holder (connections, caches, names) to forget it; longer keeps small subnets full.
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(5);

    private const string InSubnet = "subnet_addresses a WHERE a.subnet_id = $1 AND (a.released_at IS NULL OR a.released_at > $2)";

    // Of the subnet s: its gateway, what is beside the part of it that is given out, and what is excluded or reserved.
    private const string KeptBack =
        """
        (t.address = s.gateway OR s.first_address IS NOT NULL AND (t.address < s.first_address OR t.address > s.last_address)
         OR EXISTS (SELECT 1 FROM subnet_exclusions x WHERE x.subnet_id = s.id AND t.address BETWEEN x.first_address AND x.last_address))
        """;

    private static readonly Statements Subnet = new(
        $"SELECT a.address FROM {InSubnet} AND a.address = ANY($3) UNION SELECT t.address FROM unnest($3) AS t(address) JOIN subnets s ON s.id = $1 AND {KeptBack}",
        $"SELECT a.address FROM {InSubnet}",
        $"""
        SELECT t.address FROM subnet_addresses t JOIN subnets s ON s.id = t.subnet_id WHERE t.subnet_id = $1 AND t.released_at IS NOT NULL AND NOT {KeptBack} ORDER BY t.released_at LIMIT $2
        """);

    // An address of a pool is taken if somebody has it, if it rests, or if operators keep it back.
    private const string InPool =
        """
        (SELECT address FROM floating_addresses UNION ALL SELECT address FROM address_reservations UNION ALL SELECT address FROM resting_addresses WHERE released_at > $2) a
        WHERE a.address <<= $1::cidr
        """;

    private static readonly Statements Pool = new(
        $"""
        SELECT a.address FROM {InPool} AND a.address = ANY($3)
        UNION SELECT t.address FROM unnest($3) AS t(address) JOIN address_pool_ranges x ON x.excluded AND t.address <<= x.cidr
        """, $"SELECT a.address FROM {InPool}",
        """
        SELECT r.address FROM resting_addresses r WHERE r.address << $1::cidr
          AND NOT EXISTS (SELECT 1 FROM floating_addresses f WHERE f.address = r.address) AND NOT EXISTS (SELECT 1 FROM address_reservations x WHERE x.address = r.address)
          AND NOT EXISTS (SELECT 1 FROM address_pool_ranges x WHERE x.excluded AND r.address <<= x.cidr)
        ORDER BY r.released_at LIMIT $2
        """);

    /// <param name="Taken">Which of $3 are taken, given back after $2 included.</param>
    /// <param name="Used">All that are.</param>
    /// <param name="Resting">So many as $2 of those that rest, the longest first.</param>
    private sealed record Statements(string Taken, string Used, string Resting);

    /// <summary>Up to <paramref name="count"/> free addresses of a subnet.</summary>
    public Task<List<IPAddress>> InSubnetAsync(Transaction transaction, string subnetId, IPNetwork range, int count) =>
        FreeAsync(transaction, subnetId, range, count, Subnet, () => GivenAsync(transaction, subnetId, range));

    private static async Task<List<AddressSpan>> GivenAsync(Transaction transaction, string subnetId, IPNetwork range)
    {
        static AddressSpan Span(NpgsqlDataReader row, int at) => new(row.GetFieldValue<IPAddress>(at), row.GetFieldValue<IPAddress>(at + 1));
        var (gateway, part) = await transaction.FindAsync("SELECT gateway, first_address, last_address FROM subnets WHERE id = $1",
            row => (row.GetFieldValue<IPAddress>(0), row.IsDBNull(1) ? (AddressSpan?)null : Span(row, 1)), default, subnetId);
        var kept = await transaction.QueryAsync("SELECT first_address, last_address FROM subnet_exclusions WHERE subnet_id = $1", row => Span(row, 0), default, subnetId);
        return gateway is null ? [] : new SubnetSpace(gateway, part, [], kept).Given(range);
    }

    /// <summary>Up to <paramref name="count"/> free addresses of a pool's range.</summary>
    /// <param name="excluded">What of the range is not given out.</param>
    public Task<List<IPAddress>> InPoolAsync(Transaction transaction, IPNetwork range, IReadOnlyList<IPNetwork> excluded, int count) =>
        FreeAsync(transaction, range.ToString(), range, count, Pool, () => Task.FromResult(AddressSpan.Given(range).Without(excluded.Select(AddressSpan.Of))));

    private async Task<List<IPAddress>> FreeAsync(Transaction transaction, string key, IPNetwork range, int count, Statements sql, Func<Task<List<AddressSpan>>> given)
    {
        var free = new List<IPAddress>(count);
        var since = clock.GetUtcNow() - Rest;
        for (var learnt = false; free.Count < count;)
        {
            var proposed = allocator.Propose(key, range, count - free.Count);
            if (proposed.Count > 0)
            {
                var taken = (await transaction.QueryAsync(sql.Taken, row => row.GetFieldValue<IPAddress>(0), default, key, since, Columns.Inets(proposed))).ToHashSet();
                free.AddRange(proposed.Where(address => !taken.Contains(address) && !free.Contains(address)));
                if (free.Count >= count) break;
            }
            else if (learnt)
            {
                allocator.Forget(key);
                var resting = await transaction.QueryAsync(sql.Resting, row => row.GetFieldValue<IPAddress>(0), default, key, count);
                free.AddRange(resting.Where(address => !AddressRange.IsReserved(range, address) && !free.Contains(address)).Take(count - free.Count));
                break;
            }
            var used = (await transaction.QueryAsync(sql.Used, row => row.GetFieldValue<IPAddress>(0), default, key, since)).Concat(free).ToHashSet();
            allocator.Learn(key, range, await given(), used);
            learnt = true;
        }
        return free;
    }
}
