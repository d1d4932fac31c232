using FsCheck;
using FsCheck.Fluent;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

public sealed class VolumePlannerTests
{
    private static readonly DesiredVolume Wanted = new("vol-19a3f2b4c5d6e0001", "st-19a3f2b4c5d6e7f80", 3, 2, VolumeDesire.Present, 10);
    private static readonly VolumeSight Nothing = new(false, null, 0, false, false, 0), Whole = new(true, 10 * VolumeSizes.Gib, 4096, false, false, 0);

    [Fact]
    public void A_volume_is_made_grows_and_is_removed_as_its_record_says()
    {
        Do(VolumeStep.Make, Wanted, Nothing);
        Do(VolumeStep.Make, Wanted, Nothing with { Traces = true });
        Settled(Wanted, Whole);
        Settled(Wanted with { SizeGib = 9 }, Whole);
        Do(VolumeStep.Grow, Wanted with { SizeGib = 11 }, Whole);
        Do(VolumeStep.Remove, Wanted with { Desired = VolumeDesire.Deleted }, Whole);
        Do(VolumeStep.Remove, Wanted with { Desired = VolumeDesire.Deleted }, Nothing with { Traces = true });
        Settled(Wanted with { Desired = VolumeDesire.Deleted }, Nothing);
        Wait(Wanted with { Desired = "archived" }, Whole);
    }

    [Fact]
    public void What_a_process_has_open_is_neither_removed_nor_grown_under_it()
    {
        Wait(Wanted with { SizeGib = 11 }, Whole with { InUse = true });
        Wait(Wanted with { SizeGib = 11, InstanceId = "i-1" }, Whole with { InUse = true });
        Wait(Wanted with { Desired = VolumeDesire.Deleted }, Whole with { InUse = true });
        Settled(Wanted, Whole with { InUse = true, IsGiven = true });
        Do(VolumeStep.TakeBack, Wanted, Whole with { IsGiven = true });
        Settled(Wanted with { InstanceId = "i-1" }, Whole with { IsGiven = true });
    }

    [Fact]
    public void Nothing_is_done_to_what_another_host_was_granted_since()
    {
        foreach (var desired in new[] { VolumeDesire.Present, VolumeDesire.Deleted })
            foreach (var seen in new[] { Nothing, Whole })
                Wait(Wanted with { Desired = desired, SizeGib = 20 }, seen with { Granted = 3 });
        Settled(Wanted, Whole with { Granted = 2 });
    }

    [Fact]
    public void One_that_was_lost_is_not_made_anew()
    {
        Wait(Wanted with { Made = true }, Nothing);
        Wait(Wanted with { Made = true }, Nothing with { Traces = true });
        Settled(Wanted with { Made = true, Desired = VolumeDesire.Deleted }, Nothing);
    }

    [Fact]
    public void The_image_is_fetched_only_for_a_guest()
    {
        Assert.Equal(VolumePlan.Do(VolumeStep.Make), VolumePlanner.Plan(Wanted with { ImageId = "img-1" }, Nothing, false));
        Assert.Equal(VolumePlan.Nothing, VolumePlanner.Plan(Wanted with { ImageId = "img-1" }, Whole, false));
        Assert.Equal(VolumePlan.Do(VolumeStep.FetchImage), VolumePlanner.Plan(Wanted with { ImageId = "img-1", InstanceId = "i-1" }, Whole, false));
    }

    /// <summary>Goal: from any state, following the plan ends in what the record says, wherever a step is cut off, and destroys nothing unasked. Method: a model of the place takes the steps by halves.</summary>
    [Fact]
    public void Settles_in_what_the_record_says_wherever_it_is_cut_off()
    {
        var models =
            from desired in Gen.Elements(VolumeDesire.Present, VolumeDesire.Deleted)
            from wanted in Gen.Choose(1, 4)
            from there in Gen.Choose(0, 4)
            from traces in Gen.Elements(true, false)
            from attached in Gen.Elements(true, false)
            from given in Gen.Elements(true, false)
            from uses in Gen.Choose(0, 3)
            from image in Gen.Elements(true, false)
            from luck in Gen.Choose(0, 3).ArrayOf()
            select (Record: Wanted with { Desired = desired, SizeGib = wanted, InstanceId = attached ? "i-1" : null, ImageId = image ? "img-1" : null }, There: there, Traces: traces || there > 0, Given: given && there > 0, Uses: there > 0 ? uses : 0, Luck: luck);
        FsCheck.Fluent.Prop.ForAll(models.ToArbitrary(), model =>
        {
            var (record, size, traces, given, uses, imageReady) = (model.Record, model.There, model.Traces, model.Given, model.Uses, false);
            var luck = new Queue<int>(model.Luck);
            for (var round = 0; round < 100; round++)
            {
                var seen = new VolumeSight(traces, size > 0 ? size * VolumeSizes.Gib : null, 0, uses > 0, given, 0);
                var plan = VolumePlanner.Plan(record, seen, record.ImageId is null || imageReady);
                if (plan.Settled) return record.Desired == VolumeDesire.Deleted ? !traces && size == 0 : size >= record.SizeGib && size >= model.There && !(given && record.InstanceId is null && uses == 0);
                if (plan.Step is VolumeStep.Remove or VolumeStep.Grow && uses > 0) return false;
                if (plan.Step is VolumeStep.Remove && record.Desired != VolumeDesire.Deleted) return false;
                var cut = luck.TryDequeue(out var drawn) && drawn == 0;
                switch (plan.Step)
                {
                    // A guest lets go, or lets its disk grow, some time.
                    case null: uses--; break;
                    case VolumeStep.Make: (traces, size) = (true, cut ? size : record.SizeGib); break;
                    case VolumeStep.Grow: size = cut ? size : record.SizeGib; break;
                    case VolumeStep.TakeBack: given = cut; break;
                    case VolumeStep.FetchImage: imageReady = !cut; break;
                    case VolumeStep.Remove: (size, traces, given) = (0, cut, false); break;
                    default: return false;
                }
            }
            return false;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Snapshots_are_taken_before_it_is_put_back_and_tidied_when_nothing_else_is_left()
    {
        var present = new DesiredSnapshot("snap-1", VolumeDesire.Present);
        SnapshotsSight Sight(bool taken, bool prepared) => SnapshotsSight.None with { Taken = taken ? [new ObservedSnapshot("snap-1", default, "crash", 0)] : [], Prepared = prepared ? ["snap-1"] : [] };
        var wanted = Wanted with { Snapshots = [present], Restore = new SnapshotRestore("snap-1", 2) };
        Do(VolumeStep.Prepare, wanted, Whole);
        Do(VolumeStep.Prepare, wanted with { SizeGib = 11 }, Whole with { InUse = true });
        Do(VolumeStep.Take, wanted, Whole with { InUse = true, Snapshots = Sight(false, true) });
        Do(VolumeStep.Tidy, wanted, Whole with { Snapshots = Sight(false, true) });
        Do(VolumeStep.Restore, wanted, Whole with { Snapshots = Sight(true, false) });
        Wait(wanted, Whole with { InUse = true, Snapshots = Sight(true, false) });
        // One that is given to the stopped instance of another host is taken from that for as long.
        var given = wanted with { Export = new VolumeExport(VolumeProtocols.Nbd, "i-1", 1, "00") };
        Do(VolumeStep.EndExport, given, Whole with { InUse = true, Snapshots = Sight(true, false), Export = new ExportSight("i-1", 1, 10_809) });
        Do(VolumeStep.Restore, given, Whole with { Snapshots = Sight(true, false) });
        Do(VolumeStep.Export, given, Whole with { Snapshots = Sight(true, false) with { Restored = 2 } });
        Settled(wanted, Whole with { Snapshots = Sight(true, false) with { Restored = 2 } });
        // What is not the record's matter goes on beside it.
        Assert.Equal(new VolumePlan(VolumeStep.Tidy, true), VolumePlanner.Plan(wanted, Whole with { InUse = true, Snapshots = Sight(true, false) with { Restored = 2, Untidy = true } }, true));
        Settled(Wanted, Whole with { Snapshots = Sight(true, false) });
        Do(VolumeStep.Forget, Wanted with { Snapshots = [present with { Desired = VolumeDesire.Deleted }] }, Whole with { Snapshots = Sight(true, false) });
        // One that was there is not taken anew, and its loss keeps nobody from the volume.
        Settled(Wanted with { Snapshots = [present with { Taken = true }] }, Whole);
        // What cannot be told from one another is left.
        Wait(wanted, Whole with { Snapshots = SnapshotsSight.None with { Refused = true } });
        var deleted = Wanted with { Desired = VolumeDesire.Deleted, Snapshots = [present] };
        Do(VolumeStep.Remove, deleted, Whole with { Snapshots = Sight(true, false) });
        // What was asked for before it was deleted comes first, and is not taken of one that was lost.
        Do(VolumeStep.Prepare, deleted, Whole);
        Wait(deleted, Whole with { InUse = true });
        Do(VolumeStep.Remove, deleted, Nothing with { Traces = true });
        Settled(deleted, Nothing with { Traces = true, Snapshots = Sight(true, false) });
        // Also one that no record names.
        Settled(deleted with { Snapshots = null }, Nothing with { Traces = true, Snapshots = Sight(true, false) });
        Do(VolumeStep.Remove, deleted with { Snapshots = null }, Nothing with { Traces = true });
        Do(VolumeStep.Copy, Wanted with { Source = new SnapshotSource("vol-2", "snap-2") }, Nothing);
        Wait(Wanted with { Source = new SnapshotSource("vol-2", "snap-2") }, Nothing with { Traces = true, Snapshots = SnapshotsSight.None with { Work = new VolumeWork(VolumeWorks.Copy, 0, 1, default) } });
    }

    private static void Do(VolumeStep step, DesiredVolume desired, VolumeSight seen) => Assert.Equal(VolumePlan.Do(step), VolumePlanner.Plan(desired, seen, true));

    private static void Settled(DesiredVolume desired, VolumeSight seen) => Assert.Equal(VolumePlan.Nothing, VolumePlanner.Plan(desired, seen, true));

    private static void Wait(DesiredVolume desired, VolumeSight seen) => Assert.Equal(VolumePlan.Wait, VolumePlanner.Plan(desired, seen, true));
}
