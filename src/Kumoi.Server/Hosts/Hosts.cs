using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.HostPools;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.Hosts;

/// <summary>Hosts as operators see and manage them.</summary>
public sealed class HostUseCases(Database database, EventLog events, Authority authority, ServerOptions options, Recovery.RecoveryBell recovery, TimeProvider clock)
{
    private const int MinutesDefault = 60, MinutesMax = 7 * 24 * 60, UsesMax = 100_000;

    private const string Columns_ =
        """
        SELECT h.id, h.name, z.id, z.name, h.state, h.schedulable, h.hypervisor, h.accelerator, h.accelerator_reason, h.vcpus, h.memory_mib, h.disk_gib,
               h.allocated_vcpus, h.allocated_memory_mib, h.allocated_disk_gib, h.instances, h.address, h.agent_version, h.strays,
               (h.conditions || coalesce(p.conditions || p.notices, '[]'))::text, h.created_at, h.heard_at, h.maintenance, h.storage, h.heartbeat_seconds, h.fenced_at, h.fenced_by,
               p.driver, p.address, p.user_name, p.state, p.checked_at, p.conditions -> 0 ->> 'message',
               g.id, g.name, h.physical_vcpus, h.physical_memory_mib, h.labels::text
        FROM hosts h JOIN zones z ON z.id = h.zone_id JOIN host_pools g ON g.id = h.host_pool_id LEFT JOIN host_power p ON p.host_id = h.id
        """;

    private static Host Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), new Ref(row.GetString(2), row.GetString(3)), row.GetString(4), row.GetBoolean(5), row.GetString(6), row.GetString(7), row.GetString(8),
        new Capacity(row.GetInt32(9), row.GetInt32(10), row.GetInt32(11)), new Capacity(row.GetInt32(12), row.GetInt32(13), row.GetInt32(14)), row.GetInt32(15), row.GetString(16),
        row.GetString(17), row.Texts(18), row.Conditions(19), row.Time(20), row.Time(21), row.GetBoolean(22), row.TextOrNull(23), row.GetInt32(24), row.TimeOrNull(25),
        row.TextOrNull(26), row.IsDBNull(27) ? null : new HostPower(row.GetString(27), row.GetString(28), row.GetString(29), row.TextOrNull(30), row.TimeOrNull(31), row.TextOrNull(32)),
        new Ref(row.GetString(33), row.GetString(34)), row.IsDBNull(35) || row.IsDBNull(36) ? null : new Capacity(row.GetInt32(35), row.GetInt32(36), row.GetInt32(11)), Tags.Read(row, 37));

    public async Task<Result<Page<Host>>> ListAsync(string? state, PageRequest page, CancellationToken cancel)
    {
        if (state is not null && !HostStates.All.Contains(state)) return Failure.Invalid("state", "one-of", string.Join(", ", HostStates.All));
        return page.Of(
            await database.QueryAsync(Columns_ + " WHERE h.id > $1 AND ($3::text IS NULL OR h.state = $3) ORDER BY h.id LIMIT $2", Read, cancel, page.After, page.Limit + 1, Columns.Text(state)),
            host => host.Id);
    }

    public async Task<Result<Host>> GetAsync(string key, CancellationToken cancel) =>
        await database.FindAsync(Columns_ + " WHERE h.id = $1 OR h.name = $1", Read, cancel, key) is { } host ? host : Failure.NotFound("host", key);

    public async Task<Result<Host>> UpdateAsync(Caller caller, string key, UpdateHost update, CancellationToken cancel)
    {
        if (Tags.Check("labels", update.Labels).ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        var changed = await database.TransactionAsync<Ref>(async transaction =>
        {
            // Before the host: see HostPoolStore.
            var (pool, overcommit) = update.HostPool is { } poolKey ? await HostPoolStore.LockForHostAsync(transaction, poolKey, options.VcpuRatio, cancel) : default;
            if (update.HostPool is not null && pool is null) return Failure.Invalid("hostPool", "no-such", new Noun("host-pool"), update.HostPool);
            var (host, schedulable, maintenance) = await transaction.FindAsync("SELECT id, name, schedulable, maintenance FROM hosts WHERE id = $1 OR name = $1 FOR NO KEY UPDATE",
                row => (new Ref(row.GetString(0), row.GetString(1)), row.GetBoolean(2), row.GetBoolean(3)), cancel, key);
            if (host is null) return Failure.NotFound("host", key);
            var subject = new Subject("host", host.Id, host.Name);
            if (update.Schedulable is { } use && use != schedulable)
            {
                await transaction.ExecuteAsync("UPDATE hosts SET schedulable = $2 WHERE id = $1", cancel, host.Id, use);
                await events.WriteAsync(transaction, caller, use ? "host.enable" : "host.disable", subject, cancel);
            }
            if (update.Maintenance is { } empty && empty != maintenance)
            {
                // Lost hosts are looked at again if their revision has changed: their notices, which go here, must come again.
                await transaction.ExecuteAsync("UPDATE hosts SET maintenance = $2, revision = revision + 1 WHERE id = $1", cancel, host.Id, empty);
                if (!empty) await transaction.ExecuteAsync("UPDATE instances SET notices = '[]' WHERE host_id = $1 AND terminated_at IS NULL AND notices <> '[]'", cancel, host.Id);
                await events.WriteAsync(transaction, caller, empty ? "host.begin-maintenance" : "host.end-maintenance", subject, cancel);
                transaction.AfterCommit(recovery.Ring);
            }
            if (pool is not null) await MoveAsync(transaction, caller, subject, pool, overcommit, cancel);
            if (update.Labels is { Count: > 0 } labels)
            {
                if (await Tags.ChangeAsync(transaction, "hosts", "labels", host.Id, labels, cancel) is { } failure) return failure;
                await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "host.label", subject, cancel, $"{string.Join(", ", labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => label.Value is null ? $"{label.Key} removed" : $"{label.Key}={label.Value}"))}.");
            }
            return host;
        }, cancel);
        return await changed.Then(host => GetAsync(host.Id, cancel));
    }

    /// <summary>Puts a host that is held into a pool that is held; it offers what that gives from then on, and what runs on it stays.</summary>
    private async Task MoveAsync(Transaction transaction, Caller caller, Subject host, Ref pool, Overcommit overcommit, CancellationToken cancel)
    {
        var former = (await transaction.FindAsync("SELECT g.id, g.name FROM hosts h JOIN host_pools g ON g.id = h.host_pool_id WHERE h.id = $1", row => new Ref(row.GetString(0), row.GetString(1)), cancel, host.Id))!;
        if (former.Id == pool.Id) return;
        var size = await transaction.QueryAsync("UPDATE hosts SET host_pool_id = $2 WHERE id = $1 RETURNING id, physical_vcpus, physical_memory_mib", row => (row.GetString(0), row.IntOrNull(1), row.IntOrNull(2)), cancel, host.Id, pool.Id);
        await HostPoolStore.OfferAsync(transaction, size, overcommit, cancel);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "host.set-pool", host, cancel, $"From {former.Name} to {pool.Name}.");
    }

    /// <summary>
    /// Takes an operator's word that the machine is off. The host must be silent: one that reports is not off. Its movable instances are
    /// then restarted elsewhere without waiting for the lease.
    /// </summary>
    public async Task<Result<Host>> FenceAsync(Caller caller, string key, CancellationToken cancel)
    {
        var fenced = await database.TransactionAsync<Ref>(async transaction =>
        {
            var (host, state, by) = await transaction.FindAsync("SELECT id, name, state, fenced_by FROM hosts WHERE id = $1 OR name = $1 FOR NO KEY UPDATE",
                row => (new Ref(row.GetString(0), row.GetString(1)), row.GetString(2), row.TextOrNull(3)), cancel, key);
            if (host is null) return Failure.NotFound("host", key);
            if (state == HostStates.Up) return new Failure("host-reports", 409, host.Name);
            // Its lease ended only what it knew to be movable; that the machine is off is more.
            if (state == HostStates.Down && by != "lease") return host;
            await transaction.ExecuteAsync("UPDATE hosts SET state = 'down', fenced_at = clock_timestamp(), fenced_by = 'operator' WHERE id = $1", cancel, host.Id);
            await events.WriteAsync(transaction, caller, "host.fence", new Subject("host", host.Id, host.Name), cancel);
            transaction.AfterCommit(recovery.Ring);
            return host;
        }, cancel);
        return await fenced.Then(host => GetAsync(host.Id, cancel));
    }

    public async Task<Result<JoinToken>> CreateJoinTokenAsync(Caller caller, CreateJoinToken create, CancellationToken cancel)
    {
        if (create.ExpiresInMinutes is < 1 or > MinutesMax) return Failure.Invalid("expiresInMinutes", "between", 1, MinutesMax);
        if (create.Uses is < 1 or > UsesMax) return Failure.Invalid("uses", "between", 1, UsesMax);
        var zoneKey = create.Zone ?? "default";
        return await database.TransactionAsync<JoinToken>(async transaction =>
        {
            var zone = await transaction.FindAsync("SELECT id, name FROM zones WHERE id = $1 OR name = $1", row => new Ref(row.GetString(0), row.GetString(1)), cancel, zoneKey);
            if (zone is null) return Failure.Invalid("zone", "no-such", new Noun("zone"), zoneKey);
            var pool = (await HostPoolStore.LockForHostAsync(transaction, create.HostPool ?? HostPoolStore.DefaultId, options.VcpuRatio, cancel)).Pool;
            if (pool is null) return Failure.Invalid("hostPool", "no-such", new Noun("host-pool"), create.HostPool!);
            var now = clock.GetUtcNow();
            var secret = Secrets.New("");
            var expires = now + TimeSpan.FromMinutes(create.ExpiresInMinutes ?? MinutesDefault);
            await transaction.ExecuteAsync("INSERT INTO join_tokens (secret_hash, account_id, zone_id, created_at, expires_at, uses, host_pool_id) VALUES ($1, $2, $3, $4, $5, $6, $7)", cancel,
                Secrets.Hash(secret), caller.AccountId, zone.Id, now, expires, create.Uses ?? 1, pool.Id);
            await transaction.ExecuteAsync("DELETE FROM join_tokens WHERE expires_at < $1", cancel, now);
            await events.WriteAsync(transaction, caller, "host.create-join-token", new Subject("zone", zone.Id, zone.Name), cancel);
            return new JoinToken(new Api.Agent.JoinTokenContent(options.AgentUrl, authority.Fingerprint, secret).Encode(), expires);
        }, cancel);
    }
}

public static class HostEndpoints
{
    public static IServiceCollection AddHosts(this IServiceCollection services) => services
        .AddSingleton<HostBell>().AddSingleton<HostRevisions>().AddSingleton<HostUseCases>().AddSingleton<HostRemoval>().AddSingleton<HostJoin>().AddSingleton<HostReports>().AddSingleton<DesiredDocuments>()
        .AddSingleton<NetworkPeersDocuments>().AddSingleton<PeersBell>().AddSingleton<ChangesAsked>().AddSingleton<Recovery.RecoveryBell>().AddLoop<HostWatch>().AddLoop<RevisionWatch>()
        .AddLoop<Recovery.RecoveryController>();

    public static void MapHosts(this IEndpointRouteBuilder routes, HostUseCases hosts, HostRemoval removal)
    {
        routes.Get("/hosts", Permission.Cloud("hosts", "read"), "ListHosts", "List hosts", async call => await PageRequest.Read(call).Then(page => hosts.ListAsync(call.Query("state"), page, call.Cancelled)))
            .WithPaging().WithQuery("state", "up, unreachable or down");
        routes.Get("/hosts/{host}", Permission.Cloud("hosts", "read"), "ShowHost", "Show a host", call => hosts.GetAsync(call.Route("host"), call.Cancelled));
        routes.Put<UpdateHost, Host>("/hosts/{host}", Permission.Cloud("hosts"), "UpdateHost", "Let placement use a host or not; put it in maintenance or end that; put it into a host pool; label it", 200,
            (call, update) => hosts.UpdateAsync(call.Caller, call.Route("host"), update, call.Cancelled));
        routes.Post<Host>("/hosts/{host}/fence", Permission.Cloud("hosts"), "FenceHost", "Say that a silent host's machine is off, so that its movable instances are restarted elsewhere at once", 200,
            call => hosts.FenceAsync(call.Caller, call.Route("host"), call.Cancelled)).Fails(409);
        routes.Delete("/hosts/{host}", Permission.Cloud("hosts"), "DeleteHost", "Forget a host: one without instances, or one that is down and lost for good with all that is on it", async call =>
            call.Query("lost") is not (null or "true" or "false") ? Failure.Invalid("lost", "one-of", "true, false")
                : await removal.DeleteAsync(call.Caller, call.Route("host"), call.Query("lost") == "true", call.Cancelled))
            .WithQuery("lost", "true: the machine will not come back, and the instances whose only disks it has end with it").Fails(409);
        routes.Post<CreateJoinToken, JoinToken>("/hosts/join-tokens", Permission.Cloud("hosts"), "CreateJoinToken", "Make a token with which new hosts join", 201,
            (call, create) => hosts.CreateJoinTokenAsync(call.Caller, create, call.Cancelled));
    }
}
