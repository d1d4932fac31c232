using Kumoi.Agent.Leases;
using Kumoi.Api;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Instances;

/// <summary>What stands between a guest and its record, as far as it follows from what is seen of the guest.</summary>
internal static class GuestConditions
{
    /// <param name="settled">All that the record says has been done.</param>
    /// <param name="volume">Why a volume is not ready; null if nothing is known of that.</param>
    public static IEnumerable<Condition> Of(DesiredInstance record, ObservedGuest seen, GuestMemory memory, bool settled, Func<string, Condition?> volume, DateTimeOffset now)
    {
        if (record is { Movable: true, Desired: "running" } && seen.Lease == LeaseState.Over)
            yield return new Condition("Instance", "lease-lost", "No server has answered this host in time, so the instance may be started elsewhere and must not run here. It is started when a server answers and still wants it here.", now, null);
        if (record.Storage != seen.Storage)
            yield return new Condition("Instance", "storage-elsewhere", $"The instance's disk is on {Words(record.Storage)}, and this host keeps disks on {Words(seen.Storage)}: nothing is done to it here.", now, null);
        if (seen.Process?.State == RunState.DiskError)
            yield return new Condition("Instance", "disk-error", "The guest is held: the host could not store what it wrote (its disk is full or failing).", now, seen.NotBefore);
        if (seen.Process?.State == RunState.Unknown)
            yield return new Condition("Instance", "not-answering", "The guest's process does not answer the agent.", now, null);
        foreach (var (card, since) in memory.UnansweredCards(seen.Process, now))
            yield return new Condition("Interface", "card-not-released", $"The guest does not give back the network card of {card}: its system may still be starting, or have no hot-plugging of PCI Express. It is asked again; the card is not there after the instance's next start.", since, null);
        foreach (var (id, since) in memory.UnansweredDrives(seen.Process, now))
            yield return new Condition("Volume", "disk-not-released", $"The guest does not give back the disk of {id}: its system may still be starting, or have no hot-plugging of PCI Express. It is asked again; the disk is not there after the instance's next start.", since, null);
        if (!settled && record is { RootVolume: true, Desired: "running" } && seen.Process is null && !GuestDrives.HasRoot(seen.Volumes))
            yield return new Condition("Instance", "no-root-volume", "The instance has no volume to start from: attach one in slot 0.", now, null);
        if (!settled && record.Desired == "running")
            foreach (var id in seen.Volumes.NotReady.Where(id => !Has(seen.Process, id)).Order(StringComparer.Ordinal))
                // One that is just being made needs no words.
                if (volume(id) is { } why) yield return new Condition("Volume", "volume-not-ready", $"The volume {id} is not ready: {why.Message}", now, null);
        if (seen.Process is { State: RunState.Running } running && !GuestCds.IsAsRecorded(seen.Cd, running))
        {
            if (running.Cd is null)
                yield return new Condition("Cd", "no-cd-drive", "The guest was started by a version without CD drives; the CD is in its drive after the instance's next stop and start.", now, null);
            else if (seen.Cd.AskedAt is { } asked && asked + GuestCds.TellAfter <= now)
                yield return new Condition("Cd", "cd-not-released", "The guest keeps the tray of its CD drive closed: it was asked to open it, and soon it is opened by force. Unmount the CD in the guest.", asked, asked + GuestCds.ForceAfter);
        }
        if (seen.Process is null && seen.NotBefore > now && record.Desired == "running")
            yield return new Condition("Instance", "process-lost", "The guest's process ended repeatedly; it is started again after a wait.", now, seen.NotBefore);
    }

    private static bool Has(GuestProcess? process, string volume) => process?.Drives?.Any(drive => drive.Id == volume && drive.Device) == true;

    private static string Words(string? storage) => storage is null ? "storage of its host's own" : $"the shared storage {storage}";
}
