using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Images;

/// <summary>Goal: an image is used by those it was given to, and nobody is made to use another's by its name.</summary>
public sealed class ImageSharingTests
{
    private static async Task<Image> MakeAsync(TestClient client, string name)
    {
        await client.PostAsync<Image>("/images", new { name });
        return await client.PutAsync<Image>($"/images/{name}/content", new ByteArrayContent(Qcow2.Good()));
    }

    private static async Task<string> NamesAsync(TestClient client, string query = "") => string.Join(", ", (await client.GetAsync<Page<Image>>("/images" + query)).Items.Select(image => image.Name));

    [Fact]
    public async Task A_private_image_is_shared_by_its_id_until_that_is_taken_back()
    {
        await using var scene = await Scene.StartAsync();
        var friend = await scene.Cloud.TenantAsync("friend");
        var image = await MakeAsync(scene.Tenant, "gold");
        var path = "/images/" + image.Id;
        await friend.FailAsync(404, HttpMethod.Get, path);
        Assert.Equal("accounts[1] no-such", Rules(await scene.Tenant.FailAsync(400, HttpMethod.Put, path, new { accounts = new[] { "friend", "nobody" } })));
        Assert.Equal(["friend"], (await scene.Tenant.PutAsync<Image>(path, new { accounts = new[] { "friend" } })).Accounts!.Select(account => account.Name));
        Assert.Null((await friend.GetAsync<Image>(path)).Accounts);
        Assert.Equal(("tiny", "gold"), (await NamesAsync(friend), await NamesAsync(friend, "?visibility=shared")));
        // A name that somebody else chose stands for nothing here.
        await friend.FailAsync(404, HttpMethod.Get, "/images/gold");
        Assert.Equal("image no-such", Rules(await friend.FailAsync(400, HttpMethod.Post, "/instances", new { name = "a", flavor = "tiny", image = "gold" })));
        Assert.Equal(image.Id, (await friend.PostAsync<Instance>("/instances", new { name = "a", flavor = "tiny", image = image.Id })).Image.Id);
        foreach (var (method, body) in new (HttpMethod, object?)[] { (HttpMethod.Put, new { name = "mine" }), (HttpMethod.Delete, null) }) await friend.FailAsync(404, method, path, body);
        Assert.Equal("in-use", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, path)).Code);
        await scene.Tenant.PutAsync<Image>(path, new { accounts = Array.Empty<string>() });
        await friend.FailAsync(404, HttpMethod.Get, path);
        await friend.FailAsync(404, HttpMethod.Get, path + "/content");
        Assert.Equal("image no-such", Rules(await friend.FailAsync(400, HttpMethod.Post, "/instances", new { name = "b", flavor = "tiny", image = image.Id })));
    }

    [Fact]
    public async Task What_an_image_needs_is_kept_by_launches_and_a_deprecated_one_is_left_out_of_lists()
    {
        await using var scene = await Scene.StartAsync();
        await MakeAsync(scene.Tenant, "old");
        var changed = await scene.Tenant.PutAsync<Image>("/images/old", new { name = "older", description = "Debian 11", os = "debian", minDiskGib = 2, minMemoryMib = 256, deprecated = true, defaultUser = "debian" });
        Assert.Equal(("older", "Debian 11", "debian", 2, 256, "debian"), (changed.Name, changed.Description, changed.Os, changed.MinDiskGib, changed.MinMemoryMib, changed.DefaultUser));
        Assert.NotNull(changed.DeprecatedAt);
        Assert.Equal(("tiny", "tiny, older"), (await NamesAsync(scene.Tenant), await NamesAsync(scene.Tenant, "?deprecated=true")));
        Assert.Equal("flavor smaller-than-image-needs", Rules(await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances", new { name = "a", flavor = "tiny", image = "older" })));
        await scene.Tenant.PostAsync<Instance>("/instances", new { name = "a", flavor = "small", image = "older" });
        Assert.Null((await scene.Tenant.PutAsync<Image>("/images/older", new { deprecated = false })).DeprecatedAt);
        Assert.Equal("public-image", (await scene.Tenant.FailAsync(403, HttpMethod.Put, "/images/older", new { visibility = "public" })).Code);
        Assert.Equal("defaultUser user-name, description too-long, minDiskGib between, minMemoryMib between, name name-characters, os too-long, visibility one-of", Rules(await scene.Tenant.FailAsync(400, HttpMethod.Put, "/images/older",
            new { name = " x", description = new string('x', 1001), os = "a\nb", minDiskGib = -1, minMemoryMib = -1, defaultUser = "a b", visibility = "open" })));
        await MakeAsync(scene.Tenant, "other");
        Assert.Equal("name-taken", (await scene.Tenant.FailAsync(409, HttpMethod.Put, "/images/other", new { name = "older" })).Code);
    }

    private static string Rules(Problem problem) => string.Join(", ", problem.Errors!.Select(e => $"{e.Field} {e.Rule}").Order(StringComparer.Ordinal));
}
