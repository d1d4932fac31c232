using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Instances;

/// <summary>A new, empty volume that an instance about to be written has from its beginning.</summary>
public sealed record NewVolume(string Id, int Slot, LaunchVolume Asked)
{
    /// <summary>The store that has room for it, and has given it.</summary>
    public string? StoreId { get; set; }
}

/// <summary>The pool and the types of volumes that some launches ask for, read together.</summary>
public sealed class LaunchVolumeCatalogue
{
    private readonly Dictionary<string, string> _pools;
    private readonly List<(Ref Type, bool Encrypted)> _types;

    private LaunchVolumeCatalogue(Dictionary<string, string> pools, List<(Ref, bool)> types) => (_pools, _types) = (pools, types);

    public static LaunchVolumeCatalogue Empty { get; } = new([], []);

    public static async Task<LaunchVolumeCatalogue> ReadAsync(Transaction transaction, IReadOnlyList<LaunchRequest> asked)
    {
        var with = asked.Where(one => one.Launch.Volumes is { Count: > 0 }).ToList();
        if (with.Count == 0) return Empty;
        var pools = new Dictionary<string, string>();
        foreach (var account in with.Select(one => one.Caller.AccountId).Distinct())
            if (await transaction.FindAsync("SELECT p.id FROM pools p WHERE p.is_default AND " + PoolStore.Usable, row => row.GetString(0), default, account) is { } pool) pools[account] = pool;
        string[] keys = [.. with.SelectMany(one => one.Launch.Volumes!).Select(volume => volume.Type).OfType<string>().Distinct()];
        var types = await transaction.QueryAsync("SELECT id, name, encrypted FROM volume_types WHERE id = ANY($1) OR name = ANY($1) ORDER BY id FOR KEY SHARE", row => (new Ref(row.GetString(0), row.GetString(1)), row.GetBoolean(2)), default, Columns.Texts(keys));
        return new LaunchVolumeCatalogue(pools, types);
    }

    /// <summary>The pool that the volumes are to be in; null if none are asked for. Types that stand for nothing are noted.</summary>
    public Result<string?> Find(string accountId, IReadOnlyList<LaunchVolume>? volumes, List<Violation> violations)
    {
        if (volumes is not { Count: > 0 }) return (string?)null;
        for (var i = 0; i < volumes.Count; i++)
            if (volumes[i].Type is { } type && Of(type) is not { } found) violations.Add(new Violation($"volumes[{i}].type", "no-such", new Noun("volume-type"), type));
            else if (volumes[i].Type is { } encrypting && Of(encrypting)!.Value.Encrypted) violations.Add(new Violation($"volumes[{i}].type", "launched-unencrypted", encrypting));
        return _pools.TryGetValue(accountId, out var pool) ? pool : new Failure("no-default-pool", 409);
    }

    public IReadOnlyList<string?> TypesOf(IReadOnlyList<LaunchVolume>? volumes) => [.. (volumes ?? []).Select(volume => volume.Type is { } type ? Of(type)?.Type.Id : null)];

    private (Ref Type, bool Encrypted)? Of(string key) => _types.Where(type => type.Type.Id == key || type.Type.Name == key).Select(type => ((Ref, bool)?)type).FirstOrDefault();
}

/// <summary>New volumes that instances have beside the one that they start from, in the transaction of the launch.</summary>
public static class LaunchVolumes
{
    public static IEnumerable<Violation> Check(IReadOnlyList<LaunchVolume>? volumes)
    {
        if (volumes is null) yield break;
        if (volumes.Count > VolumeRules.SlotMax) yield return new Violation("volumes", "at-most", VolumeRules.SlotMax);
        for (var i = 0; i < volumes.Count; i++)
        {
            if (volumes[i].SizeGib is < 1 or > VolumeRules.SizeMax) yield return new Violation($"volumes[{i}].sizeGib", "between", 1, VolumeRules.SizeMax);
            if (volumes[i].Slot is < 1 or > VolumeRules.SlotMax) yield return new Violation($"volumes[{i}].slot", "between", 1, VolumeRules.SlotMax);
            if (volumes[i].Slot is { } slot && volumes.Take(i).Any(other => other.Slot == slot)) yield return new Violation($"volumes[{i}].slot", "twice");
        }
    }

    /// <summary>Their places: those asked for, and for others the first that are free.</summary>
    public static IEnumerable<NewVolume> Plan(IReadOnlyList<LaunchVolume>? volumes, Func<string> id)
    {
        var free = new Queue<int>(Enumerable.Range(1, VolumeRules.SlotMax).Except((volumes ?? []).Select(volume => volume.Slot).OfType<int>()));
        return (volumes ?? []).Select(volume => new NewVolume(id(), volume.Slot ?? free.Dequeue(), volume));
    }

    /// <summary>Takes room for them where their guests will be; requests for which there is none fail as a whole, and give back what they took.</summary>
    public static async Task PlaceAsync(Transaction transaction, HostRevisions hosts, Dictionary<int, List<NewInstance>> made, Action<int, Failure> fail)
    {
        foreach (var (i, list) in made.Where(one => one.Value.Exists(instance => instance.Volumes.Count > 0)).ToList())
        {
            var wanted = list.SelectMany(one => one.Volumes.Select(volume => (Instance: one, Volume: volume))).ToList();
            foreach (var (instance, volume) in wanted)
            {
                volume.StoreId = (await StoreRoom.PlaceAsync(transaction, instance.Parts.VolumePoolId!, instance.Host!.Id, volume.Asked.SizeGib, default))?.Store;
                if (volume.StoreId is null) break;
            }
            if (wanted.Find(one => one.Volume.StoreId is null) is not { Volume: { } without }) continue;
            await StoreRoom.GiveBackAsync(transaction, [.. wanted.Where(one => one.Volume.StoreId is not null).Select(one => (one.Volume.StoreId!, one.Instance.Host!.Id, one.Volume.Asked.SizeGib))], default);
            await RootVolumes.GiveBackAsync(transaction, hosts, list);
            fail(i, new Failure("insufficient-storage", 409, await transaction.FindAsync("SELECT name FROM pools WHERE id = $1", row => row.GetString(0), default, list[0].Parts.VolumePoolId!) ?? "", without.Asked.SizeGib));
        }
    }

    /// <summary>The statements that write them; none, most of the time.</summary>
    public static IEnumerable<(string Sql, object?[] Values)> Inserts(IReadOnlyList<NewInstance> made, DateTimeOffset now)
    {
        var all = made.SelectMany(one => one.Volumes.Select((volume, i) => (Instance: one, Volume: volume, Type: one.Parts.VolumeTypes[i]))).ToList();
        if (all.Count == 0) yield break;
        yield return (
            """
            INSERT INTO volumes (id, account_id, name, size_gib, pool_id, type_id, store_id, host_id, instance_id, slot, attached_generation, delete_on_termination, tags, created_at)
            SELECT n.id, n.account, n.id, n.gib, n.pool, n.type, n.store, n.host, n.instance, n.slot, 1, n.goes, n.tags, $12
            FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::boolean[], $11::jsonb[]) AS n(id, account, gib, pool, type, store, host, instance, slot, goes, tags)
            """,
            [
                Columns.Texts(all.Select(one => one.Volume.Id)), Columns.Texts(all.Select(one => one.Instance.Asked.Caller.AccountId)), Columns.Integers(all.Select(one => one.Volume.Asked.SizeGib)), Columns.Texts(all.Select(one => one.Instance.Parts.VolumePoolId!)),
                Columns.TextsOrNull(all.Select(one => one.Type)), Columns.Texts(all.Select(one => one.Volume.StoreId!)), Columns.Texts(all.Select(one => one.Instance.Host!.Id)), Columns.Texts(all.Select(one => one.Instance.Id)),
                Columns.Integers(all.Select(one => one.Volume.Slot)), Columns.Booleans(all.Select(one => one.Volume.Asked.DeleteOnTermination ?? true)), Columns.Jsons(all.Select(one => Tags.Text(one.Instance.Asked.Launch.VolumeTags))), now,
            ]);
        yield return (VolumeHolds.Count, [Columns.Texts(all.Select(one => one.Instance.Id).Distinct())]);
    }
}
