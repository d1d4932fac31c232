using System.Collections.Concurrent;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Volumes;

/// <summary>The steps of its plans.</summary>
public sealed partial class VolumeController
{
    /// <summary>False if something else has to happen before another look.</summary>
    private async Task<bool> TakeAsync(VolumeStep step, DesiredVolume volume, DesiredDocument document, DesiredImage? image, CancellationToken cancel)
    {
        switch (step)
        {
            case VolumeStep.FetchImage:
                Images.Want(volume.ImageId!);
                return false;
            case VolumeStep.Make:
                await _driver.MakeAsync(volume, image, cancel);
                break;
            case VolumeStep.Copy:
                var source = document.Volumes?.FirstOrDefault(one => one.Id == volume.Source!.VolumeId)
                    ?? throw new HypervisorException("snapshot-missing", $"The servers have not told this host of the volume {volume.Source!.VolumeId}, with whose snapshot this one begins.", null);
                // Still to be taken: it is rung for when that is done.
                if (IsAwaited(volume.Source!, source)) return false;
                var below = source.ImageId is null ? null : document.Images.FirstOrDefault(one => one.Id == source.ImageId);
                if (source.ImageId is { } imageId && _driver.NeedsImage(source) && !_hasImage(below))
                {
                    Images.Want(imageId);
                    return false;
                }
                await _driver.CopyAsync(volume, source, below, cancel);
                break;
            case VolumeStep.Fill:
                await _driver.FillAsync(volume, cancel);
                break;
            case VolumeStep.Receive:
                await _driver.ReceiveAsync(volume, cancel);
                break;
            case VolumeStep.Grow:
                await _driver.GrowAsync(volume, image, cancel);
                break;
            case VolumeStep.TakeBack:
                await _driver.TakeBackAsync(volume, cancel);
                break;
            case VolumeStep.Remove:
                await _driver.RemoveAsync(volume, cancel);
                break;
            case VolumeStep.Prepare:
                await _driver.PrepareAsync(volume, cancel);
                // Others may wait for this one, to be of the same moment.
                foreach (var other in SnapshotGroups.Of(volume, document)) Ring(other.Id);
                break;
            case VolumeStep.Take:
                return await _driver.TakeAsync(volume, SnapshotGroups.Of(volume, document), cancel);
            case VolumeStep.Forget:
                await _driver.ForgetAsync(volume, cancel);
                break;
            case VolumeStep.Restore:
                await _driver.RestoreAsync(volume, cancel);
                break;
            case VolumeStep.Export:
                await _driver.ExportAsync(volume, image, cancel);
                break;
            case VolumeStep.EndExport:
                await _driver.EndExportAsync(volume, cancel);
                break;
            case VolumeStep.Tidy:
                await _driver.TidyAsync(volume, image, cancel);
                break;
            default:
                throw new InvalidOperationException($"Unknown step {step}.");
        }
        return true;
    }

    /// <summary>Whether the snapshot is asked for, and was not seen yet.</summary>
    private bool IsAwaited(SnapshotSource wanted, DesiredVolume source) =>
        source.Snapshots?.Any(one => one.Id == wanted.SnapshotId && one is { Taken: false, Desired: VolumeDesire.Present }) == true
        && _seen.GetValueOrDefault(source.Id)?.Report.Snapshots?.Any(one => one.Id == wanted.SnapshotId) != true;
}
