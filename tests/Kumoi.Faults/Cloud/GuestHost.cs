using System.Globalization;
using Kumoi.Agent.Linux;
using Kumoi.Testing;

namespace Kumoi.Faults.Cloud;

/// <summary>
/// A host with real guests: an agent in a network namespace of its own, whose state is on a small disk. Everything it makes on the machine carries its
/// tag, so it can be looked for, and be taken away when a test has failed.
/// </summary>
internal sealed class GuestHost : IAsyncDisposable
{
    private const int DiskGib = 20;

    private readonly string _tag = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(3));
    private readonly RackNetwork _rack;

    private GuestHost(RackNetwork rack, LoopDisk disk) => (_rack, Disk) = (rack, disk);

    public LoopDisk Disk { get; }

    public OwnProcess Agent { get; private set; } = null!;

    private string RunDirectory => $"/run/kumoi-{_tag}";

    private string State => Path.Combine(Disk.Path, "state");

    public static async Task<GuestHost> MakeAsync(RackNetwork rack) => new(rack, await LoopDisk.MountAsync(DiskGib));

    public async Task JoinAsync(FaultCloud cloud)
    {
        Directory.CreateDirectory(State);
        // Guests that boot do not hear the power button.
        Agent = await cloud.AddAgentAsync("qemu-1", _rack.Enter, ["--state", State, "--tag", _tag, "--run-directory", RunDirectory, "--address", "203.0.113.2", "--accelerator", "tcg", "--stop-limit-seconds", "3"]);
    }

    /// <summary>Its QEMU processes.</summary>
    public List<int> Guests() => [.. Own().Where(process => process.Command.StartsWith("qemu-system-x86_64", StringComparison.Ordinal)).Select(process => process.Id)];

    /// <summary>Those of these instances.</summary>
    public List<int> Guests(IReadOnlyCollection<string> instances) =>
        [.. Own().Where(process => process.Command.StartsWith("qemu-system-x86_64", StringComparison.Ordinal) && instances.Any(id => process.Command.Contains($" {id}/", StringComparison.Ordinal))).Select(process => process.Id)];

    private IEnumerable<(int Id, string Command)> Own()
    {
        foreach (var directory in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            string command;
            try
            {
                command = File.ReadAllText(Path.Combine(directory, "cmdline")).Replace('\0', ' ');
            }
            catch (IOException)
            {
                // It has ended meanwhile.
                continue;
            }
            if (command.Contains(RunDirectory + "/", StringComparison.Ordinal)) yield return (int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture), command);
        }
    }

    /// <summary>What is there of guests and their networks: processes, namespaces with their taps and filters, links, control groups, sockets, files.</summary>
    public async Task<IReadOnlyList<string>> LeftAsync() =>
    [
        .. Own().Select(process => "process " + process.Command),
        .. Namespaces(),
        .. (await RackNetwork.SayAsync("ip", "-n", _rack.Name, "-brief", "link")).Split('\n').Where(line => line.StartsWith($"k{_tag}-", StringComparison.Ordinal)),
        .. Groups(),
        .. new[] { $"{RunDirectory}/g", $"{RunDirectory}/n", $"{State}/agent/instances" }.Where(Directory.Exists).SelectMany(Directory.GetFileSystemEntries),
    ];

    private IEnumerable<string> Namespaces() => Directory.Exists("/run/netns") ? Directory.GetFiles("/run/netns", $"kumoi-{_tag}-*") : [];

    private IEnumerable<string> Groups() => new[] { "/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory" }.Select(root => $"{root}/kumoi-{_tag}").Where(Directory.Exists).SelectMany(Directory.GetDirectories);

    public async ValueTask DisposeAsync()
    {
        Agent?.Dispose();
        foreach (var (id, _) in Own().ToList())
        {
            OwnProcess.Resume(id);
            OwnProcess.KillHard(id);
        }
        await Wait.UntilAsync(() => Task.FromResult(!Own().Any()), what: "the guests' processes are gone");
        foreach (var path in Namespaces().ToList()) await RackNetwork.RunAsync("ip", "netns", "delete", Path.GetFileName(path));
        new Cgroups($"kumoi-{_tag}").RemoveAll();
        if (Directory.Exists(RunDirectory)) Directory.Delete(RunDirectory, recursive: true);
        await Disk.DisposeAsync();
    }
}

/// <summary>A file system with room for disks that are hardly written to. It takes no more of the machine than is written, and can be filled at once.</summary>
internal sealed class LoopDisk : IAsyncDisposable
{
    private LoopDisk(string path) => Path = path;

    public string Path { get; }

    private string File => Path + ".img";

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    public static async Task<LoopDisk> MountAsync(int gib)
    {
        var disk = new LoopDisk(Directory.CreateTempSubdirectory("kumoi-disk-").FullName);
        await RackNetwork.RunAsync("truncate", "-s", $"{gib}G", disk.File);
        await RackNetwork.RunAsync("mke2fs", "-q", "-t", "ext4", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1", disk.File);
        await RackNetwork.RunAsync("mount", "-o", "loop", disk.File, disk.Path);
        System.IO.File.SetUnixFileMode(disk.Path, System.IO.File.GetUnixFileMode(disk.Path) | UnixFileMode.OtherExecute);
        return disk;
    }

    /// <summary>Takes all the room that is left, without writing it.</summary>
    public async Task FillAsync()
    {
        for (long free; (free = new DriveInfo(Path).AvailableFreeSpace) > 0;)
        {
            try
            {
                await RackNetwork.RunAsync("fallocate", "--offset", $"{(System.IO.File.Exists(Ballast) ? new FileInfo(Ballast).Length : 0)}", "--length", $"{free}", Ballast);
            }
            catch (InvalidOperationException)
            {
                // Metadata needed some of it, or a guest was quicker: what is left is next to nothing.
                return;
            }
        }
    }

    public void Empty() => System.IO.File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        await RackNetwork.RunAsync("umount", "--lazy", Path);
        System.IO.File.Delete(File);
        Directory.Delete(Path);
    }
}
