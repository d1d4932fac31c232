using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: what hosts tell of snapshots and of work is believed as far as it can be true, whatever they say.</summary>
public sealed class SnapshotReportTests
{
    private static ObservedSnapshot There(Snapshot snapshot, DateTimeOffset at, long used = 1, string consistency = "crash") => new(snapshot.Id, at, consistency, used);

    [Fact]
    public async Task A_moment_is_told_once_and_lies_between_asking_and_now()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var (early, late, odd) = (await scene.TakeAsync("data", "early"), await scene.TakeAsync("data", "late"), await scene.TakeAsync("data", "odd"));
        var told = await scene.ToldAsync(early.Volume.Id);
        var sight = FakeHost.Obeyed(told);
        var abroad = new DateTimeOffset(DateTimeOffset.UtcNow.AddDays(1).DateTime, TimeSpan.FromHours(9));
        await scene.Host.ReportVolumesAsync(sight with { Snapshots = [There(early, DateTimeOffset.MinValue, -5), There(late, abroad, long.MaxValue, "filesystem"), There(odd, DateTimeOffset.MaxValue, 1, "perfect")] });
        var (first, second, third) = (await scene.SnapshotAsync("early"), await scene.SnapshotAsync("late"), await scene.SnapshotAsync("odd"));
        Assert.Equal((early.CreatedAt, 0L, "crash"), (first.TakenAt!.Value, first.UsedBytes, first.Consistency));
        Assert.InRange(second.TakenAt!.Value, late.CreatedAt, DateTimeOffset.UtcNow);
        Assert.Equal((1L << 50, "filesystem", "crash"), (second.UsedBytes, second.Consistency, third.Consistency));
        await scene.Host.ReportVolumesAsync(sight with { Snapshots = [There(early, DateTimeOffset.UtcNow, 7, "filesystem")] });
        var again = await scene.SnapshotAsync("early");
        Assert.Equal((first.TakenAt, "crash", 7L), (again.TakenAt, again.Consistency, again.UsedBytes));
        Assert.Single(await scene.ActionsAsync(early.Id), action => action == "snapshot.taken");
    }

    [Fact]
    public async Task One_that_is_to_stay_stays_whatever_is_not_found_and_nobody_answers_for_another_host()
    {
        await using var scene = await SnapshotScene.StartAsync("data", "other");
        using var hostile = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        var snapshot = await scene.TakeAsync("data", "s");
        var asked = FakeHost.Obeyed(await scene.ToldAsync(snapshot.Volume.Id));
        var others = FakeHost.Obeyed(await scene.ToldAsync((await scene.VolumeAsync("other")).Id));
        // Another host, another placement, another volume, and a report of before.
        await hostile.ReportVolumesAsync(asked with { Snapshots = [There(snapshot, DateTimeOffset.UtcNow)] });
        await scene.Host.ReportVolumesAsync(asked with { Incarnation = 2 }, others with { Snapshots = [There(snapshot, DateTimeOffset.UtcNow), new("snap-00000000000000001", DateTimeOffset.UtcNow, "crash", 1), new("x", DateTimeOffset.UtcNow, "crash", 1)] });
        Assert.Equal("creating", (await scene.SnapshotAsync("s")).State);
        await scene.Host.ReportVolumesAsync(asked);
        await scene.Host.ReportVolumesAsync(asked with { Snapshots = [], Conditions = [new Condition("Volume", "snapshot-missing", $"The snapshot {snapshot.Id} is gone.", DateTimeOffset.UtcNow, null), new Condition("Volume", "disk-full", "No room.", DateTimeOffset.UtcNow, null)] });
        var stays = await scene.SnapshotAsync("s");
        Assert.Equal(("available", "snapshot-missing"), (stays.State, Assert.Single(stays.Conditions).Reason));
        await scene.DeleteAsync("/snapshots/s");
        // It does not know of that yet, or does not say, or is another.
        await scene.Host.ReportVolumesAsync(asked with { Snapshots = [] });
        var told = FakeHost.Obeyed(await scene.ToldAsync(snapshot.Volume.Id));
        await scene.Host.ReportVolumesAsync(told with { Snapshots = null });
        await hostile.ReportVolumesAsync(told);
        Assert.Equal("deleting", (await scene.SnapshotAsync("s")).State);
        await scene.Host.ReportVolumesAsync(told);
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/snapshots/s")).Code);
        await scene.Host.ReportVolumesAsync(told);
        Assert.Equal(0, (await scene.VolumeAsync("data")).Snapshots);
    }

    [Fact]
    public async Task Work_is_told_when_it_begins_now_and_then_and_when_it_ends()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var sight = FakeHost.Obeyed(await scene.ToldAsync((await scene.VolumeAsync("data")).Id));
        var since = DateTimeOffset.UtcNow.AddMinutes(-1);
        await scene.Host.ReportVolumesAsync(sight with { Work = new VolumeWork("copy", 0, 100, since) });
        Assert.Equal(("copy", 0L, 100L), (await scene.VolumeAsync("data")).Work is { } begun ? (begun.Kind, begun.DoneBytes, begun.TotalBytes) : default);
        // A step of the same work so soon is not written.
        await scene.Host.ReportVolumesAsync(sight with { Work = new VolumeWork("copy", 1, 100, since), UsedBytes = 200_000 });
        Assert.Equal(0, (await scene.VolumeAsync("data")).Work!.DoneBytes);
        await scene.ExecuteAsync("UPDATE volumes SET work_at = now() - interval '6 seconds' WHERE name = 'data'");
        await scene.Host.ReportVolumesAsync(sight with { Work = new VolumeWork("copy", 50, 100, since), UsedBytes = 200_000 });
        Assert.Equal((50L, 200_000L), ((await scene.VolumeAsync("data")).Work!.DoneBytes, (await scene.VolumeAsync("data")).UsedBytes));
        await scene.Host.ReportVolumesAsync(sight with { Work = new VolumeWork("merge", 900, 100, DateTimeOffset.MaxValue) });
        Assert.Equal(("merge", 100L), (await scene.VolumeAsync("data")).Work is { } clamped && clamped.Since <= DateTimeOffset.UtcNow ? (clamped.Kind, clamped.DoneBytes) : default);
        await scene.Host.ReportVolumesAsync(sight with { Work = new VolumeWork("dance", 1, 100, since) });
        Assert.Null((await scene.VolumeAsync("data")).Work);
    }

    [Fact]
    public async Task Doctor_counts_snapshots()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.TakeAsync("data", "s");
        Assert.DoesNotContain("snapshot-counters-wrong", (await scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings.Select(finding => finding.Code));
        await scene.ExecuteAsync("UPDATE volumes SET snapshots = 3");
        Assert.Contains("snapshot-counters-wrong", (await scene.Admin.GetAsync<DoctorReport>("/doctor")).Findings.Select(finding => finding.Code));
    }
}
