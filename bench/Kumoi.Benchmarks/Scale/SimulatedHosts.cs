using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Kumoi.Benchmarks.Cloud;

namespace Kumoi.Benchmarks.Scale;

/// <summary>A running <c>kumoi simulate</c>: real agents in a process of their own, so that their processor time is told apart.</summary>
public sealed class SimulatedHosts : IAsyncDisposable
{
    private const string Zone = "sim";

    // Joining ten thousand hosts takes a minute or two on a small machine.
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromMinutes(20);

    private readonly Process _process;
    private readonly string _trace;
    private readonly Task _reading;
    private volatile string _last = "";

    private SimulatedHosts(Process process, string trace)
    {
        (_process, _trace) = (process, trace);
        _reading = ReadAsync();
    }

    public static string ZoneName => Zone;

    public int Pid => _process.Id;

    /// <summary>Starts the hosts, which join unless they have before, and waits until all are connected.</summary>
    public static async Task<SimulatedHosts> StartAsync(string tree, LocalCloud cloud, string adminToken, string directory, int hosts)
    {
        Directory.CreateDirectory(directory);
        var (config, trace) = (Path.Combine(directory, "sim.yaml"), Path.Combine(directory, "trace"));
        await File.WriteAllTextAsync(config, $"zone: {Zone}\n");
        File.Delete(trace);
        var start = new ProcessStartInfo("dotnet", [
            Path.Combine(tree, "artifacts/kumoi/kumoi.dll"), "simulate", "--hosts", hosts.ToString(CultureInfo.InvariantCulture), "--config", config,
            "--state", Path.Combine(directory, "hosts"), "--trace", trace, "--hosts-per-second", "250", "--output", "json"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["KUMOI_URL"] = cloud.Url.ToString(), ["KUMOI_TOKEN"] = adminToken, ["DOTNET_TieredPGO"] = "0",
            // Ten thousand hosts in one process are a large heap: without this, going through it again and again takes the processors from what is measured.
            ["DOTNET_gcServer"] = "0", ["DOTNET_GCgen0size"] = "0x20000000",
        }) start.Environment[name] = value;
        var running = new SimulatedHosts(Process.Start(start)!, trace);
        // Also when this program is told to end in the middle.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => running.End();
        await running.UntilAsync("connected", hosts, ConnectLimit);
        return running;
    }

    /// <summary>Waits until a number of the status is reached.</summary>
    public async Task UntilAsync(string number, int least, TimeSpan limit)
    {
        for (var begin = Stopwatch.GetTimestamp(); Number(number) < least; await Task.Delay(100))
        {
            if (_process.HasExited) throw new InvalidOperationException($"kumoi simulate ended with {_process.ExitCode}.");
            if (Stopwatch.GetElapsedTime(begin) > limit) throw new TimeoutException($"{number} is {Number(number)}, not {least}, after {limit}.");
        }
    }

    /// <summary>When each instance was first told to its host, in microseconds since 1970.</summary>
    public async Task<Dictionary<string, long>> TraceAsync()
    {
        var told = new Dictionary<string, long>();
        await using var file = new FileStream(_trace, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var lines = new StreamReader(file);
        while (await lines.ReadLineAsync() is { } line)
            if (line.Split(' ') is [var at, { Length: 19 } id]) told.TryAdd(id, long.Parse(at, CultureInfo.InvariantCulture));
        return told;
    }

    private int Number(string name)
    {
        if (_last.Length == 0) return 0;
        using var status = JsonDocument.Parse(_last);
        return status.RootElement.GetProperty(name).GetInt32();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            if (line.StartsWith('{')) _last = line;
    }

    public async ValueTask DisposeAsync()
    {
        End();
        await _process.WaitForExitAsync();
        await _reading;
    }

    private void End()
    {
        if (_process.HasExited) return;
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
