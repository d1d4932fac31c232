using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Kumoi.Agent.Images;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Images;

public sealed class ImageCacheTests
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(number => (byte)number)];

    private static DesiredImage Raw(byte[] content) => new(Samples.Image, Convert.ToHexStringLower(SHA256.HashData(content)), "raw", content.Length, content.Length);

    [Fact]
    public async Task A_download_cut_off_anywhere_goes_on_where_it_stopped_and_ends_whole_and_read_only()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        var image = Raw(Content);
        foreach (var cut in new[] { 0, 1, 100_000, 299_999 })
        {
            await Assert.ThrowsAsync<ImageException>(() => cache.FetchAsync(image, (offset, _) => Answer(offset, (int)Math.Max(cut - offset, 0)), default));
            Assert.False(cache.Has(image));
        }
        await cache.FetchAsync(image, (offset, _) => { Assert.Equal(299_999, offset); return Answer(offset, int.MaxValue); }, default);
        Assert.Equal(Content, await File.ReadAllBytesAsync(cache.PathOf(image)));
        Assert.Equal(AgentModes.ReadableFile, File.GetUnixFileMode(cache.PathOf(image)));
        await cache.FetchAsync(image, (_, _) => throw new InvalidOperationException("It is there."), default);
    }

    [Fact]
    public async Task A_server_that_ignores_the_range_starts_over()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        await Assert.ThrowsAsync<ImageException>(() => cache.FetchAsync(Raw(Content), (offset, _) => Answer(offset, 1000), default));
        await cache.FetchAsync(Raw(Content), (_, _) => Answer(0, int.MaxValue), default);
        Assert.True(cache.Has(Raw(Content)));
    }

    [Fact]
    public async Task Damaged_bytes_are_refused_and_fetched_anew()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        var image = Raw(Content) with { Sha256 = new string('0', 64) };
        Assert.Equal("image-corrupt", (await Assert.ThrowsAsync<ImageException>(() => cache.FetchAsync(image, (offset, _) => Answer(offset, int.MaxValue), default))).Reason);
        Assert.False(cache.Has(image));
        Assert.Equal(0, new FileInfo(cache.PathOf(image) + ".part").Length);
        Assert.Equal("image-corrupt", (await Assert.ThrowsAsync<ImageException>(() => cache.FetchAsync(Raw(Content) with { SizeBytes = 10 }, (offset, _) => Answer(offset, int.MaxValue), default))).Reason);
    }

    [Theory]
    [InlineData("-b", "/etc/passwd", "-F", "raw")]
    [InlineData("-o", "data_file=DIR/data.raw,data_file_raw=on", "", "")]
    public async Task A_qcow2_that_names_other_files_is_refused(string option, string value, string format, string name)
    {
        await using var machine = new Machine("simulated");
        var file = Path.Combine(machine.State, "bad.qcow2");
        string[] arguments = ["create", "-q", "-f", "qcow2", option, value.Replace("DIR", machine.State, StringComparison.Ordinal), format, name, file, "1M"];
        Assert.Equal((0, ""), await Machine.RunAsync("qemu-img", [.. arguments.Where(argument => argument.Length > 0)]));
        var bytes = await File.ReadAllBytesAsync(file);
        var image = Raw(bytes) with { Format = "qcow2" };
        var e = await Assert.ThrowsAsync<ImageException>(() => new ImageCache(machine.Options.Paths).FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default));
        Assert.Equal("image-refused", e.Reason);
    }

    [Fact]
    public async Task A_digest_or_format_that_is_none_never_becomes_a_path()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        Assert.Throws<ImageException>(() => cache.PathOf(Raw(Content) with { Sha256 = "../../etc/passwd" }));
        Assert.Throws<ImageException>(() => cache.PathOf(Raw(Content) with { Format = "vmdk,x" }));
    }

    [Fact]
    public async Task Trimming_spares_what_is_used()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        byte[] other = [1, 2, 3];
        foreach (var content in new[] { Content, other })
            await cache.FetchAsync(Raw(content), (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(content) }), default);
        cache.Trim(new HashSet<string> { Raw(Content).Sha256 }, 0, DateTimeOffset.UtcNow);
        Assert.True(cache.Has(Raw(Content)));
        Assert.False(cache.Has(Raw(other)));
    }

    [Fact]
    public async Task Trimming_takes_the_longest_unused_first_whoever_reads_them()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        byte[][] contents = [[1, 1], [2, 2], [3, 3]];
        foreach (var content in contents) await cache.FetchAsync(Raw(content), (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(content) }), default);
        var (one, two, three) = (Raw(contents[0]), Raw(contents[1]), Raw(contents[2]));
        var now = DateTimeOffset.UtcNow;
        // The third was used last, the first before it; the second is read by somebody, which is no use.
        cache.Trim(new HashSet<string> { two.Sha256 }, 100, now.AddMinutes(1));
        cache.Trim(new HashSet<string> { one.Sha256 }, 100, now.AddMinutes(2));
        cache.Trim(new HashSet<string> { three.Sha256 }, 100, now.AddMinutes(3));
        _ = await File.ReadAllBytesAsync(cache.PathOf(two));
        cache.Trim(new HashSet<string>(), 4, now.AddMinutes(4));
        Assert.Equal((true, false, true), (cache.Has(one), cache.Has(two), cache.Has(three)));
        cache.Trim(new HashSet<string>(), 2, now.AddMinutes(5));
        Assert.Equal((false, true), (cache.Has(one), cache.Has(three)));
    }

    [Fact]
    public async Task What_is_there_is_told_whole_or_in_part()
    {
        await using var machine = new Machine("simulated");
        var cache = new ImageCache(machine.Options.Paths);
        Assert.Empty(cache.List());
        await Assert.ThrowsAsync<ImageException>(() => cache.FetchAsync(Raw(Content), (offset, _) => Answer(offset, 1000), default));
        Assert.Equal([new ObservedImage(Raw(Content).Sha256, 1000, false)], cache.List());
        await cache.FetchAsync(Raw(Content), (offset, _) => Answer(offset, int.MaxValue), default);
        Assert.Equal([new ObservedImage(Raw(Content).Sha256, Content.Length, true)], cache.List());
    }

    private static Task<HttpResponseMessage> Answer(long offset, int most)
    {
        var rest = Content[(int)offset..];
        var content = new ByteArrayContent(rest[..Math.Min(rest.Length, most)]);
        var answer = new HttpResponseMessage(offset > 0 ? HttpStatusCode.PartialContent : HttpStatusCode.OK) { Content = content };
        if (offset > 0) content.Headers.ContentRange = new ContentRangeHeaderValue(offset, Content.Length - 1, Content.Length);
        return Task.FromResult(answer);
    }
}
