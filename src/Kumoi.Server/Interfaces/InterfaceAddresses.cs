using System.Net;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Interfaces;

/// <summary>Finds addresses for new interfaces, those asked for by name first, in a few statements for all of them.</summary>
public sealed class InterfaceAddresses(AddressClaims claims)
{
    /// <summary>Gives each interface its addresses; what those that cannot have theirs fail with.</summary>
    public Task<Dictionary<NewInterface, Failure>> TakeAsync(Transaction transaction, IReadOnlyCollection<NewInterface> interfaces) => TakeAsync(transaction, interfaces, one => one.Needs);

    /// <summary>The same for anything else that has addresses of subnets.</summary>
    public async Task<Dictionary<T, Failure>> TakeAsync<T>(Transaction transaction, IReadOnlyCollection<T> takers, Func<T, IEnumerable<AddressNeed>> needsOf) where T : class
    {
        var failed = await TakeWantedAsync(transaction, takers, needsOf);
        var needs = takers.Where(one => !failed.ContainsKey(one)).SelectMany(needsOf).Where(need => need.Address is null).ToList();
        // First subnets first; the next one for what did not fit.
        for (var depth = 0; needs.Exists(need => need.Address is null && need.Subnets.Count > depth); depth++)
            foreach (var alike in needs.Where(need => need.Address is null && need.Subnets.Count > depth).GroupBy(need => need.Subnets[depth].Subnet.Id).ToList())
            {
                var subnet = alike.First().Subnets[depth];
                foreach (var (need, address) in alike.Zip(await claims.InSubnetAsync(transaction, alike.Key, subnet.Range, alike.Count()))) need.Take(subnet, address);
            }
        foreach (var one in takers)
            if (needsOf(one).Any(need => need.Address is null)) failed.TryAdd(one, new Failure("addresses-exhausted", 409));
        return failed;
    }

    private static async Task<Dictionary<T, Failure>> TakeWantedAsync<T>(Transaction transaction, IReadOnlyCollection<T> takers, Func<T, IEnumerable<AddressNeed>> needsOf) where T : class
    {
        var failed = new Dictionary<T, Failure>();
        var wanted = takers.SelectMany(one => needsOf(one).Where(need => need.Wanted is not null).Select(need => (Taker: one, Need: need, Subnet: need.Subnets.First(s => s.Range.Contains(need.Wanted!))))).ToList();
        if (wanted.Count == 0) return failed;
        var held = (await transaction.QueryAsync(
            """
            SELECT a.subnet_id, a.address FROM unnest($1::text[], $2::inet[]) AS w(subnet, address) JOIN subnet_addresses a ON a.subnet_id = w.subnet AND a.address = w.address
            WHERE a.released_at IS NULL
            """, row => (row.GetString(0), row.GetFieldValue<IPAddress>(1)), default, Columns.Texts(wanted.Select(w => w.Subnet.Subnet.Id)), Columns.Inets(wanted.Select(w => w.Need.Wanted)))).ToHashSet();
        foreach (var (one, need, subnet) in wanted)
            if (await NetworkStore.WithheldAsync(transaction, need.Field, subnet.Subnet.Id, need.Wanted!, default) is { } withheld) failed.TryAdd(one, Failure.Invalid(withheld));
            else if (held.Add((subnet.Subnet.Id, need.Wanted!))) need.Take(subnet, need.Wanted!);
            else failed.TryAdd(one, Failure.Invalid(need.Field, "address-taken", need.Wanted!.ToString()));
        return failed;
    }
}
