using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Volumes;

/// <summary>Snapshots that are there: shown, renamed and deleted by accounts.</summary>
public sealed class SnapshotUseCases(Database database, SnapshotStore store, HostRevisions hosts, EventLog events, EventBell bell, TimeProvider clock)
{
    public async Task<Result<Page<Snapshot>>> ListAsync(Caller caller, string? state, string? volume, string? instance, string? name, TagFilter tags, PageRequest page, CancellationToken cancel)
    {
        if (state is not (null or "creating" or "available" or "deleting")) return Failure.Invalid("state", "one-of", "creating, available, deleting");
        return page.Of(await store.ListAsync(caller.AccountId, state, volume, instance, name, tags, page, cancel), snapshot => snapshot.Id);
    }

    public async Task<Result<Snapshot>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await store.FindAsync(caller.AccountId, key, cancel) is { } snapshot ? snapshot : Failure.NotFound("snapshot", key);

    /// <param name="state"><c>available</c>, or <c>deleted</c>: then the answer is that there is none.</param>
    public async Task<Result<Snapshot>> WaitAsync(Caller caller, string key, string state, TimeSpan timeout, CancellationToken cancel)
    {
        if (state is not ("available" or "deleted")) return Failure.Invalid("wait", "one-of", "available, deleted");
        return await Waits.ForAsync(bell, clock, state, timeout, () => GetAsync(caller, key, cancel),
            snapshot => snapshot.State == "deleting" && state != "deleted" ? null : snapshot.State == state, snapshot => (snapshot.Name, snapshot.State, snapshot.Conditions), cancel);
    }

    public async Task<Result<Snapshot>> UpdateAsync(Caller caller, string key, UpdateSnapshot update, CancellationToken cancel)
    {
        if (SnapshotRules.Check(update).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        return await database.TransactionAsync<Snapshot>(async transaction =>
        {
            if (await SnapshotStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } snapshot) return Failure.NotFound("snapshot", key);
            if (snapshot.State == "deleting") return new Failure("being-deleted", 409, new Noun("snapshot"), snapshot.Name);
            var name = update.Name is { } wanted ? Names.Normal(wanted) : snapshot.Name;
            if (name != snapshot.Name && await transaction.FindAsync("SELECT 1 FROM snapshots WHERE account_id = $1 AND name = $2", row => row.GetInt32(0), cancel, caller.AccountId, name) == 1) return Failure.NameTaken("snapshot", name);
            await transaction.ExecuteAsync("UPDATE snapshots SET name = $2, description = coalesce($3, description) WHERE id = $1", cancel, snapshot.Id, name, Columns.Text(update.Description));
            if (await Tags.ChangeAsync(transaction, "snapshots", snapshot.Id, update.Tags, cancel) is { } failure) return failure;
            await events.WriteAsync(transaction, caller, "snapshot.update", new Subject("snapshot", snapshot.Id, name), cancel);
            return (await SnapshotStore.ReadAsync(transaction, caller.AccountId, [snapshot.Id], cancel))[0];
        }, cancel);
    }

    /// <summary>Has its volume's host remove what it alone kept; it is gone when the host says so.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        if (await SnapshotStore.LockAsync(transaction, caller.AccountId, key, cancel) is not { } snapshot) return Failure.NotFound("snapshot", key);
        if (snapshot.State == "deleting") return new Done();
        if (await SnapshotStore.UsersAsync(transaction, snapshot, cancel) is { Count: > 0 } users) return Failure.InUse("snapshot", snapshot.Name, users);
        // A volume that was to be put back to it, and could not be, is what it is.
        var (host, generation) = await transaction.FindAsync(
            "UPDATE volumes SET generation = generation + 1, restored_number = CASE WHEN restore_snapshot_id = $2 THEN restore_number ELSE restored_number END WHERE id = $1 RETURNING host_id, generation",
            row => (row.GetString(0), row.GetInt64(1)), cancel, snapshot.VolumeId, snapshot.Id);
        await transaction.ExecuteAsync("UPDATE snapshots SET desired = 'deleted', deleted_generation = $2 WHERE id = $1", cancel, snapshot.Id, generation);
        await events.WriteAsync(transaction, caller, "snapshot.delete", new Subject("snapshot", snapshot.Id, snapshot.Name), cancel);
        await hosts.TouchAsync(transaction, host!, cancel);
        return new Done();
    }, cancel);
}
