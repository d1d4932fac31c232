using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

public sealed class StorePlaceTests
{
    [Theory]
    [InlineData("fast=directory:/srv/nvme", "fast", "/srv/nvme", false)]
    [InlineData("filer.1=directory:/mnt/a,b/,shared", "filer.1", "/mnt/a,b", true)]
    [InlineData("x=directory:/mnt/../srv", "x", "/srv", false)]
    public void A_place_is_read_as_it_is_written(string text, string pool, string directory, bool shared) => Assert.Equal(new StorePlace(pool, directory, shared, false, false), StorePlace.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("/srv/nvme")]
    [InlineData("fast=/srv/nvme")]
    [InlineData("fast=lvm:vg0")]
    [InlineData("fast=directory:srv")]
    [InlineData("fast=directory:")]
    [InlineData("=directory:/srv")]
    [InlineData("a/b=directory:/srv")]
    [InlineData("pool-19a3f2b4c5d6e7f80=directory:/srv")]
    [InlineData("fast=directory:/srv\0x")]
    public void What_is_no_place_is_refused_with_the_options(string text)
    {
        Assert.Null(StorePlace.Parse(text));
        Assert.Contains(MemoryHost.Usual with { Stores = [text] } is var options ? options.Validate() : [], wrong => wrong.Contains("POOL=directory:/path", StringComparison.Ordinal));
    }

    [Fact]
    public void Root_disks_have_a_place_and_others_are_beside_it()
    {
        var options = MemoryHost.Usual;
        StorePlace root = new("local", "/nonexistent/agent/volumes", false, true, true);
        Assert.Equal([root], StorePlace.Of(options));
        Assert.Equal([root with { Directory = "/disks/volumes" }], StorePlace.Of(options with { DisksDirectory = "/disks" }));
        Assert.Equal(
            [new StorePlace("shared", "/disks/volumes", true, false, true), new StorePlace("a", "/a", false, false, false)],
            StorePlace.Of(options with { DisksDirectory = "/disks", SharedDisks = true, Stores = ["a=directory:/a"] }));
        Assert.Contains("named twice", Assert.Single((options with { Stores = ["a=directory:/a", "b=directory:/a/"] }).Validate()), StringComparison.Ordinal);
    }
}
