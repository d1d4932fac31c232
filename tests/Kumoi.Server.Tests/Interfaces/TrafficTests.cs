using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Interfaces;

/// <summary>What interfaces carry is added up once, however often and with whatever gaps hosts tell it.</summary>
public sealed class TrafficTests
{
    private static ObservedTraffic Told(string id, string counting, long sent, long received) => new(id, counting, sent, received, sent / 100, received / 100);

    private static async Task<(long Sent, long Received)> InAllAsync(Scene scene, string id) => await scene.Tenant.GetAsync<InterfaceTraffic>($"/interfaces/{id}/traffic") is var traffic ? (traffic.BytesSent, traffic.BytesReceived) : default;

    [Fact]
    public async Task Counts_are_added_up_once_and_go_on_when_counting_begins_anew()
    {
        await using var scene = await Scene.StartAsync();
        var id = (await scene.LaunchAsync("web-1")).Interfaces[0].Id;
        Assert.Null((await scene.Tenant.GetAsync<InterfaceTraffic>($"/interfaces/{id}/traffic")).ToldAt);
        foreach (var (counting, sent, received, allSent, allReceived) in new (string, long, long, long, long)[]
        {
            ("boot/7", 1000, 500, 1000, 500), ("boot/7", 1000, 500, 1000, 500), ("boot/7", 1600, 900, 1600, 900),
            // A device that was made anew; a report of it that was overtaken; another boot with larger counts than before.
            ("boot/9", 200, 100, 1800, 1000), ("boot/9", 150, 100, 1800, 1000), ("boot/9", 350, 200, 1950, 1100), ("other/9", 5000, 5000, 6950, 6100),
        })
        {
            Assert.Equal(HttpStatusCode.OK, await scene.Host.ReportTrafficAsync(Told(id, counting, sent, received)));
            Assert.Equal((allSent, allReceived), await InAllAsync(scene, id));
        }
        var traffic = await scene.Tenant.GetAsync<InterfaceTraffic>($"/interfaces/{id}/traffic");
        Assert.Equal((6950, 6100), (traffic.Hours.Sum(hour => hour.BytesSent), traffic.Hours.Sum(hour => hour.BytesReceived)));
        Assert.Equal((traffic.PacketsSent, traffic.PacketsReceived), (traffic.Hours.Sum(hour => hour.PacketsSent), traffic.Hours.Sum(hour => hour.PacketsReceived)));
        Assert.All(traffic.Hours, hour => Assert.Equal(0, hour.Hour.Minute));
    }

    [Fact]
    public async Task A_host_tells_of_its_own_guests_only_and_no_count_breaks_the_sums()
    {
        await using var scene = await Scene.StartAsync();
        var id = (await scene.LaunchAsync("web-1")).Interfaces[0].Id;
        using var other = await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts("host-2"));
        Assert.Equal(HttpStatusCode.OK, await other.ReportTrafficAsync(Told(id, "boot/1", 1_000_000, 1)));
        Assert.Equal((0, 0), await InAllAsync(scene, id));
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, await scene.Host.ReportTrafficAsync(Told(id, $"boot/{i}", long.MaxValue, long.MinValue), Told("eni-none", "x", 1, 1)));
        Assert.Equal((3L << 50, 0), await InAllAsync(scene, id));
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE interface_traffic SET bytes_sent = $1", default, (1L << 62) - 1);
        Assert.Equal(HttpStatusCode.OK, await scene.Host.ReportTrafficAsync(Told(id, "boot/4", 1000, 0)));
        Assert.Equal((1L << 62, 0), await InAllAsync(scene, id));
    }

    [Fact]
    public async Task Hours_outlive_the_interface_and_are_told_to_their_account_only()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        var path = $"/interfaces/{instance.Interfaces[0].Id}/traffic";
        await scene.Host.ReportTrafficAsync(Told(instance.Interfaces[0].Id, "boot/7", 1000, 500));
        var stranger = await scene.Cloud.TenantAsync("other");
        Assert.Equal("not-found", (await stranger.FailAsync(404, HttpMethod.Get, path)).Code);
        Assert.Equal("time", (await scene.Tenant.FailAsync(400, HttpMethod.Get, path + "?since=yesterday")).Errors!.Single().Rule);
        Assert.Equal("too-long-ago", (await scene.Tenant.FailAsync(400, HttpMethod.Get, path + "?since=2020-01-01T00:00:00Z")).Errors!.Single().Rule);
        Assert.Empty((await scene.Tenant.GetAsync<InterfaceTraffic>(path + "?since=" + Uri.EscapeDataString(DateTimeOffset.UtcNow.AddHours(2).ToString("O")))).Hours);
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync("DELETE FROM instances WHERE id = $1", default, instance.Id);
        var gone = await scene.Tenant.GetAsync<InterfaceTraffic>(path);
        Assert.Equal((1000, 500, 10, 5, null), (gone.BytesSent, gone.BytesReceived, gone.PacketsSent, gone.PacketsReceived, gone.ToldAt));
        Assert.Equal(1000, Assert.Single(gone.Hours).BytesSent);
        Assert.Equal("not-found", (await stranger.FailAsync(404, HttpMethod.Get, path)).Code);
        Assert.Equal((instance.Id, 1000L), await database.FindAsync("SELECT instance_id, bytes_sent FROM interface_traffic_hours", row => (row.GetString(0), row.GetInt64(1)), default));
    }

    [Fact]
    public async Task Hours_are_told_of_any_time_that_is_kept_a_month_together()
    {
        await using var scene = await Scene.StartAsync();
        var instance = await scene.LaunchAsync("web-1");
        await scene.Host.ReportTrafficAsync(Told(instance.Interfaces[0].Id, "boot/7", 1000, 500));
        var database = scene.Cloud.Services.GetRequiredService<Database>();
        await database.ExecuteAsync(
            """
            INSERT INTO interface_traffic_hours SELECT account_id, interface_id, hour - make_interval(days => d), instance_id, network_id, d, 0, 0, 0 FROM interface_traffic_hours, unnest('{1, 30, 60, 90, 399}'::int[]) AS d
            """, default);
        var hour = await database.FindAsync("SELECT max(hour) FROM interface_traffic_hours", row => row.Time(0), default);
        string Path(int? since, int? until)
        {
            string Time(string name, int? days) => days is { } ago ? $"{name}={Uri.EscapeDataString(hour.AddDays(-ago).ToString("O"))}&" : "";
            return $"/interfaces/{instance.Interfaces[0].Id}/traffic?{Time("since", since)}{Time("until", until)}";
        }
        async Task<long[]> AskAsync(int? since, int? until) => [.. (await scene.Tenant.GetAsync<InterfaceTraffic>(Path(since, until))).Hours.Select(one => one.BytesSent)];
        async Task RefusedAsync(int? since, int? until, string field, string rule)
        {
            var problem = await scene.Tenant.FailAsync(400, HttpMethod.Get, Path(since, until));
            Assert.Equal((field, rule), (problem.Errors![0].Field, problem.Errors[0].Rule));
        }
        foreach (var terminated in new[] { false, true })
        {
            Assert.Equal((IEnumerable<long>)[1000L, 30], (await AskAsync(30, null)).Where(sent => sent != 1));
            Assert.Equal((IEnumerable<long>)[90L], await AskAsync(90, 60));
            Assert.Equal((IEnumerable<long>)[60L], await AskAsync(null, 59));
            Assert.Equal((IEnumerable<long>)[399L], await AskAsync(399, 380));
            await RefusedAsync(60, null, "until", "days-at-most-after");
            await RefusedAsync(90, 58, "until", "days-at-most-after");
            await RefusedAsync(401, 390, "since", "too-long-ago");
            await RefusedAsync(null, 401, "until", "too-long-ago");
            await RefusedAsync(10, 20, "until", "not-before");
            await database.ExecuteAsync("DELETE FROM instances WHERE id = $1", default, instance.Id);
        }
        Assert.Equal("too-long-ago", (await scene.Tenant.FailAsync(400, HttpMethod.Get, Path(null, null) + "until=0001-01-01T00:00:00Z")).Errors!.Single().Rule);
    }
}
