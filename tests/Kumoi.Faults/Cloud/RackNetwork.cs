using System.Diagnostics;

namespace Kumoi.Faults.Cloud;

/// <summary>A namespace for hosts, and the one cable between it and the servers.</summary>
internal sealed class RackNetwork : IAsyncDisposable
{
    private readonly string _name = $"kf{Environment.ProcessId}";

    /// <summary>Where servers listen for the hosts. From the range for documentation (RFC 5737), so that no route of the machine is met.</summary>
    public string ServerAddress => "203.0.113.1";

    public string Name => _name;

    private string Outer => $"{_name}o";

    /// <summary>A command that runs the rest of its line in the rack.</summary>
    public IReadOnlyList<string> Enter => ["nsenter", $"--net=/run/netns/{_name}"];

    public static async Task<RackNetwork> MakeAsync()
    {
        var rack = new RackNetwork();
        await IpAsync("netns", "add", rack._name);
        await IpAsync("link", "add", rack.Outer, "type", "veth", "peer", "name", "uplink", "netns", rack._name);
        await IpAsync("address", "add", $"{rack.ServerAddress}/30", "dev", rack.Outer);
        await IpAsync("link", "set", rack.Outer, "up");
        await IpAsync("-n", rack._name, "address", "add", "203.0.113.2/30", "dev", "uplink");
        await IpAsync("-n", rack._name, "link", "set", "uplink", "up");
        await IpAsync("-n", rack._name, "link", "set", "lo", "up");
        return rack;
    }

    /// <summary>The cable is pulled at the rack's end: packets go nowhere, and nobody is told.</summary>
    public Task CutAsync() => IpAsync("-n", _name, "link", "set", "uplink", "down");

    public Task HealAsync() => IpAsync("-n", _name, "link", "set", "uplink", "up");

    internal static Task RunAsync(string program, params string[] arguments) => SayAsync(program, arguments);

    internal static async Task<string> SayAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await error}");
    }

    private static Task IpAsync(params string[] arguments) => RunAsync("ip", arguments);

    public async ValueTask DisposeAsync()
    {
        await IpAsync("link", "delete", Outer);
        await IpAsync("netns", "delete", _name);
    }
}

/// <summary>A file system in memory that is soon full.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    public static async Task<SmallDisk> MountAsync(int megabytes)
    {
        var disk = new SmallDisk(Directory.CreateTempSubdirectory("kumoi-disk-").FullName);
        await RackNetwork.RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "kumoi-test", disk.Path);
        return disk;
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[64 * 1024];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    public void Empty() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        await RackNetwork.RunAsync("umount", "--lazy", Path);
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
