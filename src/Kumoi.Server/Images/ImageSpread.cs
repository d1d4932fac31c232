using Kumoi.Api.Agent;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Images;

/// <summary>
/// Spreads images over hosts: some fetch an image from the server, the others of their zone from them. Held in memory: a server that starts anew sends an image
/// once more at the worst.
/// </summary>
public sealed class ImageSpread(Database database, TimeProvider clock)
{
    private const int PeersMax = 4;

    /// <summary>Hosts of one zone that load one image from this server at a time. Too low: one slow host holds up all; too high: the server sends what hosts could.</summary>
    private const int LoadsAtOnce = 2;

    /// <summary>How long one that was told to come is waited for, and how long one that has all of it has to tell so.</summary>
    private static readonly TimeSpan ComeLimit = TimeSpan.FromSeconds(15), TellLimit = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Image, string Zone), Dictionary<string, DateTimeOffset>> _loads = [];

    /// <summary>Where a host gets an image that it may have.</summary>
    public async Task<ImageSources> FindAsync(string hostId, string imageId, CancellationToken cancel)
    {
        var peers = await database.QueryAsync(
            """
            SELECT h.id, h.address, h.image_port FROM images m JOIN host_images i ON i.sha256 = m.sha256 AND i.whole JOIN hosts h ON h.id = i.host_id JOIN hosts me ON me.id = $1 AND me.zone_id = h.zone_id
            WHERE m.id = $2 AND h.id <> $1 AND h.state = 'up' AND h.image_port IS NOT NULL ORDER BY random() LIMIT $3
            """, row => new ImagePeer(row.GetString(0), AddressOf(row.GetString(1), row.GetInt32(2))), cancel, hostId, imageId, PeersMax);
        return new ImageSources(peers, peers.Count > 0 || MayLoad(imageId, await ZoneAsync(hostId, cancel), hostId));
    }

    /// <summary>Counts a host as loading the image from this server until what is returned is disposed.</summary>
    public async Task<IDisposable> LoadAsync(string hostId, string imageId, CancellationToken cancel)
    {
        var zone = await ZoneAsync(hostId, cancel);
        Note(imageId, zone, hostId, DateTimeOffset.MaxValue);
        return new Load(() => Note(imageId, zone, hostId, clock.GetUtcNow() + TellLimit));
    }

    private async Task<string> ZoneAsync(string hostId, CancellationToken cancel) => await database.FindAsync("SELECT zone_id FROM hosts WHERE id = $1", row => row.GetString(0), cancel, hostId) ?? "";

    private static string AddressOf(string address, int port) => new UriBuilder(Uri.UriSchemeHttps, address, port).Uri.GetLeftPart(UriPartial.Authority);

    private bool MayLoad(string image, string zone, string host)
    {
        lock (_gate)
        {
            var now = clock.GetUtcNow();
            foreach (var (key, hosts) in _loads.ToArray())
            {
                foreach (var over in hosts.Where(one => one.Value <= now).ToArray()) hosts.Remove(over.Key);
                if (hosts.Count == 0) _loads.Remove(key);
            }
            var loading = _loads.GetValueOrDefault((image, zone));
            if (loading is not null && loading.Count >= LoadsAtOnce && !loading.ContainsKey(host)) return false;
            Note(image, zone, host, now + ComeLimit);
            return true;
        }
    }

    private void Note(string image, string zone, string host, DateTimeOffset until)
    {
        lock (_gate) (_loads.TryGetValue((image, zone), out var loading) ? loading : _loads[(image, zone)] = [])[host] = until;
    }

    private sealed class Load(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
