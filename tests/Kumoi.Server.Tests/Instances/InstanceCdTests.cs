using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests.Instances;

/// <summary>CDs in instances' drives, as records.</summary>
public sealed class InstanceCdTests
{
    private static async Task<Image> CdAsync(TestClient client, string name)
    {
        await client.PostAsync<Image>("/images", new { name });
        return await client.PutAsync<Image>($"/images/{name}/content", new ByteArrayContent(IsoImage.Bootable(name)));
    }

    [Fact]
    public async Task An_instance_launched_from_a_cd_has_an_empty_disk_of_the_flavors_size_and_the_cd_in_its_drive()
    {
        await using var scene = await Scene.StartAsync();
        var cd = await CdAsync(scene.Tenant, "installer");
        var made = await scene.Tenant.PostAsync<Instance>("/instances", new { name = "new", flavor = "small", image = "installer" });
        Assert.Equal((cd.Id, cd.Id), (made.Image.Id, made.Cd!.Id));
        made = await scene.Tenant.GetAsync<Instance>("/instances/new");
        Assert.Equal(cd.Id, made.Cd!.Id);
        var told = (await scene.Host.DesiredAsync())!;
        var record = Assert.Single(told.Instances);
        Assert.Equal((cd.Id, cd.Id, made.DiskGib), (record.ImageId, record.CdImageId, record.DiskGib));
        var image = Assert.Single(told.Images);
        Assert.Equal((cd.Id, "iso", cd.Sha256), (image.Id, image.Format, image.Sha256));
        using (var content = await scene.Host.Http.GetAsync($"/agent/v1/images/{cd.Id}/content")) Assert.Equal(cd.SizeBytes, content.Content.Headers.ContentLength);
        // A volume begins with a disk, not with a CD.
        await scene.Host.ReportStoresAsync(new Kumoi.Api.Agent.ObservedStore("st-00000000000000001", "local", "directory", false, true, 100, 1));
        Assert.Equal("is-a-cd", (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/volumes", new { name = "v", sizeGib = 1, image = "installer" })).Errors![0].Rule);
    }

    [Fact]
    public async Task A_cd_is_put_in_changed_and_taken_out_with_one_event_each()
    {
        await using var scene = await Scene.StartAsync();
        var (one, two) = (await CdAsync(scene.Tenant, "one"), await CdAsync(scene.Tenant, "two"));
        var instance = await scene.LaunchAsync("web");
        await scene.Host.ObeyAsync();
        async Task<Instance> PutAsync(string image) => await scene.Tenant.PostAsync<Instance>("/instances/web/cd", new { image });
        var with = await PutAsync("one");
        Assert.Equal((one.Id, instance.Generation + 1), (with.Cd!.Id, with.Generation));
        Assert.Equal(with.Generation, (await PutAsync(one.Id)).Generation);
        var record = Assert.Single((await scene.Host.DesiredAsync())!.Instances);
        Assert.Equal((one.Id, with.Generation), (record.CdImageId, record.Generation));
        Assert.Contains((await scene.Host.DesiredAsync())!.Images, image => image.Id == one.Id && image.Format == "iso");
        // In a drive it is in use, and its host may fetch it.
        var used = await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/images/one");
        Assert.Equal(("in-use", "web"), (used.Code, Assert.Single(used.UsedBy!).Name));
        using (var content = await scene.Host.Http.GetAsync($"/agent/v1/images/{one.Id}/content")) Assert.True(content.IsSuccessStatusCode);
        Assert.Equal(two.Id, (await PutAsync("two")).Cd!.Id);
        using (var refused = await scene.Host.Http.GetAsync($"/agent/v1/images/{one.Id}/content")) Assert.Equal(404, (int)refused.StatusCode);
        Assert.Equal(204, (int)(await scene.Tenant.SendAsync(HttpMethod.Delete, "/images/one")).StatusCode);
        Assert.Null((await scene.Tenant.DeleteAsync<Instance>("/instances/web/cd")).Cd);
        Assert.Null((await scene.Tenant.DeleteAsync<Instance>("/instances/web/cd")).Cd);
        Assert.Null(Assert.Single((await scene.Host.DesiredAsync())!.Instances).CdImageId);
        var events = (await scene.Tenant.GetAsync<Page<Event>>($"/events?resource={instance.Id}")).Items.Where(e => e.Action.EndsWith("-cd", StringComparison.Ordinal)).Select(e => $"{e.Action} {e.Message}".TrimEnd()).Order();
        Assert.Equal(["instance.attach-cd one", "instance.attach-cd two", "instance.detach-cd"], events);
    }

    [Fact]
    public async Task Only_images_of_cds_that_one_may_use_go_into_a_drive_and_a_terminated_instance_lets_its_own_go()
    {
        await using var scene = await Scene.StartAsync();
        var stranger = await scene.Cloud.TenantAsync("stranger");
        var foreign = await CdAsync(stranger, "foreign");
        await CdAsync(scene.Tenant, "cd");
        await scene.Tenant.PostAsync<Image>("/images", new { name = "pending" });
        var instance = await scene.LaunchAsync("web");
        foreach (var (image, rule) in new[] { ("nothing", "no-such"), (foreign.Id, "no-such"), ("foreign", "no-such"), ("pending", "image-not-available"), ("tiny", "not-a-cd") })
            Assert.Equal(("image", rule), (await scene.Tenant.FailAsync(400, HttpMethod.Post, "/instances/web/cd", new { image })) is { Errors: [var error] } ? (error.Field, error.Rule) : default);
        await scene.Tenant.PostAsync<Instance>("/instances/web/cd", new { image = "cd" });
        await scene.Tenant.DeleteAsync<Instance>("/instances/web");
        Assert.Equal("being-terminated", (await scene.Tenant.FailAsync(409, HttpMethod.Post, "/instances/web/cd", new { image = "cd" })).Code);
        Assert.Equal("being-terminated", (await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/instances/web/cd")).Code);
        await scene.Tenant.FailAsync(409, HttpMethod.Delete, "/images/cd");
        await scene.Host.ObeyAsync();
        Assert.Equal("terminated", (await scene.Tenant.GetAsync<Instance>("/instances/" + instance.Id)).State);
        Assert.Equal(204, (int)(await scene.Tenant.SendAsync(HttpMethod.Delete, "/images/cd")).StatusCode);
    }
}
