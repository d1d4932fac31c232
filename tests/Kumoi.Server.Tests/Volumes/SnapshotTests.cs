using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: a snapshot is of the moment that its host told, is there as long as its account wants it, and holds what needs it.</summary>
public sealed class SnapshotTests
{
    [Fact]
    public async Task A_snapshot_is_asked_for_taken_renamed_and_deleted()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        var generation = (await scene.VolumeAsync("data")).Generation;
        var asked = await scene.Tenant.PostAsync<Snapshot>("/volumes/data/snapshots", new { name = "monday", description = "before the upgrade" });
        Assert.Equal(("creating", "data", 2, null, null, null, "before the upgrade"), (asked.State, asked.Volume.Name, asked.SizeGib, asked.TakenAt, asked.Consistency, asked.Group, asked.Description));
        var volume = await scene.VolumeAsync("data");
        Assert.Equal((generation + 1, 1), (volume.Generation, volume.Snapshots));
        Assert.Equal("wait-timeout", (await scene.Tenant.FailAsync(408, HttpMethod.Get, "/snapshots/monday?wait=available&timeout=1")).Code);
        Assert.Equal([new DesiredSnapshot(asked.Id, "present")], (await scene.ToldAsync(volume.Id)).Snapshots!);
        await scene.Host.ObeyWithVolumesAsync();
        var taken = await scene.Tenant.GetAsync<Snapshot>("/snapshots/monday?wait=available&timeout=1");
        Assert.Equal(("available", "crash", 4096L), (taken.State, taken.Consistency, taken.UsedBytes));
        Assert.InRange(taken.TakenAt!.Value, taken.CreatedAt, DateTimeOffset.UtcNow);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(taken, await scene.SnapshotAsync("monday") with { Conditions = taken.Conditions, Tags = taken.Tags });
        Assert.True((await scene.ToldAsync(volume.Id)).Snapshots!.Single().Taken);

        Assert.Equal(("tuesday", ""), ((await scene.Tenant.PutAsync<Snapshot>("/snapshots/monday", new { name = "tuesday", description = "" })).Name, (await scene.SnapshotAsync("tuesday")).Description));
        await scene.TakeAsync("data", "wednesday");
        Assert.Equal("name-taken", await scene.CodeAsync(HttpMethod.Put, "/snapshots/tuesday", new { name = "wednesday" }));
        Assert.Equal(["tuesday"], (await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?state=available&volume=data&name=tue")).Items.Select(s => s.Name));
        Assert.Empty((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?volume=other")).Items);
        var first = await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?limit=1");
        Assert.Equal("wednesday", Assert.Single((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?limit=1&cursor=" + first.Next)).Items).Name);

        await scene.DeleteAsync("/snapshots/tuesday");
        await scene.DeleteAsync("/snapshots/tuesday");
        Assert.Equal("deleting", (await scene.SnapshotAsync("tuesday")).State);
        Assert.Equal("being-deleted", await scene.CodeAsync(HttpMethod.Put, "/snapshots/tuesday", new { name = "x" }));
        Assert.Equal("wait-unreachable", await scene.CodeAsync(HttpMethod.Get, "/snapshots/tuesday?wait=available&timeout=1"));
        Assert.Equal(["deleted", "present"], (await scene.ToldAsync(volume.Id)).Snapshots!.Select(s => s.Desired));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Get, "/snapshots/tuesday?wait=deleted&timeout=1")).Code);
        Assert.Equal(1, (await scene.VolumeAsync("data")).Snapshots);
        Assert.Equal(["snapshot.create", "snapshot.delete", "snapshot.deleted", "snapshot.taken", "snapshot.update"], await scene.ActionsAsync(asked.Id));
    }

    [Fact]
    public async Task What_cannot_be_taken_is_refused_with_what_to_do()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "nowhere", sizeGib = 1, pool = "local" });
        Assert.Equal("volume-not-made", await scene.CodeAsync(HttpMethod.Post, "/volumes/nowhere/snapshots", new { name = "s" }));
        Assert.Equal("name name-characters", await scene.BrokenAsync("/volumes/data/snapshots", new { name = " s" }));
        Assert.Equal("description too-long", await scene.BrokenAsync("/volumes/data/snapshots", new { name = "s", description = new string('x', 1001) }));
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Post, "/volumes/none/snapshots", new { name = "s" })).Code);
        await scene.TakeAsync("data", "s");
        Assert.Equal("name-taken", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/snapshots", new { name = "s" }));
        Assert.Equal(1, (await scene.VolumeAsync("data")).Snapshots);
        Assert.Equal("state one-of", Rules(await scene.Tenant.FailAsync(400, HttpMethod.Get, "/snapshots?state=lost")));
        Assert.Equal("wait one-of", Rules(await scene.Tenant.FailAsync(400, HttpMethod.Get, "/snapshots/s?wait=creating")));
        await scene.DetachAsync("data");
        await scene.DeleteAsync("/volumes/data");
        Assert.Equal("not-found", (await scene.Tenant.FailAsync(404, HttpMethod.Post, "/volumes/data/snapshots", new { name = "late" })).Code);
    }

    private static string Rules(Problem problem) => string.Join(", ", problem.Errors!.Select(e => $"{e.Field} {e.Rule}"));

    [Fact]
    public async Task Of_many_who_ask_together_none_is_lost_none_is_double_and_the_limit_holds()
    {
        await using var scene = await SnapshotScene.StartAsync("data", "other");
        var same = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => scene.Tenant.SendAsync(HttpMethod.Post, $"/volumes/{(i % 2 == 0 ? "data" : "other")}/snapshots", new { name = "same" })));
        Assert.Equal((1, 15), (same.Count(answer => answer.StatusCode == HttpStatusCode.Created), same.Count(answer => answer.StatusCode == HttpStatusCode.Conflict)));
        await scene.DeleteAsync("/snapshots/same");
        await scene.Host.ObeyWithVolumesAsync();
        var id = (await scene.VolumeAsync("data")).Id;
        for (var i = 0; i < 3; i++) Assert.All(await Task.WhenAll(Enumerable.Range(0, 16).Select(j => scene.TakeAsync("data", $"s{i}-{j}"))), taken => Assert.Equal("creating", taken.State));
        // Sixteen ask for eight more than there may be.
        for (var j = 0; j < 8; j++) await scene.TakeAsync("data", $"more-{j}");
        var last = await Task.WhenAll(Enumerable.Range(0, 16).Select(j => scene.Tenant.SendAsync(HttpMethod.Post, "/volumes/data/snapshots", new { name = $"last-{j}" })));
        Assert.Equal((8, 8), (last.Count(answer => answer.StatusCode == HttpStatusCode.Created), last.Count(answer => answer.StatusCode == HttpStatusCode.Conflict)));
        foreach (var answer in same.Concat(last)) answer.Dispose();
        Assert.Equal("too-many-snapshots", await scene.CodeAsync(HttpMethod.Post, "/volumes/data/snapshots", new { name = "too-many" }));
        Assert.Equal(64, (await scene.VolumeAsync(id)).Snapshots);
        // The host is told of each once, in the order in which they were asked for.
        var told = (await scene.ToldAsync(id)).Snapshots!.Select(s => s.Id).ToList();
        Assert.Equal(64, told.Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 8).Select(j => $"more-{j}"), await Task.WhenAll(told[48..56].Select(async s => (await scene.SnapshotAsync(s)).Name)));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(64, (await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?state=available")).Items.Count);
    }

    [Fact]
    public async Task A_repeat_with_the_same_key_takes_none_again()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        for (var i = 0; i < 2; i++) (await scene.Tenant.SendAsync(HttpMethod.Post, "/volumes/data/snapshots", new { name = "once" }, ("Idempotency-Key", "k1"))).EnsureSuccessStatusCode().Dispose();
        Assert.Equal(1, (await scene.VolumeAsync("data")).Snapshots);
        await scene.RootAsync("data");
        var answers = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            using var answer = await scene.Tenant.SendAsync(HttpMethod.Post, "/instances/web-1/snapshots", new { name = "all" }, ("Idempotency-Key", "k2"));
            answers.Add(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
        }
        Assert.Equal((answers[0], 2), (answers[1], (await scene.VolumeAsync("data")).Snapshots));
    }

    [Fact]
    public async Task All_volumes_of_an_instance_are_taken_as_one_or_none_is()
    {
        await using var scene = await SnapshotScene.StartAsync("root", "data", "logs");
        Assert.Equal("no-root-to-snapshot", await scene.CodeAsync(HttpMethod.Post, "/instances/web-1/snapshots", new { name = "night" }));
        await scene.RootAsync("root");
        var taken = (await scene.Tenant.PostAsync<Page<Snapshot>>("/instances/web-1/snapshots", new { name = "night" })).Items;
        Assert.Equal(["night", "night-data", "night-logs"], taken.Select(s => s.Name));
        Assert.All(taken, s => Assert.Equal((taken[0].Id, "web-1"), (s.Group, s.Instance!.Name)));
        Assert.All((await scene.Host.DesiredAsync())!.Volumes!, volume => Assert.Equal(taken[0].Id, Assert.Single(volume.Snapshots!).Group));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(3, (await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?instance=web-1&state=available")).Items.Count);
        await scene.TakeAsync("data", "noon-logs");
        Assert.Equal("name-taken", await scene.CodeAsync(HttpMethod.Post, "/instances/web-1/snapshots", new { name = "noon" }));
        Assert.Equal(2, (await scene.VolumeAsync("data")).Snapshots);
        // Names are cut to what names may have; where nothing is left that tells them apart, they are taken.
        Assert.Equal(["d", "l"], (await scene.Tenant.PostAsync<Page<Snapshot>>("/instances/web-1/snapshots", new { name = new string('n', 61) })).Items.Skip(1).Select(s => s.Name[62..]));
        Assert.Equal("name-taken", await scene.CodeAsync(HttpMethod.Post, "/instances/web-1/snapshots", new { name = string.Concat(Enumerable.Repeat("👋🏽", 62)) }));
        Assert.Equal("name too-long", await scene.BrokenAsync("/instances/web-1/snapshots", new { name = string.Concat(Enumerable.Repeat("👋🏽", 64)) }));
        Assert.Equal(new string('n', 60) + "-x", Server.Volumes.SnapshotRules.NameOf(new string('n', 60), "x y"));
        await scene.Tenant.DeleteAsync<Instance>("/instances/web-1");
        Assert.Equal("being-terminated", await scene.CodeAsync(HttpMethod.Post, "/instances/web-1/snapshots", new { name = "late" }));
    }
}
