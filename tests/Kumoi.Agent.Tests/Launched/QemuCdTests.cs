using System.Text.Json.Nodes;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Api;
using Kumoi.Testing;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>CD drives of a real QEMU whose guests are programs of a sector.</summary>
public sealed class QemuCdTests
{
    [Fact]
    public async Task A_guest_starts_from_the_cd_and_without_one_from_its_disk()
    {
        await using var stand = new CdStand();
        var cd = await stand.CdAsync(1, "from the CD\n");
        await stand.StartAsync(cd, cd);
        await stand.PrintsAsync("from the CD");
        Assert.Equal(new GuestCd(cd.Id, false, false), await stand.CdOfAsync());
        // The disk is empty and of the flavor's size; its file names nothing below it.
        var header = Agent.Storage.Qcow2Header.Read(stand.Paths.Disk(stand.Record.Id))!;
        Assert.Equal((stand.Record.DiskGib * (1L << 30), null), (header.Size, header.Backing));

        // As an installer does: something is on the disk, the CD is taken out, and the guest starts again.
        await stand.OnceAsync(hypervisor => hypervisor.KillAsync(stand.Record.Id, default));
        var sector = Path.Combine(stand.Machine.State, "sector");
        await File.WriteAllBytesAsync(sector, IsoImage.BootSector("from the disk\n"));
        Qcow2.Run("qemu-img", ["convert", "-n", "-f", "raw", "-O", "qcow2", "--target-is-zero", "-W", sector, stand.Paths.Disk(stand.Record.Id)]);
        await stand.StartAsync(cd, null);
        await stand.PrintsAsync("from the disk");
        Assert.Equal(new GuestCd(null, false, false), await stand.CdOfAsync());
        // The cached CD is nobody's base, so it may leave the cache.
        await stand.OnceAsync(hypervisor => { Assert.Empty(hypervisor.ImagesInUse()); return Task.CompletedTask; });
    }

    [Fact]
    public async Task A_cd_is_put_in_changed_and_taken_out_while_the_guest_runs()
    {
        await using var stand = new CdStand();
        var (one, two) = (await stand.CdAsync(1, "one\n"), await stand.CdAsync(2, "two\n"));
        await stand.StartAsync(one, null);
        foreach (var wanted in new[] { one, one, two, null, two, one, null, null })
        {
            await stand.ChangeAsync(wanted, force: false);
            Assert.Equal(new GuestCd(wanted?.Id, false, false), await stand.CdOfAsync());
        }
        Assert.DoesNotContain("cd-img", await stand.AskAsync("query-named-block-nodes", new JsonObject { ["flat"] = true }), StringComparison.Ordinal);
        // The guest reads what was put in: started anew within the same process, it starts from it.
        await stand.ChangeAsync(two, force: false);
        await stand.AskAsync("system_reset", []);
        await stand.PrintsAsync("two");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task What_was_left_half_way_is_finished_or_undone(int steps)
    {
        await using var stand = new CdStand();
        var (one, two) = (await stand.CdAsync(1, "one\n"), await stand.CdAsync(2, "two\n"));
        await stand.StartAsync(one, one);
        foreach (var wanted in new[] { two, null, one })
        {
            // An agent that was to put in the second CD ended after so many of these.
            var drive = new JsonObject { ["id"] = CdParts.Device };
            var parts = CdParts.Nodes(two.Id, new Kumoi.Agent.Images.ImageCache(stand.Paths).PathOf(two));
            (string Command, JsonObject Arguments)[] change =
            [
                ("blockdev-open-tray", drive), ("blockdev-remove-medium", drive), ("blockdev-add", parts[0]), ("blockdev-add", parts[1]),
                ("blockdev-insert-medium", new JsonObject { ["id"] = CdParts.Device, ["node-name"] = CdParts.MediumOf(two.Id) }),
            ];
            if ((await stand.CdOfAsync())!.ImageId != two.Id)
                foreach (var (command, arguments) in change.Take(steps)) await stand.AskAsync(command, (JsonObject)arguments.DeepClone());
            await stand.ChangeAsync(wanted, force: false);
            Assert.Equal(new GuestCd(wanted?.Id, false, false), await stand.CdOfAsync());
        }
    }

    [Fact]
    public async Task What_no_image_is_in_the_drive_is_taken_out()
    {
        await using var stand = new CdStand();
        var cd = await stand.CdAsync(1, "one\n");
        await stand.StartAsync(cd, null);
        foreach (var (command, arguments) in new (string, JsonObject)[]
        {
            ("blockdev-open-tray", new() { ["id"] = CdParts.Device }), ("blockdev-add", new() { ["driver"] = "null-co", ["node-name"] = "mine", ["read-only"] = true, ["size"] = 1 << 20 }),
            ("blockdev-insert-medium", new() { ["id"] = CdParts.Device, ["node-name"] = "mine" }), ("blockdev-close-tray", new() { ["id"] = CdParts.Device }),
        }) await stand.AskAsync(command, arguments);
        Assert.Equal("", (await stand.CdOfAsync())!.ImageId);
        await stand.ChangeAsync(null, force: false);
        Assert.Null((await stand.CdOfAsync())!.ImageId);
    }

    [Fact]
    public void Names_of_nodes_fit_and_only_ids_become_names()
    {
        Assert.All(CdParts.Nodes(Samples.Image, "/i"), node => Assert.InRange(node["node-name"]!.ToString().Length, 1, 31));
        Assert.Equal("cd-refused", Assert.Throws<HypervisorException>(() => CdParts.Nodes("img-1,x=y", "/i")).Reason);
        Assert.Null(CdParts.ImageOf("cd-../x"));
    }
}
