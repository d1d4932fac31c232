using System.Net;
using Kumoi.Agent.Control;
using Kumoi.Agent.Images;
using Kumoi.Agent.Images.Peers;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Images.Peers;

/// <summary>Goal: a host gets an image from other hosts, and gets it whatever they do. Method: real listeners on the loopback, with certificates of one authority or another.</summary>
public sealed class PeerTests : IAsyncDisposable
{
    // More than the sockets between two processes hold, so that a giver can go in the middle.
    private static readonly byte[] Content = [.. Enumerable.Range(0, 48 << 20).Select(number => (byte)(number * 7 + (number >> 12)))];

    private static readonly DesiredImage Image = PeerCloud.Image(Content);
    private readonly PeerCloud _cloud = new();
    private readonly Machine _giverMachine = new("simulated"), _takerMachine = new("simulated");
    private PeerServer? _giver;

    private Identity Taker => _cloud.IdentityOf("h-2");

    private ImageCache Cache => new(_takerMachine.Options.Paths);

    private async Task<ImagePeer> GiveAsync(byte[] content, string host = "h-1")
    {
        var cache = new ImageCache(_giverMachine.Options.Paths);
        Directory.CreateDirectory(_giverMachine.Options.Paths.Images);
        await File.WriteAllBytesAsync(cache.PathOf(Image), content);
        var identity = _cloud.IdentityOf(host);
        _giver = await PeerServer.StartAsync(IPAddress.Loopback, 0, () => identity, cache, TimeProvider.System, default);
        return new ImagePeer(host, $"https://127.0.0.1:{_giver.Port}");
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            await using var body = await answer.Content.ReadAsStreamAsync();
            using var all = new MemoryStream();
            await body.CopyToAsync(all);
            return all.ToArray();
        }
    }

    [Fact]
    public async Task An_image_is_given_whole_or_from_a_place_on()
    {
        var peer = await GiveAsync(Content);
        Assert.Equal(Content, await ReadAsync(await PeerImages.OpenAsync(peer, Taker, Image, 0, TimeProvider.System, default)));
        var rest = await PeerImages.OpenAsync(peer, Taker, Image, Content.Length - 1000, TimeProvider.System, default);
        Assert.Equal(HttpStatusCode.PartialContent, rest.StatusCode);
        Assert.Equal(Content[^1000..], await ReadAsync(rest));
    }

    [Fact]
    public async Task Only_whole_images_are_given_and_only_to_hosts_of_the_cloud()
    {
        var peer = await GiveAsync(Content);
        Task<HttpResponseMessage> OpenAsync(Identity who, DesiredImage image, ImagePeer? at = null) => PeerImages.OpenAsync(at ?? peer, who, image, 0, TimeProvider.System, default);
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(Taker, Image with { Format = "qcow2" }));
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(Taker, Image with { Sha256 = new string('0', 64) }));
        // Half an image of another name.
        var half = Image with { Sha256 = new string('1', 64) };
        await File.WriteAllBytesAsync(new ImageCache(_giverMachine.Options.Paths).PathOf(half) + ".part", Content[..1000]);
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(Taker, half));
        // A host of another cloud; a server of this one, which has a certificate for servers; and who is no host.
        using var foreign = new PeerCloud();
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(foreign.IdentityOf("h-2") with { Authority = Taker.Authority }, Image));
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(_cloud.IdentityOf("h-2", PeerCloud.ServerUse), Image));
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(_cloud.IdentityOf("somebody"), Image));
        // Another host of the cloud than the one that was named.
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(Taker, Image, peer with { HostId = "h-3" }));
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(Taker, Image, peer with { Url = peer.Url.Replace("https", "http", StringComparison.Ordinal) }));
    }

    [Fact]
    public async Task Nothing_but_images_is_there()
    {
        var cache = new ImageCache(_giverMachine.Options.Paths);
        await GiveAsync(Content);
        Assert.NotNull(cache.Find(ImageCache.NameOf(Image)));
        foreach (var name in new[] { "", "..", "../identity/identity.json", Image.Sha256, Image.Sha256 + ".raw.part", Image.Sha256.ToUpperInvariant() + ".raw", Image.Sha256 + ".sh", Image.Sha256 + "./raw" }) Assert.Null(cache.Find(name));
    }

    private async Task<(ImageSource Source, PeerLink Link)> SourceAsync(params ImagePeer[] peers)
    {
        await Task.CompletedTask;
        var link = new PeerLink(Taker, Content) { Sources = new ImageSources(peers, true) };
        return (new ImageSource(() => link, TimeProvider.System, Machine.Log), link);
    }

    private async Task<Exception?> FetchAsync(ImageSource source, Action? opened = null)
    {
        try
        {
            await Cache.FetchAsync(Image, async (offset, cancel) =>
            {
                var answer = await source.OpenAsync(Image, offset, cancel);
                opened?.Invoke();
                return answer;
            }, default);
            source.Came(Image);
            return null;
        }
        catch (IOException e)
        {
            source.Failed(Image, e);
            return e;
        }
    }

    [Fact]
    public async Task An_image_comes_from_another_host_and_the_server_sends_nothing()
    {
        var (source, link) = await SourceAsync(await GiveAsync(Content));
        Assert.Null(await FetchAsync(source));
        Assert.Equal(Content, await File.ReadAllBytesAsync(Cache.PathOf(Image)));
        Assert.Empty(link.Asked);
    }

    [Fact]
    public async Task A_host_that_lies_is_found_out_and_the_server_gives_what_is_right()
    {
        var wrong = (byte[])Content.Clone();
        wrong[1 << 20] ^= 1;
        var (source, link) = await SourceAsync(await GiveAsync(wrong));
        Assert.Equal("image-corrupt", Assert.IsType<ImageException>(await FetchAsync(source)).Reason);
        Assert.False(Cache.Has(Image));
        Assert.Null(await FetchAsync(source));
        Assert.Equal([0L], link.Asked);
        Assert.Equal(Content, await File.ReadAllBytesAsync(Cache.PathOf(Image)));
        // It is not asked for the next one either.
        File.Delete(Cache.PathOf(Image));
        Assert.Null(await FetchAsync(source));
        Assert.Equal([0L, 0L], link.Asked);
    }

    [Fact]
    public async Task A_host_that_goes_in_the_middle_leaves_what_it_gave_and_the_server_the_rest()
    {
        var (source, link) = await SourceAsync(await GiveAsync(Content));
        var gone = Task.CompletedTask;
        Assert.NotNull(await FetchAsync(source, () => gone = _giver!.DisposeAsync().AsTask()));
        await gone;
        _giver = null;
        Assert.Null(await FetchAsync(source));
        Assert.InRange(Assert.Single(link.Asked), 0, Content.Length - 1);
        Assert.Equal(Content, await File.ReadAllBytesAsync(Cache.PathOf(Image)));
    }

    [Fact]
    public async Task A_fault_of_the_server_is_not_laid_to_a_host_that_gave_a_part()
    {
        var time = new ManualTime();
        // Certificates are of the present.
        time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow());
        var peer = await GiveAsync(Content);
        var link = new PeerLink(Taker, Content) { Sources = new ImageSources([peer], true) };
        var source = new ImageSource(() => link, time, Machine.Log);
        (await source.OpenAsync(Image, 0, default)).Dispose();
        source.Failed(Image, new IOException("It broke off."));
        // The rest is the server's to give, which breaks too, for longer than the host is left alone for its own fault.
        link.Breaks = true;
        time.Advance(TimeSpan.FromSeconds(50));
        var broken = await Assert.ThrowsAsync<IOException>(() => source.OpenAsync(Image, 1, default));
        source.Failed(Image, broken);
        time.Advance(TimeSpan.FromSeconds(11));
        source.Came(Image);
        (await source.OpenAsync(Image, 0, default)).Dispose();
        Assert.Equal([1L], link.Asked);
    }

    [Fact]
    public async Task Hosts_that_cannot_be_reached_are_passed_over_at_once()
    {
        var peer = await GiveAsync(Content);
        var (source, link) = await SourceAsync(new ImagePeer("h-3", "https://127.0.0.1:1"), peer with { HostId = "h-4" }, peer);
        Assert.Null(await FetchAsync(source));
        Assert.Empty(link.Asked);
        var (alone, server) = await SourceAsync(new ImagePeer("h-3", "https://127.0.0.1:1"));
        File.Delete(Cache.PathOf(Image));
        Assert.Null(await FetchAsync(alone));
        Assert.Equal([0L], server.Asked);
    }

    [Fact]
    public async Task A_server_that_does_not_say_where_else_an_image_is_gives_it_itself()
    {
        var (source, link) = await SourceAsync(await GiveAsync(Content));
        link.IsDumb = true;
        Assert.Null(await FetchAsync(source));
        Assert.Equal([0L], link.Asked);
    }

    [Fact]
    public async Task While_others_load_a_host_waits_for_them_and_not_for_ever()
    {
        var time = new ManualTime();
        var link = new PeerLink(Taker, Content) { Sources = new ImageSources([], false) };
        var source = new ImageSource(() => link, time, Machine.Log);
        Assert.IsType<ImageWaitsException>(await FetchAsync(source));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.IsType<ImageWaitsException>(await FetchAsync(source));
        Assert.Empty(link.Asked);
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Null(await FetchAsync(source));
        Assert.Equal([0L], link.Asked);
    }

    [Fact]
    public async Task Bytes_that_come_too_slowly_or_not_at_all_are_a_failure()
    {
        var time = new ManualTime();
        await using var silent = new SteadyStream(new Trickle(null), 100, TimeSpan.FromSeconds(10), time);
        var reading = silent.ReadAsync(new byte[10]).AsTask();
        time.Advance(TimeSpan.FromSeconds(11));
        await Assert.ThrowsAsync<IOException>(() => reading);
        await using var slow = new SteadyStream(new Trickle(() => time.Advance(TimeSpan.FromSeconds(1))), 100, TimeSpan.FromSeconds(10), time);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            for (var read = 0; read < 100; read++) Assert.Equal(9, await slow.ReadAsync(new byte[9]));
        });
        await using var steady = new SteadyStream(new Trickle(() => time.Advance(TimeSpan.FromSeconds(1))), 100, TimeSpan.FromSeconds(10), time);
        for (var read = 0; read < 100; read++) Assert.Equal(10, await steady.ReadAsync(new byte[10]));
    }

    /// <summary>Gives what is asked for, each time after something was done; or nothing at all.</summary>
    private sealed class Trickle(Action? before) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (before is null) await Task.Delay(Timeout.Infinite, cancellationToken);
            before!();
            return buffer.Length;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_giver is not null) await _giver.DisposeAsync();
        await _giverMachine.DisposeAsync();
        await _takerMachine.DisposeAsync();
        _cloud.Dispose();
    }
}
