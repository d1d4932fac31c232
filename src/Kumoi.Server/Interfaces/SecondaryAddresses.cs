using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Interfaces;

/// <summary>The addresses that an interface holds beside its first one. One of them may move from interface to interface: that is how a guest takes over
/// an address from another one.</summary>
public static class SecondaryAddresses
{
    private sealed record Holder(string Subnet, string Kind, string? InterfaceId, string? Instance);

    /// <summary>Makes the interface hold these and no others.</summary>
    /// <param name="move">Take them away from other interfaces of the account.</param>
    public static async Task<Result<Done>> SetAsync(Transaction transaction, string accountId, Interface owner, IReadOnlyList<string> wanted, bool move, DateTimeOffset now, CancellationToken cancel)
    {
        var subnets = await transaction.QueryAsync("SELECT id, cidr FROM subnets WHERE network_id = $1 ORDER BY id",
            row => (Id: row.GetString(0), Range: row.GetFieldValue<IPNetwork>(1)), cancel, owner.Network.Id);
        var violations = new List<Violation>();
        var addresses = new List<(string Subnet, IPAddress Address)>();
        for (var i = 0; i < wanted.Count; i++)
        {
            var field = $"secondaryAddresses[{i}]";
            if (AddressRules.Check(field, wanted[i], [.. subnets.Select(s => s.Range)], owner.Network.Name) is { } wrong)
            {
                violations.Add(wrong);
                continue;
            }
            var address = AddressRange.Read(wanted[i])!;
            var subnet = subnets.Find(s => s.Range.Contains(address)).Id;
            if (await NetworkStore.WithheldAsync(transaction, field, subnet, address, cancel) is { } withheld) violations.Add(withheld);
            else if (await HolderAsync(transaction, subnet, address, cancel) is { } holder && !Allows(holder, owner.Id, move))
                violations.Add(new Violation(field, holder.Kind == "secondary" && holder.Instance is not null ? "address-elsewhere" : "address-taken", wanted[i], holder.Instance ?? ""));
            addresses.Add((subnet, address));
        }
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        await transaction.ExecuteAsync(
            "UPDATE subnet_addresses SET released_at = $2, interface_id = NULL WHERE interface_id = $1 AND kind = 'secondary' AND address <> ALL($3)", cancel,
            owner.Id, now, Columns.Inets(addresses.Select(a => a.Address)));
        var held = await transaction.ExecuteAsync(
            """
            INSERT INTO subnet_addresses AS s (subnet_id, address, account_id, kind, interface_id) SELECT n.subnet, n.address, $3, 'secondary', $4 FROM unnest($1::text[], $2::inet[]) AS n(subnet, address) ORDER BY 1, 2
            ON CONFLICT (subnet_id, address) DO UPDATE SET kind = 'secondary', interface_id = excluded.interface_id, account_id = excluded.account_id, released_at = NULL
            WHERE s.released_at IS NOT NULL OR s.kind = 'secondary' AND (s.interface_id = $4 OR $5)
            """, cancel,
            Columns.Texts(addresses.Distinct().Select(a => a.Subnet)), Columns.Inets(addresses.Distinct().Select(a => a.Address)), accountId, owner.Id, move);
        return held == addresses.Distinct().Count() ? new Done() : new Failure("changed-meanwhile", 409);
    }

    private static bool Allows(Holder holder, string interfaceId, bool move) => holder.Kind == "secondary" && (holder.InterfaceId == interfaceId || move);

    /// <summary>Who holds the address; its row stays locked. Null: nobody.</summary>
    private static Task<Holder?> HolderAsync(Transaction transaction, string subnetId, IPAddress address, CancellationToken cancel) => transaction.FindAsync(
        """
        SELECT a.subnet_id, a.kind, a.interface_id, v.name FROM subnet_addresses a LEFT JOIN interfaces i ON i.id = a.interface_id LEFT JOIN instances v ON v.id = i.instance_id
        WHERE a.subnet_id = $1 AND a.address = $2 AND a.released_at IS NULL FOR UPDATE OF a
        """, row => new Holder(row.GetString(0), row.GetString(1), row.TextOrNull(2), row.TextOrNull(3)), cancel, subnetId, Columns.Inet(address));
}
