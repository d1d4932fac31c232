using System.Globalization;
using System.Net.Sockets;
using Kumoi.Agent;
using Kumoi.Agent.Instances.Qemu;
using Kumoi.Api.Agent;
using Kumoi.Benchmarks.Cloud;
using Kumoi.Benchmarks.Figures;
using Npgsql;

namespace Kumoi.Benchmarks.Measures;

/// <summary>What the machine itself needs for the parts that no cloud can leave out.</summary>
public static class Limits
{
    private const uint User = 1_342_000_000;

    /// <summary>A row committed on its own, with fsync, on the cloud's own PostgreSQL: no create can be acknowledged in less.</summary>
    public static async Task<IReadOnlyList<Figure>> CommitAsync(LocalCloud cloud, Sizes sizes)
    {
        await using var source = NpgsqlDataSource.Create(await cloud.ConnectionStringAsync());
        await using (var make = source.CreateCommand("CREATE SCHEMA bench; CREATE TABLE bench.commits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL)")) await make.ExecuteNonQueryAsync();
        var figures = new List<Figure>();
        foreach (var clients in (int[])[1, 8])
        {
            var connections = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => source.OpenConnectionAsync().AsTask()));
            var (each, _) = await Clock.ShareAsync(clients, sizes.Commits * clients, async (client, _) =>
            {
                await using var insert = new NpgsqlCommand("INSERT INTO bench.commits (text) VALUES ($1)", connections[client]) { Parameters = { new() { Value = "a row of about the size that an event has" } } };
                await insert.ExecuteNonQueryAsync();
            });
            foreach (var connection in connections) await connection.DisposeAsync();
            figures.Add(new Figure($"one row committed in PostgreSQL, {Words.Clients(clients)}", new Sample(each), "ms", 2, null));
        }
        await using var drop = source.CreateCommand("DROP SCHEMA bench CASCADE");
        await drop.ExecuteNonQueryAsync();
        return figures;
    }

    /// <summary>QEMU with the very command line of a guest of the flavor tiny, but without a network: from its start until it answers.</summary>
    public static async Task<IReadOnlyList<Figure>> QemuAsync(string home, string imageFile, string accelerator, Sizes sizes)
    {
        var (disks, greetings) = (new List<double>(), new List<double>());
        for (var run = 0; run < sizes.Bare; run++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"i-{run:x17}");
            var root = Path.Combine(home, "bare");
            var paths = new AgentPaths(root, root, null);
            Directory.CreateDirectory(paths.Instance(id));
            Directory.CreateDirectory(paths.Sockets(id));
            await File.WriteAllBytesAsync(paths.ConsoleLog(id), []);
            disks.Add(await Clock.MillisecondsAsync(() => Programs.SayAsync("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", imageFile, paths.Disk(id), "1G")));
            await Programs.SayAsync("chown", "-R", User.ToString(CultureInfo.InvariantCulture), paths.Instance(id), paths.Sockets(id));
            var instance = new DesiredInstance(
                id, "a-0", "bare", "bare", 1, 1, "running", 1, 1, 128, 1, "img-0", [], null, null, new DesiredLabels("tiny", "tiny", "default", null, []), DateTimeOffset.UtcNow);
            uint? kvm = accelerator == "kvm" ? uint.Parse((await Programs.SayAsync("stat", "-c", "%g", "/dev/kvm")).Trim(), CultureInfo.InvariantCulture) : null;
            greetings.Add(await GreetingAsync(QemuCommand.Build(instance, new QemuSetting(paths, accelerator, User, kvm, new QemuRoot(imageFile, "qcow2"), [], [])), paths.Socket(id, "qmp")));
            Directory.Delete(root, recursive: true);
        }
        return [new Figure("`qemu-img create` of a layer", new Sample(disks), "ms", 1, null), new Figure("bare QEMU, start → QMP greeting", new Sample(greetings), "ms", 0, null)];
    }

    private static async Task<double> GreetingAsync(IReadOnlyList<string> arguments, string path)
    {
        using var qemu = new System.Diagnostics.Process { StartInfo = new System.Diagnostics.ProcessStartInfo(QemuCommand.Program, arguments) };
        try
        {
            return await Clock.MillisecondsAsync(async () =>
            {
                qemu.Start();
                var greeting = new byte[1];
                while (true)
                {
                    if (qemu.HasExited) throw new InvalidOperationException($"QEMU ended with {qemu.ExitCode}.");
                    using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
                        if (await socket.ReceiveAsync(greeting) > 0) return;
                    }
                    catch (SocketException)
                    {
                        await Task.Delay(1);
                    }
                }
            });
        }
        finally
        {
            qemu.Kill();
            await qemu.WaitForExitAsync();
        }
    }
}

internal static class Words
{
    public static string Clients(int count) => count == 1 ? "1 client" : $"{count} clients";
}
