using System.Net;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Kumoi.Server.Tests.Volumes;

/// <summary>Goal: a volume of one host is had by an instance of another, with a key that nobody else is told, and is free only when both hosts have said so.</summary>
public sealed class ExportTests
{
    private const string First = "st-00000000000000001", Second = "st-00000000000000002";

    private static ObservedStore Local(string id) => new(id, "local", StoreDrivers.Directory, false, true, 100, 1);

    private static HostFacts Facts(string name, params string[] protocols) => FakeHost.Facts(name) with { VolumeProtocols = protocols };

    /// <summary>A volume with a guest on the second host, made on the first; and the second host.</summary>
    private static async Task<(Scene Scene, FakeHost Other)> StartAsync(params string[] protocols)
    {
        var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(Facts("host-1", VolumeProtocols.Nbd));
        await scene.Host.ReportStoresAsync(Local(First));
        var other = await FakeHost.JoinAsync(scene.Cloud, Facts("host-2", protocols));
        await other.ReportStoresAsync(Local(Second));
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "maker", flavor = "small", image = "tiny", host = "host-1" });
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "web", flavor = "small", image = "tiny", host = "host-2" });
        await scene.Admin.PostAsync<Volume>("/volumes", new { name = "data", sizeGib = 5 });
        await scene.Admin.PostAsync<Volume>("/volumes/data/attach", new { instance = "maker" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Volume>("/volumes/data/detach", new { });
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", await StateAsync(scene));
        return (scene, other);
    }

    private static async Task<string> StateAsync(Scene scene) => (await scene.Admin.GetAsync<Volume>("/volumes/data")).State;

    private static Task<Volume> AttachAsync(Scene scene, string instance) => scene.Admin.PostAsync<Volume>("/volumes/data/attach", new { instance });

    private static async Task<DesiredVolume> ToldAsync(FakeHost host) => Assert.Single((await host.DesiredAsync())!.Volumes!);

    [Fact]
    public async Task It_is_given_before_it_is_had_and_let_go_before_it_is_taken_back()
    {
        var (scene, other) = await StartAsync(VolumeProtocols.Nbd);
        await using var _ = scene;
        using var __ = other;
        var attached = await AttachAsync(scene, "web");
        Assert.Equal(("attaching", "host-1"), (attached.State, attached.Host!.Name));

        var given = await ToldAsync(scene.Host);
        Assert.Equal((null, null, First, 1), (given.InstanceId, given.Slot, given.Store, given.Export!.Incarnation));
        Assert.Equal(64, given.Export.Key.Length);
        // Its guest's host knows of it, and not yet where to go.
        var had = await ToldAsync(other);
        Assert.Equal((given.Export.InstanceId, 1, null, given.Export.Key, 1), (had.InstanceId, had.Slot!.Value, had.Remote!.Port, had.Remote.Key, had.Remote.Incarnation));
        await other.ObeyWithVolumesAsync();
        // A port of another incarnation is none.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(given) with { Export = new ObservedExport(11_000, 7) });
        Assert.Null((await ToldAsync(other)).Remote!.Port);
        await scene.Host.ObeyWithVolumesAsync();
        had = await ToldAsync(other);
        Assert.Equal((FakeHost.ExportPort, "127.0.0.1", 5), (had.Remote!.Port, had.Remote.Address, had.SizeGib));
        await other.ObeyWithVolumesAsync();
        Assert.Equal("in-use", await StateAsync(scene));
        // One that began anew is at the same port, and nobody's news meanwhile.
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(given) with { Export = null });
        Assert.Equal(FakeHost.ExportPort, (await ToldAsync(other)).Remote!.Port);

        // As large as it is by now, not as it is to be.
        await scene.Admin.PutAsync<Volume>("/volumes/data", new { sizeGib = 8 });
        Assert.Equal(5, (await ToldAsync(other)).SizeGib);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal(8, (await ToldAsync(other)).SizeGib);

        await scene.Admin.PostAsync<Volume>("/volumes/data/detach", new { });
        Assert.Null((await other.DesiredAsync())!.Volumes);
        Assert.NotNull((await ToldAsync(scene.Host)).Export);
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("detaching", await StateAsync(scene));
        await other.ObeyWithVolumesAsync();
        // Let go of, and not taken back.
        Assert.Equal("detaching", await StateAsync(scene));
        var ending = await ToldAsync(scene.Host);
        Assert.Null(ending.Export);
        await scene.Host.ReportVolumesAsync(FakeHost.Obeyed(ending) with { Export = new ObservedExport(FakeHost.ExportPort, 1) });
        Assert.Equal("detaching", await StateAsync(scene));
        await scene.Host.ObeyWithVolumesAsync();
        Assert.Equal("available", await StateAsync(scene));

        // The next one has another key; and on its own host it is given to nobody.
        await AttachAsync(scene, "web");
        var again = (await ToldAsync(scene.Host)).Export!;
        Assert.Equal(2, again.Incarnation);
        Assert.NotEqual(given.Export.Key, again.Key);
    }

    [Fact]
    public async Task It_is_given_as_its_pool_says_when_it_is_given_and_so_for_as_long_as_it_is()
    {
        var (scene, other) = await StartAsync(VolumeProtocols.Nbd, VolumeProtocols.Iscsi, "aoe");
        await using var _ = scene;
        using var __ = other;
        Assert.Equal(VolumeProtocols.Nbd, (await scene.Admin.GetAsync<Pool>("/pools/local")).Protocol);
        Assert.Equal(VolumeProtocols.Iscsi, (await scene.Admin.PutAsync<Pool>("/pools/local", new { protocol = "iscsi" })).Protocol);
        // Both hosts must know how.
        var refused = await scene.Admin.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "web" });
        Assert.Equal("volume-elsewhere", refused.Code);
        await scene.Host.ReportAsFactsAsync(Facts("host-1", VolumeProtocols.Nbd, VolumeProtocols.Iscsi));
        await AttachAsync(scene, "web");
        var given = await ToldAsync(scene.Host);
        var had = await ToldAsync(other);
        Assert.Equal((VolumeProtocols.Iscsi, VolumeProtocols.Iscsi), (given.Export!.Protocol, had.Remote!.Protocol));
        await scene.Host.ObeyWithVolumesAsync();
        await other.ObeyWithVolumesAsync();
        Assert.Equal("in-use", await StateAsync(scene));

        await scene.Admin.PutAsync<Pool>("/pools/local", new { protocol = "nbd" });
        Assert.Equal((VolumeProtocols.Iscsi, VolumeProtocols.Iscsi), ((await ToldAsync(scene.Host)).Export!.Protocol, (await ToldAsync(other)).Remote!.Protocol));
        await scene.Admin.PostAsync<Volume>("/volumes/data/detach", new { });
        await other.ObeyWithVolumesAsync();
        await scene.Host.ObeyWithVolumesAsync();
        await AttachAsync(scene, "web");
        Assert.Equal((VolumeProtocols.Nbd, VolumeProtocols.Nbd, 2), ((await ToldAsync(scene.Host)).Export!.Protocol, (await ToldAsync(other)).Remote!.Protocol, (await ToldAsync(other)).Remote!.Incarnation));
    }

    /// <summary>The attachment is held where it has found out that the hosts can, and has not written how yet.</summary>
    [Fact]
    public async Task It_is_given_as_the_hosts_were_asked_for_though_the_pool_is_changed_meanwhile()
    {
        var (scene, other) = await StartAsync(VolumeProtocols.Nbd);
        await using var _ = scene;
        using var __ = other;
        var cancel = TestContext.Current.CancellationToken;
        await using var holder = new NpgsqlConnection(scene.Cloud.Options.ConnectionString);
        await holder.OpenAsync(cancel);
        await RunAsync("CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NEW; END'");
        await RunAsync("CREATE TRIGGER held BEFORE UPDATE ON volumes FOR EACH ROW WHEN (OLD.instance_id IS NULL AND NEW.instance_id IS NOT NULL) EXECUTE FUNCTION held()");
        await RunAsync("SELECT pg_advisory_lock(42)");
        var attached = AttachAsync(scene, "web");
        await WaitingAsync(1, attached);
        var changed = scene.Admin.PutAsync<Pool>("/pools/local", new { protocol = "iscsi" });
        await WaitingAsync(2, changed);
        await RunAsync("SELECT pg_advisory_unlock(42)");
        await attached;
        Assert.Equal(VolumeProtocols.Iscsi, (await changed).Protocol);
        Assert.Equal((VolumeProtocols.Nbd, VolumeProtocols.Nbd), ((await ToldAsync(scene.Host)).Export!.Protocol, (await ToldAsync(other)).Remote!.Protocol));

        async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, holder);
            await command.ExecuteNonQueryAsync(cancel);
        }

        // Until the request waits for a lock, or is done.
        Task WaitingAsync(long count, Task request) => Wait.UntilAsync(async () => request.IsCompleted || await scene.Cloud.Services.GetRequiredService<Database>().FindAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", row => row.GetInt64(0), cancel) >= count);
    }

    [Fact]
    public async Task With_the_end_of_its_instance_it_is_given_to_nobody()
    {
        var (scene, other) = await StartAsync(VolumeProtocols.Nbd);
        await using var _ = scene;
        using var __ = other;
        await AttachAsync(scene, "web");
        await scene.Host.ObeyWithVolumesAsync();
        await other.ObeyWithVolumesAsync();
        Assert.Equal("in-use", await StateAsync(scene));
        var revision = (await scene.Host.DesiredAsync())!.Revision;
        await scene.Admin.DeleteAsync<Instance>("/instances/web");
        await other.ObeyWithVolumesAsync();
        Assert.Equal("available", await StateAsync(scene));
        var document = (await scene.Host.DesiredAsync())!;
        Assert.True(document.Revision > revision);
        Assert.Null(Assert.Single(document.Volumes!).Export);
        await AttachAsync(scene, "maker");
        Assert.Equal((null, document.Instances.Single().Id), await ToldAsync(scene.Host) is var own ? (own.Export, own.InstanceId) : default);
    }

    [Fact]
    public async Task An_instance_whose_volumes_are_all_given_to_it_is_started_elsewhere_and_its_former_host_is_cut_off()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(Facts("host-1", VolumeProtocols.Nbd));
        await scene.Host.ReportStoresAsync(Root(First));
        using var other = await FakeHost.JoinAsync(scene.Cloud, Facts("host-2", VolumeProtocols.Nbd));
        await other.ReportStoresAsync(Root(Second));
        using var third = await FakeHost.JoinAsync(scene.Cloud, Facts("host-3", VolumeProtocols.Nbd));
        await third.ReportStoresAsync(Root("st-00000000000000003"));
        // What it starts from was another instance's, on the first host.
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "maker", flavor = "small", image = "tiny", host = "host-1" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PutAsync<Volume>("/volumes/maker-root", new { name = "data", deleteOnTermination = false });
        await scene.Admin.DeleteAsync<Instance>("/instances/maker");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "web", flavor = "small", image = "tiny", host = "host-2", recovery = "restart" });
        await other.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Instance>("/instances/web/stop", new { });
        await other.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Volume>("/volumes/web-root/detach", new { });
        await other.ObeyWithVolumesAsync();
        Assert.False((await other.DesiredAsync())!.Instances.Single().Movable);
        await scene.Admin.PostAsync<Volume>("/volumes/data/attach", new { instance = "web", slot = 0 });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Instance>("/instances/web/start", new { });
        var document = await other.ObeyWithVolumesAsync();
        Assert.True(document.Instances.Single().Movable);
        var had = Assert.Single(document.Volumes!, volume => volume.InstanceId is not null);
        Assert.Equal((0, FakeHost.ExportPort, 1), (had.Slot!.Value, had.Remote!.Port!.Value, had.Remote.Incarnation));

        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', heard_at = clock_timestamp() - interval '1 hour', fenced_at = clock_timestamp(), fenced_by = 'power' WHERE name = 'host-2'", default);
        await Wait.UntilAsync(async () => (await scene.Admin.GetAsync<Instance>("/instances/web")).Host.Name != "host-2", 20, "the instance is given to another host");
        var where = (await scene.Admin.GetAsync<Instance>("/instances/web")).Host.Name;
        var own = Assert.Single((await scene.Host.DesiredAsync())!.Volumes!);
        // On the host that has it, it is had without a network; anywhere else it is given anew, with another key.
        if (where == "host-1") Assert.Equal((0, null), (own.Slot!.Value, own.Export));
        else
        {
            Assert.Equal(2, own.Export!.Incarnation);
            Assert.NotEqual(had.Remote.Key, own.Export.Key);
            Assert.Null(Assert.Single((await third.DesiredAsync())!.Volumes!).Remote!.Port);
            await scene.Host.ObeyWithVolumesAsync();
            Assert.Equal(FakeHost.ExportPort, Assert.Single((await third.DesiredAsync())!.Volumes!).Remote!.Port);
        }
        Assert.DoesNotContain((await other.DesiredAsync())!.Volumes ?? [], volume => volume.Id == own.Id);
    }

    [Fact]
    public async Task What_is_asked_of_it_is_told_to_both_hosts()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Host.ReportAsFactsAsync(Facts("host-1", VolumeProtocols.Nbd));
        await scene.Host.ReportStoresAsync(Root(First));
        using var other = await FakeHost.JoinAsync(scene.Cloud, Facts("host-2", VolumeProtocols.Nbd));
        await other.ReportStoresAsync(Root(Second));
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "maker", flavor = "small", image = "tiny", host = "host-1" });
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PutAsync<Volume>("/volumes/maker-root", new { name = "data", deleteOnTermination = false });
        await scene.Admin.DeleteAsync<Instance>("/instances/maker");
        await scene.Host.ObeyWithVolumesAsync();
        await scene.Admin.PostAsync<Instance>("/instances", new { name = "web", flavor = "small", image = "tiny", host = "host-2" });
        await other.ObeyWithVolumesAsync();
        await AttachAsync(scene, "web");
        await scene.Host.ObeyWithVolumesAsync();
        await other.ObeyWithVolumesAsync();
        Assert.Equal("in-use", await StateAsync(scene));

        // A host that is told of no news does not ask for any.
        var before = (Has: (await scene.Host.DesiredAsync())!.Revision, Guest: (await other.DesiredAsync())!.Revision);
        await scene.Admin.PostAsync<Page<Snapshot>>("/instances/web/snapshots", new { name = "night" });
        var told = (await scene.Host.DesiredAsync(before.Has))!;
        Assert.Single(Assert.Single(told.Volumes!).Snapshots!);

        await scene.Admin.PostAsync<VolumeType>("/volume-types", new { name = "slow", iops = 100 });
        before = (told.Revision, (await other.DesiredAsync())!.Revision);
        await scene.Admin.PutAsync<Volume>("/volumes/data", new { type = "slow" });
        Assert.Equal(100, Assert.Single((await other.DesiredAsync(before.Guest))!.Volumes!, volume => volume.Remote is not null).Limits!.Iops);

        // With its host it is gone, and its guest lets go of it.
        await scene.Cloud.Services.GetRequiredService<Database>().ExecuteAsync("UPDATE hosts SET state = 'down', heard_at = clock_timestamp() - interval '1 hour', fenced_at = clock_timestamp(), fenced_by = 'operator' WHERE name = 'host-1'", default);
        before = (0, (await other.DesiredAsync())!.Revision);
        using (var removed = await scene.Admin.SendAsync(HttpMethod.Delete, "/hosts/host-1?lost=true")) Assert.True(removed.IsSuccessStatusCode);
        Assert.DoesNotContain((await other.DesiredAsync(before.Guest))!.Volumes!, volume => volume.Remote is not null);
    }

    private static ObservedStore Root(string id) => new(id, "local", StoreDrivers.Directory, false, true, 100, 1, true);

    [Theory]
    [InlineData]
    [InlineData("iscsi")]
    public async Task A_host_that_knows_no_way_is_not_given_any(params string[] protocols)
    {
        var (scene, other) = await StartAsync(protocols);
        await using var _ = scene;
        using var __ = other;
        Assert.Equal("volume-elsewhere", (await scene.Admin.FailAsync(409, HttpMethod.Post, "/volumes/data/attach", new { instance = "web" })).Code);
        Assert.Equal(HttpStatusCode.OK, await other.ReportAsFactsAsync(Facts("host-2", VolumeProtocols.Nbd)));
        Assert.Equal("attaching", (await AttachAsync(scene, "web")).State);
    }

    [Fact]
    public async Task Its_key_is_kept_as_a_secret_and_told_to_no_other_host()
    {
        var (scene, other) = await StartAsync(VolumeProtocols.Nbd);
        await using var _ = scene;
        using var __ = other;
        using var third = await FakeHost.JoinAsync(scene.Cloud, Facts("host-3", VolumeProtocols.Nbd));
        await AttachAsync(scene, "web");
        var key = (await ToldAsync(scene.Host)).Export!.Key;
        Assert.Null((await third.DesiredAsync())!.Volumes);
        var kept = await scene.Cloud.Services.GetRequiredService<Database>().QueryAsync("SELECT export_key FROM volumes WHERE exported", row => Convert.ToHexStringLower(row.GetFieldValue<byte[]>(0)), default);
        Assert.DoesNotContain(key, Assert.Single(kept), StringComparison.Ordinal);
        using var shown = await scene.Admin.SendAsync(HttpMethod.Get, "/volumes/data");
        Assert.DoesNotContain(key, await shown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
