using Kumoi.Agent.Leases;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>The steps of plans, taken.</summary>
public sealed partial class InstanceController
{
    private async Task<bool> TakeAsync(
        DesiredInstance record, DesiredDocument document, DesiredImage? image, ObservedGuest seen, InstancePlan plan, GuestMemory memory, CancellationToken cancel)
    {
        foreach (var step in plan.Steps)
        {
            // The agent may have been held since the plan was made; then it is made anew.
            if (record.Movable && InstancePlanner.Begins(step) && Lease.State != LeaseState.Held) return true;
            var since = _clock.GetTimestamp();
            using var span = IsFetch(step) ? null : AgentTrace.Step(record, step.ToString());
            try
            {
                await TakeAsync(step, record, document, image, seen, plan, memory, cancel);
                if (!IsFetch(step)) _log.StepTaken(record.Id, step.ToString());
                Count(step, "done", since);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _log.StepFailed(record.Id, step.ToString(), e.Message);
                Count(step, "failed", since);
                span?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, e.Message);
                var (reason, message) = e is HypervisorException known ? (known.Reason, known.Message)
                    : e.Message.Contains("No space left", StringComparison.Ordinal) ? ("disk-full", "The host's disk is full.")
                    : ("step-failed", e.Message);
                memory.Fail("Instance", reason, message, _clock.GetUtcNow());
                Report(record, document, seen, plan, memory);
                return false;
            }
        }
        return true;
    }

    private void Count(InstanceStep step, string outcome, long since)
    {
        var kind = new KeyValuePair<string, object?>("step", step.ToString());
        AgentMeter.Steps.Add(1, kind, new KeyValuePair<string, object?>("outcome", outcome));
        AgentMeter.StepDuration.Record(_clock.GetElapsedTime(since).TotalSeconds, kind);
    }

    private async Task TakeAsync(
        InstanceStep step, DesiredInstance record, DesiredDocument document, DesiredImage? image, ObservedGuest seen, InstancePlan plan, GuestMemory memory,
        CancellationToken cancel)
    {
        switch (step)
        {
            case InstanceStep.FetchImage:
                Images.Want(record.ImageId);
                break;
            case InstanceStep.MakeDisk:
                await _hypervisor.MakeDiskAsync(record, image ?? NoImage(record), cancel);
                break;
            case InstanceStep.Start:
                await _hypervisor.StartAsync(record, image ?? NoImage(record), GuestCards.Of(document, record), GuestDrives.Of(document, record), seen.Cd.Image, cancel);
                break;
            case InstanceStep.Resume:
                if (seen.Process!.State == RunState.DiskError) memory.ResumedFromError(_backoff, _clock.GetUtcNow());
                await _hypervisor.ResumeAsync(record.Id, cancel);
                break;
            case InstanceStep.PressPowerButton:
                memory.ButtonPressed(_clock.GetUtcNow());
                await _hypervisor.PressPowerButtonAsync(record.Id, cancel);
                break;
            case InstanceStep.Kill:
                memory.Ending();
                await _hypervisor.KillAsync(record.Id, cancel);
                break;
            case InstanceStep.Remove:
                await _hypervisor.RemoveAsync(record, cancel);
                break;
            case InstanceStep.Discard:
                await _hypervisor.DiscardAsync(record.Id, cancel);
                break;
            case InstanceStep.Plug:
                _plugs.Plugging(record.Id, plan.Cards);
                foreach (var card in GuestCards.Of(document, record).Where(card => plan.Cards.Contains(card.Interface.Id)))
                    await _hypervisor.PlugAsync(record.Id, card, cancel);
                break;
            case InstanceStep.Unplug:
                memory.Asked(plan.Cards, _clock.GetUtcNow());
                foreach (var card in plan.Cards) await _hypervisor.UnplugAsync(record.Id, card, cancel);
                break;
            case InstanceStep.PlugDrives:
                foreach (var drive in Drives(plan, seen)) await _hypervisor.PlugDriveAsync(record.Id, drive, cancel);
                break;
            case InstanceStep.UnplugDrives:
                memory.Asked(plan.Drives, _clock.GetUtcNow());
                foreach (var volume in plan.Drives) await _hypervisor.UnplugDriveAsync(record.Id, volume, cancel);
                break;
            case InstanceStep.AdjustDrives:
                foreach (var drive in Drives(plan, seen)) await _hypervisor.AdjustDriveAsync(record.Id, drive.Volume, cancel);
                break;
            case InstanceStep.FetchCd:
                Images.Want(record.CdImageId!);
                break;
            case InstanceStep.ChangeCd or InstanceStep.ForceCd:
                memory.CdAsked(_clock.GetUtcNow());
                await _hypervisor.ChangeCdAsync(record.Id, seen.Cd.Image, step == InstanceStep.ForceCd, cancel);
                break;
            default:
                throw new InvalidOperationException($"Unknown step {step}.");
        }
    }

    private static IEnumerable<DriveIntent> Drives(InstancePlan plan, ObservedGuest seen) => seen.Volumes.Wanted.Where(drive => plan.Drives.Contains(drive.Volume.Id));

    /// <summary>The simulated hypervisor asks for no image, and the document may then name none.</summary>
    private static DesiredImage NoImage(DesiredInstance record) => new(record.ImageId, "", "raw", 0, 0);
}
