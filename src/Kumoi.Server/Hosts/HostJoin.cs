using System.Security.Cryptography.X509Certificates;
using Kumoi.Api.Agent;
using Kumoi.Server.Events;
using Kumoi.Server.HostPools;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Volumes;

namespace Kumoi.Server.Hosts;

/// <summary>How a machine becomes a host: a token for a certificate, in one transaction.</summary>
public sealed class HostJoin(Database database, Authority authority, HostRevisions hosts, StoreObservation stores, EventLog events, Ids ids, ServerOptions options, TimeProvider clock)
{
    public Task<Result<JoinAnswer>> JoinAsync(JoinRequest request, CancellationToken cancel) => database.TransactionAsync<JoinAnswer>(async transaction =>
    {
        var name = Names.Normal(request.Facts.Name);
        if (Names.Check("facts.name", name) is { } violation) return Failure.Invalid(violation);
        var secret = JoinTokenContent.Decode(request.Token)?.Secret;
        var now = clock.GetUtcNow();
        // The answer to an earlier try may have been lost, and its token be spent.
        if (secret is not null && await AgainAsync(transaction, name, secret, request.CertificateRequest, cancel) is { } again) return again;
        var (zone, account, poolId) = secret is null ? default : await transaction.FindAsync(
            "SELECT zone_id, account_id, host_pool_id FROM join_tokens WHERE secret_hash = $1 AND expires_at > $2", row => (row.GetString(0), row.GetString(1), row.GetString(2)), cancel, Secrets.Hash(secret), now);
        if (zone is null) return new Failure("join-token", 401);
        var (pool, overcommit) = await HostPoolStore.LockForHostAsync(transaction, poolId, options.VcpuRatio, cancel);
        // The token went with its pool.
        if (pool is null) return new Failure("join-token", 401);
        var id = ids.New(Ids.Host);
        var certificate = authority.IssueHost(id, request.CertificateRequest, secret);
        if (certificate.Failure is { } failure) return failure;
        var facts = request.Facts;
        var (vcpus, memoryMib) = overcommit.Offer(facts.Vcpus, facts.MemoryMib);
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO hosts (id, account_id, zone_id, name, certificate_serial, hypervisor, accelerator, accelerator_reason, address, agent_version, boot_id, vcpus, memory_mib,
                               disk_gib, created_at, heard_at, storage, underlay_mtu, segment_devices, volume_protocols, host_pool_id, physical_vcpus, physical_memory_mib)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17, $18, $19, $20, $21, $22) ON CONFLICT (name) DO NOTHING
            """, cancel,
            id, account!, zone, name, certificate.Value.SerialNumber, facts.Hypervisor, facts.Accelerator, facts.AcceleratorReason, facts.Address, facts.AgentVersion, facts.BootId,
            vcpus, memoryMib, facts.DiskGib, now, Columns.Text(facts.Storage), Columns.Integer(HostFactRules.Mtu(facts.UnderlayMtu)), Columns.Texts(HostFactRules.Devices(facts.SegmentDevices)), Columns.Texts(HostFactRules.Protocols(facts.VolumeProtocols)), pool.Id, facts.Vcpus, facts.MemoryMib);
        if (made == 0) return Failure.NameTaken("host", name);
        if (facts.UnderlayMtu is { } mtu && await transaction.FindAsync("SELECT min(underlay_mtu) FROM hosts WHERE id <> $1", row => row.IntOrNull(0), cancel, id) is var least && (least is null || least > mtu))
            await hosts.TouchAllAsync(transaction, cancel);
        await events.WriteAsync(transaction, account!, EventActor.Host(id, name), "host.join", new Subject("host", id, name), cancel);
        if (request.Stores is { } told) await stores.JoinedAsync(transaction, id, told, cancel);
        if (!await SpendAsync(transaction, Secrets.Hash(secret!), now, cancel)) return new Failure("join-token", 401);
        return Answer(id, certificate.Value);
    }, cancel);

    private JoinAnswer Answer(string hostId, X509Certificate2 certificate) => new(hostId, certificate.ExportCertificatePem(), authority.Certificate.ExportCertificatePem());

    /// <summary>
    /// The host that has joined with this token and this key already, with a fresh certificate; null if there is none. The serial number of the
    /// certificate it was given tells that: nobody but the holder of both can ask for it again, and once it has been renewed nobody can.
    /// </summary>
    private async Task<JoinAnswer?> AgainAsync(Transaction transaction, string name, string secret, string certificateRequest, CancellationToken cancel)
    {
        var (id, serial) = await transaction.FindAsync("SELECT id, certificate_serial FROM hosts WHERE name = $1 FOR NO KEY UPDATE", row => (row.GetString(0), row.GetString(1)), cancel, name);
        if (id is null || authority.IssueHost(id, certificateRequest, secret) is not { Failure: null, Value: var certificate } || !Authority.IsSameJoin(serial, certificate.SerialNumber)) return null;
        await transaction.ExecuteAsync("UPDATE hosts SET certificate_serial = $2 WHERE id = $1", cancel, id, certificate.SerialNumber);
        return Answer(id, certificate);
    }

    /// <summary>
    /// Takes one use of a token, the last one with the token itself; false if none was left. The last statement of a join, since
    /// everyone who joins with the same token waits for its row until the commit.
    /// </summary>
    private static async Task<bool> SpendAsync(Transaction transaction, byte[] secretHash, DateTimeOffset now, CancellationToken cancel) =>
        await transaction.ExecuteAsync("UPDATE join_tokens SET uses = uses - 1 WHERE secret_hash = $1 AND expires_at > $2 AND uses > 1", cancel, secretHash, now) == 1
        // A statement of its own, which sees what the first one may have waited for.
        || await transaction.ExecuteAsync("DELETE FROM join_tokens WHERE secret_hash = $1 AND expires_at > $2 AND uses = 1", cancel, secretHash, now) == 1;

    /// <summary>A fresh certificate for a host; the one before stays good until it is used no more, at the latest until it expires.</summary>
    public Task<Result<JoinAnswer>> RenewAsync(string hostId, RenewRequest request, CancellationToken cancel) => database.TransactionAsync<JoinAnswer>(async transaction =>
    {
        var certificate = authority.IssueHost(hostId, request.CertificateRequest, joinSecret: null);
        if (certificate.Failure is { } failure) return failure;
        await transaction.ExecuteAsync("UPDATE hosts SET certificate_serial = $2 WHERE id = $1", cancel, hostId, certificate.Value.SerialNumber);
        return Answer(hostId, certificate.Value);
    }, cancel);
}

/// <summary>What of a host's word is taken.</summary>
public static class HostFactRules
{
    // What IPv4 asks of every network (RFC 791), and the longest packet there is.
    private const int MtuMin = 576, MtuMax = 65_535;

    /// <summary>The underlay's longest packet; null if the host does not say, or says what cannot be.</summary>
    public static int? Mtu(int? said) => said is >= MtuMin and <= MtuMax ? said : null;

    // Of names that a device may have; a host has a handful.
    private const int DevicesMax = 64;

    /// <summary>The devices that bridged networks may be attached to, in order.</summary>
    public static IReadOnlyList<string> Devices(IReadOnlyList<string>? said) =>
        [.. (said ?? []).Where(Networks.SegmentRules.IsDevice).Distinct().Order(StringComparer.Ordinal).Take(DevicesMax)];

    /// <summary>Ways to give volumes to other hosts that are known, in order.</summary>
    public static IReadOnlyList<string> Protocols(IReadOnlyList<string>? said) => [.. (said ?? []).Intersect(VolumeProtocols.Known)];
}
