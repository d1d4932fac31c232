using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Blocks;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

public sealed class BlockPlaceTests
{
    [Theory]
    [InlineData("fast=rbd:kumoi", "fast", "rbd", "kumoi", "/etc/ceph/ceph.conf", "admin")]
    [InlineData("fast=rbd:kumoi@/srv/c.conf", "fast", "rbd", "kumoi", "/srv/c.conf", "admin")]
    [InlineData("fast=rbd:kumoi#cloud", "fast", "rbd", "kumoi", "/etc/ceph/ceph.conf", "cloud")]
    [InlineData("fast=rbd:kumoi@/srv/c.conf#cloud.a", "fast", "rbd", "kumoi", "/srv/c.conf", "cloud.a")]
    [InlineData("nvme=lvm-thin:vg0/thin", "nvme", "lvm-thin", "vg0/thin", null, null)]
    [InlineData("t.a-n=zfs:tank/a/b", "t.a-n", "zfs", "tank/a/b", null, null)]
    public void A_place_is_read_as_it_is_written(string text, string pool, string driver, string name, string? conf, string? client)
    {
        Assert.Equal(new BlockPlace(pool, driver, name, conf, client), BlockPlace.Parse(text));
        Assert.Null(StorePlace.Parse(text));
        Assert.Empty((MemoryHost.Usual with { Stores = [text] }).Validate());
    }

    [Theory]
    [InlineData("fast=rbd:")]
    [InlineData("fast=rbd:-x")]
    [InlineData("fast=rbd:a/b")]
    [InlineData("fast=rbd:kumoi@relative.conf")]
    [InlineData("fast=rbd:kumoi#a b")]
    [InlineData("fast=rbd:kumoi,shared")]
    [InlineData("nvme=lvm-thin:vg0")]
    [InlineData("nvme=lvm-thin:-vg/thin")]
    [InlineData("nvme=lvm-thin:vg/../x")]
    [InlineData("tank=zfs:tank")]
    [InlineData("tank=zfs:tank/-o")]
    [InlineData("tank=zfs:tank/a@b")]
    [InlineData("tank=zfs:tank/a,shared")]
    [InlineData("tank=nfs:tank/a")]
    [InlineData("=zfs:tank/a")]
    [InlineData("-a=zfs:tank/a")]
    [InlineData("tank=zfs:tank/a\nb")]
    public void What_is_no_place_is_refused(string text)
    {
        Assert.Null(BlockPlace.Parse(text));
        Assert.Contains((MemoryHost.Usual with { Stores = [text] }).Validate(), wrong => wrong.Contains("POOL=rbd:CEPHPOOL", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("vg-of-the-second-shelf-in-row-b", true)]
    [InlineData("vgofthesecondshelfinrowbofthehal", false)]
    [InlineData("vg-of-the-second-shelf", false)]
    public void A_group_whose_name_makes_names_of_devices_too_long_is_refused_with_a_word_of_its_own(string group, bool isTooLong)
    {
        Assert.Equal(isTooLong, BlockPlace.Parse($"nvme=lvm-thin:{group}/thin") is null);
        string[] wrong = [.. (MemoryHost.Usual with { Stores = [$"nvme=lvm-thin:{group}/thin"] }).Validate()];
        if (isTooLong) Assert.Contains("too long by", Assert.Single(wrong), StringComparison.Ordinal);
        else Assert.Empty(wrong);
        // As the kernel sees it.
        Assert.True(isTooLong || $"{group.Replace("-", "--", StringComparison.Ordinal)}-{BlockNames.Longest.Replace("-", "--", StringComparison.Ordinal)}".Length <= 127);
    }

    [Fact]
    public void A_place_is_named_once() => Assert.Contains("named twice", Assert.Single((MemoryHost.Usual with { Stores = ["a=zfs:tank/a", "b=zfs:tank/a", "c=lvm-thin:vg/thin"] }).Validate()), StringComparison.Ordinal);

    [Theory]
    [InlineData("vol-19a3f2b4c5d6e0001.0", 0)]
    [InlineData("vol-19a3f2b4c5d6e0001.12", 12)]
    [InlineData("vol-19a3f2b4c5d6e0001.012", null)]
    [InlineData("vol-19a3f2b4c5d6e0001.begun1", null)]
    [InlineData("vol-19a3f2b4c5d6e0002.1", null)]
    [InlineData("trash-vol-19a3f2b4c5d6e0001.1", null)]
    public void Disks_of_a_volume_are_told_from_others(string name, int? number)
    {
        Assert.Equal(number, BlockNames.NumberOf(name, "vol-19a3f2b4c5d6e0001"));
        Assert.Equal(number is null && !name.Contains("0002", StringComparison.Ordinal) ? null : name[..21], BlockNames.VolumeOf(name));
    }
}
