using System.Diagnostics;
using Kumoi.Api;
using Kumoi.Server.AddressPools;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Metrics;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Quotas;

namespace Kumoi.Server.Instances;

/// <summary>One launch asked for, checked by itself.</summary>
/// <param name="Names">Names of the instances it makes; null: its id.</param>
/// <param name="TraceParent">W3C trace context of the request, for the agent's steps to follow.</param>
public sealed record LaunchRequest(Caller Caller, LaunchInstance Launch, IReadOnlyList<string?> Names, IdempotencyKey? Once, string? TraceParent);

/// <summary>
/// Launching: validate, resolve names, place, claim the room, take addresses, write the records and the events: one transaction for all
/// launches that come together. When it is committed, the instances exist and their hosts will make them so; when it is not, nothing
/// of them remains.
/// </summary>
public sealed class InstanceLaunch
{
    // Two, so that one batch is prepared while the other's commit is on its way to the disk. Together they may not grow beyond what one answer waits for.
    private const int Parallelism = 2, LaunchesAtOnce = 64;

    // A host that turns out to be full is given up for another one so often.
    private const int ClaimRounds = 3;

    private readonly Database _database;
    private readonly HostSnapshot _snapshot;
    private readonly InterfaceAddresses _addresses;
    private readonly PoolAddresses _floating;
    private readonly HostRevisions _revisions;
    private readonly LaunchWriter _writer;
    private readonly HostBell _hosts;
    private readonly PeersBell _peers;
    private readonly EventBell _events;
    private readonly Ids _ids;
    private readonly TimeProvider _clock;
    private readonly Batcher<LaunchRequest, Result<Page<Instance>>> _batcher;

    public InstanceLaunch(
        Database database, HostSnapshot snapshot, InterfaceAddresses addresses, PoolAddresses floating, HostRevisions revisions, LaunchWriter writer, HostBell hosts, PeersBell peers, EventBell events, Ids ids,
        TimeProvider clock)
    {
        (_database, _snapshot, _addresses, _floating, _revisions, _writer, _hosts, _peers, _events, _ids, _clock) = (database, snapshot, addresses, floating, revisions, writer, hosts, peers, events, ids, clock);
        _batcher = new Batcher<LaunchRequest, Result<Page<Instance>>>("launches", Parallelism, LaunchesAtOnce, LaunchAsync);
    }

    public async Task<Result<Page<Instance>>> LaunchAsync(Caller caller, LaunchInstance launch, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = launch.Name is null ? null : Names.Normal(launch.Name);
        if (LaunchRules.Check(launch, name) is { Count: > 0 } violations) return Failure.Invalid([.. violations]);
        if (launch.Host is not null && caller.Refused(Permission.Cloud("hosts")) is { } refused) return refused;
        using var span = ServerTrace.Source.StartActivity("instance.launch");
        return await _batcher.AskAsync(new LaunchRequest(caller, launch, LaunchRules.InstanceNames(name, launch.Count), once, Activity.Current?.Id), cancel);
    }

    private async Task<IReadOnlyList<Result<Page<Instance>>>> LaunchAsync(IReadOnlyList<LaunchRequest> asked)
    {
        await _snapshot.RefreshAsync(now: false, default);
        var answers = new Result<Page<Instance>>?[asked.Count];
        // Those that would meet another of this batch come after it.
        for (var rest = Enumerable.Range(0, asked.Count).ToList(); rest.Count > 0; rest = [.. rest.Where(i => answers[i] is null)])
        {
            var now = Independent(rest, asked);
            var done = await _database.TransactionAsync<Dictionary<int, Result<Page<Instance>>>>(
                transaction => LaunchAsync(transaction, now.ToDictionary(i => i, i => asked[i])), default, choosesAnew: true);
            foreach (var (i, answer) in done.Value) answers[i] = answer;
        }
        return [.. answers.Select(answer => answer!.Value)];
    }

    /// <summary>The longest row of requests of which no two share an idempotency key or a name.</summary>
    private static List<int> Independent(List<int> rest, IReadOnlyList<LaunchRequest> asked)
    {
        var keys = new HashSet<(string, string)>();
        var names = new HashSet<(string, string)>();
        return rest.FindAll(i =>
        {
            var one = asked[i];
            if (one.Once is { } once && !keys.Add((one.Caller.AccountId, once.Key))) return false;
            if (one.Names.OfType<string>().Any(name => names.Contains((one.Caller.AccountId, name)))) return false;
            foreach (var name in one.Names.OfType<string>()) names.Add((one.Caller.AccountId, name));
            return true;
        });
    }

    private async Task<Result<Dictionary<int, Result<Page<Instance>>>>> LaunchAsync(Transaction transaction, Dictionary<int, LaunchRequest> asked)
    {
        // As the database keeps it: in microseconds.
        var now = new DateTimeOffset(_clock.GetUtcNow().Ticks / 10 * 10, TimeSpan.Zero);
        var answers = new Dictionary<int, Result<Page<Instance>>>();
        var keyed = asked.Where(a => a.Value.Once is not null).ToDictionary(a => a.Key, a => (a.Value.Caller.AccountId, a.Value.Once!));
        foreach (var (i, answer) in await Idempotency.SeenAsync<Page<Instance>>(transaction, keyed, now)) answers[i] = answer;
        var open = asked.Where(a => !answers.ContainsKey(a.Key)).ToDictionary();
        if (open.Count == 0) return answers;

        var catalogue = await LaunchCatalogue.ReadAsync(transaction, [.. open.Values]);
        var made = new Dictionary<int, List<NewInstance>>();
        foreach (var (i, one) in open)
        {
            var parts = catalogue.Find(one);
            if (parts.Failure is { } failure) answers[i] = failure;
            else made[i] = [.. one.Names.Select(name => New(name, one, parts.Value))];
        }
        void Fail(int i, Failure failure)
        {
            answers[i] = failure;
            made.Remove(i);
        }
        // Before anything is locked that a removal, which counts too, locks afterwards.
        foreach (var (i, beyond) in await QuotaStore.BeyondAsync(transaction, [.. made.Select(m => (m.Key, m.Value[0].Asked.Caller.AccountId, Use(m.Value)))])) Fail(i, beyond);
        await PlaceAsync(transaction, made, Fail);
        await AddressAsync(transaction, made, Fail);
        await LaunchVolumes.PlaceAsync(transaction, _revisions, made, Fail);
        var all = made.Values.SelectMany(list => list).ToList();
        await RootVolumes.TellFormerAsync(transaction, _revisions, all);
        if (all.Count > 0) await _writer.WriteAsync(transaction, all, now);
        foreach (var (i, list) in made) answers[i] = new Page<Instance>([.. list.Select(one => one.Describe(now))], null);
        // What failed may be tried again with the same key.
        await Idempotency.KeepAsync(transaction, keyed.Where(k => open.ContainsKey(k.Key)).ToDictionary(k => k.Key, k => (k.Value.AccountId, k.Value.Item2, answers[k.Key])));
        transaction.AfterCommit(() =>
        {
            ServerMeter.Created.Add(all.Count);
            ServerMeter.Events.Add(all.Count);
            foreach (var host in all.Select(one => one.Host!.Id).Distinct()) _hosts.Ring(host);
            if (all.Count == 0) return;
            foreach (var network in all.SelectMany(one => one.Parts.Interfaces).Select(face => face.Network.Id).Distinct()) _peers.Ring(network);
            _events.Ring();
        });
        return answers;
    }

    /// <summary>What the instances of one request count, at the most: some hosts keep root disks otherwise than as volumes.</summary>
    private static Dictionary<string, long> Use(List<NewInstance> made) => new()
    {
        ["instances"] = made.Count, ["vcpus"] = made.Sum(one => (long)one.Parts.Flavor.Vcpus), ["memory-mib"] = made.Sum(one => (long)one.Parts.Flavor.MemoryMib),
        ["volumes"] = made.Count(one => one.Parts.Root is null), ["volume-gib"] = made.Sum(one => one.Parts.Root is null ? (long)one.Parts.DiskGib : 0),
    };

    private NewInstance New(string? name, LaunchRequest asked, LaunchParts parts)
    {
        var id = _ids.New(Ids.Instance);
        return new(
        id, name ?? id, asked, parts, new PlacementRequest(parts.Flavor.Vcpus, parts.Flavor.MemoryMib, parts.Root is null ? parts.DiskGib : 0, parts.ZoneId, null, asked.Launch.Recovery == "restart", HostId: parts.HostId,
            SegmentDevices: PlacementRequest.Devices(parts.Interfaces.Select(face => face.SegmentDevice)), Reaching: parts.Root is null ? "" : PlacementRequest.Hosts(parts.Root.Fitting),
            HostPool: parts.HostPool, Labels: parts.Labels.IsEmpty ? null : parts.Labels))
    {
        RootVolumeId = _ids.New(Ids.Volume),
        Interfaces = [.. parts.Interfaces.Select((face, index) => new NewInterface(_ids.New(Ids.Interface), index, face, parts.Flavor.RateMbps))],
        Volumes = [.. LaunchVolumes.Plan(asked.Launch.Volumes, () => _ids.New(Ids.Volume))],
    };
    }

    /// <summary>Gives each instance a host and claims the room there; requests for which there is none fail as a whole and give back what they took.</summary>
    private async Task PlaceAsync(Transaction transaction, Dictionary<int, List<NewInstance>> made, Action<int, Failure> fail)
    {
        var claimed = new List<NewInstance>();
        var rejections = new Dictionary<string, IReadOnlyList<Rejection>>();
        for (var round = 0; round < ClaimRounds; round++)
        {
            var homeless = made.Values.SelectMany(list => list).Where(one => one.Host is null).ToList();
            if (homeless.Count == 0) return;
            // "No" from numbers that may be stale is not an answer yet.
            if (round > 0) await _snapshot.RefreshAsync(now: true, default);
            foreach (var alike in homeless.GroupBy(Alike))
            {
                var hosts = _snapshot.Take(alike.Key.Needs with { Group = Present(alike.First().Parts.PlacementGroup, made) }, alike.Count(), out var choice);
                // What a launch into a group does not get as a whole, it leaves to the next one.
                if (alike.Key.Alone is null || hosts.Count == alike.Count())
                    foreach (var (one, host) in alike.Zip(hosts)) one.Host = host;
                foreach (var one in alike) rejections[one.Id] = choice.Rejections.Count > 0 ? choice.Rejections : [new Rejection("claimed", choice.Candidates.Count)];
            }
            var placed = homeless.Where(one => one.Host is not null).ToList();
            if (placed.Count == 0) continue;
            claimed.AddRange(await ClaimAsync(transaction, placed));
        }
        var given = new List<NewInstance>();
        foreach (var (i, list) in made.ToList())
        {
            if (list.Find(one => one.Host is null) is not { } without) continue;
            // Fewer will do, if there are enough of them.
            if (list.Count(one => one.Host is not null) >= (list[0].Asked.Launch.MinCount ?? list.Count))
            {
                list.RemoveAll(one => one.Host is null);
                continue;
            }
            given.AddRange(list.Where(claimed.Contains));
            fail(i, new Failure("insufficient-capacity", 409) { Rejections = rejections[without.Id] });
        }
        if (given.Count > 0) await RootVolumes.GiveBackAsync(transaction, _revisions, given);
    }

    /// <summary>Takes the room of those that have a host; those for which there was none have no host any more.</summary>
    private async Task<List<NewInstance>> ClaimAsync(Transaction transaction, List<NewInstance> placed)
    {
        var had = await HostClaims.TakeAsync(transaction, placed.ConvertAll(one => new HostClaim(one.Host!.Id, one.Asked.Caller.AccountId, one.Needs)), withRoots: true, whole: false, [.. placed.Select(one => one.Parts.Root?.HostId).OfType<string>()]);
        var (claimed, without) = (new List<NewInstance>(), new List<NewInstance>());
        foreach (var (one, claim) in placed.Zip(had))
            if (claim is not { } host) one.Host = null;
            // A host that does not keep root disks as volumes cannot start from any.
            else if (host.Root is null && one.Parts.Root is not null) without.Add(one);
            else
            {
                (one.Host, one.Root) = (one.Host! with { Storage = host.Storage }, host.Root);
                claimed.Add(one);
            }
        var full = await RootVolumes.TakeRoomAsync(transaction, [.. claimed.Where(one => one.Root is not null && one.Parts.Root is null).Select(one => (one.Root!, one.Needs.DiskGib))]);
        without.AddRange(claimed.Where(one => one is { Root: { } root, Parts.Root: null } && full.Contains(root.Id)));
        without.AddRange(await RootVolumes.PlaceAsync(transaction, claimed));
        if (without.Count == 0) return claimed;
        await _revisions.GiveBackAsync(transaction, without.Select(one => (one.Host!.Id, new Capacity(one.Needs.Vcpus, one.Needs.MemoryMib, 0))), default);
        foreach (var one in without) (one.Host, one.Root) = (null, null);
        return claimed.FindAll(one => one.Host is not null);
    }

    /// <summary>Instances for which one look at the hosts is enough: of any launch if they are in no placement group, else of one launch.</summary>
    private (PlacementRequest Needs, LaunchRequest? Alone) Alike(NewInstance one) => (one.Needs with { Pools = _snapshot.PoolsOf(one.Asked.Caller.AccountId) }, one.Parts.PlacementGroup is null ? null : one.Asked);

    /// <summary>The group with those of this transaction that have hosts by now.</summary>
    private static GroupView? Present(GroupView? group, Dictionary<int, List<NewInstance>> made)
    {
        if (group is null) return null;
        var members = new Dictionary<string, int>(group.Members);
        foreach (var one in made.Values.SelectMany(list => list))
            if (one.Host is { } host && one.Parts.PlacementGroup?.Id == group.Id) members[host.Id] = members.GetValueOrDefault(host.Id) + 1;
        return group with { Members = members };
    }

    private async Task AddressAsync(Transaction transaction, Dictionary<int, List<NewInstance>> made, Action<int, Failure> fail)
    {
        var failed = await _addresses.TakeAsync(transaction, [.. made.Values.SelectMany(list => list).SelectMany(one => one.Interfaces)]);
        foreach (var (i, list) in made.ToList())
            if (list.SelectMany(one => one.Interfaces).Where(failed.ContainsKey).FirstOrDefault() is { } without) await FailAsync(i, list, failed[without]);
        var lacking = await _floating.TakeForLaunchAsync(transaction, [.. made.Values.SelectMany(list => list)]);
        foreach (var (i, list) in made.ToList())
            if (list.Exists(lacking.Contains)) await FailAsync(i, list, new Failure("floating-addresses-exhausted", 409));

        async Task FailAsync(int i, List<NewInstance> list, Failure failure)
        {
            await RootVolumes.GiveBackAsync(transaction, _revisions, list);
            fail(i, failure);
        }
    }
}
