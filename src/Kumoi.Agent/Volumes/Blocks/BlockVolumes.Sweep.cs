using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Blocks;

/// <summary>What is done beside everything else: disks that nobody needs are removed, and points taken back that nobody reads.</summary>
public sealed partial class BlockVolumes
{
    private readonly CancellationTokenSource _sweepEnd = new();
    private readonly Lock _sweepGate = new();
    private Task _sweep = Task.CompletedTask;
    private bool _isSweeping, _isDue;

    // Points that programs of this agent read, and how many do. Who lends, takes back or looks for those that are left does it alone.
    private readonly Dictionary<(string Store, string Disk, string Point), int> _lent = [];
    private readonly SemaphoreSlim _lending = new(1, 1);

    /// <summary>Looks at all of it once more, from now on.</summary>
    private void Sweep()
    {
        lock (_sweepGate)
        {
            _isDue = true;
            if (_isSweeping || _sweepEnd.IsCancellationRequested) return;
            _isSweeping = true;
            _sweep = Task.Run(SweepAsync);
        }
    }

    private async Task SweepAsync()
    {
        while (true)
        {
            lock (_sweepGate)
                if (!(_isSweeping = _isDue && !_sweepEnd.IsCancellationRequested)) return;
                else _isDue = false;
            try
            {
                foreach (var store in stores.There) await SweepAsync(store, _sweepEnd.Token);
            }
            catch (OperationCanceledException)
            {
                // The agent ends. What is being removed is removed to its end; the rest by the next agent.
                lock (_sweepGate) _isSweeping = false;
                return;
            }
        }
    }

    private async Task SweepAsync(BlockStore store, CancellationToken cancel)
    {
        try
        {
            var all = await store.Round.AskAsync().WaitAsync(cancel);
            foreach (var (disk, point) in store.Tool.LentOf(all)) await TryAsync(() => TakeLeftBackAsync(store, disk, point, cancel));
            foreach (var disk in all.Where(disk => BlockNames.IsTrash(disk.Name))) await TryAsync(() => store.Tool.RemoveAsync(disk.Name, cancel));
        }
        catch (IOException)
        {
            // It is tried again with the next look; a place that is away is told of by that.
        }
    }

    private static async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (IOException)
        {
            // Busy, perhaps, since another host is at it: the others are not to wait for that.
        }
    }

    /// <summary>Lets a user read a snapshot.</summary>
    internal async Task<BlockNode> LendAsync(DesiredVolume volume, TakenPoint taken, uint user, CancellationToken cancel)
    {
        var (store, key) = (stores.Need(volume.Store), (volume.Store, taken.Disk.Name, taken.Point.Name));
        await _lending.WaitAsync(cancel);
        try
        {
            var node = await store.Tool.GivePointAsync(taken.Disk.Name, taken.Point.Name, user, cancel);
            _lent[key] = _lent.GetValueOrDefault(key) + 1;
            return node;
        }
        finally
        {
            _lending.Release();
        }
    }

    /// <summary>One who read a snapshot has ended. What cannot be taken back now is with the next sweep.</summary>
    internal async Task TakeBackAsync(DesiredVolume volume, TakenPoint taken)
    {
        var key = (volume.Store, taken.Disk.Name, taken.Point.Name);
        await _lending.WaitAsync(CancellationToken.None);
        try
        {
            if (--_lent[key] == 0) _lent.Remove(key);
        }
        finally
        {
            _lending.Release();
        }
        await TryAsync(() => TakeLeftBackAsync(stores.Need(volume.Store), taken.Disk.Name, taken.Point.Name, CancellationToken.None));
    }

    private async Task TakeLeftBackAsync(BlockStore store, string disk, string point, CancellationToken cancel)
    {
        await _lending.WaitAsync(cancel);
        try
        {
            // There are places that lend all points of a disk, or none.
            if (!_lent.Keys.Any(lent => (lent.Store, lent.Disk) == (store.Id, disk))) await store.Tool.TakePointBackAsync(disk, point, cancel);
        }
        finally
        {
            _lending.Release();
        }
    }

    private async Task EndSweepAsync()
    {
        await _sweepEnd.CancelAsync();
        await _sweep;
    }
}
