using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Volumes.Moves;

/// <summary>
/// Hosts know volumes by the ids of their data, which differ from the volumes' own once they have moved. Documents are written so; what hosts report is put into the words of the records here, before anybody reads it.
/// Strays stay as they are: no record is known of them.
/// </summary>
public sealed class DataIds(Database database)
{
    // What a host that was taken over may make the servers look at.
    private const int IdsMax = 50_000;

    public async Task<IReadOnlyList<(string HostId, ObservedReport Report)>> TranslateAsync(IReadOnlyList<(string HostId, ObservedReport Report)> reports, CancellationToken cancel)
    {
        var said = reports.SelectMany(r => (r.Report.Volumes ?? []).Select(volume => volume.Id).Concat(r.Report.Instances.SelectMany(instance => instance.Volumes ?? []))).Distinct().Take(IdsMax).ToList();
        if (said.Count == 0) return reports;
        var moved = await database.QueryAsync("SELECT id, data_id FROM volumes WHERE data_id IS NOT NULL AND (data_id = ANY($1) OR id = ANY($1))", row => (Id: row.GetString(0), Data: row.GetString(1)), cancel, Columns.Texts(said));
        if (moved.Count == 0) return reports;
        var (volumes, former) = (moved.ToDictionary(one => one.Data, one => one.Id), moved.Select(one => one.Id).ToHashSet());
        return [.. reports.Select(r => (r.HostId, r.Report with
        {
            Volumes = r.Report.Volumes is null ? null : [.. r.Report.Volumes.Select(volume => Of(volume.Id) is { } id ? volume with { Id = id } : null).OfType<ObservedVolume>()],
            Instances = [.. r.Report.Instances.Select(instance => instance.Volumes is null ? instance : instance with { Volumes = [.. instance.Volumes.Select(Of).OfType<string>()] })],
        }))];

        // Data that was a volume's before it moved, and that no record has any more, is nobody's.
        string? Of(string data) => volumes.TryGetValue(data, out var id) ? id : former.Contains(data) ? null : data;
    }
}
