using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Instances;

/// <summary>Where a host keeps root disks, as volumes.</summary>
/// <param name="Own">Its room is the host's own, which the host's claim has taken.</param>
public sealed record RootStore(string Id, bool Own, string PoolId);

/// <summary>A volume that an instance is to start from.</summary>
/// <param name="HostId">The one that looks after it; null: none yet.</param>
/// <param name="Hosts">Those that reach it; of one without a place, those that could have it.</param>
/// <param name="Fitting">Those of them that keep root disks as volumes and have room for it, or all if there are none.</param>
/// <param name="Unfit">Why it cannot be had now; null if it can.</param>
public sealed record RootCandidate(
    string Id, string Name, int SizeGib, string PoolId, string? StoreId, string? HostId, Ref? Image, string DefaultUser, IReadOnlyList<string> Hosts, IReadOnlyList<string> Fitting, Failure? Unfit, LaunchMachine Machine)
{
    /// <summary>A volume that is being filled from a snapshot of this one, which stays with its host until that is done; null: none.</summary>
    public string? Filling { get; init; }
}

/// <summary>The volumes that instances start from, when the instances are launched.</summary>
public static class RootVolumes
{
    private const string Suffix = "-root";

    /// <summary>Its name, as far as no other volume has it; then it is called by its id.</summary>
    public static string NameOf(NewInstance instance) => Names.Check("name", instance.Name + Suffix) is null ? instance.Name + Suffix : instance.RootVolumeId;

    /// <summary>The volumes that launches name; their rows stay locked until the end of the transaction. Volumes are locked before hosts.</summary>
    public static async Task<List<(string AccountId, RootCandidate Volume)>> LockAsync(Transaction transaction, string[] accounts, string[] keys)
    {
        var found = await ReadAsync(transaction, accounts, keys);
        for (var i = 0; i < found.Count; i++)
            if (found[i].Volume is { HostId: { } host } volume && await SnapshotOrigins.FillingAsync(transaction, volume.Id, stays: false, default) is { } filling)
                found[i] = (found[i].AccountId, volume with { Fitting = [host], Filling = filling });
        return found;
    }

    private static Task<List<(string AccountId, RootCandidate Volume)>> ReadAsync(Transaction transaction, string[] accounts, string[] keys) => transaction.QueryAsync(
        $"""
        SELECT v.account_id, v.id, v.name, v.size_gib, v.pool_id, v.store_id, m.id, m.name, coalesce(m.default_user, ''), v.state, i.name,
               coalesce(r.hosts, ARRAY[]::text[]), coalesce(m.firmware, 'bios'), coalesce(m.device_model, 'virtio'), v.host_id, coalesce(r.fitting, r.hosts, ARRAY[]::text[])
        FROM volumes v LEFT JOIN images m ON m.id = v.image_id LEFT JOIN instances i ON i.id = v.instance_id, LATERAL (
            SELECT array_agg(DISTINCT h.id) AS hosts, array_agg(DISTINCT h.id) FILTER (WHERE EXISTS (SELECT 1 FROM store_hosts y WHERE y.host_id = h.id AND y.root) AND (v.store_id IS NOT NULL
                       OR CASE WHEN s.own THEN h.allocated_disk_gib + v.size_gib <= h.disk_gib * p.overcommit ELSE s.allocated_gib + v.size_gib <= s.capacity_gib * p.overcommit END)) AS fitting
            FROM store_hosts x JOIN stores s ON s.id = x.store_id JOIN pools p ON p.id = s.pool_id JOIN hosts h ON h.id = x.host_id WHERE s.id = v.store_id OR v.store_id IS NULL AND s.pool_id = v.pool_id) r
        WHERE v.account_id = ANY($1) AND (v.id = ANY($2) OR v.name = ANY($2)) AND {VolumeStore.Shown} ORDER BY v.id FOR UPDATE OF v
        """, row => (row.GetString(0), new RootCandidate(
            row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetString(4), row.TextOrNull(5), row.TextOrNull(14), row.IsDBNull(6) ? null : new Ref(row.GetString(6), row.GetString(7)), row.GetString(8), row.Texts(11), row.Texts(15),
            UnfitFor(row.GetString(2), row.GetString(9), row.TextOrNull(10), row.Texts(11).Length == 0), new LaunchMachine(row.GetString(12), row.GetString(13), false))), default, Columns.Texts(accounts), Columns.Texts(keys));

    private static Failure? UnfitFor(string name, string state, string? holder, bool nowhere) =>
        holder is not null ? new Failure("volume-attached", 409, name, holder) : state != "available" ? new Failure("volume-not-available", 409, name, state) : nowhere ? new Failure("pool-nowhere", 409, name) : null;

    /// <summary>Takes room for volumes that have no place yet, where their first guests are; the instances for which there is none.</summary>
    public static async Task<IReadOnlyList<NewInstance>> PlaceAsync(Transaction transaction, IEnumerable<NewInstance> instances)
    {
        var without = new List<NewInstance>();
        foreach (var one in instances.Where(one => one.Parts.Root is { StoreId: null }))
            if (await StoreRoom.PlaceAsync(transaction, one.Parts.Root!.PoolId, one.Host!.Id, one.Parts.Root.SizeGib, default) is { } place) one.PlacedIn = place.Store;
            else without.Add(one);
        return without;
    }

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
        await StoreRoom.GiveBackAsync(
            transaction,
            [
                .. instances.Where(one => one.Root is { Own: false } && one.Parts.Root is null).Select(one => (one.Root!.Id, one.Host!.Id, one.Needs.DiskGib)),
                .. instances.Where(one => one.PlacedIn is not null).Select(one => (one.PlacedIn!, one.Host!.Id, one.Parts.Root!.SizeGib)),
            ], default);
    }

    /// <summary>Tells hosts that they do not look after volumes any more that their instances have elsewhere.</summary>
    public static async Task TellFormerAsync(Transaction transaction, HostRevisions hosts, IEnumerable<NewInstance> launched)
    {
        var former = launched.Where(one => one.Parts.Root is { HostId: { } host } && host != one.Host!.Id).Select(one => one.Parts.Root!.HostId!).Distinct().ToList();
        if (former.Count > 0) await hosts.TouchAsync(transaction, former, default);
    }

    /// <summary>The statements that give instances the volumes that they named.</summary>
    public static IEnumerable<(string, object?[])> Attach(IReadOnlyList<NewInstance> named)
    {
        if (named.Count == 0) yield break;
        yield return (
            """
            UPDATE volumes v SET instance_id = n.instance, slot = 0, attached_generation = 1, attached = false, generation = v.generation + 1, store_id = n.store, host_id = n.host,
                                 incarnation = v.incarnation + CASE WHEN v.host_id <> n.host THEN 1 ELSE 0 END
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n(id, instance, store, host) WHERE v.id = n.id
            """,
            [
                Columns.Texts(named.Select(m => m.Parts.Root!.Id)), Columns.Texts(named.Select(m => m.Id)), Columns.Texts(named.Select(m => m.PlacedIn ?? m.Parts.Root!.StoreId!)), Columns.Texts(named.Select(m => m.Host!.Id)),
            ]);
        yield return (VolumeHolds.Count, [Columns.Texts(named.Select(m => m.Id))]);
    }

    /// <summary>The statement that writes them.</summary>
    public static (string, object?[]) Insert(IReadOnlyList<NewInstance> made, DateTimeOffset now) => (
        """
        INSERT INTO volumes (id, account_id, name, size_gib, pool_id, image_id, store_id, host_id, instance_id, slot, attached_generation, delete_on_termination, tags, created_at)
        SELECT n.id, n.account, CASE WHEN EXISTS (SELECT 1 FROM volumes w WHERE w.account_id = n.account AND w.name = n.name AND w.deleted_at IS NULL) THEN n.id ELSE n.name END, n.gib, n.pool, n.image, n.store, n.host,
               n.instance, 0, 1, n.goes, n.tags, $10
        FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $11::boolean[], $12::jsonb[]) AS n(id, account, name, gib, pool, image, store, host, instance, goes, tags)
        """,
        [
            Columns.Texts(made.Select(m => m.RootVolumeId)), Columns.Texts(made.Select(m => m.Asked.Caller.AccountId)), Columns.Texts(made.Select(NameOf)), Columns.Integers(made.Select(m => m.Parts.DiskGib)),
            Columns.Texts(made.Select(m => m.Root!.PoolId)), Columns.TextsOrNull(made.Select(m => m.Parts.Machine.IsCd ? null : m.Parts.Image.Id)), Columns.Texts(made.Select(m => m.Root!.Id)), Columns.Texts(made.Select(m => m.Host!.Id)),
            Columns.Texts(made.Select(m => m.Id)), now, Columns.Booleans(made.Select(m => m.Asked.Launch.DeleteRootVolume ?? true)), Columns.Jsons(made.Select(m => Tags.Text(m.Asked.Launch.VolumeTags))),
        ]);
}
