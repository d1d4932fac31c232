using System.Collections.Concurrent;
using System.Net;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Networks;

/// <summary>
/// Gives out addresses in order, going round, so that a freed one is not reused at once. The place where it goes on is only a hint
/// in memory: that an address has one holder is the database's constraint, and a taken one is simply passed over.
/// </summary>
public sealed class AddressAllocator
{
    private readonly ConcurrentDictionary<string, long> _next = new();

    // So many taken addresses in a row are tried before all free ones are looked up at once.
    private const int TriesMax = 8;

    /// <summary>
    /// Tries addresses until <paramref name="claim"/> takes one; null if none is free. Offsets 0 to 1 and the last are never given out.
    /// </summary>
    public async Task<IPAddress?> ClaimAsync(
        Transaction transaction, string key, IPNetwork range, Func<IPAddress, Task<bool>> claim, string usedSql, CancellationToken cancel)
    {
        var last = Ipv4.Size(range) - 2;
        for (var attempt = 0; attempt < TriesMax; attempt++)
        {
            var offset = Next(key, last);
            var address = Ipv4.At(range, offset);
            if (await claim(address)) return address;
        }
        var used = (await transaction.QueryAsync(usedSql, row => row.GetFieldValue<IPAddress>(0), cancel, key)).ToHashSet();
        for (var offset = 2L; offset <= last; offset++)
        {
            var address = Ipv4.At(range, offset);
            if (used.Contains(address) || !await claim(address)) continue;
            _next[key] = offset + 1;
            return address;
        }
        return null;
    }

    private long Next(string key, long last) => _next.AddOrUpdate(key, 2, (_, offset) => offset >= last ? 2 : offset + 1);

    /// <summary>Where to go on after a start: behind the highest address in use.</summary>
    public void Seed(string key, long offset) => _next.TryAdd(key, offset);
}
