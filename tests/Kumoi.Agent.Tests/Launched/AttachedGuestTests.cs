using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Storage;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Agent.Volumes;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>
/// Goal: a system that runs in a guest gets volumes, writes to them, sees them grow and gives them back, whatever happens to the agent meanwhile, and
/// what it wrote is there when it has them again. Method: the agent as a process of its own with the tiny guest, killed in the middle; the guest is asked by its serial line.
/// </summary>
public sealed class AttachedGuestTests(ITestOutputHelper output)
{
    private const string First = "vol-19a3f2b4c5d6e0001", Second = "vol-19a3f2b4c5d6e0002";

    private static readonly TimeSpan Boot = TimeSpan.FromSeconds(120), Soon = TimeSpan.FromSeconds(60);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Dictionary<string, DesiredVolume> _volumes = [];
    private DesiredInstance _record = Samples.Instance(21, "running") with { Interfaces = [] };
    private DesiredImage _image = Samples.ImageOf("", 0, 0);
    private long _revision;

    [Fact]
    public async Task A_guest_gets_volumes_writes_to_them_and_gives_them_back_though_the_agent_is_killed()
    {
        await using var machine = new Machine("qemu");
        await using var server = await FakeServer.StartAsync();
        server.Answer = new ReportAnswer(1, 600);
        server.ImageFile = await TinyImage.FindAsync();
        var bytes = await File.ReadAllBytesAsync(server.ImageFile);
        _image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(24)));
        var token = Path.Combine(machine.State, "token");
        await File.WriteAllTextAsync(token, server.Token);

        var agent = new AgentProcess(machine, token);
        try
        {
            // The store is known from the first full report, as servers know it.
            Tell(server);
            await Wait.ForAsync("the store", () => server.LastReport is { Stores.Count: 1 }, Soon);
            var store = server.LastReport!.Stores![0].Id;
            DesiredVolume Volume(string id, int gib, int? slot) => new(id, store, 1, 1, VolumeDesire.Present, gib, null, slot is null ? null : _record.Id, slot);
            string FileOf(string id) => Path.Combine(machine.Options.Paths.Volumes, id, "base.qcow2");

            _volumes[First] = Volume(First, 2, 1) with { Limits = new VolumeLimits(2000, 200) };
            Attach(server);
            await HasAsync(server, First);
            await using var guest = await SerialShell.OpenAsync(machine, _record.Id, Boot);
            Note("the guest runs, with a volume from its start");
            Assert.Equal(("4194304", "vol19a3f2b4c5d6e0001"), (await guest.RunAsync("cat /sys/block/vdb/size"), await guest.RunAsync("cat /sys/block/vdb/serial")));
            await guest.RunAsync("echo what was written | dd of=/dev/vdb bs=512 seek=100 conv=sync 2>/dev/null; sync");

            // Attached, and the agent killed before it was done.
            _volumes[Second] = Volume(Second, 1, 2);
            Attach(server);
            await Task.Delay(Random.Shared.Next(300));
            await agent.KillAsync();
            agent = new AgentProcess(machine, token);
            await HasAsync(server, First, Second);
            await Wait.ForAsync("the second disk in the guest", async () => await guest.RunAsync("cat /sys/block/vdc/serial 2>/dev/null") == "vol19a3f2b4c5d6e0002", Soon);
            Note("attached");

            // Larger while it runs.
            _volumes[First] = _volumes[First] with { SizeGib = 3, Generation = ++_revision };
            Tell(server);
            await Wait.ForAsync("the growth in the guest", async () => await guest.RunAsync("cat /sys/block/vdb/size") == "6291456", Soon);
            await Wait.ForAsync("the growth in the report", () => Seen(server, First) is { SizeGib: 3 } seen && seen.Generation == _volumes[First].Generation, Soon);
            Note("grown");

            // Detached, and the agent killed when it had asked: what the guest gives back meanwhile is found half-way by the next one.
            _volumes[First] = _volumes[First] with { InstanceId = null, Slot = null };
            Attach(server);
            await agent.SaysAsync(": UnplugDrives", Soon);
            await agent.KillAsync();
            await Wait.ForAsync("the guest to give the disk back", async () => !(await guest.RunAsync("ls /sys/block")).Contains("vdb", StringComparison.Ordinal), Soon);
            Assert.True(QemuLocks.AreHeld(FileOf(First)));
            agent = new AgentProcess(machine, token);
            await HasAsync(server, Second);
            Assert.False(QemuLocks.AreHeld(FileOf(First)));
            await Wait.ForAsync("the file to be root's", () => FileStates.UserOf(FileOf(First)) == 0, Soon);
            Note("detached");

            // What was written comes back with it, on another place.
            _volumes[First] = _volumes[First] with { InstanceId = _record.Id, Slot = 3 };
            Attach(server);
            await HasAsync(server, First, Second);
            await Wait.ForAsync("the disk in the guest", async () => (await guest.RunAsync("cat /sys/block/vd*/serial")).Contains("vol19a3f2b4c5d6e0001", StringComparison.Ordinal), Soon);
            Assert.Equal("what was written", await guest.RunAsync("for d in /sys/block/vd*; do [ \"$(cat $d/serial)\" = vol19a3f2b4c5d6e0001 ] && dd if=/dev/${d##*/} bs=512 skip=100 count=1 2>/dev/null | head -n 1; done"));
            Note("attached again");

            // The end of the guest frees them; each goes when its record says so.
            _record = _record with { Desired = "terminated" };
            Attach(server);
            await Wait.ForAsync("the end of the guest", () => server.Seen.GetValueOrDefault(_record.Id) is { Power: PowerState.Absent }, Soon);
            Assert.Equal(3 * VolumeSizes.Gib, Qcow2Header.Read(FileOf(First))!.Size);
            foreach (var id in _volumes.Keys.ToArray()) _volumes[id] = _volumes[id] with { InstanceId = null, Slot = null, Desired = VolumeDesire.Deleted, Generation = ++_revision };
            Tell(server);
            await Wait.ForAsync("the end of the volumes", () => _volumes.Values.All(volume => Seen(server, volume.Id) is { SizeGib: null } seen && seen.Generation == volume.Generation), Soon);
            Assert.Equal([".kumoi-storage"], Directory.GetFileSystemEntries(machine.Options.Paths.Volumes).Select(path => Path.GetFileName(path)));
            Assert.Empty(server.LastReport!.Strays);
        }
        finally
        {
            await agent.KillAsync();
            Note(agent.Said);
        }
    }

    private void Note(string what) => output.WriteLine($"{_watch.Elapsed.TotalSeconds:0.0} s: {what}");

    private static ObservedVolume? Seen(FakeServer server, string id) => server.Reports.SelectMany(report => report.Volumes ?? []).LastOrDefault(seen => seen.Id == id);

    /// <summary>What volumes the guest has is another.</summary>
    private void Attach(FakeServer server)
    {
        _record = _record with { Generation = ++_revision };
        Tell(server);
    }

    private void Tell(FakeServer server) => server.Set(
        Samples.Document(++_revision, _image, [], Samples.Instance(21, "running")) with { Networks = [], SecurityGroups = [], Instances = _volumes.Count == 0 ? [] : [_record], Volumes = [.. _volumes.Values] });

    private Task HasAsync(FakeServer server, params string[] volumes) => Wait.ForAsync($"the volumes {string.Join(' ', volumes)}", () =>
        server.Seen.GetValueOrDefault(_record.Id) is { Power: PowerState.Running, Conditions.Count: 0 } seen && seen.Generation == _record.Generation && seen.Volumes!.SequenceEqual(volumes), Soon);
}
