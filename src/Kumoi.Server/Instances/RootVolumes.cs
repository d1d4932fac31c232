using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>Where a host keeps root disks, as volumes.</summary>
/// <param name="Own">Its room is the host's own, which the host's claim has taken.</param>
public sealed record RootStore(string Id, bool Own, string PoolId);

/// <summary>The volumes that instances start from, when the instances are launched.</summary>
public static class RootVolumes
{
    private const string Suffix = "-root";

    /// <summary>Its name, as far as no other volume has it; then it is called by its id.</summary>
    public static string NameOf(NewInstance instance) => Names.Check("name", instance.Name + Suffix) is null ? instance.Name + Suffix : instance.RootVolumeId;

    /// <summary>Takes room in stores that several hosts reach; the stores that had none.</summary>
    public static async Task<IReadOnlySet<string>> TakeRoomAsync(Transaction transaction, IReadOnlyList<(RootStore Root, int Gib)> wanted)
    {
        var byStore = wanted.Where(one => !one.Root.Own).GroupBy(one => one.Root.Id).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        if (byStore.Count == 0) return new HashSet<string>();
        await transaction.ExecuteAsync("SELECT id FROM stores WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", default, Columns.Texts(byStore.Select(g => g.Key)));
        var had = await transaction.QueryAsync(
            """
            UPDATE stores s SET allocated_gib = s.allocated_gib + n.gib FROM unnest($1::text[], $2::int[]) AS n(id, gib), pools p
            WHERE s.id = n.id AND p.id = s.pool_id AND s.allocated_gib + n.gib <= s.capacity_gib * p.overcommit RETURNING s.id
            """, row => row.GetString(0), default, Columns.Texts(byStore.Select(g => g.Key)), Columns.Integers(byStore.Select(g => g.Sum(one => one.Gib))));
        return byStore.Select(g => g.Key).Except(had).ToHashSet();
    }

    /// <summary>What instances that are not launched after all have taken: on their hosts and, where their root disks would have been elsewhere, there.</summary>
    public static async Task GiveBackAsync(Transaction transaction, HostRevisions hosts, IReadOnlyList<NewInstance> instances)
    {
        await hosts.GiveBackAsync(transaction, instances.Select(one => (one.Host!.Id, new Capacity(one.Needs.Vcpus, one.Needs.MemoryMib, one.Root is { Own: false } ? 0 : one.Needs.DiskGib))), default);
        await Volumes.StoreRoom.GiveBackAsync(transaction, [.. instances.Where(one => one.Root is { Own: false }).Select(one => (one.Root!.Id, one.Host!.Id, one.Needs.DiskGib))], default);
    }

    /// <summary>The statement that writes them.</summary>
    public static (string, object?[]) Insert(IReadOnlyList<NewInstance> made, DateTimeOffset now) => (
        """
        INSERT INTO volumes (id, account_id, name, size_gib, pool_id, image_id, store_id, host_id, instance_id, slot, attached_generation, delete_on_termination, created_at)
        SELECT n.id, n.account, CASE WHEN EXISTS (SELECT 1 FROM volumes w WHERE w.account_id = n.account AND w.name = n.name AND w.deleted_at IS NULL) THEN n.id ELSE n.name END, n.gib, n.pool, n.image, n.store, n.host,
               n.instance, 0, 1, true, $10
        FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) AS n(id, account, name, gib, pool, image, store, host, instance)
        """,
        [
            Columns.Texts(made.Select(m => m.RootVolumeId)), Columns.Texts(made.Select(m => m.Asked.Caller.AccountId)), Columns.Texts(made.Select(NameOf)), Columns.Integers(made.Select(m => m.Parts.DiskGib)),
            Columns.Texts(made.Select(m => m.Root!.PoolId)), Columns.Texts(made.Select(m => m.Parts.Image.Id)), Columns.Texts(made.Select(m => m.Root!.Id)), Columns.Texts(made.Select(m => m.Host!.Id)),
            Columns.Texts(made.Select(m => m.Id)), now,
        ]);
}
