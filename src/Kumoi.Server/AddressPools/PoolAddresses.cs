using System.Net;
using Kumoi.Server.Instances;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.AddressPools;

/// <summary>Finds free addresses in pools.</summary>
public sealed class PoolAddresses(AddressClaims claims)
{
    /// <summary>Gives the launches' first interfaces floating addresses of the pool <c>default</c>, those that should have one; which launches lack theirs.</summary>
    public async Task<HashSet<NewInstance>> TakeForLaunchAsync(Transaction transaction, IReadOnlyCollection<NewInstance> made)
    {
        var asked = made.Where(one => one.Asked.Launch.Floating ?? !one.Interfaces[0].Parts.Isolated).ToList();
        var lacking = new HashSet<NewInstance>(asked.Where(one => one.Asked.Launch.Floating == true));
        if (asked.Count == 0) return lacking;
        var pools = await AddressPoolStore.ReadAsync(transaction, "p.name = 'default' AND $1 <> ''", "x", default);
        if (pools is not [var pool]) return lacking;
        // Translation is IPv4's: an interface without it has no use for one.
        var fit = asked.FindAll(one => pool.IsFor(one.Asked.Caller.AccountId) && AddressRange.IsV4(one.Interfaces[0].First.Subnets[0].Range));
        var free = await FreeAsync(transaction, pool, fit.Count);
        lacking.UnionWith(fit);
        foreach (var (one, address) in fit.Zip(free))
        {
            one.Interfaces[0].Floating = address;
            lacking.Remove(one);
        }
        return lacking;
    }

    /// <summary>Up to so many free addresses, of the ranges in their order.</summary>
    public async Task<List<IPAddress>> FreeAsync(Transaction transaction, PoolRow pool, int count)
    {
        var free = new List<IPAddress>();
        foreach (var range in pool.Ranges)
            if (free.Count < count) free.AddRange(await claims.InPoolAsync(transaction, range, pool.Excluded, count - free.Count));
        return free;
    }
}
