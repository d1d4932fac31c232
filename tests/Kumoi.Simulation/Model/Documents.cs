using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Simulation.Model;

/// <summary>Writes a host's document from the records, as one consistent look does.</summary>
internal static class Documents
{
    private static readonly DesiredLabels Labels = new("small", "tiny", "z1", null, []);
    private static readonly DateTimeOffset LaunchedAt = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static DesiredDocument Of(Records records, string hostId)
    {
        var rows = records.OnHost(hostId).ToArray();
        var networks = rows.Length == 0 ? [] : new[]
        {
            new DesiredNetwork(
                Records.Network, "default", 7, "100.64.0.2", "default.internal", [new DesiredSubnet(Records.Subnet, "10.0.0.0/24", "10.0.0.1", [])],
                [.. records.Instances.Values.Where(row => !row.AddressReleased).Select(row => new DesiredName(row.Hostname, AddressOf(row)))]),
        };
        return new DesiredDocument(records.Hosts[hostId].Revision, hostId, [], networks, [], [.. rows.Select(InstanceOf)], [],
            [.. records.Former.Where(former => former.Key.HostId == hostId).Select(former => new FormerInstance(former.Key.InstanceId, former.Value))], [],
            [.. records.Volumes.Values.Where(volume => volume.HostId == hostId && !volume.Gone).Select(VolumeOf)]);
    }

    /// <summary>One that is on its way out of a guest is told as if it were out.</summary>
    private static DesiredVolume VolumeOf(VolumeRow row)
    {
        var holder = row.DetachedGeneration is null ? row.InstanceId : null;
        return new DesiredVolume(row.Id, ModelHost.StoreOf(row.HostId), row.Generation, 1, row.Desired, row.SizeGib, null, holder, holder is null ? null : row.Slot);
    }

    private static DesiredInstance InstanceOf(InstanceRow row)
    {
        var record = row.Record;
        var face = new DesiredInterface(row.InterfaceId, 0, Records.Network, Records.Subnet, $"52:54:00:00:{row.InterfaceId[^4..^2]}:{row.InterfaceId[^2..]}", AddressOf(row), null, []);
        return new DesiredInstance(
            record.Id, record.AccountId, record.Name, row.Hostname, record.Generation, record.Incarnation, record.Desired, record.BootEpoch, record.Size.Vcpus,
            record.Size.MemoryMib, record.Size.DiskGib, "img-19a3f2b4c5d6e7f83", [face], null, null, Labels, LaunchedAt, row.Storage, row.Movable);
    }

    public static string AddressOf(InstanceRow row) => $"10.0.0.{row.Address}";

    public static Capacity Plus(this Capacity a, Capacity b) => new(a.Vcpus + b.Vcpus, a.MemoryMib + b.MemoryMib, a.DiskGib + b.DiskGib);

    public static Capacity Less(this Capacity a, Capacity b) => new(a.Vcpus - b.Vcpus, a.MemoryMib - b.MemoryMib, a.DiskGib - b.DiskGib);
}
