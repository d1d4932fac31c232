using Kumoi.Api.Agent;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes;

/// <summary>What pools of one kind can do and others cannot.</summary>
public static class PoolDrivers
{
    /// <summary>Null if volumes of the pool can be encrypted.</summary>
    public static async Task<Failure?> CheckEncryptedAsync(Transaction transaction, string poolId, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT name FROM pools WHERE id = $1 AND driver <> $2", row => row.GetString(0), cancel, poolId, StoreDrivers.Directory) is { } name ? new Failure("encryption-unsupported", 409, name) : null;

    /// <summary>Null if images can be made of the volume.</summary>
    public static async Task<Failure?> CheckImagesAsync(Transaction transaction, string volumeId, CancellationToken cancel) =>
        await transaction.FindAsync("SELECT p.name FROM volumes v JOIN pools p ON p.id = v.pool_id WHERE v.id = $1 AND p.driver <> $2", row => row.GetString(0), cancel, volumeId, StoreDrivers.Directory) is { } name ? new Failure("image-unsupported", 409, name) : null;
}
