using FsCheck;
using FsCheck.Fluent;
using Kumoi.Agent.Leases;
using Kumoi.Agent.Tests.Fakes;
using Xunit;

namespace Kumoi.Agent.Tests.Leases;

/// <summary>
/// Goal: whatever reports are answered, lost or late, whenever the agent is killed, the lease never runs on the host when it has ended for
/// the servers. Method: a random history of a host and its servers; the servers count from when a report reached them.
/// </summary>
public sealed class LeaseProperties
{
    private const string Boot = "boot-1";

    [Fact]
    public void It_never_outlasts_what_the_servers_count() => Check(history =>
    {
        var (lease, now, recorded) = (Lease.None(Boot), TimeSpan.Zero, TimeSpan.Zero);
        foreach (var one in history)
        {
            var sentAt = now;
            now += TimeSpan.FromSeconds(one.There);
            // Servers whose setting was shortened stand by what they gave before.
            if (one.Kind != Kind.Lost && one.Kind != Kind.DatabaseAway) recorded = Max(recorded, now + TimeSpan.FromSeconds(one.Length));
            now += TimeSpan.FromSeconds(one.Back);
            // Servers that have been without their database give every host as long again, from its return.
            if (one.Kind == Kind.DatabaseAway && !lease.IsOver(now)) recorded = Max(recorded, now + lease.Length);
            lease = one.Kind switch
            {
                Kind.Answered => lease.Renewed(sentAt, TimeSpan.FromSeconds(one.Length)),
                Kind.DatabaseAway => lease.Extended(sentAt, now),
                Kind.Restarted => Lease.Resumed(lease, Boot, now).Renewed(sentAt, TimeSpan.FromSeconds(one.Length)),
                _ => lease,
            };
            if (lease.EndsAt > recorded && !lease.IsOver(now)) return false;
            now += TimeSpan.FromSeconds(one.Pause);
        }
        return true;
    });

    [Fact]
    public void It_never_goes_back_to_an_older_report() => Check(history =>
    {
        var lease = Lease.None(Boot);
        foreach (var one in history)
        {
            var next = lease.Renewed(TimeSpan.FromSeconds(one.Pause * 7), TimeSpan.FromSeconds(one.Length));
            if (next.From < lease.From) return false;
            lease = next;
        }
        return true;
    });

    [Fact]
    public void Once_over_only_an_answer_gives_it_back()
    {
        var lease = Lease.None(Boot).Renewed(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60));
        Assert.False(lease.IsOver(TimeSpan.FromSeconds(69.999)));
        Assert.True(lease.IsOver(TimeSpan.FromSeconds(70)));
        Assert.Equal(lease, lease.Extended(TimeSpan.FromSeconds(69), TimeSpan.FromSeconds(70)));
        Assert.Equal(TimeSpan.FromSeconds(129), lease.Extended(TimeSpan.FromSeconds(69), TimeSpan.FromSeconds(69.5)).EndsAt);
        Assert.False(lease.Renewed(TimeSpan.FromSeconds(80), TimeSpan.FromSeconds(60)).IsOver(TimeSpan.FromSeconds(81)));
    }

    [Fact]
    public void One_that_was_kept_counts_only_in_its_boot_and_not_from_the_future()
    {
        var lease = new Lease(Boot, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60));
        Assert.Equal(lease, Lease.Resumed(lease, Boot, TimeSpan.FromSeconds(20)));
        foreach (var none in new[] { Lease.Resumed(null, Boot, TimeSpan.FromSeconds(20)), Lease.Resumed(lease, "boot-2", TimeSpan.FromSeconds(20)), Lease.Resumed(lease, Boot, TimeSpan.FromSeconds(5)) })
            Assert.True(none.IsOver(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task Files_give_back_what_was_kept_and_damage_is_nothing()
    {
        await using var machine = new Machine("simulated");
        var files = new HostRecordFiles(machine.State);
        Assert.Null(files.LoadLease());
        Assert.Empty(files.LoadPlacements());
        var lease = new Lease(Boot, TimeSpan.FromTicks(123_456_789), TimeSpan.FromSeconds(60));
        files.SaveLease(lease);
        var placement = Placement.Of(Samples.Instance(1, "running") with { Movable = true }, null, _ => true) with { Leaving = [new PlacedPort("eni-1", "net-1")] };
        files.SavePlacements([placement]);
        Assert.Equal(lease, new HostRecordFiles(machine.State).LoadLease());
        Assert.Equal([placement], new HostRecordFiles(machine.State).LoadPlacements());
        foreach (var file in new[] { "lease", "placements" }) await File.WriteAllTextAsync(Path.Combine(machine.State, file), "{");
        Assert.Null(files.LoadLease());
        Assert.Empty(files.LoadPlacements());
    }

    private enum Kind
    {
        Answered,

        /// <summary>It never arrived.</summary>
        Lost,

        /// <summary>It was recorded, and the answer never came.</summary>
        Unanswered,

        DatabaseAway,

        /// <summary>The agent was killed and started again before the answer came.</summary>
        Restarted,
    }

    private sealed record Report(Kind Kind, int There, int Back, int Pause, int Length);

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private static void Check(Func<Report[], bool> holds)
    {
        var reports =
            from kind in Gen.Elements(Enum.GetValues<Kind>())
            from there in Gen.Choose(0, 40)
            from back in Gen.Choose(0, 40)
            from pause in Gen.Choose(0, 90)
            from length in Gen.Choose(1, 120)
            select new Report(kind, there, back, pause, length);
        Prop.ForAll(reports.ArrayOf().ToArbitrary(), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }
}
