using Kumoi.Server.Instances;
using Kumoi.Api;
using Kumoi.Server.Hosts;
using Kumoi.Server.Placement;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Simulation.Model;

/// <summary>What users call.</summary>
internal sealed partial class ModelServer
{
    private static readonly TimeSpan SnapshotAge = TimeSpan.FromSeconds(1);

    private IReadOnlyCollection<HostView> _snapshot = [];
    private long _snapshotAt = long.MinValue / 2;
    private int _nextAddress;

    /// <summary>Launches an instance once per key; the answer is its id.</summary>
    /// <exception cref="RefusedException">No host has room, or no address is free.</exception>
    public async Task<string> LaunchAsync(Request request, Capacity size, string recovery)
    {
        var view = await SnapshotAsync(fresh: false);
        try
        {
            return await CommitAsync(() => Launch(request, size, recovery, view), id => [Records.Instances[id].Record.HostId]);
        }
        catch (RefusedException)
        {
            // "No" from numbers that may be stale is not an answer yet.
            view = await SnapshotAsync(fresh: true);
            return await CommitAsync(() => Launch(request, size, recovery, view), id => [Records.Instances[id].Record.HostId]);
        }
    }

    private async Task<IReadOnlyCollection<HostView>> SnapshotAsync(bool fresh)
    {
        if (!fresh && Clock.GetElapsedTime(_snapshotAt) < SnapshotAge) return _snapshot;
        await HopAsync();
        _snapshot = Read(() => Records.Hosts.Values.Select(host => new HostView(
            host.Id, host.Name, "z-1", host.State, true, host.Capacity, host.Allocated, host.Storage, host.Maintenance)).ToArray());
        _snapshotAt = Clock.GetTimestamp();
        return _snapshot;
    }

    private string Launch(Request request, Capacity size, string recovery, IReadOnlyCollection<HostView> view)
    {
        if (IsRepeated(request)) return Records.Keys[request.Key];
        var placement = new PlacementRequest(size.Vcpus, size.MemoryMib, size.DiskGib, null, null, recovery == "restart");
        var host = Placement.Choose(view, placement).Candidates.Select(candidate => Records.Hosts[candidate.Id]).FirstOrDefault(host => HasRoom(host, size))
            ?? throw new RefusedException("insufficient-capacity");
        var address = TakeAddress() ?? throw new RefusedException("addresses-exhausted");
        var number = ++Records.Launched;
        var record = new InstanceRecord(
            $"i-19a3f2b4c5d6e{number:x4}", "a-1", $"vm{number}", host.Id, "running", 1, 1, 1, "absent", 0, 0, null, [], size);
        var row = new InstanceRow { Record = record, Hostname = $"vm{number}", InterfaceId = $"eni-19a3f2b4c5d6e{number:x4}", Address = address, Recovery = recovery, Storage = host.Storage };
        row.History.Add(record);
        Records.Instances.Add(record.Id, row);
        Records.Keys[request.Key] = record.Id;
        host.Allocated = host.Allocated.Plus(size);
        Touch(host.Id);
        _cloud.Ledger.Executed(request, record.Id);
        _cloud.Trace.Note(Name, $"launches {record.Id} on {host.Name} with address {address}");
        return record.Id;
    }

    /// <summary>The key is inserted unless it is there; the real decision says what follows.</summary>
    private bool IsRepeated(Request request)
    {
        var keyed = new Dictionary<int, (string, IdempotencyKey)> { [0] = ("a-1", new IdempotencyKey(request.Key, [])) };
        return Idempotency.Repeated(keyed, Records.Keys.ContainsKey(request.Key) ? new HashSet<(string, string)>() : [("a-1", request.Key)]).Count > 0;
    }

    private static bool HasRoom(HostRow host, Capacity size) =>
        host is { State: HostStates.Up, Maintenance: false } && host.Allocated.Vcpus + size.Vcpus <= host.Capacity.Vcpus
        && host.Allocated.MemoryMib + size.MemoryMib <= host.Capacity.MemoryMib && host.Allocated.DiskGib + size.DiskGib <= host.Capacity.DiskGib;

    private int? TakeAddress()
    {
        for (var tried = 0; tried < Records.Addresses; tried++)
        {
            var address = 2 + (_nextAddress++ % Records.Addresses);
            if (Records.IsFree(address)) return address;
        }
        return null;
    }

    /// <summary>Start, stop, reboot or terminate; the answer is the generation that asks for it.</summary>
    /// <exception cref="RefusedException">The instance is being terminated, or a reboot is asked of one that does not run.</exception>
    public Task<Acknowledged> ChangeAsync(Request request, string id) => CommitAsync(() => Change(request, id), _ => [Records.Instances[id].Record.HostId]);

    private Acknowledged Change(Request request, string id)
    {
        var row = Records.Instances.GetValueOrDefault(id) ?? throw new RefusedException("not-found");
        var record = row.Record;
        if (record.Desired == "terminated" && request.Kind != RequestKind.Terminate) throw new RefusedException("being-terminated");
        if (record.Desired != "running" && request.Kind == RequestKind.Reboot) throw new RefusedException("not-running");
        if (request.Kind == RequestKind.Start && record.Desired != "running" && VolumesOf(id).Any(volume => volume.IsRestoring || volume.MovingTo is not null)) throw new RefusedException("volume-restoring");
        var wanted = request.Kind switch
        {
            RequestKind.Start => record with { Desired = "running" },
            RequestKind.Stop => record with { Desired = "stopped" },
            RequestKind.Terminate => record with { Desired = "terminated" },
            RequestKind.Reboot => record with { BootEpoch = record.BootEpoch + 1 },
            _ => throw new InvalidOperationException($"{request.Kind} changes no instance."),
        };
        // Asking again for what is asked for already changes nothing.
        if (wanted != record)
        {
            Write(row, wanted with { Generation = record.Generation + 1 });
            Touch(record.HostId);
            _cloud.Trace.Note(Name, $"{request.Kind} {id}: generation {row.Record.Generation}");
        }
        _cloud.Ledger.Executed(request, id);
        return new Acknowledged(row.Record.Generation, row.Record.BootEpoch, row.Record.Desired == "terminated");
    }
}

/// <summary>The server understood and said no.</summary>
internal sealed class RefusedException(string code) : IOException(code);
