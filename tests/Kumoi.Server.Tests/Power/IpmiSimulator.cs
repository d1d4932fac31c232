using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Kumoi.Server.Tests.Power;

/// <summary>
/// A machine's management controller on the loopback: OpenIPMI's <c>ipmi_sim</c>, whose chassis control keeps the machine's power in a
/// file. It speaks IPMI 2.0 (RMCP+) for real.
/// </summary>
public sealed class IpmiSimulator : IDisposable
{
    public const string User = "fencer", Password = "s3cret-of-bmc";

    private readonly string _directory;
    private readonly Process _process;

    private IpmiSimulator(string directory, Process process, int port) => (_directory, _process, Port) = (directory, process, port);

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    private string PowerFile => Path.Combine(_directory, "power");

    public bool IsOn
    {
        get => File.ReadAllText(PowerFile).Trim() == "1";
        set => File.WriteAllText(PowerFile, value ? "1\n" : "0\n");
    }

    /// <summary>Orders that reached the chassis.</summary>
    public string[] Orders => File.Exists(Path.Combine(_directory, "orders")) ? File.ReadAllLines(Path.Combine(_directory, "orders")) : [];

    public static IpmiSimulator Start()
    {
        var directory = Directory.CreateTempSubdirectory("kumoi-ipmi-").FullName;
        var port = FreePort();
        var script = Path.Combine(directory, "chassis");
        // Called with the controller's address, then `get` and what is asked for, or `set` and pairs of what and value.
        File.WriteAllText(script, """
            #!/bin/sh
            cd "$(dirname "$0")" || exit 1
            shift
            order=$1
            shift
            case $order in
              get) for what; do [ "$what" != power ] || echo "power:$(cat power)"; done ;;
              set) while [ $# -ge 2 ]; do [ "$1" != power ] || { echo "$2" > power; echo "power $2" >> orders; }; shift 2; done ;;
            esac
            exit 0

            """);
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        const string authentications = "none md2 md5 straight";
        File.WriteAllText(Path.Combine(directory, "lan.conf"), $"""
            name "kumoi-test"
            set_working_mc 0x20
              startlan 1
                addr 127.0.0.1 {port}
                priv_limit admin
                allowed_auths_callback {authentications}
                allowed_auths_user {authentications}
                allowed_auths_operator {authentications}
                allowed_auths_admin {authentications}
                guid a123456789abcdefa123456789abcdef
              endlan
              chassis_control "{script} 0x20"
              user 1 false "" "" user 10 {authentications}
              user 2 true "{User}" "{Password}" operator 10 {authentications}

            """);
        File.WriteAllText(Path.Combine(directory, "commands"), "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n");
        Directory.CreateDirectory(Path.Combine(directory, "state"));
        var process = Process.Start(new ProcessStartInfo(
            "ipmi_sim", ["-n", "-c", Path.Combine(directory, "lan.conf"), "-f", Path.Combine(directory, "commands"), "-s", Path.Combine(directory, "state")]) { RedirectStandardInput = true })!;
        return new IpmiSimulator(directory, process, port) { IsOn = true };
    }

    /// <summary>The controller does not answer any more, as one without network.</summary>
    public void Stop()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public static int FreePort()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }

    public void Dispose()
    {
        Stop();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
