using System.Net;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Networks;

/// <summary>Finds free addresses for several at once. A free one may be taken by another transaction before it is written; the database then refuses the second.</summary>
public sealed class AddressClaims(AddressAllocator allocator)
{
    private const string TakenInSubnets =
        "SELECT t.address FROM unnest($2::inet[]) AS t(address) JOIN interfaces i ON i.subnet_id = $1 AND i.address = t.address WHERE i.released_at IS NULL";

    private const string TakenFloating = "SELECT t.address FROM unnest($2::inet[]) AS t(address) JOIN floating_addresses f ON f.address = t.address WHERE $1 <> ''";

    /// <summary>Up to <paramref name="count"/> free addresses of a subnet.</summary>
    public Task<List<IPAddress>> InSubnetAsync(Transaction transaction, string subnetId, IPNetwork range, int count) =>
        FreeAsync(transaction, subnetId, range, count, TakenInSubnets, "SELECT address FROM interfaces WHERE subnet_id = $1 AND released_at IS NULL");

    /// <summary>Up to <paramref name="count"/> free floating addresses of a range.</summary>
    public Task<List<IPAddress>> FloatingAsync(Transaction transaction, IPNetwork range, int count) =>
        FreeAsync(transaction, range.ToString(), range, count, TakenFloating, "SELECT address FROM floating_addresses WHERE address << $1::cidr");

    private async Task<List<IPAddress>> FreeAsync(Transaction transaction, string key, IPNetwork range, int count, string takenSql, string usedSql)
    {
        var free = new List<IPAddress>(count);
        for (var learnt = false; free.Count < count;)
        {
            var proposed = allocator.Propose(key, range, count - free.Count);
            if (proposed.Count > 0)
            {
                var taken = (await transaction.QueryAsync(takenSql, row => row.GetFieldValue<IPAddress>(0), default, key, Columns.Inets(proposed))).ToHashSet();
                free.AddRange(proposed.Where(address => !taken.Contains(address) && !free.Contains(address)));
                if (free.Count >= count) break;
            }
            else if (learnt)
            {
                allocator.Forget(key);
                break;
            }
            allocator.Learn(key, range, (await transaction.QueryAsync(usedSql, row => row.GetFieldValue<IPAddress>(0), default, key)).Concat(free).ToHashSet());
            learnt = true;
        }
        return free;
    }
}
