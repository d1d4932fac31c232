using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>The CD drive of a guest, as its process has it.</summary>
/// <param name="ImageId">The image that is in it; null: none. Something else than an image is told as no image's id.</param>
/// <param name="TrayOpen">The guest, or somebody for it, has opened the tray.</param>
/// <param name="Locked">The guest keeps the tray closed.</param>
public sealed record GuestCd(string? ImageId, bool TrayOpen, bool Locked);

/// <summary>What should be in a guest's CD drive, and how far that is.</summary>
/// <param name="Image">The image; null: none.</param>
/// <param name="Ready">It is on the host.</param>
/// <param name="AskedAt">When this agent first asked the guest for what is in the drive now; null if it did not.</param>
/// <param name="Seen">This agent has seen it in the drive, and the tray closed: if that is open later, the guest has opened it. Else a change may have been cut off before its end.</param>
public sealed record CdIntent(DesiredImage? Image, bool Ready, DateTimeOffset? AskedAt, bool Seen)
{
    public static CdIntent None { get; } = new(null, true, null, true);

    /// <summary>The record's CD; one that the document does not have is waited for.</summary>
    public static CdIntent Of(DesiredDocument document, DesiredInstance record, Func<DesiredImage, bool> isThere, DateTimeOffset? askedAt, bool seen)
    {
        if (record.CdImageId is not { } id) return None with { AskedAt = askedAt, Seen = seen };
        var image = document.Images.FirstOrDefault(image => image.Id == id);
        return new CdIntent(image ?? new DesiredImage(id, "", Kumoi.Api.ImageFormats.Iso, 0, 0), image is not null && isThere(image), askedAt, seen);
    }
}

/// <summary>Compares a guest's CD drive with its record. Pure.</summary>
public static class GuestCds
{
    /// <summary>How long a guest may keep its tray closed. It takes a second or two over giving a CD back, once it has let go of the files on it. Too low: a CD is pulled from under a guest that would have given it
    /// back; too high: whoever asked waits for a guest that does not hear.</summary>
    public static readonly TimeSpan ForceAfter = TimeSpan.FromSeconds(30);

    /// <summary>When it is told that the guest has not given it back.</summary>
    public static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(5);

    public static bool IsAsRecorded(CdIntent wanted, GuestProcess process) => process.Cd is { } cd ? cd.ImageId == wanted.Image?.Id && (wanted.Seen || !cd.TrayOpen) : wanted.Image is null;

    public static InstancePlan Plan(CdIntent wanted, GuestProcess process, DateTimeOffset now)
    {
        // A guest that an earlier version started has no drive, and gets none while it runs.
        if (IsAsRecorded(wanted, process)) return InstancePlan.Nothing;
        if (process.Cd is not { } cd) return InstancePlan.Wait(null);
        // All but the tray's closing was done.
        if (cd.ImageId == wanted.Image?.Id) return InstancePlan.Do(InstanceStep.ChangeCd);
        if (!wanted.Ready) return InstancePlan.Do(InstanceStep.FetchCd);
        if (wanted.AskedAt is not { } asked || cd.TrayOpen || !cd.Locked) return InstancePlan.Do(InstanceStep.ChangeCd);
        if (asked + ForceAfter <= now) return InstancePlan.Do(InstanceStep.ForceCd);
        return InstancePlan.Wait(asked + TellAfter > now ? asked + TellAfter : asked + ForceAfter);
    }
}
