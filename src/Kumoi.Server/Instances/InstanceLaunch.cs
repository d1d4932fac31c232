using System.Net;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Networks;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Instances;

/// <summary>
/// Launching: validate, resolve names, place, take addresses, write the records and the events, claim the room: one transaction. When
/// it is committed, the instance exists and its host will make it so; when it is not, nothing of it remains.
/// </summary>
public sealed class InstanceLaunch(
    Database database, InstanceStore store, HostSnapshot snapshot, AddressAllocator addresses, HostRevisions revisions, HostBell bell, EventLog events, Ids ids,
    TimeProvider clock)
{
    public async Task<Result<Page<Instance>>> LaunchAsync(Caller caller, LaunchInstance launch, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(launch.Name);
        if (LaunchRules.Check(launch, name) is { Count: > 0 } violations) return Failure.Invalid([.. violations]);
        var hosts = await snapshot.GetAsync(fresh: false, cancel);
        var result = await TryAsync(hosts);
        // "No" from numbers that may be stale is not an answer yet.
        if (result.Failure is not { Code: "insufficient-capacity" }) return result;
        hosts = await snapshot.GetAsync(fresh: true, cancel);
        return await TryAsync(hosts);

        Task<Result<Page<Instance>>> TryAsync(IReadOnlyCollection<HostView> view) => database.TransactionAsync<Page<Instance>>(
            transaction => Idempotency.OnceAsync<Page<Instance>>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
            {
                var parts = await LaunchLookup.FindAsync(transaction, caller.AccountId, launch, cancel);
                if (parts.Failure is { } failure) return failure;
                var made = new List<Placed>();
                var room = view.ToDictionary(host => host.Id);
                foreach (var instanceName in LaunchRules.InstanceNames(name, launch.Count))
                {
                    var one = await LaunchOneAsync(transaction, caller, instanceName, launch.UserData, parts.Value, room, cancel);
                    if (one.Failure is { } broken) return broken;
                    made.Add(one.Value);
                }
                await revisions.TouchByNetworksAsync(transaction, [parts.Value.NetworkId], made.Select(placed => placed.Candidates[0].Id).Distinct(), cancel);
                var ids = made.ConvertAll(placed => placed.Id);
                var written = await store.ReadAsync(transaction, ids, cancel);
                // Last, because a claim locks its host's row until the commit, and others wait for it.
                var moved = false;
                foreach (var placed in made)
                {
                    var claimed = await ClaimAsync(transaction, placed, cancel);
                    if (claimed.Failure is { } full) return full;
                    moved |= claimed.Value != placed.Candidates[0].Id;
                }
                if (!moved) return new Page<Instance>(written, null);
                await revisions.TouchByNetworksAsync(transaction, [parts.Value.NetworkId], [], cancel);
                return new Page<Instance>(await store.ReadAsync(transaction, ids, cancel), null);
            }), cancel);
    }

    /// <summary>An instance written for the first of these hosts, whose room is still to be claimed.</summary>
    private sealed record Placed(string Id, PlacementRequest Request, IReadOnlyList<HostView> Candidates);

    private async Task<Result<Placed>> LaunchOneAsync(
        Transaction transaction, Caller caller, string name, string? userData, LaunchParts parts, Dictionary<string, HostView> room, CancellationToken cancel)
    {
        var request = new PlacementRequest(parts.Flavor.Vcpus, parts.Flavor.MemoryMib, parts.DiskGib, parts.ZoneId);
        var choice = Placement.Placement.Choose(room.Values, request);
        if (choice.Candidates.Count == 0) return NoCapacity(choice.Rejections);
        var now = clock.GetUtcNow();
        var id = ids.New(Ids.Instance);
        var host = choice.Candidates[0];
        var instance = new NewInstance(
            id, caller.AccountId, name, Names.Hostname(name, id), parts.Flavor, parts.DiskGib, parts.ImageId, parts.KeyPair, string.IsNullOrEmpty(userData) ? null : userData,
            host.ZoneId, host.Id, now);
        if (!await InstanceStore.InsertAsync(transaction, instance, cancel)) return Failure.NameTaken("instance", name);
        var interfaceId = ids.New(Ids.Interface);
        if (!await TakeAddressAsync(transaction, caller.AccountId, id, interfaceId, parts, cancel)) return new Failure("addresses-exhausted", 409);
        await InstanceStore.SetSecurityGroupsAsync(transaction, caller.AccountId, interfaceId, parts.Groups.Select(g => g.Id), cancel);
        if (!await TakeFloatingAsync(transaction, caller.AccountId, interfaceId, now, cancel)) return new Failure("floating-addresses-exhausted", 409);
        await events.WriteAsync(transaction, caller, "instance.launch", new Subject("instance", id, name), cancel);

        room[host.Id] = room[host.Id].With(request);
        return new Placed(id, request, choice.Candidates);
    }

    /// <summary>Takes the room on the first candidate that has it still; the host it is on from then.</summary>
    private async Task<Result<string>> ClaimAsync(Transaction transaction, Placed placed, CancellationToken cancel)
    {
        foreach (var candidate in placed.Candidates)
        {
            if (!await InstanceStore.ClaimAsync(transaction, candidate.Id, placed.Request, cancel)) continue;
            if (candidate.Id != placed.Candidates[0].Id)
                await transaction.ExecuteAsync("UPDATE instances SET host_id = $2, zone_id = $3 WHERE id = $1", cancel, placed.Id, candidate.Id, candidate.ZoneId);
            transaction.AfterCommit(() =>
            {
                snapshot.Placed(candidate.Id, placed.Request);
                bell.Ring(candidate.Id);
            });
            return candidate.Id;
        }
        return NoCapacity([new Rejection("claimed", placed.Candidates.Count)]);
    }

    private static Failure NoCapacity(IReadOnlyList<Rejection> rejections) => new("insufficient-capacity", 409) { Rejections = rejections };

    private async Task<bool> TakeAddressAsync(
        Transaction transaction, string accountId, string instanceId, string interfaceId, LaunchParts parts, CancellationToken cancel)
    {
        foreach (var (subnetId, range) in parts.Subnets)
        {
            var address = await addresses.ClaimAsync(
                transaction, subnetId, range,
                candidate => InstanceStore.InsertInterfaceAsync(transaction, interfaceId, accountId, instanceId, parts.NetworkId, subnetId, candidate, cancel),
                "SELECT address FROM interfaces WHERE subnet_id = $1 AND released_at IS NULL", cancel);
            if (address is not null) return true;
        }
        return false;
    }

    private async Task<bool> TakeFloatingAsync(Transaction transaction, string accountId, string interfaceId, DateTimeOffset now, CancellationToken cancel)
    {
        var ranges = await transaction.QueryAsync("SELECT cidr FROM floating_ranges ORDER BY cidr", row => row.GetFieldValue<IPNetwork>(0), cancel);
        foreach (var range in ranges)
        {
            var address = await addresses.ClaimAsync(
                transaction, range.ToString(), range, candidate => InstanceStore.InsertFloatingAsync(transaction, accountId, interfaceId, candidate, now, cancel),
                "SELECT address FROM floating_addresses WHERE address << $1::cidr", cancel);
            if (address is not null) return true;
        }
        return ranges.Count == 0;
    }
}
