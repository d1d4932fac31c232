using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Metrics;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Instances;

/// <summary>An instance of which nothing is left, and the room that its host gets back.</summary>
public sealed record EndedInstance(string Id, string HostId, Capacity GivenBack);

/// <summary>The end of instances, in the transaction of whoever found that they are gone: their room, addresses, rules and consoles are given back.</summary>
public sealed class InstanceEnding(HostRevisions hosts, ExportKeys exportKeys, TimeProvider clock)
{
    public async Task FinishAsync(Transaction transaction, IReadOnlyCollection<EndedInstance> gone, CancellationToken cancel)
    {
        if (gone.Count == 0) return;
        var now = clock.GetUtcNow();
        string[] ids = [.. gone.Select(instance => instance.Id)];
        await transaction.ExecuteAsync("UPDATE instances SET terminated_at = $2, user_data = NULL, cd_image_id = NULL, notices = '[]' WHERE id = ANY($1)", cancel, Columns.Texts(ids), now);
        var interfaces = await transaction.QueryAsync(
            "UPDATE interfaces SET released_at = $2 WHERE instance_id = ANY($1) AND released_at IS NULL RETURNING id, network_id", row => (Id: row.GetString(0), Network: row.GetString(1)), cancel, Columns.Texts(ids), now);
        string[] interfaceIds = [.. interfaces.Select(face => face.Id)];
        await transaction.ExecuteAsync("DELETE FROM floating_addresses WHERE interface_id = ANY($1)", cancel, Columns.Texts(interfaceIds));
        await transaction.ExecuteAsync("DELETE FROM interface_security_groups WHERE interface_id = ANY($1)", cancel, Columns.Texts(interfaceIds));
        await transaction.ExecuteAsync("DELETE FROM console_sessions WHERE instance_id = ANY($1)", cancel, Columns.Texts(ids));
        var told = (await Routers.GatewayStore.ForgetForwardsAsync(transaction, interfaceIds, cancel)).Concat(await LoadBalancers.MemberStore.ForgetAsync(transaction, interfaceIds, cancel)).Distinct().ToList();
        if (told.Count > 0) await hosts.TouchByNetworksAsync(transaction, told, cancel);
        var given = await VolumeHolds.FreeAsync(transaction, exportKeys, ids, cancel);
        if (given.Count > 0) await hosts.TouchAsync(transaction, given, cancel);
        await hosts.GiveBackAsync(transaction, gone.Select(instance => (instance.HostId, instance.GivenBack)), cancel);
        await hosts.TouchNetworksAsync(transaction, interfaces.Select(face => face.Network), cancel);
        transaction.AfterCommit(() => ServerMeter.Terminated.Add(gone.Count));
    }
}
