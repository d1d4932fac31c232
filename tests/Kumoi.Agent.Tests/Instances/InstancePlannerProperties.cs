using FsCheck;
using FsCheck.Fluent;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Leases;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Instances;

/// <summary>
/// Goal: from whatever is found on the host, following the plan ends in what the record says, though steps fail, are repeated, guests ignore
/// the button or die. Method: a small model of a host takes the planner's steps; a random script says what goes wrong.
/// </summary>
public sealed class InstancePlannerProperties
{
    private static readonly StopLimits Limits = new(TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(20));

    [Fact]
    public void Settles_in_what_the_record_says_whatever_fails() =>
        Check(model =>
        {
            for (var round = 0; round < 200; round++)
            {
                var plan = InstancePlanner.Plan(model.Record, model.Seen(), model.Now, Limits);
                if (plan.Settled) return model.IsAsRecorded();
                if (plan.Steps.Count == 0) model.Pass(plan.LookAgainAt);
                foreach (var step in plan.Steps) model.Take(step, plan);
            }
            return false;
        });

    [Fact]
    public void Nothing_is_destroyed_without_terminated_and_nobody_runs_without_filters() =>
        Check(model =>
        {
            var hadDisk = model.Disk;
            for (var round = 0; round < 200; round++)
            {
                var plan = InstancePlanner.Plan(model.Record, model.Seen(), model.Now, Limits);
                if (plan.Steps.Contains(InstanceStep.Remove) && model.Record.Desired != "terminated") return false;
                if (plan.Steps.Contains(InstanceStep.Resume) && model.Process?.State is RunState.Prepared or RunState.Paused && model.Network != NetworkReadiness.Ready) return false;
                if (plan.Settled) break;
                if (plan.Steps.Count == 0) model.Pass(plan.LookAgainAt);
                foreach (var step in plan.Steps) model.Take(step, plan);
            }
            return model.Record.Desired == "terminated" || !hadDisk || model.Disk;
        });

    [Fact]
    public void A_guest_that_may_move_is_never_begun_without_a_lease_and_always_ended_by_its_end() =>
        Check(model =>
        {
            model.Movable = true;
            for (var round = 0; round < 200; round++)
            {
                model.LeaseDrawn();
                var plan = InstancePlanner.Plan(model.Record, model.Seen(), model.Now, Limits);
                if (model.Lease != LeaseState.Held && model.Record.Desired == "running" && plan.Steps.Any(InstancePlanner.Begins)) return false;
                if (model is { Lease: LeaseState.Over, Process: not null } && !plan.Steps.SequenceEqual([InstanceStep.Kill])) return false;
                if (plan.Settled && model.Lease == LeaseState.Held) return model.IsAsRecorded();
                if (plan.Steps.Count == 0) model.Pass(plan.LookAgainAt);
                foreach (var step in plan.Steps) model.Take(step, plan);
            }
            return false;
        });

    [Fact]
    public void Of_a_former_placement_nothing_is_left_and_of_a_later_one_everything() =>
        Check(model =>
        {
            model.Depart();
            var later = model.Process is { } process && process.Incarnation > model.Record.Incarnation;
            for (var round = 0; round < 200; round++)
            {
                var plan = InstancePlanner.Plan(model.Record, model.Seen(), model.Now, Limits);
                if (plan.Steps.Except([InstanceStep.Kill, InstanceStep.Discard]).Any() || (later && model.Process is not null && plan.Steps.Count > 0)) return false;
                if (plan.Settled) return model.Process is null && !model.Disk && model.Network == NetworkReadiness.Gone;
                if (plan.Steps.Count == 0) model.Pass(plan.LookAgainAt);
                foreach (var step in plan.Steps) model.Take(step, plan);
            }
            return later && model.Process is not null && (model.Disk || model.Record.RootVolume);
        });

    [Fact]
    public void A_settled_guest_stays_settled() =>
        Check(model =>
        {
            var plan = InstancePlanner.Plan(model.Record, model.Seen(), model.Now, Limits);
            return !plan.Settled || (plan.Steps.Count == 0 && InstancePlanner.Plan(model.Record, model.Seen(), model.Now.AddDays(1), Limits).Settled);
        });

    private static void Check(Func<Model, bool> holds)
    {
        var models =
            from desired in Gen.Elements("running", "stopped", "terminated")
            from epoch in Gen.Choose(1, 3)
            from incarnation in Gen.Choose(1, 2)
            from image in Gen.Elements(true, false)
            from disk in Gen.Elements(true, false)
            from network in Gen.Elements(NetworkReadiness.Gone, NetworkReadiness.Pending, NetworkReadiness.Ready)
            from state in Gen.Elements<RunState?>(null, RunState.Prepared, RunState.Running, RunState.Paused, RunState.Shutdown, RunState.Broken, RunState.DiskError)
            from deaf in Gen.Elements(true, false)
            from luck in Gen.Choose(0, 9).ArrayOf()
            from running in Gen.Choose(1, 2)
            from wanted in Gen.Choose(0, 3)
            from cards in Gen.SubListOf<GuestCard>([.. Cards])
            from volumes in Gen.SubListOf<DesiredVolume>([.. Volumes])
            from drives in Gen.SubListOf<GuestDrive>([.. Drives])
            from rooted in Gen.Elements(true, false)
            from slow in Gen.SubListOf<string>([.. Volumes.Select(volume => volume.Id)])
            from cd in Gen.Elements<string?>(null, "img-1", "img-2")
            from medium in Gen.Elements<GuestCd?>(null, new(null, false, false), new("img-1", false, true), new("img-1", true, false), new("img-2", true, false), new(null, true, false), new("", false, false))
            select new Model(
                Samples.Instance(1, desired) with { BootEpoch = epoch, Incarnation = incarnation, RootVolume = rooted, CdImageId = medium is null ? null : cd, Interfaces = [.. Enumerable.Range(0, wanted).Select(Interface)] },
                image, disk && !rooted, network, state, deaf, luck, running, [.. cards.DistinctBy(card => card.Id == "nic0" ? "eni-1" : card.Id)],
                [.. volumes.Prepend(Root).Where(volume => rooted || volume != Root).Select(volume => new DriveIntent(volume, null))],
                // A guest has what it starts from from its start.
                [.. drives.DistinctBy(drive => drive.Id).Concat(rooted ? [new GuestDrive(Root.Id, true, true, 4 * VolumeSizes.Gib, null)] : [])], [.. slow.Intersect(volumes.Select(volume => volume.Id))], medium);
        FsCheck.Fluent.Prop.ForAll(models.ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    private static DesiredInterface Interface(int index) => Samples.Instance(1, "running").Interfaces[0] with { Id = $"eni-{index + 1:x}", Index = index };

    /// <summary>Whole and half cards of interfaces that the record may have, of some that it never has, and one with a name by an earlier version.</summary>
    private static IReadOnlyList<GuestCard> Cards { get; } =
        [.. from id in new[] { "eni-1", "eni-2", "eni-3", "eni-a", "nic0" } from parts in new[] { (true, true), (false, true), (true, false) } select new GuestCard(id, parts.Item1, parts.Item2)];

    private static IReadOnlyList<DesiredVolume> Volumes { get; } =
        [.. new[] { 1, 2 }.Select(slot => new DesiredVolume($"vol-{slot}", "st-1", 1, 1, VolumeDesire.Present, slot, null, "i-1", slot, slot == 1 ? null : new VolumeLimits(100, null)))];

    private static DesiredVolume Root { get; } = new("vol-9", "st-1", 1, 1, VolumeDesire.Present, 4, null, "i-1", 0);

    /// <summary>Whole and half drives of volumes that the record may have, too small ones, and of one that it never has.</summary>
    private static IReadOnlyList<GuestDrive> Drives { get; } =
        [.. from id in new[] { "vol-1", "vol-2", "vol-a" } from device in new[] { true, false } from size in new[] { 1, 2 } select new GuestDrive(id, device, true, device ? size * VolumeSizes.Gib : 0, null)];

    private sealed class Model
    {
        private readonly bool _deaf;
        private readonly Queue<int> _luck;
        private readonly IReadOnlyList<DriveIntent> _volumes;
        private readonly HashSet<string> _notReady;
        private DateTimeOffset? _stopAskedAt, _buttonPressedAt;
        private bool _image, _cdFetched;
        private DateTimeOffset? _cdAskedAt;
        private bool _cdSeen;
        private readonly Dictionary<string, DateTimeOffset> _asked = [];

        public Model(DesiredInstance record, bool image, bool disk, NetworkReadiness network, RunState? state, bool deaf, int[] luck, int running, IReadOnlyList<GuestCard> cards, IReadOnlyList<DriveIntent> volumes,
            IReadOnlyList<GuestDrive> drives, HashSet<string> notReady, GuestCd? medium)
        {
            (Record, _image, Disk, Network, _deaf, _luck, _volumes, _notReady) = (record, image, disk || (state is not null && !record.RootVolume), network, deaf, new Queue<int>(luck), volumes, notReady);
            Process = state is null ? null : new GuestProcess(running, 1, state.Value, Now, cards, drives) { Cd = medium };
        }

        public DesiredInstance Record { get; private set; }

        public LeaseState Lease { get; private set; } = LeaseState.Held;

        public bool Movable
        {
            set => Record = Record with { Movable = value };
        }

        /// <summary>The lease as chance has it, for as long as the script lasts; held after that.</summary>
        public void LeaseDrawn() => Lease = _luck.TryDequeue(out var drawn) ? drawn < 3 ? LeaseState.Over : drawn < 6 ? LeaseState.Unconfirmed : LeaseState.Held : LeaseState.Held;

        public void Depart() => Record = Record with { Desired = Departures.Departed };

        public DateTimeOffset Now { get; private set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public bool Disk { get; private set; }

        public NetworkReadiness Network { get; private set; }

        public GuestProcess? Process { get; private set; }

        public ObservedGuest Seen()
        {
            _cdSeen |= Process?.Cd is { TrayOpen: false } cd && cd.ImageId == Record.CdImageId;
            return See();
        }

        private ObservedGuest See() => new(_image, new GuestSight(Disk, Disk || Process is not null, false, Process), Network, _stopAskedAt, _buttonPressedAt, null, Lease, Record.Desired == Departures.Departed ? Record.Incarnation : 0, null, _asked, new GuestVolumes(_volumes, _notReady, _asked))
        {
            Cd = new CdIntent(Record.CdImageId is { } id ? Samples.ImageOf("", 0, 0) with { Id = id } : null, Record.CdImageId is null || _cdFetched, _cdAskedAt, _cdSeen),
        };

        public bool IsAsRecorded() => Record.Desired switch
        {
            "terminated" => Process is null && !Disk && Network == NetworkReadiness.Gone,
            "stopped" => Process is null,
            _ => Process is { State: RunState.Running or RunState.Shutdown } && Process.BootEpoch >= Record.BootEpoch && Process.Incarnation >= Record.Incarnation && Network == NetworkReadiness.Ready
                && (Process.State == RunState.Shutdown || (HasItsCards() && HasItsDrives() && Process.Cd?.ImageId == Record.CdImageId && Process.Cd?.TrayOpen != true)),
        };

        private bool HasItsCards() => Process!.Cards!.All(card => card is { Device: true, Backend: true }) && Record.Interfaces.Count == Process.Cards!.Count
            && Record.Interfaces.All(wanted => Process.Cards!.Any(card => card.IsOf(wanted)));

        private bool HasItsDrives() => Process!.Drives!.Count == _volumes.Count
            && _volumes.All(wanted => Process.Drives!.Any(drive => drive.Id == wanted.Volume.Id && drive.Device && drive.SizeBytes >= wanted.Volume.SizeGib * VolumeSizes.Gib && drive.Limits == wanted.Volume.Limits));

        /// <summary>Time passes, and the other reconcilers do their part.</summary>
        public void Pass(DateTimeOffset? until)
        {
            Now = until ?? Now.AddSeconds(1);
            _notReady.Clear();
            Network = !Record.Leaves() ? NetworkReadiness.Ready : Process is null ? NetworkReadiness.Gone : Network;
        }

        /// <summary>One step, which may fail, be done twice, or be followed by the death of the process.</summary>
        public void Take(InstanceStep step, InstancePlan plan)
        {
            var luck = _luck.TryDequeue(out var drawn) ? drawn : 9;
            if (luck == 0) return;
            Do(step, plan);
            if (luck == 1 && step is not InstanceStep.Resume and not InstanceStep.Start) Do(step, plan);
            if (luck == 2) Process = null;
            Now = Now.AddMilliseconds(100);
        }

        private void Do(InstanceStep step, InstancePlan plan)
        {
            switch (step)
            {
                case InstanceStep.FetchImage: _image = true; break;
                case InstanceStep.MakeDisk:
                    Assert.False(Record.RootVolume);
                    Disk = true;
                    break;
                case InstanceStep.Start:
                    Process = new GuestProcess(
                        Record.Incarnation, Record.BootEpoch, RunState.Prepared, Now, [.. Record.Interfaces.Select(wanted => new GuestCard(wanted.Id, true, true))],
                        [.. _volumes.Select(Whole)]) { Cd = new GuestCd(Record.CdImageId, false, false) };
                    (_stopAskedAt, _buttonPressedAt, _cdSeen) = (null, null, false);
                    _asked.Clear();
                    break;
                case InstanceStep.Resume: Process = Process! with { State = RunState.Running }; break;
                case InstanceStep.PressPowerButton:
                    _stopAskedAt ??= Now;
                    _buttonPressedAt = Now;
                    if (!_deaf && Process is not null) Process = Process with { State = RunState.Shutdown };
                    break;
                case InstanceStep.Kill: Process = null; break;
                case InstanceStep.Remove or InstanceStep.Discard: Disk = false; break;
                case InstanceStep.Plug: foreach (var card in plan.Cards) Plug(card); break;
                case InstanceStep.Unplug: foreach (var card in plan.Cards) Unplug(card); break;
                case InstanceStep.PlugDrives or InstanceStep.AdjustDrives: foreach (var id in plan.Drives) PlugDrive(id); break;
                case InstanceStep.FetchCd: _cdFetched = true; break;
                case InstanceStep.ChangeCd or InstanceStep.ForceCd: ChangeCd(step == InstanceStep.ForceCd); break;
                case InstanceStep.UnplugDrives: foreach (var id in plan.Drives) UnplugDrive(id); break;
                default: throw new InvalidOperationException();
            }
        }

        /// <summary>Cut off in the middle, only the first part of it is there.</summary>
        private void Plug(string id) => Change(id, _ => new GuestCard(id, !_luck.TryDequeue(out var drawn) || drawn > 2, true));

        /// <summary>What is asked for may be given back at once, or not before it is asked for again; the backend goes after that.</summary>
        private void Unplug(string id)
        {
            var asked = _asked.ContainsKey(id);
            _asked[id] = Now;
            Change(id, card => card is not { Device: true } ? null : asked || (_luck.TryDequeue(out var drawn) && drawn > 4) ? card.Backend ? card with { Device = false } : null : card);
        }

        private static GuestDrive Whole(DriveIntent wanted) => new(wanted.Volume.Id, true, true, wanted.Volume.SizeGib * VolumeSizes.Gib, wanted.Volume.Limits);

        /// <summary>Cut off in the middle, only what leads to the volume is there.</summary>
        private void PlugDrive(string id)
        {
            if (Process is not { Drives: { } drives } || _volumes.FirstOrDefault(wanted => wanted.Volume.Id == id) is not { } volume) return;
            var there = drives.Any(drive => drive.Id == id && drive.Device) || !_luck.TryDequeue(out var drawn) || drawn > 2;
            Process = Process with { Drives = [.. drives.Where(drive => drive.Id != id), there ? Whole(volume) : new GuestDrive(id, false, true, 0, null)] };
        }

        private void UnplugDrive(string id)
        {
            if (Process is not { Drives: { } drives }) return;
            var asked = _asked.ContainsKey(id);
            _asked[id] = Now;
            var gone = asked || (_luck.TryDequeue(out var drawn) && drawn > 4);
            Process = Process with { Drives = [.. drives.Select(drive => drive.Id != id ? drive : !drive.Device ? null : gone ? drive with { Device = false } : drive).OfType<GuestDrive>()] };
        }

        /// <summary>A guest that keeps its tray closed may open it when asked; cut off in the middle, the drive is empty and open, or not closed yet.</summary>
        private void ChangeCd(bool force)
        {
            _cdAskedAt ??= Now;
            if (Process is not { Cd: { } cd }) return;
            if (cd.ImageId == Record.CdImageId)
            {
                Process = Process with { Cd = cd with { TrayOpen = false } };
                return;
            }
            if (cd is { Locked: true, TrayOpen: false } && !force)
            {
                if (_luck.TryDequeue(out var opens) && opens > 4) Process = Process with { Cd = cd with { TrayOpen = true } };
                return;
            }
            Process = Process with { Cd = _luck.TryDequeue(out var drawn) && drawn < 3 ? new GuestCd(drawn < 2 ? null : Record.CdImageId, true, false) : new GuestCd(Record.CdImageId, false, false) };
            if (Process.Cd.ImageId == Record.CdImageId) _cdAskedAt = null;
        }

        private void Change(string id, Func<GuestCard?, GuestCard?> change)
        {
            if (Process is null) return;
            var next = change(Process.Cards!.FirstOrDefault(card => card.Id == id));
            Process = Process with { Cards = [.. Process.Cards!.Where(card => card.Id != id), .. next is null ? (GuestCard[])[] : [next]] };
        }
    }
}
