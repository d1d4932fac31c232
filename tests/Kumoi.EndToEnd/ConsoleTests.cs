using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.EndToEnd;

/// <summary>
/// Goal: what the console shows of things that guests make slow or rare: members that fail, devices that connect, traffic of hours; and what operators do with segments and
/// switches, and with the places of volumes. Method: a browser, hosts that say what the test wants, and a switch that speaks the protocol.
/// </summary>
public sealed class ConsoleTests
{
    private const string Hostile = "<img src=x onerror=alert(1)>";

    /// <summary>Volumes of this size are not made: what keeps them from it is to be seen.</summary>
    private const int HeldUpGib = 13;

    [Fact]
    public async Task A_browser_makes_a_load_balancer_and_a_VPN_gateway()
    {
        var tree = QuickstartCloud.FindTree();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist") });
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        var tenant = await cloud.TenantAsync("acme");
        var web = await tenant.PostAsync<Instance>("/instances", new { name = "web-1", flavor = "small", image = "tiny" });
        foreach (var name in (string[])["web-2", "web-3"]) await tenant.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny" });
        var obeying = ObeyAsync(host, web.Interfaces[0], stop.Token);
        try
        {
            var (certificate, key) = await WriteCertificateAsync(files);
            var pictures = Pictures(files);
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console/balancing.mjs"), cloud.Url, pictures, certificate, key],
                new Dictionary<string, string> { ["KUMOI_DEMO_USER"] = "acme-admin", ["KUMOI_DEMO_PASSWORD"] = "tenant-password" }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains("ok: delete both", ran.Output, StringComparison.Ordinal);
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1")
                foreach (var picture in (string[])["console-load-balancer.png", "console-vpn.png"]) File.Copy(Path.Combine(pictures, picture), Path.Combine(tree, "docs/images", picture), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            await obeying;
            Directory.Delete(files, recursive: true);
        }
    }

    [Fact]
    public async Task A_browser_makes_bridged_networks_gives_VLANs_and_sets_ports_of_a_switch()
    {
        var tree = QuickstartCloud.FindTree();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist") });
        await using var device = await FakeSwitch.StartAsync("ge-0/0/1", "ge-0/0/2", "ge-0/0/10");
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var host = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1") with { SegmentDevices = ["br0"] });
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        var tenant = await cloud.TenantAsync("acme");
        await cloud.TenantAsync("beta");
        var obeying = host.ObeyAsync(stop.Token);
        try
        {
            var authority = Path.Combine(files, "authority.pem");
            await File.WriteAllTextAsync(authority, device.Authority);
            var pictures = Pictures(files);
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console/bridging.mjs"), cloud.Url, pictures, device.Url, authority], new Dictionary<string, string>
            {
                ["KUMOI_ADMIN_PASSWORD"] = TestCloud.AdminPassword, ["KUMOI_DEMO_PASSWORD"] = "tenant-password", ["KUMOI_SWITCH_TOKEN"] = FakeSwitch.Token,
            }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains("ok: forget the switch", ran.Output, StringComparison.Ordinal);
            var networks = (await tenant.GetAsync<Page<Network>>("/networks")).Items.ToDictionary(network => network.Name);
            Assert.Equal((new Segment("br0", 20, "host"), new Segment("br0", 130, "external")), (networks["office"].Segment, networks["lab"].Segment));
            Assert.Equal("192.168.20.160-192.168.20.169", Assert.Single(networks["office"].Subnets[0].Excluded!));
            Assert.Equal((100, 199), Assert.Single((await admin.GetAsync<Page<VlanRange>>("/vlan-ranges")).Items) is var range ? (range.FirstVlan, range.LastVlan) : default);
            // Ports are as they were set last, also those of a switch that is forgotten; the one that nobody set was left alone.
            Assert.Equal(("none", "access", 120, "none"), (device.Ports["ge-0/0/1"].Mode, device.Ports["ge-0/0/2"].Mode, device.Ports["ge-0/0/2"].Access!.Value, device.Ports["ge-0/0/10"].Mode));
            Assert.Equal(3, device.Orders);
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1")
                foreach (var picture in (string[])["console-bridged-network.png", "console-switch.png"]) File.Copy(Path.Combine(pictures, picture), Path.Combine(tree, "docs/images", picture), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            // That it was stopped is what ends it.
            await obeying.ContinueWith(static _ => { }, TaskScheduler.Default);
            Directory.Delete(files, recursive: true);
        }
    }

    [Fact]
    public async Task A_browser_makes_volumes_attaches_them_and_looks_after_their_pools()
    {
        var tree = QuickstartCloud.FindTree();
        await using var cloud = await TestCloud.StartAsync(options => options with { ConsoleDirectory = Path.Combine(tree, "console/dist") });
        var files = Directory.CreateTempSubdirectory("kumoi-console-").FullName;
        using var stop = new CancellationTokenSource();
        using var first = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-1"));
        using var second = await FakeHost.JoinAsync(cloud, FakeHost.Facts("host-2"));
        foreach (var (host, own) in new[] { (first, "st-00000000000000001"), (second, "st-00000000000000002") })
            await host.ReportStoresAsync(new ObservedStore(own, "local", StoreDrivers.Directory, false, true, 100, 12), new ObservedStore("st-0000000000000000a", "shared", StoreDrivers.Directory, true, false, 50, 44));
        var admin = await cloud.LoginAsync();
        var image = await admin.PostAsync<Image>("/images", new { name = "tiny", visibility = "public" });
        await admin.PutAsync<Image>($"/images/{image.Id}/content", new ByteArrayContent(Qcow2.Good()));
        var tenant = await cloud.TenantAsync("acme");
        await tenant.PostAsync<User>("/users", new { name = "acme-reader", password = "tenant-password", role = "reader" });
        await cloud.TenantAsync("beta");
        foreach (var (name, other) in new[] { ("web-1", "host-2"), ("web-2", "host-1") })
        {
            await admin.PutAsync<Host>($"/hosts/{other}", new { schedulable = false });
            await tenant.PostAsync<Instance>("/instances", new { name, flavor = "small", image = "tiny" });
            await admin.PutAsync<Host>($"/hosts/{other}", new { schedulable = true });
        }
        var keeping = Task.WhenAll(KeepVolumesAsync(first, stop.Token), KeepVolumesAsync(second, stop.Token));
        try
        {
            var pictures = Pictures(files);
            var ran = await Machine.RunAsync("node", [Path.Combine(tree, "tests/console/volumes.mjs"), cloud.Url, pictures],
                new Dictionary<string, string> { ["KUMOI_ADMIN_PASSWORD"] = TestCloud.AdminPassword, ["KUMOI_DEMO_PASSWORD"] = "tenant-password" }, seconds: 300);
            Assert.True(ran.Code == 0, ran.Output + ran.Error);
            Assert.Contains("ok: a type that no volume has is deleted", ran.Output, StringComparison.Ordinal);
            var volumes = (await tenant.GetAsync<Page<Volume>>("/volumes")).Items.ToDictionary(volume => volume.Name);
            Assert.Equal(["archive", "logs", "spare"], volumes.Keys.Order());
            Assert.Equal((8, "slow", true, "web-1", "host-1"), (volumes["archive"].SizeGib, volumes["archive"].Type?.Name, volumes["archive"].DeleteOnTermination, volumes["archive"].Instance?.Name, volumes["archive"].Host?.Name));
            Assert.Equal(("shared", "web-2", "host-2"), (volumes["spare"].Pool.Name, volumes["spare"].Instance?.Name, volumes["spare"].Host?.Name));
            var pools = (await admin.GetAsync<Page<Pool>>("/pools")).Items.ToDictionary(pool => pool.Name);
            Assert.Equal((true, false, 1.0, 80), (pools["local"].Default, pools["local"].Maintenance, pools["local"].Overcommit, pools["local"].WarnPercent));
            Assert.Equal((1.25, 88, "acme", 4L), (pools["shared"].Overcommit, pools["shared"].WarnPercent, Assert.Single(pools["shared"].Accounts!).Name, Assert.Single(pools["shared"].Stores!).AllocatedGib));
            Assert.Equal("slow", Assert.Single((await tenant.GetAsync<Page<VolumeType>>("/volume-types")).Items).Name);
            if (Environment.GetEnvironmentVariable("KUMOI_WRITE_GOLDEN") == "1")
                foreach (var picture in (string[])["console-volume.png", "console-pool-warns.png"]) File.Copy(Path.Combine(pictures, picture), Path.Combine(tree, "docs/images", picture), overwrite: true);
        }
        finally
        {
            await stop.CancelAsync();
            await keeping;
            Directory.Delete(files, recursive: true);
        }
    }

    /// <summary>Where the browser leaves what it saw: with the test's other files, which go with it, or where somebody wants to look at it.</summary>
    private static string Pictures(string files) =>
        Directory.CreateDirectory(Environment.GetEnvironmentVariable("KUMOI_PICTURES") is { Length: > 0 } kept ? kept : Path.Combine(files, "pictures")).FullName;

    private static async Task<(string Certificate, string Key)> WriteCertificateAsync(string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=www.example.test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("www.example.test");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        var (chain, own) = (Path.Combine(directory, "chain.pem"), Path.Combine(directory, "key.pem"));
        await File.WriteAllTextAsync(chain, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(own, key.ExportPkcs8PrivateKeyPem());
        return (chain, own);
    }

    /// <summary>Does what it is asked for as soon as it hears of it, and says of load balancers and VPN gateways what the test wants to see.</summary>
    private static async Task ObeyAsync(FakeHost host, Interface face, CancellationToken stop)
    {
        var started = DateTimeOffset.UtcNow;
        DesiredDocument? known = null;
        try
        {
            for (var round = 1; !stop.IsCancellationRequested; round++)
            {
                if ((await host.AskAsync(known?.Revision ?? -1, 1, new Dictionary<string, long>(), stop))?.Document is { } news)
                {
                    known = news;
                    await host.ReportAsync([.. known.Instances.Select(FakeHost.Obeyed)]);
                }
                await host.ReportListenersAsync(true, [.. known!.Networks.SelectMany(network => network.LoadBalancers ?? []).SelectMany(balancer => balancer.Listeners).Select(listener => Seen(listener, started, round))]);
                await host.ReportVpnsAsync([.. known.Networks.Select(network => network.Vpn).OfType<DesiredVpn>().Where(vpn => vpn.Peers is not null).Select(vpn => Seen(vpn, round))]);
                await host.ReportTrafficAsync(new ObservedTraffic(face.Id, "first", 1_500_000, 48_000_000, 1_234, 31_000));
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    /// <summary>Does what it is asked for of instances and volumes as soon as it hears of it, except for volumes that are to be held up.</summary>
    private static Task KeepVolumesAsync(FakeHost host, CancellationToken stop) =>
        host.KeepAsync(volume => volume.SizeGib == HeldUpGib && volume.Desired != VolumeDesire.Deleted ? HeldUp(volume) : FakeHost.Obeyed(volume), (_, _) => Task.CompletedTask, stop);

    private static ObservedVolume HeldUp(DesiredVolume volume) =>
        new(volume.Id, volume.Incarnation, volume.Generation - 1, null, 0, [new Condition("Made", "NoRoom", "The store has no room " + Hostile, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddMinutes(1))]);

    private static ObservedListener Seen(DesiredListener listener, DateTimeOffset started, int round) => new(listener.Id, started, 3, 1_200 + round, 96_000 + round, 4_200_000 + round,
        [.. listener.Members.Select((member, at) => at == 0
            ? new ObservedBackend(member.Id, BackendHealth.Healthy, null, started, member.Draining ? 1 : 3, 600 + round, 48_000 + round, 2_100_000)
            : new ObservedBackend(member.Id, BackendHealth.Unhealthy, at == 1 ? "connection refused" : Hostile, started, 0, 603, 47_800, 2_100_000))]);

    private static ObservedVpn Seen(DesiredVpn vpn, int round) =>
        new(vpn.Id, null, [.. vpn.Peers!.Select(peer => new ObservedVpnPeer(peer.Id, DateTimeOffset.UtcNow, "203.0.113.77:4444", 70_000 + round, 900_000 + round))]);
}
