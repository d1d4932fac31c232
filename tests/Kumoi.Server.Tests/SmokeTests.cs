using System.Net;
using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Server.Tests;

public sealed class SmokeTests
{
    [Fact]
    public async Task A_new_cloud_lets_its_admin_log_in_and_list_everything()
    {
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        Assert.Equal(6, (await admin.GetAsync<Page<Flavor>>("/flavors")).Items.Count);
        foreach (var path in (string[])["/zones", "/hosts", "/images", "/key-pairs", "/networks", "/subnets", "/security-groups", "/instances", "/events", "/users", "/accounts", "/tokens", "/summary"])
            Assert.Equal(HttpStatusCode.OK, (await admin.SendAsync(HttpMethod.Get, path)).StatusCode);
        var document = await admin.Http.GetStringAsync("/openapi/v1.json");
        await File.WriteAllTextAsync("/tmp/openapi.json", document);
        Assert.Contains("LaunchInstance", document, StringComparison.Ordinal);
    }
}
