using Kumoi.Api;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// Somebody who asks for instances and changes them, at any server, sends again what was not answered, and remembers every answer.
/// </summary>
internal sealed class User(Cloud cloud, Node node)
{
    private const int LivingMost = 5;

    private static readonly Capacity Small = new(1, 512, 5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly RequestKind[] Changes = [RequestKind.Start, RequestKind.Start, RequestKind.Stop, RequestKind.Reboot, RequestKind.Terminate];

    private static readonly VolumeRequest[] VolumeChanges = [VolumeRequest.Attach, VolumeRequest.Attach, VolumeRequest.Attach, VolumeRequest.Detach, VolumeRequest.Detach, VolumeRequest.Grow, VolumeRequest.Grow, VolumeRequest.Delete, VolumeRequest.Snapshot, VolumeRequest.Snapshot, VolumeRequest.SnapshotInstance, VolumeRequest.SnapshotInstance,
        VolumeRequest.Restore, VolumeRequest.DeleteSnapshot, VolumeRequest.BeginWithSnapshot, VolumeRequest.Copy,
        VolumeRequest.BackUp, VolumeRequest.BackUp, VolumeRequest.BackUpAnew, VolumeRequest.Schedule, VolumeRequest.DeleteBackup, VolumeRequest.RestoreBackup, VolumeRequest.Recover, VolumeRequest.Move, VolumeRequest.Move, VolumeRequest.CancelMove];

    private readonly List<string> _known = [];

    /// <summary>Of so many in six requests volumes are the matter.</summary>
    private readonly int _volumeRequests = cloud.Dice.Of([1, 2, 5]);

    private int _requests;

    public void Start() => node.Start(async () =>
    {
        var pace = TimeSpan.FromSeconds(1 + cloud.Dice.Below(20));
        while (!cloud.Healed)
        {
            if (_known.Count(id => !IsGone(id)) < LivingMost && cloud.Dice.OneIn(2)) node.Start(LaunchAsync);
            else if (_known.Count > 0) node.Start(cloud.Dice.Below(6) < _volumeRequests ? ChangeVolumeAsync : ChangeAsync);
            await Task.Delay(cloud.Dice.Between(TimeSpan.Zero, pace), node.Clock);
        }
    });

    private async Task ChangeVolumeAsync()
    {
        var (id, request) = (cloud.Dice.Of(_known), cloud.Dice.Of(VolumeChanges));
        try
        {
            await cloud.Wire.CallAsync("user", node, cloud.AnyServer(), Patience, repeatable: true, server => server.ChangeVolumeAsync(request, id), CancellationToken.None);
        }
        catch (IOException)
        {
            // Whether it was done or not, what is recorded comes true.
        }
    }

    private bool IsGone(string id) => cloud.Records.RowOf(id).TerminatedAt is not null || cloud.Records.Forgotten.ContainsKey(id);

    private async Task LaunchAsync()
    {
        var recovery = cloud.Dice.OneIn(2) ? "restart" : "wait";
        var request = new Request(RequestKind.Launch, $"key-{++_requests}");
        // The same key until an answer comes; whoever gives up never knows, and then nothing was promised.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            try
            {
                var id = await cloud.Wire.CallAsync("user", node, cloud.AnyServer(), Patience, repeatable: true, server => server.LaunchAsync(request, Small, recovery), CancellationToken.None);
                cloud.Ledger.LaunchAcknowledged(request, id);
                cloud.Trace.Note("user", $"is told that {request.Key} is {id}");
                _known.Add(id);
                return;
            }
            catch (RefusedException)
            {
                return;
            }
            catch (IOException)
            {
                await Task.Delay(cloud.Dice.Between(TimeSpan.Zero, TimeSpan.FromSeconds(3)), node.Clock);
            }
        }
    }

    private async Task ChangeAsync()
    {
        var id = cloud.Dice.Of(_known);
        var request = new Request(cloud.Dice.Of(Changes), $"{++_requests}");
        try
        {
            var told = await cloud.Wire.CallAsync("user", node, cloud.AnyServer(), Patience, repeatable: true, server => server.ChangeAsync(request, id), CancellationToken.None);
            var row = cloud.Records.RowOf(id);
            var before = row.Acknowledged;
            row.Acknowledged = new Acknowledged(Math.Max(before.Generation, told.Generation), Math.Max(before.BootEpoch, told.BootEpoch), before.Terminated || told.Terminated);
            cloud.Trace.Note("user", $"is told that {id} is asked to {request.Kind}");
        }
        catch (IOException)
        {
            // Refused, or never known.
        }
    }
}
