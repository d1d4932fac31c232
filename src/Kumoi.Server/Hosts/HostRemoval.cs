using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Instances;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Hosts;

/// <summary>
/// Takes hosts out of the cloud; their certificates are worth nothing from then on. One that is lost for good takes what was on it along:
/// those instances end here, since nobody is left who could end them.
/// </summary>
public sealed class HostRemoval(Database database, InstanceEnding ending, HostRevisions hosts, ExportKeys exportKeys, EventLog events)
{
    // As many are named to the caller; a longer list helps nobody.
    private const int NamedMax = 20;

    private sealed record Remaining(string Id, string Name, string AccountId, bool Asked, bool Survives, Capacity Size)
    {
        public Ref Ref => new(Id, Name);
    }

    /// <param name="lost">The machine will not come back: its instances end with it. Only for a host that is down, and never those whose disks others can reach.</param>
    public Task<Result<Done>> DeleteAsync(Caller caller, string key, bool lost, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var id = await transaction.FindAsync("SELECT id FROM hosts WHERE id = $1 OR name = $1", row => row.GetString(0), cancel, key);
        if (id is null) return Failure.NotFound("host", key);
        // Instances before their host, as everybody else locks them.
        var there = await RemainingAsync(transaction, id, cancel);
        var (name, state, count) = await transaction.FindAsync("SELECT name, state, instances FROM hosts WHERE id = $1 FOR UPDATE", row => (row.GetString(0), row.GetString(1), row.GetInt32(2)), cancel, id);
        if (name is null) return Failure.NotFound("host", key);
        if (lost && state != HostStates.Down) return new Failure("host-not-down", 409, name);
        if (!lost && there.Count > 0) return Failure.InUse("host", name, Named(there));
        if (there.Where(instance => instance.Survives).ToList() is { Count: > 0 } survivors) return new Failure("instances-survive", 409, name) { UsedBy = Named(survivors) };
        // One that came between the two looks is not among those that were judged.
        if (count != there.Count) return new Failure("changed-meanwhile", 409);
        await EndAsync(transaction, caller, new Ref(id, name), there, cancel);
        if (await VolumeRecovery.LeaveAsync(transaction, hosts, exportKeys, events, EventActor.Of(caller), new Ref(id, name), lost, cancel) is { Count: > 0 } volumes) return Failure.InUse("host", name, [.. volumes.Take(NamedMax)]);
        await transaction.ExecuteAsync("DELETE FROM instances WHERE host_id = $1", cancel, id);
        await transaction.ExecuteAsync("DELETE FROM hosts WHERE id = $1", cancel, id);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "host.delete", new Subject("host", id, name), cancel, there.Count > 0 ? $"Removed as lost, and {there.Count} instances with it." : null);
        return new Done();
    }, cancel);

    /// <summary>What is on the host. A disk on shared storage survives it: such an instance can be run by another host, unless its owner wants it gone and nothing would move it.</summary>
    private static Task<List<Remaining>> RemainingAsync(Transaction transaction, string hostId, CancellationToken cancel) => transaction.QueryAsync(
        """
        SELECT id, name, account_id, desired = 'terminated', storage IS NOT NULL AND (recovery = 'restart' OR desired <> 'terminated'), vcpus, memory_mib, CASE WHEN root_volume THEN 0 ELSE disk_gib END
        FROM instances WHERE host_id = $1 AND terminated_at IS NULL ORDER BY id FOR UPDATE
        """, r => new Remaining(r.GetString(0), r.GetString(1), r.GetString(2), r.GetBoolean(3), r.GetBoolean(4), new Capacity(r.GetInt32(5), r.GetInt32(6), r.GetInt32(7))), cancel, hostId);

    private async Task EndAsync(Transaction transaction, Caller caller, Ref host, List<Remaining> there, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("UPDATE instances SET desired = 'terminated', generation = generation + 1 WHERE id = ANY($1) AND desired <> 'terminated'", cancel, Columns.Texts(there.Select(instance => instance.Id)));
        // What nobody has asked to go with its instance stays, or is remembered.
        await transaction.ExecuteAsync("UPDATE volumes SET delete_on_termination = false WHERE instance_id = ANY($1)", cancel, Columns.Texts(there.Where(instance => !instance.Asked).Select(instance => instance.Id)));
        // Those whose disks are volumes; of an earlier kind the agent's directory has the only disk.
        await transaction.ExecuteAsync("INSERT INTO lost_instances (id, incarnation, lost_at) SELECT id, incarnation, now() FROM instances WHERE id = ANY($1) AND root_volume AND storage IS NULL ORDER BY id", cancel, Columns.Texts(there.Select(instance => instance.Id)));
        var (reason, actor) = ($"Host {host.Name} was removed as lost, and the only disk with it.", EventActor.Of(caller));
        // Their owners' log, not the operators'.
        await events.WriteAsync(transaction,
        [
            .. there.Where(instance => !instance.Asked).Select(instance => new NewEvent(instance.AccountId, actor, "instance.terminate", new Subject("instance", instance.Id, instance.Name), reason)),
            .. there.Select(instance => new NewEvent(instance.AccountId, actor, "instance.terminated", new Subject("instance", instance.Id, instance.Name), reason)),
        ], cancel);
        await ending.FinishAsync(transaction, [.. there.Select(instance => new EndedInstance(instance.Id, host.Id, instance.Size))], cancel);
    }

    private static Ref[] Named(List<Remaining> instances) => [.. instances.Take(NamedMax).Select(instance => instance.Ref)];
}
