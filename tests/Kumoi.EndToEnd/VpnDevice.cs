using Kumoi.Testing;

namespace Kumoi.EndToEnd;

/// <summary>Somebody's device beyond this machine's borders: a namespace that has nothing but a way to this machine, and the profile it was given.</summary>
internal sealed class VpnDevice(Outside outside, string directory) : IAsyncDisposable
{
    private const string Device = "wg0";

    private System.Diagnostics.Process? _program;

    /// <summary>Does what <c>wg-quick</c> does with a profile, but for names.</summary>
    public async Task ConnectAsync(string profile)
    {
        await Machine.RunAsync("ip", ["-n", outside.Name, "route", "replace", "default", "via", outside.MachineAddress]);
        string Value(string key) => profile.Split('\n').First(line => line.StartsWith(key + " =", StringComparison.Ordinal)).Split('=', 2)[1].Trim();
        _program = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("nsenter", [$"--net=/run/netns/{outside.Name}", "--", "wireguard-go", "-f", Device])
        {
            Environment = { ["WG_PROCESS_FOREGROUND"] = "1" }, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        _ = _program.StandardOutput.ReadToEndAsync();
        _ = _program.StandardError.ReadToEndAsync();
        var file = Path.Combine(directory, "device.conf");
        await File.WriteAllLinesAsync(file, profile.Split('\n').Where(line => !line.StartsWith("Address", StringComparison.Ordinal) && !line.StartsWith("DNS", StringComparison.Ordinal) && !line.StartsWith("MTU", StringComparison.Ordinal)));
        await Wait.UntilAsync(async () => (await InsideAsync("wg", "setconf", Device, file)).Code == 0, 20, "the device is there");
        foreach (var address in Value("Address").Split(',')) await InsideAsync("ip", "addr", "add", address.Trim(), "dev", Device);
        (await InsideAsync("ip", "link", "set", Device, "mtu", Value("MTU"), "up")).Ok.ToString();
        foreach (var range in Value("AllowedIPs").Split(',')) (await InsideAsync("ip", "route", "add", range.Trim(), "dev", Device)).Ok.ToString();
    }

    private Task<Ran> InsideAsync(string program, params string[] arguments) => Machine.RunAsync("nsenter", [$"--net=/run/netns/{outside.Name}", "--", program, .. arguments]);

    /// <summary>The name that answers at an address's port 7001; null if none does.</summary>
    public async Task<string?> NameAtAsync(string address)
    {
        var ran = await InsideAsync("curl", "-s", "-g", "--noproxy", "*", "--max-time", "4", $"http://{(address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address)}:7001/name");
        return ran.Code == 0 ? ran.Output.Trim() : null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_program is null) return;
        _program.Kill(entireProcessTree: true);
        await _program.WaitForExitAsync();
        _program.Dispose();
        File.Delete($"/var/run/wireguard/{Device}.sock");
    }
}
