using System.Buffers.Binary;
using System.Diagnostics;
using Kumoi.Agent.Instances;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>Volumes as files, with the real qemu-img. Each step is taken by objects of its own, as by an agent that was killed in between.</summary>
public sealed class DirectoryVolumeTests
{
    private static readonly DesiredImage Image = new("img-19a3f2b4c5d6e7f83", new string('a', 64), "qcow2", 1, 3L * 1024 * 1024 * 1024 + 512);

    private const uint Guest = 0x5000_1234;

    [Fact]
    public async Task A_volume_is_made_given_grown_taken_back_and_removed_each_step_twice()
    {
        await using var place = await Place.MakeAsync();
        var volume = place.Volume(1);
        Assert.Equal(new VolumeSight(false, null, 0, false, false, 0), await place.SeeAsync(volume));
        await place.TwiceAsync(driver => driver.MakeAsync(volume, null, default));
        var made = await place.SeeAsync(volume);
        Assert.Equal((true, VolumeSizes.Gib, false, false), (made.Traces, made.SizeBytes!.Value, made.InUse, made.IsGiven));
        Assert.InRange(made.UsedBytes, 1, 1024 * 1024);
        Assert.Equal([place.FileOf(volume)], Directory.GetFiles(Path.GetDirectoryName(place.FileOf(volume))!));
        Assert.Equal(AgentModes.PrivateFile, File.GetUnixFileMode(place.FileOf(volume)));

        await place.TwiceAsync(async driver => Assert.Equal(place.FileOf(volume), (await driver.OpenAsync(volume, null, Guest, default)).File));
        Assert.True((await place.SeeAsync(volume)).IsGiven);
        // As the guest's user, who has written the file.
        volume = volume with { SizeGib = 5 };
        await place.TwiceAsync(driver => driver.GrowAsync(volume, null, default));
        Assert.Equal((5 * VolumeSizes.Gib, true), await place.SeeAsync(volume) is var grown ? (grown.SizeBytes, grown.IsGiven) : default);
        await place.TwiceAsync(driver => driver.TakeBackAsync(volume, default));
        Assert.False((await place.SeeAsync(volume)).IsGiven);
        Assert.Equal(0, (await Machine.RunAsync("qemu-img", "check", "-q", "-f", "qcow2", place.FileOf(volume))).Code);

        await place.TwiceAsync(driver => driver.RemoveAsync(volume, default));
        Assert.Equal(new VolumeSight(false, null, 0, false, false, 0), await place.SeeAsync(volume));
    }

    [Fact]
    public async Task A_layer_over_an_image_names_it_by_its_content_and_is_never_smaller()
    {
        await using var place = await Place.MakeAsync();
        var volume = place.Volume(1) with { ImageId = Image.Id };
        Assert.Equal("image-unavailable", await place.RefusedAsync(driver => driver.MakeAsync(volume, null, default)));
        await place.OnceAsync(driver => driver.MakeAsync(volume, Image, default));
        Assert.Equal(new Qcow2Header(Image.VirtualSizeBytes, $"{Image.Sha256}.qcow2", false, false), Qcow2Header.Read(place.FileOf(volume)));
        Assert.Equal([Image.Sha256], (await place.DriverAsync()).ImagesInUse());
        volume = volume with { SizeGib = 7 };
        await place.OnceAsync(driver => driver.GrowAsync(volume, Image, default));
        Assert.Equal(new Qcow2Header(7 * VolumeSizes.Gib, $"{Image.Sha256}.qcow2", false, false), Qcow2Header.Read(place.FileOf(volume)));
        await place.OnceAsync(driver => driver.OpenAsync(volume, Image, Guest, default));
        Assert.Equal("volume-refused", await place.RefusedAsync(driver => driver.OpenAsync(volume, Image with { Sha256 = new string('b', 64) }, Guest, default)));
        Assert.Equal("volume-refused", await place.RefusedAsync(driver => driver.OpenAsync(volume, null, Guest, default)));
    }

    [Fact]
    public async Task Cut_off_before_or_in_the_middle_of_any_program_it_goes_on_from_there()
    {
        await using var place = await Place.MakeAsync();
        var volume = place.Volume(1);
        await place.KilledAsync(driver => driver.MakeAsync(volume, null, default));
        Assert.Null((await place.SeeAsync(volume)).SizeBytes);
        // Half a file by this incarnation, and one by an earlier one.
        foreach (var incarnation in new[] { 1, 2 }) await File.WriteAllTextAsync($"{place.FileOf(volume)}.{incarnation}.tmp", "half");
        volume = volume with { Incarnation = 2 };
        await place.OnceAsync(driver => driver.MakeAsync(volume, null, default));
        Assert.Equal([place.FileOf(volume)], Directory.GetFiles(Path.GetDirectoryName(place.FileOf(volume))!));
        volume = volume with { SizeGib = 2 };
        await place.KilledAsync(driver => driver.GrowAsync(volume, null, default));
        Assert.Equal(VolumeSizes.Gib, (await place.SeeAsync(volume)).SizeBytes);
        await place.OnceAsync(driver => driver.GrowAsync(volume, null, default));
        Assert.Equal(2 * VolumeSizes.Gib, (await place.SeeAsync(volume)).SizeBytes);

        // Half a removal is known for one: it goes on, and is not covered by an empty volume.
        File.Move(place.FileOf(volume), place.FileOf(volume) + ".deleted");
        Assert.Equal((true, null), await place.SeeAsync(volume) is var half ? (half.Traces, half.SizeBytes) : default);
        Assert.Equal("volume-removed", await place.RefusedAsync(driver => driver.MakeAsync(volume, null, default)));
        await place.OnceAsync(driver => driver.RemoveAsync(volume, default));
        Assert.False((await place.SeeAsync(volume)).Traces);
    }

    [Fact]
    public async Task What_a_process_has_open_is_seen_and_neither_grown_nor_removed()
    {
        await using var place = await Place.MakeAsync();
        var volume = place.Volume(1);
        await place.OnceAsync(driver => driver.MakeAsync(volume, null, default));
        var start = new ProcessStartInfo("qemu-io", ["-f", "qcow2", place.FileOf(volume)]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using (var user = Process.Start(start)!)
        {
            await Wait.ForAsync("the lock", async () => (await place.SeeAsync(volume)).InUse, TimeSpan.FromSeconds(20));
            Assert.Equal("volume-in-use", await place.RefusedAsync(driver => driver.GrowAsync(volume with { SizeGib = 2 }, null, default)));
            Assert.Equal("volume-in-use", await place.RefusedAsync(driver => driver.RemoveAsync(volume, default)));
            await place.OnceAsync(driver => driver.OpenAsync(volume, null, Guest, default));
            await place.OnceAsync(driver => driver.TakeBackAsync(volume, default));
            Assert.Equal((true, VolumeSizes.Gib, true, true), await place.SeeAsync(volume) is var seen ? (seen.Traces, seen.SizeBytes, seen.InUse, seen.IsGiven) : default);
            user.StandardInput.Close();
            await user.WaitForExitAsync();
        }
        Assert.False((await place.SeeAsync(volume)).InUse);
        await place.OnceAsync(driver => driver.RemoveAsync(volume, default));
    }

    [Theory]
    [InlineData("a backing file")]
    [InlineData("an external data file")]
    [InlineData("encryption")]
    [InlineData("a raw file")]
    [InlineData("another version")]
    [InlineData("a short file")]
    [InlineData("a name beyond the end")]
    public async Task A_file_that_a_guest_has_replaced_is_refused_and_can_be_removed(string with)
    {
        await using var place = await Place.MakeAsync();
        var volume = place.Volume(1);
        await place.OnceAsync(driver => driver.MakeAsync(volume, null, default));
        await place.OnceAsync(driver => driver.OpenAsync(volume, null, Guest, default));
        using (var file = new FileStream(place.FileOf(volume), FileMode.Open, FileAccess.ReadWrite))
        {
            void Write(long at, params byte[] bytes)
            {
                file.Position = at;
                file.Write(bytes);
            }
            var number = new byte[8];
            switch (with)
            {
                case "a backing file" or "a name beyond the end":
                    BinaryPrimitives.WriteUInt64BigEndian(number, with == "a backing file" ? 512 : 1UL << 40);
                    Write(8, [.. number, 0, 0, 0, 11]);
                    if (with == "a backing file") Write(512, "/etc/shadow"u8.ToArray());
                    break;
                case "an external data file": Write(72, 0, 0, 0, 0, 0, 0, 0, 4); break;
                case "encryption": Write(32, 0, 0, 0, 2); break;
                case "a raw file": Write(0, new byte[512]); break;
                case "another version": Write(4, 0, 0, 0, 9); break;
                default: file.SetLength(60); break;
            }
        }
        Assert.Equal("volume-refused", await place.RefusedAsync(driver => driver.OpenAsync(volume, null, Guest, default)));
        Assert.Equal("volume-refused", await place.RefusedAsync(driver => driver.GrowAsync(volume with { SizeGib = 2 }, null, default)));
        await place.OnceAsync(driver => driver.RemoveAsync(volume, default));
        Assert.False((await place.SeeAsync(volume)).Traces);
    }

    [Fact]
    public async Task A_store_that_is_full_is_said_to_be_and_nothing_is_left_of_the_try()
    {
        await using var machine = new Machine("qemu");
        var small = Directory.CreateDirectory(Path.Combine(machine.State, "small")).FullName;
        Assert.Equal(0, (await Machine.RunAsync("mount", "-t", "tmpfs", "-o", "size=64k,mode=711", "none", small)).Code);
        try
        {
            machine.Options = machine.Options with { Stores = [$"small=directory:{small}"] };
            DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
            var place = await new Place(machine, null).OpenedAsync();
            var volume = place.Volume(1);
            Assert.Equal("disk-full", await place.RefusedAsync(driver => driver.MakeAsync(volume, null, default)));
            var left = await place.SeeAsync(volume);
            Assert.Equal((true, null, 0L), (left.Traces, left.SizeBytes, left.UsedBytes));
            Assert.Equal(0, (await Machine.RunAsync("mount", "-o", "remount,size=1m", small)).Code);
            await place.OnceAsync(driver => driver.MakeAsync(volume, null, default));
            Assert.Equal(VolumeSizes.Gib, (await place.SeeAsync(volume)).SizeBytes);
        }
        finally
        {
            Assert.Equal(0, (await Machine.RunAsync("umount", small)).Code);
        }
    }

    [Fact]
    public async Task Of_two_hosts_on_one_directory_the_later_incarnation_has_the_volume()
    {
        await using var shared = new Machine("simulated");
        await using var one = await Place.MakeAsync(shared);
        await using var two = await Place.MakeAsync(shared);
        var first = one.Volume(1);
        var second = first with { Incarnation = 2 };
        await one.OnceAsync(driver => driver.MakeAsync(first, null, default));
        Assert.Equal([one.FileOf(first), Path.Combine(Path.GetDirectoryName(one.FileOf(first))!, "grant")], Directory.GetFiles(Path.GetDirectoryName(one.FileOf(first))!).Order());
        Assert.Equal(1, (await two.SeeAsync(first)).Granted);

        await two.OnceAsync(driver => driver.OpenAsync(second, null, Guest, default));
        Assert.Equal(2, (await one.SeeAsync(first)).Granted);
        Assert.False((await one.DriverAsync()).IsHeld(first));
        Assert.True((await two.DriverAsync()).IsHeld(second));
        foreach (var act in new Func<DirectoryVolumes, Task>[]
        {
            driver => driver.MakeAsync(first, null, default), driver => driver.OpenAsync(first, null, Guest, default), driver => driver.GrowAsync(first with { SizeGib = 2 }, null, default),
            driver => driver.TakeBackAsync(first, default), driver => driver.RemoveAsync(first, default),
        }) Assert.Equal("fenced", await one.RefusedAsync(act));
        Assert.True((await two.SeeAsync(second)).IsGiven);
        await two.OnceAsync(driver => driver.RemoveAsync(second, default));
        Assert.False((await one.SeeAsync(first)).Traces);
    }

    private sealed class Place(Machine machine, Machine? shared) : IAsyncDisposable
    {
        private string _store = "";

        public static async Task<Place> MakeAsync(Machine? shared = null)
        {
            var machine = new Machine("qemu");
            if (shared is not null) machine.Options = machine.Options with { Stores = [$"filer=directory:{shared.State},shared"] };
            DurableFiles.MakeDirectory(machine.Options.Paths.State, AgentModes.Passable);
            var place = new Place(machine, shared);
            return await place.OpenedAsync();
        }

        public async Task<Place> OpenedAsync()
        {
            _store = (await (await DriverAsync()).LookAsync(default)).There[^1].Store.Id;
            return this;
        }

        public DesiredVolume Volume(int number) => new($"vol-19a3f2b4c5d6e{number:x4}", _store, 1, 1, VolumeDesire.Present, 1);

        public string FileOf(DesiredVolume volume) => Path.Combine(shared?.State ?? machine.Options.Paths.Volumes, volume.Id, "base.qcow2");

        public Task<DirectoryVolumes> DriverAsync() => machine.VolumesAsync(null);

        public async Task OnceAsync(Func<DirectoryVolumes, Task> act) => await act(await DriverAsync());

        public async Task TwiceAsync(Func<DirectoryVolumes, Task> act)
        {
            foreach (var _ in new[] { 1, 2 }) await OnceAsync(act);
        }

        public async Task<string> RefusedAsync(Func<DirectoryVolumes, Task> act) => (await Assert.ThrowsAsync<HypervisorException>(() => OnceAsync(act))).Reason;

        /// <summary>The agent dies where it would start a program.</summary>
        public async Task KilledAsync(Func<DirectoryVolumes, Task> act)
        {
            var stores = new Stores(machine.Options, StorePlace.Of(machine.Options), null, TimeProvider.System);
            await stores.LookAsync(default);
            var driver = new DirectoryVolumes(stores, null!, new Commands(TimeProvider.System) { Fault = (_, _) => throw new OperationCanceledException() }, TimeProvider.System) { BackupPlaces = stores };
            await Assert.ThrowsAsync<OperationCanceledException>(() => act(driver));
        }

        public async Task<VolumeSight> SeeAsync(DesiredVolume volume) => await (await DriverAsync()).ObserveAsync(volume, default);

        public ValueTask DisposeAsync() => machine.DisposeAsync();
    }
}
