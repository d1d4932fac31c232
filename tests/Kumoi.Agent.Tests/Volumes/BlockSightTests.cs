using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>What disks mean, at each point at which an agent may have been killed.</summary>
public sealed class BlockSightTests
{
    private const string Volume = "vol-19a3f2b4c5d6e0001", One = "snap-19a3f2b4c5d6e0001", Two = "snap-19a3f2b4c5d6e0002", Note = "1700000000000.crash";

    private static BlockDisk Disk(string name, string[] points, params (string Key, string Value)[] marks) =>
        new(name, 1 << 30, 7, false, DateTimeOffset.UnixEpoch, marks.ToDictionary(mark => mark.Key, mark => mark.Value), [.. points.Select(point => new BlockPoint(point, 1 << 30, 3))]);

    private static BlockSight See(params BlockDisk[] disks) => new(Volume, disks);

    [Fact]
    public void A_disk_without_a_mark_is_nothing_and_goes()
    {
        var sight = See(Disk(Volume + ".0", []));
        Assert.Null(sight.Head);
        Assert.True(sight.IsUntidy && sight.HasTraces);
        Assert.Equal(Volume + ".1", sight.FreeName());
    }

    [Fact]
    public void The_highest_head_is_the_volume_and_one_that_is_gone_leaves_none()
    {
        var (old, last) = (Disk(Volume + ".0", [One], ("head", "0"), ("s." + One, Note)), Disk(Volume + ".1", [], ("head", "3")));
        var sight = See(last, old, Disk(Volume + ".2", []));
        Assert.Equal((Volume + ".1", 3L), (sight.Head!.Name, sight.Restored));
        Assert.Equal([Volume + ".2"], sight.Unneeded.Select(disk => disk.Name));
        Assert.Equal(new ObservedSnapshot(One, DateTimeOffset.FromUnixTimeMilliseconds(1700000000000), SnapshotConsistency.Crash, 3), Assert.Single(sight.Taken).Snapshot);
        // It was removed: none of before takes its place, and what is kept is the snapshot's disk.
        var removed = See(old with { Marks = new Dictionary<string, string>(old.Marks) { ["gone"] = "1" } }, last with { Marks = new Dictionary<string, string> { ["head"] = "3", ["gone"] = "1" } });
        Assert.Null(removed.Head);
        Assert.Equal([Volume + ".1"], removed.Unneeded.Select(disk => disk.Name));
        // Killed when only the lower one was marked, the volume is still there.
        Assert.Equal(Volume + ".1", See(old with { Marks = new Dictionary<string, string>(old.Marks) { ["gone"] = "1" } }, last).Head!.Name);
    }

    [Fact]
    public void A_snapshot_is_a_point_with_its_mark_and_nothing_less()
    {
        var sight = See(Disk(Volume + ".0", [Two], ("head", "0"), ("s." + One, Note)));
        Assert.Empty(sight.Taken);
        Assert.Equal(Two, Assert.Single(sight.LoosePoints).Point.Name);
        Assert.Empty(See(Disk(Volume + ".0", [One], ("head", "0"), ("s." + One, "x.crash"))).Taken);
        Assert.Empty(See(Disk(Volume + ".0", [One], ("head", "0"), ("s." + One, "9223372036854775807.crash"))).Taken);
    }

    [Fact]
    public void What_is_to_be_taken_keeps_its_point_until_it_is_known_of_which_moment_that_is()
    {
        var pending = See(Disk(Volume + ".0", [One], ("head", "0"), ("p." + One, "1"), ("p." + Two, "1")));
        Assert.Equal([One, Two], pending.Pending);
        Assert.Empty(pending.LoosePoints);
        Assert.False(pending.IsUntidy);
        var settled = See(Disk(Volume + ".0", [One], ("head", "0"), ("p." + One, "1"), ("s." + One, Note)));
        Assert.Empty(settled.Pending);
        Assert.Equal([One], settled.Settled);
        Assert.True(settled.IsUntidy);
    }

    [Fact]
    public void A_number_is_not_used_again_while_what_had_it_is_there() =>
        Assert.Equal(Volume + ".5", See(Disk(Volume + ".1", [], ("head", "0")), Disk("trash-" + Volume + ".4", [])).FreeName());
}
