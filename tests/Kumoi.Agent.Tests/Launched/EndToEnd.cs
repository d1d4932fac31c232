using System.Diagnostics;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Kumoi.Agent.Linux;
using Kumoi.Agent.Tests.Fakes;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Launched;

/// <summary>
/// The whole agent against a small server of the test's own, with real guests. Takes a minute or two, so it is run by hand:
/// <c>KUMOI_TEST_IMAGE=tiny.qcow2 … -explicit only</c>.
/// </summary>
public sealed class EndToEnd(ITestOutputHelper output)
{
    private static readonly TimeSpan Boot = TimeSpan.FromSeconds(120), Soon = TimeSpan.FromSeconds(20);

    [Fact(Explicit = true)]
    public async Task A_guest_is_started_reached_filtered_restarted_adopted_and_removed()
    {
        var imageFile = Environment.GetEnvironmentVariable("KUMOI_TEST_IMAGE") ?? throw new InvalidOperationException("Set KUMOI_TEST_IMAGE to a small qcow2 image.");
        await using var machine = new Machine("qemu");
        await using var server = await FakeServer.StartAsync();
        server.ImageFile = imageFile;
        var bytes = await File.ReadAllBytesAsync(imageFile);
        var image = Samples.ImageOf(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(24)));
        machine.Options = machine.Options with { JoinToken = server.Token, StopLimit = TimeSpan.FromSeconds(30) };
        var key = Path.Combine(machine.State, "key");
        await Machine.RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
        var publicKey = (await File.ReadAllTextAsync(key + ".pub")).Trim();

        DesiredRule[] ssh = [Samples.Ingress("tcp", 22, 22, "0.0.0.0/0", null), Samples.Ingress("icmp", null, null, "0.0.0.0/0", null), Samples.EgressAll];
        var one = Samples.Instance(11, "running") with { PublicKey = publicKey, UserData = Convert.ToBase64String("hello"u8) };
        var two = Samples.Instance(12, "running") with { PublicKey = publicKey };
        var stop = new CancellationTokenSource();
        var run = AgentProgram.RunAsync(machine.Options, TimeProvider.System, Machine.Log, stop.Token);
        try
        {
            var watch = Stopwatch.StartNew();
            server.Set(Samples.Document(1, image, ssh, one));
            await Running(server, one.Id);
            output.WriteLine($"join, image copied, network made, create -> running: {watch.ElapsedMilliseconds} ms");
            watch.Restart();
            server.Set(Samples.Document(2, image, ssh, one, two));
            await Running(server, two.Id);
            output.WriteLine($"second guest, create -> running: {watch.ElapsedMilliseconds} ms");

            watch.Restart();
            await Banner("198.51.100.11", Boot);
            output.WriteLine($"ssh banner through the floating address after {watch.Elapsed.TotalSeconds:0.0} s");
            Assert.Equal("vm11", (await Ssh(key, "198.51.100.11", "hostname")).Trim());
            Assert.Equal("hello", (await Ssh(key, "198.51.100.11", "T=$(wget -q -O - http://169.254.169.254/latest/user-data 2>/dev/null || true); echo $T")).Trim());
            output.WriteLine("DNS: " + await Ssh(key, "198.51.100.11", "cat /etc/resolv.conf; nslookup vm12.default.internal 10.0.0.1; nslookup 10.0.0.12 10.0.0.1; nslookup deb.debian.org 10.0.0.1; arp -an; ip neigh; ping -c1 -W2 10.0.0.77; ip neigh; true"));
            await Banner("198.51.100.12", Boot);
            output.WriteLine("guest to guest: " + await Ssh(key, "198.51.100.11", "ping -c1 -W2 10.0.0.12; ping -c1 -W2 198.51.100.12; ping -c1 -W2 10.0.0.1; true"));
            output.WriteLine("namespace: " + (await Machine.RunAsync("nsenter", $"--net=/run/netns/{ObjectNames.Namespace(machine.Tag, Samples.Network)}", "nft", "list", "ruleset")).Output);

            // Security group changed live: ping is no longer allowed, ssh is.
            Assert.Equal(0, (await Machine.RunAsync("ping", "-c1", "-W2", "198.51.100.11")).Code);
            watch.Restart();
            server.Set(Samples.Document(3, image, [ssh[0], Samples.EgressAll], one, two));
            await Wait.ForAsync("ping dropped", async () => (await Machine.RunAsync("ping", "-c1", "-W1", "198.51.100.11")).Code != 0, Soon);
            output.WriteLine($"security group in force within {watch.ElapsedMilliseconds} ms");

            // Consoles.
            server.Set(Samples.Document(4, image, ssh, one, two) with { Consoles = [new DesiredConsole("con-1", one.Id, "serial"), new DesiredConsole("con-2", one.Id, "screen"), new DesiredConsole("con-3", one.Id, "log")] });
            var serial = await server.ConsoleOf("con-1").Task.WaitAsync(Soon);
            output.WriteLine("serial: " + await ReceiveText(serial, "login") + serial.State);
            await serial.SendAsync("\r"u8.ToArray(), WebSocketMessageType.Binary, true, default);
            await ReceiveText(serial, "login");
            var screen = await server.ConsoleOf("con-2").Task.WaitAsync(Soon);
            Assert.StartsWith("RFB 003.008", await ReceiveText(screen, "\n"), StringComparison.Ordinal);
            var log = await server.ConsoleOf("con-3").Task.WaitAsync(Soon);
            Assert.Contains("login", await ReceiveText(log, "login"), StringComparison.Ordinal);

            // A lost process is started again.
            var before = server.Seen[one.Id].StartedAt;
            watch.Restart();
            Processes.Signal(Guest(one.Id), Libc.SignalKill);
            await Wait.ForAsync("restart after kill -9", () => server.Seen[one.Id] is { Power: PowerState.Running } seen && seen.StartedAt > before, Soon);
            output.WriteLine($"kill -9 -> running again: {watch.ElapsedMilliseconds} ms");

            // A new agent adopts.
            var processes = (Guest(one.Id), Guest(two.Id));
            await stop.CancelAsync();
            Assert.Equal(0, await run);
            using (var meter = Process.GetCurrentProcess()) output.WriteLine($"this process (agent, fake server and test): {meter.WorkingSet64 / 1048576} MiB");
            stop.Dispose();
            stop = new CancellationTokenSource();
            server.Reports.Clear();
            run = AgentProgram.RunAsync(machine.Options, TimeProvider.System, Machine.Log, stop.Token);
            await Wait.ForAsync("adoption", () => server.LastReport is { Full: true } report && report.Instances.All(seen => seen is { Power: PowerState.Running, Generation: 1 }), Soon);
            Assert.Equal(processes, (Guest(one.Id), Guest(two.Id)));

            // Reboot by epoch, stop, terminate.
            two = two with { BootEpoch = 2, Generation = 2 };
            await Banner("198.51.100.12", Boot);
            watch.Restart();
            server.Set(Samples.Document(5, image, ssh, one, two));
            await Wait.ForAsync("reboot", () => server.Seen[two.Id] is { BootEpoch: 2, Power: PowerState.Running, Generation: 2 }, TimeSpan.FromSeconds(60));
            output.WriteLine($"reboot: {watch.ElapsedMilliseconds} ms");
            one = one with { Desired = "terminated", Generation = 2 };
            two = two with { Desired = "terminated", Generation = 3 };
            watch.Restart();
            server.Set(Samples.Document(6, image, ssh, one, two));
            await Wait.ForAsync("gone", () => server.Seen[one.Id] is { Power: PowerState.Absent, Generation: 2 } && server.Seen[two.Id] is { Power: PowerState.Absent, Generation: 3 }, Soon);
            output.WriteLine($"terminate -> absent: {watch.ElapsedMilliseconds} ms");
            Assert.Empty(Directory.EnumerateDirectories(machine.Options.Paths.Instances));
            Assert.Empty(Directory.EnumerateDirectories(machine.Options.Paths.Guests));
            Assert.Empty(server.LastReport!.Strays);
            Assert.DoesNotContain(": t", (await Machine.RunAsync("ip", "-n", ObjectNames.Namespace(machine.Tag, Samples.Network), "-o", "link")).Output, StringComparison.Ordinal);
            server.Set(Samples.Document(7, image, ssh) with { Networks = [] });
            await Wait.ForAsync("namespace gone", () => NetworkNamespaces.List(ObjectNames.NamespacePrefix(machine.Tag)).Count == 0, Soon);
        }
        finally
        {
            await stop.CancelAsync();
            await run;
            stop.Dispose();
        }
    }

    private static int Guest(string id) => Processes.All().Single(process => process.Arguments[0] == "qemu-system-x86_64" && process.Arguments.Any(argument => argument.StartsWith(id + "/", StringComparison.Ordinal))).Id;

    private static Task Running(FakeServer server, string id) =>
        Wait.ForAsync($"{id} running; last: {server.Seen.GetValueOrDefault(id)}", () =>
        {
            if (server.Seen.TryGetValue(id, out var seen) && seen.Conditions.Count > 0) throw new InvalidOperationException(string.Join("; ", seen.Conditions));
            return seen is { Power: PowerState.Running, Generation: 1 };
        }, Soon);

    private static Task Banner(string address, TimeSpan limit) => Wait.ForAsync($"ssh at {address}", async () =>
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        try
        {
            await socket.ConnectAsync(address, 22, patience.Token);
            var buffer = new byte[4];
            return await socket.ReceiveAsync(buffer, patience.Token) == 4 && Encoding.ASCII.GetString(buffer) == "SSH-";
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            await Task.Delay(500);
            return false;
        }
    }, limit);

    private static async Task<string> Ssh(string key, string address, string command) => (await Machine.RunAsync(
        "ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=50", "-o", "LogLevel=ERROR", $"root@{address}", command)).Output;

    private static async Task<string> ReceiveText(WebSocket socket, string until)
    {
        var text = new StringBuilder();
        var buffer = new byte[65536];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!text.ToString().Contains(until, StringComparison.Ordinal))
        {
            var received = await socket.ReceiveAsync(buffer, patience.Token);
            if (received.MessageType == WebSocketMessageType.Close) break;
            text.Append(Encoding.Latin1.GetString(buffer, 0, received.Count));
        }
        return text.ToString();
    }
}
