using System.Collections.Concurrent;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;

namespace Kumoi.Agent.Networks.Vpn;

/// <summary>
/// Keeps the WireGuard devices of networks whose gateway this host is: the kernel's where it has them, otherwise those of the program wireguard-go, which
/// outlives the agent and is known by its command line. A device and its program live and die together.
/// </summary>
public sealed class WireGuard(Commands commands, TimeProvider clock)
{
    public const string Program = "wireguard-go";

    /// <summary>Where the program has a socket for each device (wg(8)).</summary>
    private const string Sockets = "/var/run/wireguard";

    /// <summary>What a shell answers, and nsenter and setpriv, for a program that is not there.</summary>
    private const int NotFound = 127;

    /// <summary>The process of each device; null: the kernel's own.</summary>
    private readonly ConcurrentDictionary<string, int?> _processes = new();

    /// <summary>What each device was told last. Private keys are in it, so it is nowhere but here.</summary>
    private readonly ConcurrentDictionary<string, string> _told = new();

    /// <summary>
    /// Makes the gateway's device what it should be, except that it is not up. What goes wrong is told in the answer: the network itself does not depend on it.
    /// </summary>
    /// <param name="present">True if the namespace has the device.</param>
    public async Task<WireGuardDevice> EnsureAsync(NetworkIntent intent, VpnIntent vpn, bool present, CancellationToken cancel)
    {
        WireGuardDevice Failed(string problem) => new(new ObservedVpn(vpn.Id, problem, []), present);
        try
        {
            if (vpn.PrivateKey is null) return Failed("The gateway's private key could not be read by the server: give the servers the same master key.");
            if (!present && await MakeAsync(intent.Namespace, vpn.Device, cancel) is { } problem) return Failed(problem);
            present = true;
            if (!_processes.ContainsKey(vpn.Device)) _processes[vpn.Device] = Find(vpn.Device);
            var (program, arguments) = Wg(intent.Namespace, "show", vpn.Device, "dump");
            var answer = await commands.TryRunAsync(program, arguments, cancel);
            if (answer.ExitCode == NotFound) return Failed("The program wg is missing on the host: install the package wireguard-tools.");
            if (!answer.Succeeded) throw Commands.Failure(program, arguments, answer);
            var seen = WireGuardSight.Read(answer.Output) ?? throw new IOException($"wg tells of {vpn.Device} in a form that this agent does not know.");
            var text = WireGuardConfiguration.Text(vpn);
            // An endpoint that was changed shows in the text alone, since peers move by themselves.
            if (_told.GetValueOrDefault(vpn.Device) != text || !WireGuardConfiguration.Holds(vpn, seen))
            {
                (program, arguments) = Wg(intent.Namespace, "syncconf", vpn.Device, "/dev/stdin");
                await commands.RunAsync(program, arguments, text, cancel);
                _told[vpn.Device] = text;
            }
            return new WireGuardDevice(new ObservedVpn(vpn.Id, null, WireGuardConfiguration.Heard(vpn, seen)), true);
        }
        catch (IOException e)
        {
            return Failed(e.Message);
        }
    }

    /// <summary>True unless the device's program is known to have ended.</summary>
    public bool IsAlive(string device) => !_processes.TryGetValue(device, out var process) || process is not { } id || IsOf(device, Processes.Arguments(id));

    /// <summary>Ends the program of a device, if one has it; the device goes with it.</summary>
    public async Task StopAsync(string device, CancellationToken cancel)
    {
        _processes.TryRemove(device, out _);
        _told.TryRemove(device, out _);
        if (Find(device) is not { } process) return;
        Processes.Signal(process, Libc.SignalTerminate);
        if (await Processes.WaitForEndAsync(process, TimeSpan.FromSeconds(2), clock, cancel)) return;
        Processes.Signal(process, Libc.SignalKill);
        await Processes.WaitForEndAsync(process, TimeSpan.FromSeconds(5), clock, cancel);
    }

    /// <summary>True for the command line of a program that has a device whose name begins so.</summary>
    public static bool IsOf(string device, IReadOnlyList<string>? arguments) =>
        arguments is [var program, ..] && Path.GetFileName(program) == Program && arguments.Skip(1).Any(argument => argument.StartsWith(device, StringComparison.Ordinal));

    /// <summary>Removes sockets of programs that were killed.</summary>
    public static void ForgetSockets(string prefix)
    {
        if (!Directory.Exists(Sockets)) return;
        foreach (var file in Directory.EnumerateFileSystemEntries(Sockets, prefix + "*.sock")) File.Delete(file);
    }

    /// <summary>The problem, if there is to be no device.</summary>
    private async Task<string?> MakeAsync(string networkNamespace, string device, CancellationToken cancel)
    {
        // One whose device is in a namespace that has lost its name.
        await StopAsync(device, cancel);
        var kernel = await commands.TryRunAsync("ip", ["-n", networkNamespace, "link", "add", "dev", device, "type", "wireguard"], cancel);
        if (kernel.Succeeded) return null;
        // As root, since it makes a device in the namespace, but with no more rights than that.
        string[] line = ["--no-new-privs", "--bounding-set=-all,+net_admin", "--inh-caps=-all,+net_admin", "--", Program, device];
        var arguments = NetworkNamespaces.Inside(networkNamespace, "setpriv", line);
        var started = await commands.TryRunAsync("nsenter", arguments, cancel);
        if (started.Succeeded) return null;
        return started.ExitCode == NotFound ? $"The host has no WireGuard: its kernel does not know it ({kernel.Error.Trim()}), and the package wireguard-go is not installed." : throw Commands.Failure("nsenter", arguments, started);
    }

    private static int? Find(string device) => Processes.All().FirstOrDefault(process => IsOf(device, process.Arguments) && process.Arguments.Contains(device))?.Id;

    private static (string Program, IReadOnlyList<string> Arguments) Wg(string networkNamespace, params IReadOnlyList<string> arguments) => ("nsenter", NetworkNamespaces.Inside(networkNamespace, "wg", arguments));
}

/// <param name="HasDevice">True if the device is there, whether all is right with it or not.</param>
public sealed record WireGuardDevice(ObservedVpn Seen, bool HasDevice);
