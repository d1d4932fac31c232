using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: accounts note keys with values beside volumes and snapshots, change them one by one, and find what has them.</summary>
public sealed class TagTests
{
    [Fact]
    public async Task Tags_are_set_changed_one_by_one_and_found()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        Assert.Empty((await scene.VolumeAsync("data")).Tags);
        var made = await scene.Tenant.PostAsync<Volume>("/volumes", new { name = "logs", sizeGib = 1, tags = new Dictionary<string, string> { ["env"] = "本番", ["a"] = "x=y", ["empty"] = "" } });
        Assert.Equal([("a", "x=y"), ("empty", ""), ("env", "本番")], Sorted(made.Tags));
        var changed = await scene.Tenant.PutAsync<Volume>("/volumes/logs", new { tags = new Dictionary<string, string?> { ["env"] = "test", ["empty"] = null, ["never"] = null, ["team"] = "web" } });
        Assert.Equal([("a", "x=y"), ("env", "test"), ("team", "web")], Sorted(changed.Tags));
        Assert.Equal(changed.Generation, made.Generation);
        Assert.Equal(3, (await scene.Tenant.PutAsync<Volume>("/volumes/logs", new { name = "logs2" })).Tags.Count);
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { tags = new Dictionary<string, string?> { ["env"] = "production" } });
        Assert.Equal(["data", "logs2"], await NamesAsync(scene, "tag=env"));
        Assert.Equal(["logs2"], await NamesAsync(scene, "tag=env=test&tag=team"));
        Assert.Equal(["logs2"], await NamesAsync(scene, "tag=a=x%3Dy"));
        Assert.Empty(await NamesAsync(scene, "tag=env=tes"));
        Assert.Empty(await NamesAsync(scene, "tag=env=test&tag=env=production"));
        Assert.Empty(await NamesAsync(scene, "tag=%27%22%5C"));

        var snapshot = await scene.Tenant.PostAsync<Snapshot>("/volumes/data/snapshots", new { name = "s", tags = new { env = "old" } });
        Assert.Equal([("env", "old")], Sorted(snapshot.Tags));
        await scene.Tenant.PutAsync<Snapshot>("/snapshots/s", new { tags = new { env = "kept" } });
        Assert.Equal("s", Assert.Single((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?tag=env=kept")).Items).Name);
        Assert.Empty((await scene.Tenant.GetAsync<Page<Snapshot>>("/snapshots?tag=env=old")).Items);
    }

    [Fact]
    public async Task Broken_tags_are_refused_and_change_nothing()
    {
        await using var scene = await SnapshotScene.StartAsync("data");
        foreach (var (key, value, broken) in new (string, string?, string)[]
        {
            ("", "x", "tags tag-key-length"), (new string('k', 129), "x", "tags tag-key-length"), ("a=b", "x", "tags tag-key-characters"), (" a", "x", "tags tag-key-characters"), ("a\n", "x", "tags tag-key-characters"),
            ("a", new string('v', 257), "tags.a too-long"), ("a", "x\u0001", "tags.a tag-value-characters"), ("a", null, "tags.a required"),
        })
            Assert.Equal(broken, await scene.BrokenAsync("/volumes", new { name = "v", sizeGib = 1, tags = new Dictionary<string, string?> { [key] = value } }));
        Assert.Equal("tags at-most", await scene.BrokenAsync("/volumes", new { name = "v", sizeGib = 1, tags = Enumerable.Range(0, 51).ToDictionary(i => $"k{i}", _ => "v") }));
        Assert.Equal("tags wrong-type", await scene.BrokenAsync("/volumes", new { name = "v", sizeGib = 1, tags = new { a = 1 } }));
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { tags = Enumerable.Range(0, 50).ToDictionary(i => $"k{i}", _ => "v") });
        var full = await scene.Tenant.FailAsync(400, HttpMethod.Put, "/volumes/data", new { name = "other", tags = new { more = "v" } });
        Assert.Equal("at-most", Assert.Single(full.Errors!).Rule);
        // Neither the name nor the tags: it is one change.
        Assert.Equal(50, (await scene.VolumeAsync("data")).Tags.Count);
        await scene.Tenant.PutAsync<Volume>("/volumes/data", new { tags = new Dictionary<string, string?> { ["k1"] = null, ["more"] = "v" } });
    }

    private static IEnumerable<(string, string)> Sorted(IReadOnlyDictionary<string, string> tags) => tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => (tag.Key, tag.Value));

    private static async Task<IEnumerable<string>> NamesAsync(Scene scene, string query) => (await scene.Tenant.GetAsync<Page<Volume>>("/volumes?" + query)).Items.Select(volume => volume.Name).Where(name => !name.EndsWith("-root", StringComparison.Ordinal)).Order();
}
