using System.Text.Json;
using Kumoi.Agent.Volumes.Blocks;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>Answers of the tools, as they are understood. Those of Ceph were recorded from 16.2; those of LVM and ZFS have the form that their manuals tell.</summary>
public sealed class BlockToolTests
{
    private static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    [Fact]
    public void An_image_of_Ceph_has_its_own_marks_and_not_those_that_it_got_from_what_it_was_cloned_from()
    {
        var disk = RbdTool.Understand(
            "vol-b.0",
            Parse("""{"name":"vol-b.0","id":"1059dbcf9800","size":67108864,"objects":1,"order":22,"object_size":4194304,"snapshot_count":0,"block_name_prefix":"rbd_data.1059dbcf9800","format":2,"features":["layering","exclusive-lock","object-map","fast-diff","deep-flatten","operations"],"op_features":["clone-child"],"flags":[],"create_timestamp":"Sun Nov 22 07:34:55 2026","access_timestamp":"Sun Nov 22 07:34:55 2026","modify_timestamp":"Sun Nov 22 07:34:55 2026"}"""),
            Parse("""[{"id":4,"name":"snap-1","size":64,"protected":"false","timestamp":"Sun Nov 22 07:34:55 2026"}]"""));
        Assert.Equal(("vol-b.0", 67108864L, "1059dbcf9800"), (disk.Name, disk.SizeBytes, disk.Handle));
        Assert.Equal(new BlockPoint("snap-1", 64, 0), Assert.Single(disk.Points));
        const string values = """
            features
            value (8 bytes) :
            00000000  3d 00 00 00 00 00 00 00                           |=.......|
            00000008

            metadata_kumoi.1045ee56ccac.head
            value (1 bytes) :
            00000000  30                                                |0|
            00000001

            metadata_kumoi.1059dbcf9800.head
            value (1 bytes) :
            00000000  32                                                |2|
            00000001

            metadata_kumoi.1059dbcf9800.s.snap-1
            value (30 bytes) :
            00000000  31 37 30 30 30 30 30 30  30 30 30 30 30 2e 63 72  |1700000000000.cr|
            00000010  61 73 68 2d 66 69 6c 65  73 79 73 74 65 6d        |ash-filesystem|
            0000001e

            metadata_other
            value (0 bytes) :


            """;
        disk = RbdTool.Understand(disk, values, "watcher=127.0.0.1:0/2035423 client.4221 cookie=93979312\n");
        Assert.True(disk.IsOpen);
        Assert.Equal(["head=2", "s.snap-1=1700000000000.crash-filesystem"], disk.Marks.Select(mark => $"{mark.Key}={mark.Value}").Order());
        Assert.False(RbdTool.Understand(disk, "", "").IsOpen);
    }

    [Fact]
    public void All_images_of_a_pool_are_told_of_by_one_answer()
    {
        const string directory = """
            id_103b1660ebbb
            value (7 bytes) :
            00000000  03 00 00 00 69 6d 31                              |....im1|
            00000007

            name_im1
            value (16 bytes) :
            00000000  0c 00 00 00 31 30 33 62  31 36 36 30 65 62 62 62  |....103b1660ebbb|
            00000010


            """;
        Assert.Equal([("im1", "103b1660ebbb")], RbdTool.ImagesIn(directory).Select(disk => (disk.Name, disk.Handle!)));
        Assert.Empty(RbdTool.ImagesIn(""));
        var used = RbdUse.Understand("""{"images":[{"name":"a","id":"1","snapshot":"s1","snapshot_id":4,"provisioned_size":9,"used_size":3},{"name":"a","id":"1","provisioned_size":9,"used_size":5}],"total_provisioned_size":9,"total_used_size":8}""");
        Assert.Equal((3L, 5L), (used[("a", "s1")], used[("a", "")]));
    }

    [Fact]
    public void Who_has_a_lock_of_Ceph_and_a_key_are_found()
    {
        Assert.Equal(("client.4206", "host"), RbdTool.HolderOf("""{"name":"grant","type":"exclusive","tag":"","lockers":[{"name":"client.4206","cookie":"host","description":"","expiration":"2026-11-22T07:35:56.236481+0000","addr":"127.0.0.1:0/573628237"}]}"""));
        Assert.Null(RbdTool.HolderOf("""{"name":"grant","type":"none","tag":"","lockers":[]}"""));
        string[] keyring = ["[client.admin]", "\tkey = AQAd==", "[client.cloud]", "  caps mon = \"profile rbd\"", "\tkey = AQBc==", ""];
        Assert.Equal("AQBc==", RbdTool.KeyIn(keyring, "client.cloud"));
        Assert.Null(RbdTool.KeyIn(keyring, "client.clou"));
    }

    [Fact]
    public void Logical_volumes_are_disks_and_points_by_their_names()
    {
        var rows = LvmThinTool.Rows(
            """
              {
                  "report": [
                      {
                          "lv": [
                              {"lv_name":"vol-a.0", "lv_size":"1073741824", "data_percent":"25.00", "lv_tags":"kumoi.head=0,kumoi.s.snap-1=1700000000000.crash,else", "pool_lv":"thin", "lv_time":"1700000000"},
                              {"lv_name":"vol-a.0_snap-1", "lv_size":"1073741824", "data_percent":"12.50", "lv_tags":"", "pool_lv":"thin", "lv_time":"1700000001"},
                              {"lv_name":"vol-b.0", "lv_size":"1073741824", "data_percent":"", "lv_tags":"", "pool_lv":"thin", "lv_time":"1700000002"}
                          ]
                      }
                  ]
              }
            """, "lv");
        var disk = Assert.Single(LvmThinTool.Understand(rows, name => name.StartsWith("vol-a.", StringComparison.Ordinal)));
        Assert.Equal(("vol-a.0", 1L << 30, 1L << 28, DateTimeOffset.FromUnixTimeSeconds(1700000000)), (disk.Name, disk.SizeBytes, disk.UsedBytes, disk.Since));
        Assert.Equal(["head=0", "s.snap-1=1700000000000.crash"], disk.Marks.Select(mark => $"{mark.Key}={mark.Value}").Order());
        Assert.Equal(new BlockPoint("snap-1", 1 << 30, 1 << 27), Assert.Single(disk.Points));
        Assert.Equal(0, Assert.Single(LvmThinTool.Understand(rows, name => name == "vol-b.0")).UsedBytes);
    }

    [Fact]
    public void Of_ZFS_marks_are_what_is_set_here_and_a_point_that_waits_for_its_end_is_none()
    {
        var disk = Assert.Single(ZfsTool.Understand(
            "tank/k/vol-a.0\tvolsize\t1073741824\tlocal\ntank/k/vol-a.0\tusedbydataset\t99\t-\ntank/k/vol-a.0\tcreation\t1700000000\t-\ntank/k/vol-a.0\tkumoi:storage\tst-1\tinherited from tank/k\ntank/k/vol-a.0\tkumoi:head\t0\tlocal\n" +
            "tank/k/vol-a.0@snap-1\tvolsize\t1073741824\t-\ntank/k/vol-a.0@snap-1\tused\t7\t-\ntank/k/vol-a.0@snap-1\tdefer_destroy\toff\t-\ntank/k/vol-a.0@snap-2\tdefer_destroy\ton\t-\n", "tank/k"));
        Assert.Equal(("vol-a.0", 1L << 30, 99L), (disk.Name, disk.SizeBytes, disk.UsedBytes));
        Assert.Equal(("head", "0"), Assert.Single(disk.Marks.Select(mark => (mark.Key, mark.Value))));
        Assert.Equal(new BlockPoint("snap-1", 1 << 30, 7), Assert.Single(disk.Points));
    }
}
