using System.Net;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Instances;

/// <summary>What the names of a launch request stand for.</summary>
public sealed record LaunchParts(
    Flavor Flavor, string ImageId, int DiskGib, KeyPair? KeyPair, string NetworkId, IReadOnlyList<(string Id, IPNetwork Range)> Subnets, IReadOnlyList<Ref> Groups, string? ZoneId);

/// <summary>Resolves names once, at the edge: own resources, public images, and the cloud's flavors and zones.</summary>
public static class LaunchLookup
{
    public static async Task<Result<LaunchParts>> FindAsync(Transaction transaction, string accountId, LaunchInstance launch, CancellationToken cancel)
    {
        var violations = new List<Violation>();
        var flavor = await transaction.FindAsync(
            "SELECT id, name, vcpus, memory_mib, disk_gib, created_at FROM flavors WHERE id = $1 OR name = $1",
            row => new Flavor(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.GetInt32(4), row.Time(5)), cancel, launch.Flavor);
        if (flavor is null) violations.Add(NoSuch("flavor", "flavor", launch.Flavor));

        // Shared lock: the image cannot be deleted between here and the commit. An own image comes before a public one of the same name.
        var image = await transaction.FindAsync(
            """
            SELECT id, state, coalesce(virtual_size_bytes, 0) FROM images
            WHERE (id = $2 OR name = $2) AND (account_id = $1 OR visibility = 'public') AND deleted_at IS NULL ORDER BY account_id = $1 DESC, id LIMIT 1 FOR SHARE
            """, row => (Id: row.GetString(0), State: row.GetString(1), Bytes: row.GetInt64(2)), cancel, accountId, launch.Image);
        if (image.Id is null) violations.Add(NoSuch("image", "image", launch.Image));
        else if (image.State != "available") violations.Add(new Violation("image", "image-not-available", launch.Image, image.State));

        KeyPair? pair = null;
        if (launch.KeyPair is { } pairKey)
        {
            pair = await transaction.FindAsync(
                "SELECT id, name, type, fingerprint, public_key, created_at FROM key_pairs WHERE account_id = $1 AND (id = $2 OR name = $2)",
                row => new KeyPair(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Time(5)), cancel, accountId, pairKey);
            if (pair is null) violations.Add(NoSuch("keyPair", "key-pair", pairKey));
        }

        var network = launch.Network ?? "default";
        var networkId = await transaction.FindAsync("SELECT id FROM networks WHERE account_id = $1 AND (id = $2 OR name = $2)", row => row.GetString(0), cancel, accountId, network);
        var subnets = new List<(string, IPNetwork)>();
        if (networkId is null) violations.Add(NoSuch("network", "network", network));
        else
        {
            subnets = await transaction.QueryAsync("SELECT id, cidr FROM subnets WHERE network_id = $1 ORDER BY id", row => (row.GetString(0), row.GetFieldValue<IPNetwork>(1)), cancel, networkId);
            if (subnets.Count == 0) violations.Add(new Violation("network", "network-without-subnet", network));
        }

        string? zoneId = null;
        if (launch.Zone is { } zone)
        {
            zoneId = await transaction.FindAsync("SELECT id FROM zones WHERE id = $1 OR name = $1", row => row.GetString(0), cancel, zone);
            if (zoneId is null) violations.Add(NoSuch("zone", "zone", zone));
        }

        var groups = await SecurityGroupsAsync(transaction, accountId, launch.SecurityGroups ?? ["default"], cancel);
        if (groups.Failure is { } failure) violations.AddRange(failure.Violations);
        if (violations.Count > 0) return Failure.Invalid([.. violations]);

        // A disk is never smaller than its image.
        var disk = (int)Math.Max(flavor!.DiskGib, (image.Bytes + (1L << 30) - 1) >> 30);
        return new LaunchParts(flavor, image.Id!, disk, pair, networkId!, subnets, groups.Value, zoneId);
    }

    public static async Task<Result<List<Ref>>> SecurityGroupsAsync(Transaction transaction, string accountId, IReadOnlyList<string> keys, CancellationToken cancel)
    {
        if (keys.Count > LaunchRules.SecurityGroupsMax) return Failure.Invalid("securityGroups", "at-most", LaunchRules.SecurityGroupsMax);
        var found = await transaction.QueryAsync(
            "SELECT id, name FROM security_groups WHERE account_id = $1 AND (id = ANY($2) OR name = ANY($2)) ORDER BY id FOR KEY SHARE",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, accountId, Columns.Texts(keys));
        var missing = keys.Select((key, i) => (key, i)).Where(k => found.All(g => g.Id != k.key && g.Name != k.key))
            .Select(k => NoSuch($"securityGroups[{k.i}]", "security-group", k.key)).ToArray();
        return missing.Length > 0 ? Failure.Invalid(missing) : found;
    }

    private static Violation NoSuch(string field, string type, string key) => new(field, "no-such", new Noun(type), key);
}
