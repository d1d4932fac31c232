using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Hosts;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Strays;

/// <summary>What becomes of volumes without a record: an operator adopts or deletes them, or the account that they were of takes them back. Nothing is done to one by itself.</summary>
public sealed class StrayUseCases(Database database, StrayStore store, HostRevisions hosts, EventLog events, Ids ids, TimeProvider clock)
{
    public async Task<Result<Page<Stray>>> ListAsync(string hostKey, PageRequest page, CancellationToken cancel)
    {
        if (await database.FindAsync("SELECT 1 FROM hosts WHERE id = $1 OR name = $1", row => row.GetInt32(0), cancel, hostKey) != 1) return Failure.NotFound("host", hostKey);
        return page.Of(await store.ListAsync(hostKey, page, cancel), stray => stray.Id);
    }

    public async Task<Result<Page<RecoverableVolume>>> ListRecoverableAsync(Caller caller, PageRequest page, CancellationToken cancel) =>
        page.Of(await store.OfAccountAsync(caller.AccountId, page, cancel), volume => volume.Id);

    public Task<Result<Volume>> AdoptAsync(Caller caller, string hostKey, string id, AdoptStray adopt, CancellationToken cancel) => database.TransactionAsync<Volume>(async transaction =>
    {
        var (hostId, stray) = await FindAsync(transaction, hostKey, id, cancel);
        if (hostId is null) return Failure.NotFound("host", hostKey);
        if (stray is null) return Failure.NotFound("stray", id);
        var account = adopt.Account is null ? stray.AccountId ?? caller.AccountId
            : await transaction.FindAsync("SELECT id FROM accounts WHERE id = $1 OR name = $1 FOR KEY SHARE", row => row.GetString(0), cancel, adopt.Account);
        if (account is null) return Failure.Invalid("account", "no-such", new Noun("account"), adopt.Account!);
        return await KeepAsync(transaction, caller, stray, account, adopt.Name, "volume.adopt", cancel);
    }, cancel);

    /// <summary>By its id, or by the name that it had.</summary>
    public Task<Result<Volume>> RecoverAsync(Caller caller, string key, RecoverVolume recover, CancellationToken cancel) => database.TransactionAsync<Volume>(async transaction =>
        await StrayStore.LockOfAccountAsync(transaction, caller.AccountId, key, cancel) is { } stray
            ? await KeepAsync(transaction, caller, stray, caller.AccountId, recover.Name, "volume.recover", cancel) : Failure.NotFound("recoverable-volume", key), cancel);

    /// <summary>Has its host remove what is there of it. It is the operators' volume until then.</summary>
    public Task<Result<Done>> DeleteAsync(Caller caller, string hostKey, string id, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var (hostId, stray) = await FindAsync(transaction, hostKey, id, cancel);
        if (hostId is null) return Failure.NotFound("host", hostKey);
        if (stray is null) return Failure.NotFound("stray", id);
        await InsertAsync(transaction, stray, caller.AccountId, stray.Id, null, "deleted", cancel);
        await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "stray.delete", new Subject("volume", stray.Id, stray.Name ?? stray.Id), cancel);
        return new Done();
    }, cancel);

    private static async Task<(string? HostId, FoundVolume? Stray)> FindAsync(Transaction transaction, string hostKey, string id, CancellationToken cancel)
    {
        var hostId = await transaction.FindAsync("SELECT id FROM hosts WHERE id = $1 OR name = $1", row => row.GetString(0), cancel, hostKey);
        return (hostId, hostId is null ? null : await StrayStore.LockAsync(transaction, hostId, id, cancel));
    }

    private async Task<Result<Volume>> KeepAsync(Transaction transaction, Caller caller, FoundVolume stray, string account, string? name, string action, CancellationToken cancel)
    {
        if (stray.SizeGib == 0) return new Failure("stray-unreadable", 409, stray.Id);
        // Without it the volume is a part of a disk, and no guest may have that.
        var image = stray.ImageSha256 is null ? stray.VolumeId == stray.Id || stray.AccountId != account ? null : await StrayStore.FormerImageAsync(transaction, stray, cancel) : await StrayStore.ImageAsync(transaction, account, stray, cancel);
        if (stray.ImageSha256 is not null && image is null) return new Failure("stray-image-gone", 409, stray.Id);
        if (stray is { Encrypted: true, SealedKey: null }) return new Failure("stray-key-gone", 409, stray.Id);
        var wanted = name is null ? stray.Name ?? stray.Id : Names.Normal(name);
        if (name is not null && Names.Check("name", wanted) is { } wrong) return Failure.Invalid(wrong);
        if (await transaction.FindAsync("SELECT 1 FROM volumes WHERE account_id = $1 AND name = $2 AND deleted_at IS NULL", row => row.GetInt32(0), cancel, account, wanted) == 1) return Failure.NameTaken("volume", wanted);
        var id = await InsertAsync(transaction, stray, account, wanted, image, "present", cancel);
        await events.WriteAsync(transaction, account, EventActor.Of(caller), action, new Subject("volume", id, wanted), cancel);
        return await VolumeStore.ReadAsync(transaction, account, id, cancel);
    }

    /// <summary>The volume's id: the one that it had, if no other volume has that by now, as one may that was moved away from this data.</summary>
    private async Task<string> InsertAsync(Transaction transaction, FoundVolume stray, string account, string name, string? image, string desired, CancellationToken cancel)
    {
        // The record of one that was deleted here before stands in its way for an hour.
        await transaction.ExecuteAsync("DELETE FROM volumes WHERE (id IN ($1, $2) OR data_id = $1) AND deleted_at IS NOT NULL", cancel, stray.Id, stray.VolumeId);
        var id = await transaction.FindAsync("SELECT true FROM volumes WHERE id = $1", row => row.GetBoolean(0), cancel, stray.VolumeId) ? ids.New(Ids.Volume) : stray.VolumeId;
        await transaction.ExecuteAsync(
            """
            INSERT INTO volumes (id, account_id, name, size_gib, pool_id, type_id, image_id, store_id, host_id, desired, made_gib, used_bytes, created_at, sealed_key, data_id)
            VALUES ($1, $2, $3, greatest($4, 1), $5, $6, $7, $8, $9, $10, $4, $11, $12, $13, $14)
            """, cancel, id, account, name == stray.Id ? id : name, stray.SizeGib, stray.PoolId, Columns.Text(stray.TypeId), Columns.Text(image), stray.StoreId, stray.HostId, desired, stray.UsedBytes, clock.GetUtcNow(), Columns.Bytes(stray.Encrypted ? stray.SealedKey : null), Columns.Text(id == stray.Id ? null : stray.Id));
        await transaction.ExecuteAsync("DELETE FROM lost_volumes WHERE id = $1", cancel, stray.VolumeId);
        await transaction.ExecuteAsync("DELETE FROM stray_volumes WHERE host_id = $1 AND id = $2", cancel, stray.HostId, stray.Id);
        await StoreRoom.AddAsync(transaction, stray.StoreId, stray.HostId, Math.Max(stray.SizeGib, 1), cancel);
        await hosts.TouchAsync(transaction, stray.HostId, cancel);
        return id;
    }
}

public static class StrayEndpoints
{
    public static IServiceCollection AddStrays(this IServiceCollection services) => services.AddSingleton<StrayStore>().AddSingleton<StrayUseCases>().AddSingleton<IReportObserver, StrayObservation>().AddSingleton<IReportObserver, StrayGuests>();

    public static void MapStrays(this IEndpointRouteBuilder routes, StrayUseCases strays)
    {
        routes.Get("/hosts/{host}/strays", Permission.Cloud("hosts", "read"), "ListStrays", "List volumes that a host has found in its own stores and that no record explains",
            async call => await PageRequest.Read(call).Then(page => strays.ListAsync(call.Route("host"), page, call.Cancelled))).WithPaging();
        routes.Post<AdoptStray, Volume>("/hosts/{host}/strays/{stray}/adopt", Permission.Cloud("hosts"), "AdoptStray", "Make a stray a volume of an account: by default of the one that it was of", 201,
            (call, adopt) => strays.AdoptAsync(call.Caller, call.Route("host"), call.Route("stray"), adopt, call.Cancelled)).Fails(409);
        routes.Delete("/hosts/{host}/strays/{stray}", Permission.Cloud("hosts"), "DeleteStray", "Have a host remove a stray for good", call => strays.DeleteAsync(call.Caller, call.Route("host"), call.Route("stray"), call.Cancelled));
        routes.Get("/recoverable-volumes", Permission.Read("recoverable-volumes"), "ListRecoverableVolumes", "List volumes that were lost with their host and have been found again",
            async call => await PageRequest.Read(call).Then(page => strays.ListRecoverableAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<RecoverVolume, Volume>("/recoverable-volumes/{volume}/recover", Permission.Write("recoverable-volumes"), "RecoverVolume", "Take back a volume that was lost with its host and has been found again", 201,
            (call, recover) => strays.RecoverAsync(call.Caller, call.Route("volume"), recover, call.Cancelled)).Fails(409);
    }
}
