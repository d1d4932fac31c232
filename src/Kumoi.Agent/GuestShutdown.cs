using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent;

/// <summary>Switches off every guest of one cloud on this machine, as its owner would: by the power button, and hard only if that does
/// not help. For when the cloud itself is stopped; what the records ask for is not changed, so the guests start again with it.</summary>
public static class GuestShutdown
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <param name="limit">How long a guest may take to switch itself off. Too short loses data of slow guests; all are asked at once.</param>
    public static Task RunAsync(AgentOptions options, TimeSpan limit, TimeProvider clock, ILogger log, CancellationToken cancel) =>
        Directory.Exists(options.Paths.Guests)
            ? Task.WhenAll(Directory.GetDirectories(options.Paths.Guests).Select(directory => StopAsync(options.Paths, Path.GetFileName(directory), limit, clock, log, cancel)))
            : Task.CompletedTask;

    private static async Task StopAsync(AgentPaths paths, string id, TimeSpan limit, TimeProvider clock, ILogger log, CancellationToken cancel)
    {
        try
        {
            await using var guest = await QemuGuest.FindAsync(paths, id, clock, _ => { }, cancel);
            if (guest is null) return;
            await guest.PressPowerButtonAsync(cancel);
            var (started, pressed) = (clock.GetTimestamp(), clock.GetTimestamp());
            while (clock.GetElapsedTime(started) < limit && (await guest.ObserveAsync(cancel)).State == RunState.Running)
            {
                await Task.Delay(Pause, clock, cancel);
                if (clock.GetElapsedTime(pressed) < InstancePlanner.ButtonRepeat) continue;
                await guest.PressPowerButtonAsync(cancel);
                pressed = clock.GetTimestamp();
            }
            await guest.KillAsync(clock, cancel);
        }
        catch (Exception e) when (e is IOException or HypervisorException)
        {
            // The cleanup that follows ends what does not answer here.
            log.CleanupLeft(id, e.Message);
        }
    }
}
