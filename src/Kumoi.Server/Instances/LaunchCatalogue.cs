using Kumoi.Api;
using Kumoi.Server.Flavors;
using Kumoi.Server.HostPools;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Placement;
using Kumoi.Server.PlacementGroups;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>What the names of a launch request stand for.</summary>
/// <param name="Root">The volume that it is to start from; null: a new one.</param>
/// <param name="PlacementGroup">With its members before this launch; locked until the end of the transaction.</param>
public sealed record LaunchParts(
    Flavor Flavor, Ref Image, string DefaultUser, int DiskGib, KeyPair? KeyPair, IReadOnlyList<InterfaceParts> Interfaces, string? ZoneId, GroupView? PlacementGroup, string? HostId,
    RootCandidate? Root)
{
    public LaunchMachine Machine { get; init; } = LaunchMachine.Usual;

    /// <summary>The pool of the new volumes beside the one that it starts from; null: there are none.</summary>
    public string? VolumePoolId { get; init; }

    /// <summary>Ids of their types, in their order; null: none.</summary>
    public IReadOnlyList<string?> VolumeTypes { get; init; } = [];

    /// <summary>The pool that it asks for; null: any.</summary>
    public Ref? HostPool { get; init; }

    /// <summary>What its hosts must have, for itself and for its flavor.</summary>
    public LabelSet Labels { get; init; } = LabelSet.None;
}

/// <summary>
/// Everything that some launches name, read together: own resources, public images, and the cloud's flavors and zones. Images are locked
/// against deletion until the end of the transaction.
/// </summary>
public sealed class LaunchCatalogue
{
    private sealed record ImageRow(string Id, string Name, string AccountId, bool Public, string State, long Bytes, string DefaultUser, int MinDiskGib, int MinMemoryMib, string[] SharedWith, LaunchMachine Machine)
    {
        /// <summary>What others share is called by its id only: nobody slips an image of a well-known name to anybody.</summary>
        public bool IsMeant(string key, string account) => Id == key ? AccountId == account || Public || SharedWith.Contains(account) : Name == key && (AccountId == account || Public);
    }

    private List<Flavor> _flavors = [];
    private List<ImageRow> _images = [];
    private List<Ref> _zones = [];
    private List<(string AccountId, RootCandidate Volume)> _volumes = [];
    private ILookup<string, KeyPair> _pairs = Array.Empty<KeyPair>().ToLookup(_ => "");
    private InterfaceCatalogue _interfaces = null!;
    private List<Ref> _hosts = [];
    private List<(string AccountId, Ref Pool)> _hostPools = [];
    private List<(string AccountId, GroupView Group)> _placementGroups = [];
    private HashSet<(string, string)> _names = [];
    private LaunchVolumeCatalogue _launchVolumes = LaunchVolumeCatalogue.Empty;

    public static async Task<LaunchCatalogue> ReadAsync(Transaction transaction, IReadOnlyList<LaunchRequest> asked)
    {
        var catalogue = new LaunchCatalogue();
        string[] accounts = [.. asked.Select(a => a.Caller.AccountId).Distinct()];
        string[] Keys(Func<LaunchInstance, IEnumerable<string?>> keys) => [.. asked.SelectMany(a => keys(a.Launch)).OfType<string>().Distinct()];
        catalogue._flavors = await transaction.QueryAsync(
            FlavorUseCases.Columns + "WHERE id = ANY($1) OR name = ANY($1)", FlavorUseCases.Read, default, Columns.Texts(Keys(l => [l.Flavor])));
        catalogue._images = await transaction.QueryAsync(
            """
            SELECT m.id, m.name, m.account_id, m.visibility = 'public', m.state, coalesce(m.virtual_size_bytes, 0), m.default_user, m.min_disk_gib, m.min_memory_mib,
                   coalesce((SELECT array_agg(x.account_id) FROM image_accounts x WHERE x.image_id = m.id AND x.account_id = ANY($1)), '{}'), m.firmware, m.device_model, m.format = 'iso' FROM images m
            WHERE (m.id = ANY($2) OR m.name = ANY($2)) AND (m.account_id = ANY($1) OR m.visibility = 'public' OR EXISTS (SELECT 1 FROM image_accounts x WHERE x.image_id = m.id AND x.account_id = ANY($1)))
              AND m.deleted_at IS NULL ORDER BY m.id FOR SHARE OF m
            """,
            row => new ImageRow(row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetString(4), row.GetInt64(5), row.GetString(6), row.GetInt32(7), row.GetInt32(8), row.Texts(9),
                new LaunchMachine(row.GetString(10), row.GetString(11), row.GetBoolean(12))), default,
            Columns.Texts(accounts), Columns.Texts(Keys(l => [l.Image])));
        if (Keys(l => [l.KeyPair]) is { Length: > 0 } pairs)
            catalogue._pairs = (await transaction.QueryAsync(
                "SELECT account_id, id, name, type, fingerprint, public_key, created_at FROM key_pairs WHERE account_id = ANY($1) AND (id = ANY($2) OR name = ANY($2))",
                row => (Account: row.GetString(0), Pair: new KeyPair(row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.Time(6))), default,
                Columns.Texts(accounts), Columns.Texts(pairs))).ToLookup(p => p.Account, p => p.Pair);
        catalogue._interfaces = await InterfaceCatalogue.ReadAsync(
            transaction, accounts, Keys(l => Interfaces(l).Select(face => face.Network)), Keys(l => (l.SecurityGroups ?? Default).Concat(Interfaces(l).SelectMany(face => face.SecurityGroups ?? []))));
        if (Keys(l => [l.Host]) is { Length: > 0 } hosts)
            catalogue._hosts = await transaction.QueryAsync("SELECT id, name FROM hosts WHERE id = ANY($1) OR name = ANY($1)", row => new Ref(row.GetString(0), row.GetString(1)), default, Columns.Texts(hosts));
        if (Keys(l => [l.HostPool]) is { Length: > 0 } hostPools) catalogue._hostPools = await HostPoolStore.UsableAsync(transaction, accounts, hostPools);
        if (Keys(l => [l.Zone]) is { Length: > 0 } zones)
            catalogue._zones = await transaction.QueryAsync("SELECT id, name FROM zones WHERE id = ANY($1) OR name = ANY($1)", row => new Ref(row.GetString(0), row.GetString(1)), default, Columns.Texts(zones));
        if (Keys(l => [l.PlacementGroup]) is { Length: > 0 } placementGroups)
            catalogue._placementGroups = await PlacementGroupStore.LockAsync(
                transaction, [.. asked.Where(a => a.Launch.PlacementGroup is not null).Select(a => a.Caller.AccountId).Distinct()], placementGroups, default);
        if (Keys(l => [l.RootVolume]) is { Length: > 0 } volumes) catalogue._volumes = await RootVolumes.LockAsync(transaction, accounts, volumes);
        catalogue._launchVolumes = await LaunchVolumeCatalogue.ReadAsync(transaction, asked);
        var names = asked.SelectMany(a => a.Names.OfType<string>().Select(name => (a.Caller.AccountId, name))).ToList();
        catalogue._names = [.. await transaction.QueryAsync(
            "SELECT v.account_id, v.name FROM unnest($1::text[], $2::text[]) AS n(account, name) JOIN instances v ON v.account_id = n.account AND v.name = n.name WHERE v.terminated_at IS NULL",
            row => (row.GetString(0), row.GetString(1)), default, Columns.Texts(names.Select(n => n.AccountId)), Columns.Texts(names.Select(n => n.name)))];
        return catalogue;
    }

    private static readonly string[] Default = ["default"];

    /// <summary>The interfaces that a launch asks for: those listed, or one.</summary>
    private static IReadOnlyList<LaunchInterface> Interfaces(LaunchInstance launch) => launch.Interfaces ?? [new LaunchInterface(launch.Network ?? "default", null, null, null, null)];

    /// <summary>Resolves one request, or tells every name in it that stands for nothing.</summary>
    public Result<LaunchParts> Find(LaunchRequest asked)
    {
        var (account, launch) = (asked.Caller.AccountId, asked.Launch);
        var violations = new List<Violation>();
        var flavor = _flavors.Find(f => f.Id == launch.Flavor) ?? _flavors.Find(f => f.Name == launch.Flavor);
        if (flavor is null) violations.Add(NoSuch("flavor", "flavor", launch.Flavor));
        // An own image comes before a public one of the same name.
        var root = launch.RootVolume is { } rootKey ? _volumes.Where(v => v.AccountId == account).Select(v => v.Volume).FirstOrDefault(v => v.Id == rootKey || v.Name == rootKey) : null;
        if (launch.RootVolume is not null && root is null) violations.Add(NoSuch("rootVolume", "volume", launch.RootVolume));
        var image = launch.Image is not { } imageKey ? null : _images.Where(i => i.IsMeant(imageKey, account)).OrderByDescending(i => i.AccountId == account).FirstOrDefault();
        if (image is null && launch.Image is not null) violations.Add(NoSuch("image", "image", launch.Image));
        else if (image is null && root is { Image: null }) violations.Add(new Violation("image", "required"));
        else if (image is not null && image.State != "available") violations.Add(new Violation("image", "image-not-available", launch.Image!, image.State));
        else if (image is not null && flavor is not null && (Math.Max(flavor.DiskGib, launch.DiskGib ?? 0) < image.MinDiskGib || flavor.MemoryMib < image.MinMemoryMib)) violations.Add(new Violation("flavor", "smaller-than-image-needs", image.Name, image.MinDiskGib, image.MinMemoryMib));
        var pair = launch.KeyPair is null ? null : _pairs[account].FirstOrDefault(p => p.Id == launch.KeyPair || p.Name == launch.KeyPair);
        if (launch.KeyPair is not null && pair is null) violations.Add(NoSuch("keyPair", "key-pair", launch.KeyPair));
        var groups = _interfaces.Groups(account, "securityGroups", launch.SecurityGroups ?? Default, violations);
        var interfaces = Interfaces(launch).Select((face, i) => _interfaces.Find(account, launch.Interfaces is null ? "" : $"interfaces[{i}].", face, groups, violations)).ToList();
        if (launch.Floating == true && interfaces is [{ SegmentDevice: not null } bridged, ..]) violations.Add(new Violation("floating", "network-bridged", bridged.Network.Name));
        var host = launch.Host is not { } hostKey ? null : _hosts.Find(h => h.Id == hostKey || h.Name == hostKey);
        if (launch.Host is not null && host is null) violations.Add(NoSuch("host", "host", launch.Host));
        if (host is not null && root is not null && !root.Hosts.Contains(host.Id)) violations.Add(new Violation("host", "volume-not-on-host", root.Name, host.Name));
        var hostPool = launch.HostPool is not { } poolKey ? null : _hostPools.Where(p => p.AccountId == account && (p.Pool.Id == poolKey || p.Pool.Name == poolKey)).Select(p => p.Pool).FirstOrDefault();
        if (launch.HostPool is not null && hostPool is null) violations.Add(NoSuch("hostPool", "host-pool", launch.HostPool));
        var (own, flavorLabels) = (LabelSet.Of(launch.RequiredLabels ?? new Dictionary<string, string>()), LabelSet.Of(flavor?.RequiredLabels ?? new Dictionary<string, string>()));
        if (own.Clash(flavorLabels) is { } clash) violations.Add(new Violation($"requiredLabels.{clash}", "label-of-flavor", flavor!.Name, flavor.RequiredLabels[clash]));
        var zone = launch.Zone is null ? null : _zones.Find(z => z.Id == launch.Zone || z.Name == launch.Zone);
        if (launch.Zone is not null && zone is null) violations.Add(NoSuch("zone", "zone", launch.Zone));
        var placementGroup = launch.PlacementGroup is not { } wanted ? null
            : _placementGroups.Where(g => g.AccountId == account).Select(g => g.Group).FirstOrDefault(g => g.Id == wanted || g.Name == wanted);
        if (launch.PlacementGroup is not null && placementGroup is null) violations.Add(NoSuch("placementGroup", "placement-group", launch.PlacementGroup));
        var volumes = _launchVolumes.Find(account, launch.Volumes, violations);
        if (violations.Count > 0) return Failure.Invalid([.. violations]);
        if (volumes.Failure is { } noPool) return noPool;
        if (asked.Names.OfType<string>().FirstOrDefault(name => _names.Contains((account, name))) is { } taken) return Failure.NameTaken("instance", taken);
        if (root?.Unfit is { } unfit) return unfit;
        if (host is not null && root is { Filling: { } filling } && host.Id != root.HostId) return new Failure("volume-filling", 409, filling);
        // A disk is never smaller than its image; beside a CD it begins empty.
        var least = image is null or { Machine.IsCd: true } ? 0 : (int)((image.Bytes + (1L << 30) - 1) >> 30);
        if (launch.DiskGib < least) return Failure.Invalid("diskGib", "smaller-than-image", least);
        return new LaunchParts(
            flavor!, image is null ? root!.Image! : new Ref(image.Id, image.Name), image?.DefaultUser ?? root!.DefaultUser, root?.SizeGib ?? launch.DiskGib ?? Math.Max(flavor!.DiskGib, least), pair,
            [.. interfaces.OfType<InterfaceParts>()], zone?.Id, placementGroup, host?.Id, root) { Machine = image?.Machine ?? root!.Machine, VolumePoolId = volumes.Value, VolumeTypes = _launchVolumes.TypesOf(launch.Volumes), HostPool = hostPool, Labels = own.With(flavorLabels)! };
    }

    /// <summary>The groups of the names, each once; or which names stand for nothing.</summary>
    public static async Task<Result<List<Ref>>> SecurityGroupsAsync(Transaction transaction, string accountId, IReadOnlyList<string> keys, CancellationToken cancel)
    {
        if (keys.Count > InterfaceCatalogue.SecurityGroupsMax) return Failure.Invalid("securityGroups", "at-most", InterfaceCatalogue.SecurityGroupsMax);
        var found = await transaction.QueryAsync(
            "SELECT id, name FROM security_groups WHERE account_id = $1 AND (id = ANY($2) OR name = ANY($2)) ORDER BY id FOR KEY SHARE",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, accountId, Columns.Texts(keys));
        var missing = keys.Select((key, i) => (key, i)).Where(k => found.All(g => g.Id != k.key && g.Name != k.key))
            .Select(k => NoSuch($"securityGroups[{k.i}]", "security-group", k.key)).ToArray();
        return missing.Length > 0 ? Failure.Invalid(missing) : found;
    }

    private static Violation NoSuch(string field, string type, string key) => new(field, "no-such", new Noun(type), key);
}
