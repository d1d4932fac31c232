using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Images;

/// <summary>Images that hosts fetch and keep before anything needs them.</summary>
public sealed class PrefetchTests
{
    private static async Task<string[]> ToldAsync(FakeHost host) => [.. (await host.DesiredAsync())!.Images.Where(image => image.Prefetch).Select(image => image.Id)];

    private static string States(Image image) => string.Join(", ", image.Hosts!.Select(one => $"{one.Host.Name} {one.State} {one.Bytes}{(one.Prefetched ? " kept" : "")}"));

    [Fact]
    public async Task Hosts_are_told_to_keep_an_image_and_tell_what_they_have_of_it()
    {
        await using var scene = await Scene.StartAsync();
        using var second = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        var (id, bytes) = (scene.Image.Id, scene.Image.SizeBytes!.Value);
        Assert.Equal("host-1 waiting 0 kept", States(await scene.Admin.PostAsync<Image>("/images/tiny/prefetch", new { host = "host-1" })));
        Assert.Equal((id, 0), (Assert.Single(await ToldAsync(scene.Host)), (await ToldAsync(second)).Length));
        using (var content = await scene.Host.Http.GetAsync($"/agent/v1/images/{id}/content")) Assert.True(content.IsSuccessStatusCode);
        using (var refused = await second.Http.GetAsync($"/agent/v1/images/{id}/content")) Assert.Equal(404, (int)refused.StatusCode);

        Assert.Equal("host-1 waiting 0 kept, host-2 waiting 0 kept", States(await scene.Admin.PostAsync<Image>("/images/tiny/prefetch", new { })));
        Assert.Equal(id, Assert.Single(await ToldAsync(second)));
        await scene.Host.ReportImagesAsync(null, new ObservedImage(scene.Image.Sha256!, bytes, true));
        var why = new Condition("Image", "disk-full", "The host's disk is full.", DateTimeOffset.UnixEpoch, null);
        await second.ReportImagesAsync(null, new ObservedImage(scene.Image.Sha256!, 1000, false, why), new ObservedImage(new string('0', 64), 5, true), new ObservedImage("../etc", 5, true), new ObservedImage(new string('1', 64), 5, false, why with { Reason = new string('x', 101) }), new ObservedImage(new string('2', 64), 5, false, why with { Type = new string('x', 101) }));
        var image = await scene.Admin.GetAsync<Image>("/images/tiny");
        Assert.Equal($"host-1 cached {bytes} kept, host-2 fetching 1000 kept", States(image));
        Assert.Equal([new string('0', 64), scene.Image.Sha256!], await scene.Cloud.Services.GetRequiredService<Database>().QueryAsync("SELECT sha256 FROM host_images WHERE host_id = $1 ORDER BY 1", row => row.GetString(0), default, second.Id));
        Assert.Equal(why, image.Hosts![1].Condition);
        // Whose hosts they are is not a tenant's to know.
        Assert.Null((await scene.Tenant.GetAsync<Image>("/images/tiny")).Hosts);

        Assert.Equal($"host-1 cached {bytes} kept, host-2 fetching 1000", States(await scene.Admin.DeleteAsync<Image>("/images/tiny/prefetch")));
        Assert.Empty(await ToldAsync(second));
        Assert.Equal($"host-1 cached {bytes}, host-2 fetching 1000", States(await scene.Admin.DeleteAsync<Image>("/images/tiny/prefetch?host=host-1")));
        Assert.Empty(await ToldAsync(scene.Host));
        await second.ReportImagesAsync(null);
        Assert.Equal($"host-1 cached {bytes}", States(await scene.Admin.GetAsync<Image>("/images/tiny")));
    }

    [Fact]
    public async Task Hosts_of_a_zone_and_those_that_join_it_keep_an_image_until_it_is_deleted()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Admin.PostAsync<Zone>("/zones", new { name = "osaka" });
        Assert.Equal("", States(await scene.Admin.PostAsync<Image>("/images/tiny/prefetch", new { zone = "osaka" })));
        Assert.Empty(await ToldAsync(scene.Host));
        var token = (await scene.Admin.PostAsync<JoinToken>("/hosts/join-tokens", new { zone = "osaka" })).Token;
        using var joined = await FakeHost.JoinAsync(scene.Cloud.AgentUrl, token, FakeHost.Facts("host-2"));
        Assert.Equal(scene.Image.Id, Assert.Single(await ToldAsync(joined)));
        await scene.Admin.SendAsync(HttpMethod.Delete, "/images/tiny");
        Assert.Empty(await ToldAsync(joined));
    }

    [Fact]
    public async Task What_cannot_be_prefetched_is_refused_with_words_and_asked_twice_it_is_one_event()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Admin.PostAsync<Image>("/images", new { name = "pending" });
        Assert.Equal("image-not-available", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/images/pending/prefetch", new { })).Code);
        foreach (var (body, field, rule) in new (object, string, string)[] { (new { host = "x" }, "host", "no-such"), (new { zone = "x" }, "zone", "no-such"), (new { host = "host-1", zone = "default" }, "zone", "host-or-zone") })
            Assert.Equal((field, rule), (await scene.Admin.FailAsync(400, HttpMethod.Post, "/images/tiny/prefetch", body)) is { Errors: [var error] } ? (error.Field, error.Rule) : default);
        foreach (var _ in new[] { 1, 2 }) await scene.Admin.PostAsync<Image>("/images/tiny/prefetch", new { host = "host-1" });
        foreach (var _ in new[] { 1, 2 }) await scene.Admin.DeleteAsync<Image>("/images/tiny/prefetch?host=host-1");
        Assert.Equal(["image.prefetch host-1", "image.release host-1"], (await scene.Admin.GetAsync<Page<Event>>($"/events?resource={scene.Image.Id}")).Items
            .Where(e => e.Action is "image.prefetch" or "image.release").Select(e => $"{e.Action} {e.Message}").Order());
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Post, "/images/tiny/prefetch", new { })).Code);
    }
}
