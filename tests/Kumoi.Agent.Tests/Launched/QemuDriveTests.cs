using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Kumoi.Agent.Images;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>
/// Volumes of a real QEMU, with an empty root disk: no system in the guest delays what is asked of it. Each step is taken by objects of their own,
/// as by an agent that was killed in between.
/// </summary>
public sealed class QemuDriveTests
{
    [Fact]
    public async Task Volumes_are_there_from_the_start_plugged_in_changed_and_taken_out()
    {
        await using var stand = await Stand.MakeAsync();
        var (one, two) = (stand.Volume(1) with { ImageId = Samples.Image, Limits = new VolumeLimits(500, 20) }, stand.Volume(2));
        await stand.StartAsync(one);
        await stand.DrivesAsync(Whole(one));
        Assert.True((await stand.SeeAsync(one)).InUse);
        // A guest that is held before its first instruction is asked, and does not answer; asked again, QEMU refuses, which is no failure.
        foreach (var _ in new[] { 1, 2 }) await stand.OnceAsync(hypervisor => hypervisor.UnplugDriveAsync(stand.Record.Id, one.Id, default));
        await stand.DrivesAsync(Whole(one));

        await stand.OnceAsync(hypervisor => hypervisor.ResumeAsync(stand.Record.Id, default));
        await stand.PlugAsync(two);
        await stand.DrivesAsync(Whole(one), Whole(two));
        Assert.Equal("\"vol19a3f2b4c5d6e0002\"", await stand.AskAsync("qom-get", new JsonObject { ["path"] = $"/machine/peripheral/{two.Id}", ["property"] = "serial" }));
        Assert.Equal("\"/machine/peripheral/rp2/rp2\"", await stand.AskAsync("qom-get", new JsonObject { ["path"] = $"/machine/peripheral/{two.Id}", ["property"] = "parent_bus" }));

        // Larger, with limits and without, while it runs. Repeated, nothing changes.
        foreach (var next in new[] { two with { SizeGib = 3, Limits = new VolumeLimits(null, 7) }, two with { SizeGib = 3, Limits = new VolumeLimits(9, null) }, two with { SizeGib = 3 } })
        {
            two = next;
            foreach (var _ in new[] { 1, 2 }) await stand.OnceAsync(hypervisor => hypervisor.AdjustDriveAsync(stand.Record.Id, two, default));
            await stand.DrivesAsync(Whole(one), Whole(two));
        }
        Assert.Equal(3 * VolumeSizes.Gib, (await stand.SeeAsync(two)).SizeBytes);

        await stand.GoneAsync(two);
        await stand.DrivesAsync(Whole(one));
        Assert.False((await stand.SeeAsync(two)).InUse);
        await stand.OnceAsync(hypervisor => hypervisor.UnplugDriveAsync(stand.Record.Id, two.Id, default));
        await stand.PlugAsync(two);
        await stand.DrivesAsync(Whole(one), Whole(two));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task What_was_left_half_way_is_seen_and_finished_or_undone(int parts)
    {
        await using var stand = await Stand.MakeAsync();
        var volume = stand.Volume(1) with { ImageId = Samples.Image };
        await stand.StartAsync();
        await stand.MakeAsync(volume);
        await stand.OnceAsync(hypervisor => hypervisor.ResumeAsync(stand.Record.Id, default));
        foreach (var finished in new[] { true, false })
        {
            await stand.OpenAsync(volume);
            var drive = stand.Drive(volume);
            await stand.AskAsync("object-add", DriveParts.GroupOf(volume));
            foreach (var node in DriveParts.Nodes(drive).Take(parts)) await stand.AskAsync("blockdev-add", node);
            await stand.DrivesAsync(new GuestDrive(volume.Id, false, true, 0, null));
            if (finished)
            {
                await stand.PlugAsync(volume);
                await stand.DrivesAsync(Whole(volume));
                await stand.GoneAsync(volume);
            }
            else await stand.OnceAsync(hypervisor => hypervisor.UnplugDriveAsync(stand.Record.Id, volume.Id, default));
            await stand.DrivesAsync();
            Assert.DoesNotContain(volume.Id, await stand.AskAsync("query-named-block-nodes", []) + await stand.AskAsync("qom-list", new JsonObject { ["path"] = "/objects" }), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_volume_that_another_process_has_or_a_guest_has_spoilt_is_not_plugged_in()
    {
        await using var stand = await Stand.MakeAsync();
        var volume = stand.Volume(1);
        await stand.StartAsync();
        await stand.MakeAsync(volume);
        await stand.OnceAsync(hypervisor => hypervisor.ResumeAsync(stand.Record.Id, default));
        await using (var other = await Stand.MakeAsync(stand))
        {
            await other.StartAsync(volume);
            Assert.Equal("volume-in-use", (await Assert.ThrowsAsync<HypervisorException>(() => stand.PlugAsync(volume))).Reason);
            await stand.DrivesAsync();
            await other.OnceAsync(hypervisor => hypervisor.KillAsync(other.Record.Id, default));
        }
        using (var file = new FileStream(stand.FileOf(volume), FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = 8;
            file.Write([0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 4]);
        }
        Assert.Equal("volume-refused", (await Assert.ThrowsAsync<HypervisorException>(() => stand.PlugAsync(volume))).Reason);
        await stand.DrivesAsync();
    }

    [Fact]
    public async Task A_volume_that_was_granted_to_another_host_is_neither_started_with_nor_plugged_in()
    {
        await using var filer = new Machine("simulated");
        await using var old = await Stand.MakeAsync(filer.State);
        await using var next = await Stand.MakeAsync(filer.State);
        var first = old.Volume(1);
        var second = first with { Incarnation = 2 };
        await old.StartAsync(first);
        // The old guest still has it: its own lock keeps the new one out, and the grant keeps the old host from ever starting again with it.
        Assert.Equal("volume-in-use", (await Assert.ThrowsAsync<HypervisorException>(() => next.StartAsync(second))).Reason);
        await old.OnceAsync(hypervisor => hypervisor.KillAsync(old.Record.Id, default));
        await next.StartAsync(second);
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => old.StartAsync(first))).Reason);
        await old.StartAsync();
        await old.OnceAsync(hypervisor => hypervisor.ResumeAsync(old.Record.Id, default));
        Assert.Equal("fenced", (await Assert.ThrowsAsync<HypervisorException>(() => old.PlugAsync(first))).Reason);
        await old.DrivesAsync();
        await next.DrivesAsync(Whole(second));
    }

    [Fact]
    public async Task A_file_that_the_process_has_open_is_told_whatever_the_process_says()
    {
        await using var stand = await Stand.MakeAsync();
        var volume = stand.Volume(1);
        await stand.StartAsync();
        await stand.MakeAsync(volume);
        await stand.OpenAsync(volume);
        // Under a name that is no volume's: nothing that the agent asks for would show it.
        await stand.AskAsync("blockdev-add", new JsonObject { ["driver"] = "file", ["node-name"] = "mine", ["filename"] = stand.FileOf(volume) });
        await stand.DrivesAsync(new GuestDrive(volume.Id, false, true, 0, null));
        await stand.AskAsync("blockdev-del", new JsonObject { ["node-name"] = "mine" });
        await stand.DrivesAsync();
    }

    [Fact]
    public async Task A_guest_starts_from_a_volume_and_has_no_disk_beside_it()
    {
        await using var stand = await Stand.MakeAsync();
        var (root, data) = (stand.Volume(1) with { Slot = 0, ImageId = Samples.Image, Limits = new VolumeLimits(null, 30) }, stand.Volume(2));
        stand.Record = stand.Record with { RootVolume = true };
        await stand.StartAsync(data, root);
        await stand.DrivesAsync(Whole(root), Whole(data));
        Assert.Equal("1", await stand.AskAsync("qom-get", new JsonObject { ["path"] = $"/machine/peripheral/{root.Id}", ["property"] = "bootindex" }));
        Assert.False(File.Exists(stand.DiskFile));

        await stand.OnceAsync(hypervisor => hypervisor.ResumeAsync(stand.Record.Id, default));
        root = root with { SizeGib = 2, Limits = null };
        await stand.OnceAsync(hypervisor => hypervisor.AdjustDriveAsync(stand.Record.Id, root, default));
        await stand.DrivesAsync(Whole(root), Whole(data));
        await stand.OnceAsync(hypervisor => hypervisor.KillAsync(stand.Record.Id, default));
        await stand.OnceAsync(hypervisor => hypervisor.RemoveAsync(stand.Record, default));
        Assert.Equal((true, false), ((await stand.SeeAsync(root)) is { SizeBytes: 2 * VolumeSizes.Gib }, (await stand.SeeAsync(root)).InUse));
    }

    private static GuestDrive Whole(DesiredVolume volume) => new(volume.Id, true, true, volume.SizeGib * VolumeSizes.Gib, volume.Limits);

    /// <summary>A host with one guest, and a store.</summary>
    private sealed class Stand(Machine machine, string directory, DesiredImage image) : IAsyncDisposable
    {
        private string _store = "";

        public DesiredInstance Record { get; set; } = Samples.Instance(22, "running") with { MemoryMib = 64, Interfaces = [] };

        public static async Task<Stand> MakeAsync() => await MakeAsync(new Machine("qemu"), null);

        /// <param name="filer">A directory that other hosts have mounted, too.</param>
        public static async Task<Stand> MakeAsync(string filer) => await MakeAsync(new Machine("qemu"), filer);

        /// <summary>Another guest of the same host.</summary>
        public static Task<Stand> MakeAsync(Stand other) => Task.FromResult(other.Beside());

        private static async Task<Stand> MakeAsync(Machine machine, string? filer)
        {
            if (filer is not null) machine.Options = machine.Options with { Stores = [$"filer=directory:{filer},shared"] };
            var file = Path.Combine(machine.State, "empty.qcow2");
            Assert.Equal(0, (await Machine.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", file, "8M")).Code);
            var bytes = await File.ReadAllBytesAsync(file);
            var image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 8 * 1024 * 1024);
            DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
            await new ImageCache(machine.Options.Paths).FetchAsync(image, (_, _) => Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(bytes) }), default);
            return new Stand(machine, filer ?? machine.Options.Paths.Volumes, image) { _store = (await (await machine.VolumesAsync(null)).LookAsync(default)).There[^1].Store.Id };
        }

        private Stand Beside() => new(machine, directory, image) { _store = _store, Record = Samples.Instance(23, "running") with { MemoryMib = 64, Interfaces = [] }, _guest = true };

        private bool _guest;

        public DesiredVolume Volume(int slot) => new($"vol-19a3f2b4c5d6e{slot:x4}", _store, 1, 1, VolumeDesire.Present, 1, null, Record.Id, slot);

        public string DiskFile => machine.Options.Paths.Disk(Record.Id);

        public string FileOf(DesiredVolume volume) => Path.Combine(directory, volume.Id, "base.qcow2");

        public QemuDrive Drive(DesiredVolume volume) => new(volume, FileOf(volume), volume.ImageId is null ? null : new ImageCache(machine.Options.Paths).PathOf(image), volume.ImageId is null ? null : image.Format);

        private DriveIntent Intent(DesiredVolume volume) => new(volume, volume.ImageId is null ? null : image);

        public async Task MakeAsync(DesiredVolume volume) => await (await machine.VolumesAsync(null)).MakeAsync(volume, Intent(volume).Image, default);

        /// <summary>As the agent opens it for the guest, and no further.</summary>
        public async Task OpenAsync(DesiredVolume volume) =>
            await (await machine.VolumesAsync(null)).OpenAsync(volume, Intent(volume).Image, uint.Parse(await File.ReadAllTextAsync(Path.Combine(machine.Options.Paths.Instance(Record.Id), "user")), System.Globalization.CultureInfo.InvariantCulture), default);

        public async Task<VolumeSight> SeeAsync(DesiredVolume volume) => await (await machine.VolumesAsync(null)).ObserveAsync(volume, default);

        public async Task StartAsync(params DesiredVolume[] volumes)
        {
            if (!Record.RootVolume) await OnceAsync(hypervisor => hypervisor.MakeDiskAsync(Record, image, default));
            foreach (var volume in volumes) await MakeAsync(volume);
            await OnceAsync(hypervisor => hypervisor.StartAsync(Record, image, [], [.. volumes.Select(Intent)], null, default));
        }

        public async Task PlugAsync(DesiredVolume volume)
        {
            await MakeAsync(volume);
            await OnceAsync(hypervisor => hypervisor.PlugDriveAsync(Record.Id, Intent(volume), default));
        }

        public async Task OnceAsync(Func<QemuHypervisor, Task> step)
        {
            await using var hypervisor = new QemuHypervisor(machine.Options, "tcg", null, new ImageCache(machine.Options.Paths), await machine.VolumesAsync(null), new Commands(TimeProvider.System), TimeProvider.System);
            await step(hypervisor);
        }

        public Task DrivesAsync(params GuestDrive[] expected) => OnceAsync(async hypervisor => Assert.Equal(expected, (await hypervisor.ObserveAsync(Record.Id, default)).Process!.Drives));

        /// <summary>The guest gives the disk back, and what led to it goes.</summary>
        public async Task GoneAsync(DesiredVolume volume)
        {
            await OnceAsync(hypervisor => hypervisor.UnplugDriveAsync(Record.Id, volume.Id, default));
            await Wait.ForAsync("the disk to go", async () =>
            {
                var there = true;
                await OnceAsync(async hypervisor => there = (await hypervisor.ObserveAsync(Record.Id, default)).Process!.Drives!.Any(drive => drive.Id == volume.Id && drive.Device));
                return !there;
            }, TimeSpan.FromSeconds(20));
            await OnceAsync(hypervisor => hypervisor.UnplugDriveAsync(Record.Id, volume.Id, default));
        }

        public async Task<string> AskAsync(string command, JsonObject arguments)
        {
            await using var qmp = await QmpClient.ConnectAsync((await QemuGuest.ConnectAsync(machine.Options.Paths.Socket(Record.Id, "qmp"), default))!, TimeProvider.System, _ => { }, default);
            return await qmp.AskAsync(command, writer =>
            {
                foreach (var (name, value) in arguments)
                {
                    writer.WritePropertyName(name);
                    if (value is null) writer.WriteNullValue();
                    else value.WriteTo(writer);
                }
            }, answer => answer.GetRawText(), default);
        }

        public async ValueTask DisposeAsync()
        {
            if (!_guest) await machine.DisposeAsync();
        }
    }
}
