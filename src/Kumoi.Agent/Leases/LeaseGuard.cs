using Kumoi.Agent.Instances;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Leases;

/// <summary>
/// Ends the guests that may move as soon as the lease is over. It goes its own way, beside the mailboxes of the guests: those may be busy
/// with a disk that does not answer, which is likely just then.
/// </summary>
/// <param name="lookPeriod">The longest wait between two looks at the lease: timers stand still while the machine is suspended.</param>
internal sealed class LeaseGuard(
    HostLease lease, Placements placements, IHypervisor hypervisor, TimeSpan lookPeriod, TimeProvider clock, ILogger log)
{
    /// <summary>How soon to look again while the lease is over; a guest may have been in the middle of its start.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private bool _told;

    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await LookAsync(stop);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                log.LoopFailed(e);
            }
            await Task.Delay(Wait(lease.GuestsRest), clock, stop);
        }
    }

    /// <summary>Timers cut off parts of a millisecond; a wait that came too short would be repeated until the rest is over.</summary>
    private TimeSpan Wait(TimeSpan rest) =>
        rest <= TimeSpan.Zero ? Again : rest < lookPeriod ? TimeSpan.FromMilliseconds(Math.Ceiling(rest.TotalMilliseconds)) : lookPeriod;

    private async Task LookAsync(CancellationToken stop)
    {
        if (lease.State != LeaseState.Over)
        {
            _told = false;
            return;
        }
        var ended = await hypervisor.CutOffAsync(placements.Movable, stop);
        if (ended.Count > 0 || !_told) log.LeaseLost(ended.Count);
        _told = true;
    }
}
