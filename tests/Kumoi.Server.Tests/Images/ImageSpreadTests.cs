using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using Kumoi.Agent;
using Kumoi.Agent.Control;
using Kumoi.Agent.Images;
using Kumoi.Agent.Images.Peers;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Kumoi.Server.Tests.Images;

/// <summary>Goal: however many hosts need an image, the server sends it seldom.</summary>
public sealed class ImageSpreadTests(ITestOutputHelper output)
{
    private static async Task<ImageSources> SourcesAsync(FakeHost host, string image) =>
        (await host.Http.GetFromJsonAsync($"/agent/v1/images/{image}/sources", ApiJson.Default.ImageSources))!;

    [Fact]
    public async Task Two_hosts_of_a_zone_load_from_the_server_and_the_others_from_them()
    {
        await using var scene = await Scene.StartAsync();
        await scene.Admin.PostAsync<Zone>("/zones", new { name = "osaka" });
        var hosts = new List<FakeHost> { scene.Host };
        foreach (var name in new[] { "host-2", "host-3", "host-4" }) hosts.Add(await FakeHost.JoinAsync(scene.Cloud, FakeHost.Facts(name)));
        using var far = await FakeHost.JoinAsync(scene.Cloud.AgentUrl, (await scene.Admin.PostAsync<JoinToken>("/hosts/join-tokens", new { zone = "osaka" })).Token, FakeHost.Facts("far"));
        var image = scene.Image;
        // Only who may have it is told where it is.
        using (var refused = await scene.Host.Http.GetAsync($"/agent/v1/images/{image.Id}/sources")) Assert.Equal(404, (int)refused.StatusCode);
        await scene.Admin.PostAsync<Image>("/images/tiny/prefetch", new { });
        foreach (var host in hosts.Append(far)) await host.ReportAsync();
        var may = new List<bool>();
        foreach (var host in hosts) may.Add((await SourcesAsync(host, image.Id)).Server);
        Assert.Equal([true, true, false, false], may);
        // Asked again, the two may still; and in another zone others may.
        Assert.True((await SourcesAsync(hosts[0], image.Id)).Server);
        Assert.True((await SourcesAsync(far, image.Id)).Server);
        // One that has it whole is named to those of its zone; not one that has a part, or tells no port.
        await hosts[0].ReportImagesAsync(4711, new ObservedImage(image.Sha256!, image.SizeBytes!.Value, true));
        await hosts[1].ReportImagesAsync(4712, new ObservedImage(image.Sha256!, 5, false));
        await hosts[2].ReportImagesAsync(null, new ObservedImage(image.Sha256!, image.SizeBytes!.Value, true));
        Assert.Equal([new ImagePeer(hosts[0].Id, "https://127.0.0.1:4711")], (await SourcesAsync(hosts[3], image.Id)).Peers);
        Assert.Empty((await SourcesAsync(hosts[0], image.Id)).Peers);
        Assert.Empty((await SourcesAsync(far, image.Id)).Peers);
        foreach (var host in hosts.Skip(1)) host.Dispose();
    }

    [Fact]
    public async Task Eight_hosts_get_an_image_and_the_server_sends_it_to_few_of_them()
    {
        // KUMOI_MEASURE_MIB: another size, to be measured; the sums below hold for each.
        var mib = int.TryParse(Environment.GetEnvironmentVariable("KUMOI_MEASURE_MIB"), out var told) ? told : 24;
        await using var cloud = await TestCloud.StartAsync();
        var admin = await cloud.LoginAsync();
        var bytes = new byte[mib << 20];
        new Random(1).NextBytes(bytes);
        (bytes[510], bytes[511]) = (0x55, 0xAA);
        await admin.PostAsync<Image>("/images", new { name = "large", visibility = "public" });
        var image = await admin.PutAsync<Image>("/images/large/content", new ByteArrayContent(bytes));
        foreach (var peers in new[] { false, true })
        {
            long sent = 0;
            using var listener = new MeterListener { InstrumentPublished = (instrument, self) => { if (instrument.Name == "kumoi.images.sent") self.EnableMeasurementEvents(instrument); } };
            listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref sent, value));
            listener.Start();
            var hosts = new List<Taker>();
            var watch = Stopwatch.StartNew();
            try
            {
                for (var number = 1; number <= 8; number++)
                    hosts.Add(await Taker.StartAsync(cloud, (await admin.PostAsync<JoinToken>("/hosts/join-tokens", new { })).Token, $"{(peers ? "peer" : "lone")}-{number}", peers));
                watch.Restart();
                foreach (var host in hosts) await admin.PostAsync<Image>("/images/large/prefetch", new { host = host.Name });
                await Task.WhenAll(hosts.Select(host => host.TakeAsync(new DesiredImage(image.Id, image.Sha256!, image.Format, image.SizeBytes!.Value, image.VirtualSizeBytes!.Value, true))));
            }
            finally
            {
                foreach (var host in hosts) await host.DisposeAsync();
            }
            output.WriteLine($"{mib} MiB to 8 hosts, {(peers ? "with" : "without")} each other: the server sent {sent / 1048576.0:0} MiB, all had it after {watch.Elapsed.TotalSeconds:0.0} s");
            // Two at a time, and one more that asks between the end of one and its word that it has it.
            if (peers) Assert.InRange(sent, bytes.Length, 3L * bytes.Length);
            // Other tests of this process may have hosts that fetch their small images meanwhile.
            else Assert.InRange(sent, 8L * bytes.Length, 9L * bytes.Length);
        }
    }

    /// <summary>What an agent has of images: its way to the server, its cache, and what gives to others.</summary>
    private sealed class Taker : IAsyncDisposable
    {
        private readonly IServerLink _link;
        private readonly ImageCache _cache;
        private readonly PeerServer? _server;
        private readonly HostFacts _facts;
        private readonly string _directory;

        private Taker(IServerLink link, ImageCache cache, PeerServer? server, HostFacts facts, string directory) => (_link, _cache, _server, _facts, _directory) = (link, cache, server, facts, directory);

        public string Name => _facts.Name;

        public static async Task<Taker> StartAsync(TestCloud cloud, string token, string name, bool gives)
        {
            Assert.StartsWith("https", cloud.AgentUrl.AbsoluteUri, StringComparison.Ordinal);
            var directory = Directory.CreateTempSubdirectory("kumoi-taker-").FullName;
            var options = new AgentOptions { StateDirectory = directory, Tag = "abcd12", Name = name, Address = "127.0.0.1", JoinToken = token };
            var facts = FakeHost.Facts(name);
            var link = await HostLink.ConnectAsync(options, () => facts, null, new Random(1), TimeProvider.System, NullLogger.Instance, default);
            var cache = new ImageCache(options.Paths);
            var taker = new Taker(link, cache, gives ? await PeerServer.StartAsync(IPAddress.Loopback, 0, () => link.Identity, cache, TimeProvider.System, default) : null, facts, directory);
            await taker.ReportAsync();
            return taker;
        }

        public Task ReportAsync() => _link.ReportAsync(new ObservedReport(false, 0, _facts, [], [], [], Images: new ObservedImages(_cache.List(), _server?.Port)), default);

        public async Task TakeAsync(DesiredImage image)
        {
            // As the agent of an earlier version does: from the server, whatever it would say.
            var source = new ImageSource(() => _link, TimeProvider.System, NullLogger.Instance);
            while (!_cache.Has(image))
            {
                try
                {
                    await _cache.FetchAsync(image, (offset, cancel) => _server is null ? _link.OpenImageAsync(image.Id, offset, cancel) : source.OpenAsync(image, offset, cancel), default);
                }
                catch (ImageWaitsException)
                {
                    await Task.Delay(100);
                }
            }
            await ReportAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is not null) await _server.DisposeAsync();
            _link.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }
}
