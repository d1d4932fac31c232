using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Doctor;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Doctor;

/// <summary>Goal: faults are found, and what is well is not cried about. Method: plant them one by one.</summary>
public sealed class DoctorTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    // The tests' database is quick rather than safe, the fake host's agent is of no version.
    private static readonly string[] OfTheTest = ["setting-unsafe", "version-agents", "disk-short"];

    private static async Task<List<Finding>> FaultsAsync(TestClient client) =>
        [.. (await client.GetAsync<DoctorReport>("/doctor")).Findings.Where(f => f.Severity != "ok" && !OfTheTest.Contains(f.Code))];

    [Fact]
    public async Task Planted_faults_are_found_and_nothing_else()
    {
        await using var scene = await Scene.StartAsync();
        await scene.LaunchAsync("web-1");
        await scene.Host.ObeyAsync();
        Assert.Empty(await FaultsAsync(scene.Admin));
        var database = scene.Cloud.Services.GetRequiredService<Database>();

        await database.ExecuteAsync("UPDATE hosts SET allocated_memory_mib = allocated_memory_mib + 7", default);
        var wrong = Assert.Single(await FaultsAsync(scene.Admin));
        Assert.Equal(("counters", "error", "counters-wrong", "host-1"), (wrong.Check, wrong.Severity, wrong.Code, wrong.Subject));
        await database.ExecuteAsync("UPDATE hosts SET allocated_memory_mib = allocated_memory_mib - 7", default);

        File.SetUnixFileMode(scene.Cloud.Options.MasterKeyFile, File.GetUnixFileMode(scene.Cloud.Options.MasterKeyFile) | UnixFileMode.OtherRead);
        var open = Assert.Single(await FaultsAsync(scene.Admin));
        Assert.Equal(("secret-open", "error", scene.Cloud.Options.MasterKeyFile), (open.Code, open.Severity, open.Subject));
        Assert.Contains("604", open.Message, StringComparison.Ordinal);
        File.SetUnixFileMode(scene.Cloud.Options.MasterKeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        await database.ExecuteAsync("UPDATE hosts SET state = 'unreachable', heard_at = clock_timestamp() - interval '40 seconds', strays = '{i-1}'", default);
        await database.ExecuteAsync("""UPDATE instances SET conditions = '[{"type":"Instance","reason":"disk-full","message":"Full.","since":"2020-01-01T00:00:00+00:00","nextTryAt":null}]'""", default);
        await database.ExecuteAsync("INSERT INTO floating_addresses SELECT '203.0.113.9', account_id, id, created_at FROM (SELECT i.id, i.account_id, v.created_at FROM interfaces i JOIN instances v ON v.id = i.instance_id) x ON CONFLICT (interface_id) DO NOTHING", default);
        await database.ExecuteAsync("UPDATE interfaces SET released_at = clock_timestamp()", default);
        foreach (var file in Directory.GetFiles(scene.Cloud.Options.ImageDirectory)) File.Delete(file);
        Assert.Equal(["floating-kept", "host-silent", "host-strays", "image-missing", "no-interface", "old-condition"], (await FaultsAsync(scene.Admin)).Select(f => f.Code).Order());
        Assert.All(await FaultsAsync(scene.Admin), fault => Assert.NotEmpty(fault.Action!));
        Assert.Equal("forbidden", (await scene.Tenant.FailAsync(403, HttpMethod.Get, "/doctor")).Code);
    }

    [Fact]
    public async Task Stores_are_counted_with_their_volumes_and_told_when_they_fill()
    {
        await using var scene = await Scene.StartAsync();
        ObservedStore own = new("st-00000000000000001", "local", StoreDrivers.Directory, false, true, 100, 10), fast = new("st-00000000000000002", "fast", StoreDrivers.Directory, false, false, 100, 10);
        await scene.Host.ReportStoresAsync(own, fast);
        await scene.LaunchAsync("web-1");
        foreach (var pool in (string[])["local", "fast"])
        {
            await scene.Tenant.PostAsync<Volume>("/volumes", new { name = pool, sizeGib = 5, pool });
            await scene.Tenant.PostAsync<Volume>($"/volumes/{pool}/attach", new { instance = "web-1" });
        }
        Assert.Empty(await FaultsAsync(scene.Admin));
        await scene.Host.ReportStoresAsync(own, fast with { UsedGib = 80 });
        var full = Assert.Single(await FaultsAsync(scene.Admin));
        Assert.Equal(("store-nearly-full", "warning"), (full.Code, full.Severity));
        Assert.Contains("host-1", full.Message, StringComparison.Ordinal);
        await scene.Host.ReportStoresAsync(own, fast);
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE stores SET allocated_gib = allocated_gib + 1 WHERE NOT own", default);
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET allocated_disk_gib = allocated_disk_gib + 1", default);
        Assert.Equal(["counters-wrong", "store-counters-wrong"], (await FaultsAsync(scene.Admin)).Select(fault => fault.Code).Order());
    }

    [Theory]
    [InlineData(-1, "error", "certificate-expired")]
    [InlineData(6, "warning", "certificate-expires")]
    [InlineData(30, "ok", "certificate-valid")]
    public void Certificates_are_judged_by_what_is_left(int days, string severity, string code)
    {
        var found = DoctorRules.Certificate("authority", Now.AddDays(days), Now);
        Assert.Equal((severity, code), (found.Severity, found.Code));
    }

    [Theory]
    [InlineData(50, "ok")]
    [InlineData(5, "warning")]
    [InlineData(1, "error")]
    public void Disks_are_judged_by_their_free_share(long free, string severity) => Assert.Equal(severity, DoctorRules.Disk("/x", free << 30, 100L << 30).Severity);

    [Fact]
    public void Settings_that_lose_what_was_answered_are_errors_and_a_clock_that_differs_too()
    {
        var settings = new Dictionary<string, string> { ["fsync"] = "off", ["synchronous_commit"] = "on", ["full_page_writes"] = "on", ["wal_level"] = "minimal", ["max_connections"] = "100", ["server_version"] = "15" };
        var found = DoctorRules.Database(new DatabaseHealth(settings, 1 << 20, 90, Now.AddSeconds(5), [("events", 60_000, 10), ("hosts", 60_000, 70_000)]), Now).Where(f => f.Severity != "ok");
        Assert.Equal(["setting-unsafe fsync", "wal-minimal wal_level", "dead-tuples events", "connections ", "clock-database "], found.Select(f => $"{f.Code} {f.Subject}"));
    }

    [Fact]
    public void Other_versions_are_named_once_for_each()
    {
        HostHealth Host(string name, string version) => new(name, "up", 0, version, 0, []);
        var found = DoctorRules.Versions("2", [("a", "2"), ("b", "1")], [Host("h1", "1"), Host("h2", "1"), Host("h3", "2")]).ToList();
        Assert.Equal(["version-server", "version-agents"], found.Select(f => f.Code));
        Assert.Equal(2, found[1].Arguments[0]);
    }

    [Theory]
    [InlineData(5, "host-silent", 5)]
    [InlineData(6, "hosts-silent", 1)]
    public void Many_silent_hosts_are_one_finding(int silent, string code, int findings)
    {
        var hosts = Enumerable.Range(0, 20).Select(i => new HostHealth($"h{i}", i < silent ? "unreachable" : "up", 40, "2", 0, [])).ToList();
        Assert.Equal(Enumerable.Repeat(code, findings), DoctorRules.Hosts(hosts).Select(found => found.Code));
    }
}
