using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Interfaces;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;
using Kumoi.Server.Volumes.Moves;

namespace Kumoi.Server.Instances;

/// <summary>What is asked of instances that exist: each use case changes the record in one transaction, and hosts follow.</summary>
public sealed class InstanceUseCases(Database database, InstanceStore store, HostRevisions hosts, EventLog events, EventBell bell, TimeProvider clock)
{
    public async Task<Result<Page<Instance>>> ListAsync(
        Caller caller, string? state, string? name, string? host, string? image, string? placementGroup, TagFilter tags, PageRequest page, CancellationToken cancel)
    {
        if (state is not null && !InstanceStates.All.Contains(state)) return Failure.Invalid("state", "one-of", string.Join(", ", InstanceStates.All));
        return page.Of(await store.ListAsync(caller.AccountId, state, name, host, image, placementGroup, tags, page, cancel), instance => instance.Id);
    }

    // As long as other clouds tell of what has ended.
    private static readonly TimeSpan EndedShown = TimeSpan.FromHours(1);

    /// <summary>All that are named, or all there are, with those that ended within the last hour.</summary>
    public async Task<Result<List<Instance>>> ListAllAsync(Caller caller, IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        await store.ListAsync(caller.AccountId, ids, clock.GetUtcNow() - EndedShown, cancel);

    public async Task<Result<Instance>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } instance ? instance : Failure.NotFound("instance", key);

    public async Task<Result<InstanceUserData>> UserDataAsync(Caller caller, string key, CancellationToken cancel) => await database.FindAsync(
        "SELECT user_data FROM instances WHERE account_id = $1 AND (id = $2 OR (name = $2 AND terminated_at IS NULL))", row => new InstanceUserData(row.TextOrNull(0)), cancel, caller.AccountId, key) is { } found ? found : Failure.NotFound("instance", key);

    /// <summary>Answers once the instance is in <paramref name="state"/> and nothing asked of it is still to be done.</summary>
    public async Task<Result<Instance>> WaitAsync(Caller caller, string key, string state, TimeSpan timeout, CancellationToken cancel)
    {
        if (!InstanceStates.All.Contains(state)) return Failure.Invalid("wait", "one-of", string.Join(", ", InstanceStates.All));
        // A name may be another instance's by the next look.
        return await Waits.ForAsync(bell, clock, state, timeout, async () =>
        {
            var found = await GetAsync(caller, key, cancel);
            if (found.Failure is null) key = found.Value.Id;
            return found;
        }, instance => instance.State == InstanceStates.Terminated && state != InstanceStates.Terminated ? null
            : instance.State == state && (state is not (InstanceStates.Running or InstanceStates.Stopped) || instance.ObservedGeneration >= instance.Generation), instance => (instance.Name, instance.State, instance.Conditions), cancel);
    }

    public Task<Result<Instance>> StartAsync(Caller caller, string key, CancellationToken cancel) =>
        ChangeAsync(caller, key, "instance.start", "desired = 'running'", desired => desired != "running", cancel);

    public Task<Result<Instance>> StopAsync(Caller caller, string key, CancellationToken cancel) =>
        ChangeAsync(caller, key, "instance.stop", "desired = 'stopped'", desired => desired != "stopped", cancel);

    public Task<Result<Instance>> TerminateAsync(Caller caller, string key, CancellationToken cancel) =>
        ChangeAsync(caller, key, "instance.terminate", "desired = 'terminated'", desired => desired != "terminated", cancel);

    /// <summary>A running instance only: its guest is shut down and started again with the same disk and addresses.</summary>
    public Task<Result<Instance>> RebootAsync(Caller caller, string key, CancellationToken cancel) =>
        ChangeAsync(caller, key, "instance.reboot", "boot_epoch = boot_epoch + 1", _ => true, cancel);

    private async Task<Result<Instance>> ChangeAsync(
        Caller caller, string key, string action, string assignment, Func<string, bool> changes, CancellationToken cancel)
    {
        using var span = ServerTrace.Source.StartActivity(action);
        return await database.TransactionAsync<Instance>(async transaction =>
        {
            var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (id is null) return Failure.NotFound("instance", key);
            if (desired == "terminated" && action != "instance.terminate") return new Failure("being-terminated", 409, name);
            if (action == "instance.terminate" && changes(desired) && await transaction.FindAsync("SELECT termination_protection FROM instances WHERE id = $1", row => row.GetBoolean(0), cancel, id)) return new Failure("termination-protected", 409, name);
            if (desired != "running" && action == "instance.reboot") return new Failure("not-running", 409, name);
            if (action == "instance.start" && await transaction.FindAsync(
                "SELECT true FROM instances i WHERE i.id = $1 AND i.root_volume AND NOT EXISTS (SELECT 1 FROM volumes v WHERE v.instance_id = i.id AND v.slot = 0 AND v.detached_at IS NULL)", row => row.GetBoolean(0), cancel, id))
                return new Failure("no-root-volume", 409, name);
            if (action == "instance.start" && changes(desired) && await VolumeRestoring.UnderWayAsync(transaction, id, cancel) is { } volume) return new Failure("volume-restoring", 409, volume);
            if (action == "instance.start" && changes(desired) && await MoveRecords.UnderWayAsync(transaction, id, cancel) is { } moving) return new Failure("volume-moving", 409, moving);
            // Asking again for what is asked for already changes nothing and is no event.
            if (changes(desired))
            {
                await transaction.ExecuteAsync($"UPDATE instances SET {assignment}, generation = generation + 1, trace_parent = $2 WHERE id = $1", cancel, id,
                    Columns.Text(System.Diagnostics.Activity.Current?.Id));
                await events.WriteAsync(transaction, caller, action, new Subject("instance", id, name), cancel);
                await hosts.TouchAsync(transaction, hostId, cancel);
            }
            return (await store.ReadAsync(transaction, [id], cancel))[0];
        }, cancel);
    }

    /// <summary>Changes the groups of a living instance; its host follows at once, without touching the guest.</summary>
    public Task<Result<Instance>> ReplaceSecurityGroupsAsync(Caller caller, string key, ReplaceSecurityGroups replace, CancellationToken cancel) =>
        database.TransactionAsync<Instance>(async transaction =>
        {
            var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (id is null) return Failure.NotFound("instance", key);
            if (desired == "terminated") return new Failure("being-terminated", 409, name);
            var groups = await LaunchCatalogue.SecurityGroupsAsync(transaction, caller.AccountId, replace.SecurityGroups, cancel);
            if (groups.Failure is { } failure) return failure;
            var before = (await store.ReadAsync(transaction, [id], cancel))[0];
            foreach (var face in before.Interfaces.Where(face => face.State == InterfaceStates.Attached))
                await InterfaceStore.SetSecurityGroupsAsync(transaction, caller.AccountId, face.Id, groups.Value.Select(g => g.Id), cancel);
            await transaction.ExecuteAsync("UPDATE instances SET generation = generation + 1 WHERE id = $1", cancel, id);
            await events.WriteAsync(transaction, caller, "instance.replace-security-groups", new Subject("instance", id, name), cancel);
            // The hosts of the network hear who is in which group now; the instance's own host also which groups it is in. Hosts are locked before networks everywhere.
            await hosts.TouchAsync(transaction, hostId, cancel);
            await hosts.TouchNetworksAsync(transaction, before.Interfaces.Select(face => face.Network.Id), cancel);
            return (await store.ReadAsync(transaction, [id], cancel))[0];
        }, cancel);

    /// <summary>What becomes of the instance when its host is down. The host hears of it, and the guest does not.</summary>
    public Task<Result<Instance>> SetRecoveryAsync(Caller caller, string key, SetRecovery set, CancellationToken cancel) =>
        database.TransactionAsync<Instance>(async transaction =>
        {
            if (set.Recovery is not ("wait" or "restart")) return Failure.Invalid("recovery", "one-of", "wait, restart");
            if (set.Priority is < 0 or > LaunchRules.PriorityMax) return Failure.Invalid("priority", "between", 0, LaunchRules.PriorityMax);
            var (id, name, hostId, desired) = await InstanceStore.LockAsync(transaction, caller.AccountId, key, cancel);
            if (id is null) return Failure.NotFound("instance", key);
            if (desired == "terminated") return new Failure("being-terminated", 409, name);
            await transaction.ExecuteAsync("UPDATE instances SET recovery = $2, recovery_priority = $3 WHERE id = $1", cancel, id, set.Recovery, set.Priority ?? 0);
            await events.WriteAsync(transaction, caller, "instance.set-recovery", new Subject("instance", id, name), cancel);
            await hosts.TouchAsync(transaction, hostId, cancel);
            await transaction.ExecuteAsync("UPDATE instances SET recovery_revision = (SELECT revision FROM hosts WHERE id = $2) WHERE id = $1", cancel, id, hostId);
            return (await store.ReadAsync(transaction, [id], cancel))[0];
        }, cancel);
}
