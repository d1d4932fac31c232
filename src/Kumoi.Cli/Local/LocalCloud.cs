using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Kumoi.Agent;
using Kumoi.Agent.Linux;
using Kumoi.Api;
using Microsoft.Extensions.Logging;

namespace Kumoi.Cli.Local;

/// <summary>Starts and stops the processes of the cloud on this machine. Every step looks first and does only what is missing.</summary>
public sealed class LocalCloud(CloudLayout layout, Progress progress)
{
    // The server needs no right on this machine but to its own files; no account of the machine has this number.
    private const int ServerUser = 200042;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60), StopPatience = TimeSpan.FromSeconds(15), GuestLimit = TimeSpan.FromSeconds(30);

    private readonly Daemons _daemons = new(layout);

    public CloudLayout Layout => layout;

    /// <param name="hosts">How many hosts the machine is to stand for; null: as it was.</param>
    /// <param name="segmentDevices">Devices of the machine for bridged networks; null: as they were.</param>
    public async Task UpAsync(int? hosts, IReadOnlyList<string>? segmentDevices, CancellationToken cancel)
    {
        RequireRoot("up");
        layout.ChooseHosts(hosts);
        layout.ChooseSegmentDevices(segmentDevices);
        var programs = "";
        await progress.StepAsync("step-prepare", async () => programs = await PrepareAsync(cancel));
        var ranges = await AddressRanges.ChooseAsync(layout, cancel);
        var underlay = ranges.Underlay is null ? null : new UnderlayPlan(layout.Tag, ranges, layout.AgentPort);
        // Trying KVM takes seconds where it does not work; database and server start meanwhile.
        var probe = AgentProgram.ProbeAsync([.. layout.Hosts.Select(host => AgentOptions(host))], cancel);
        if (underlay is not null) await progress.StepAsync("step-underlay", () => new Underlay(underlay).EnsureAsync(layout.Hosts, Path.Combine(layout.State, "agent", "ip_forward"), cancel));
        await progress.StepAsync("step-postgres", () => new Postgres(layout, _daemons).StartAsync(cancel));
        await progress.StepAsync("step-server", () => StartServerAsync(programs, ranges, underlay?.Address ?? IPAddress.Loopback, cancel));
        await progress.StepAsync(underlay is null ? "step-agent" : "step-agents", async () =>
        {
            await probe;
            using var admin = await LoginAsync("admin", layout.AdminPassword, cancel);
            await new LocalAgents(layout, _daemons, admin).StartAsync(programs, underlay, cancel);
        });
    }

    private async Task<string> PrepareAsync(CancellationToken cancel)
    {
        if (Requirements.MissingPrograms() is { Count: > 0 } missing) throw new UserException("programs-missing", string.Join(", ", missing));
        const UnixFileMode passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        // Others pass through to what is theirs (PostgreSQL, the server, guests) and see nothing else.
        DurableFiles.MakeDirectory(layout.State, passable);
        RequirePassable();
        foreach (var directory in (string[])[layout.Secrets, layout.ServerSecrets, layout.Images, layout.Logs, layout.RunDirectory]) Directory.CreateDirectory(directory);
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        foreach (var directory in (string[])[layout.Secrets, layout.ServerSecrets, layout.Logs]) File.SetUnixFileMode(directory, owner);
        WriteSecret(layout.DatabasePassword);
        WriteSecret(layout.AdminPassword);
        if (!File.Exists(layout.InitialPassword)) WriteSecret(layout.InitialPassword, await File.ReadAllTextAsync(layout.AdminPassword, cancel));
        if (layout.HostCount is not null) foreach (var directory in layout.Hosts.Select(host => host.State).Prepend(Path.Combine(layout.State, "hosts"))) DurableFiles.MakeDirectory(directory, passable);
        await Shell.MustAsync("chown", ["-R", $"{ServerUser}:{ServerUser}", layout.ServerSecrets, layout.Images], cancel);
        layout.Keep();
        return Programs.Install(layout, Requirements.ConsoleDirectory());
    }

    /// <summary>A random secret in a file only root reads, unless it is there already.</summary>
    public static void WriteSecret(string path)
    {
        if (!File.Exists(path)) WriteSecret(path, System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18)) + "\n");
    }

    /// <summary>A secret in a file only root reads, whole or not there.</summary>
    public static void WriteSecret(string path, string secret)
    {
        using (var file = new FileStream(path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            file.Write(System.Text.Encoding.ASCII.GetBytes(secret));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static readonly TimeSpan PortLimit = TimeSpan.FromSeconds(3);

    private async Task StartServerAsync(string programs, AddressRanges ranges, IPAddress agentAddress, CancellationToken cancel)
    {
        if (LocalProcesses.Find(layout).All(process => process.Role != "server"))
        {
            foreach (var end in (IPEndPoint[])[new(IPAddress.Loopback, layout.Port), new(agentAddress, layout.AgentPort)])
                // One that was just killed may have its port until its memory is given back.
                if (!await Until.TrueAsync(() => Task.FromResult(!IsTaken(end)), PortLimit, cancel)) throw new UserException("port-taken", end.Port);
            string[] console = Directory.Exists(Path.Combine(programs, "console")) ? ["--console", Path.Combine(programs, "console")] : [];
            await _daemons.StartAsync("server", [
                "setpriv", "--reuid", $"{ServerUser}", "--regid", $"{ServerUser}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
                "env", "-i", $"PATH={Environment.GetEnvironmentVariable("PATH")}", "HOME=/nonexistent", "LANG=C.UTF-8", "DOTNET_NOLOGO=1", "DOTNET_gcServer=0", "DOTNET_GCConserveMemory=5", "DOTNET_GCgen0size=0x1000000",
                Dotnet(), Path.Combine(programs, "kumoi.dll"), "server", "--state", layout.State,
                "--database", $"Host={layout.PostgresSocket};Username=kumoi;Database=kumoi", "--database-password-file", layout.DatabasePassword,
                "--listen", $"127.0.0.1:{layout.Port}", "--agent-listen", $"{agentAddress}:{layout.AgentPort}", "--agent-url", $"https://{agentAddress}:{layout.AgentPort}", "--master-key", layout.MasterKey,
                "--images", layout.Images, "--admin-password-file", layout.InitialPassword, "--floating-range", $"{ranges.Floating}", "--uplink-range", $"{ranges.Uplink}", .. console,
                // The command line's library reads options from a file that is named so.
                .. File.Exists(layout.ServerOptions) ? (string[])["@" + layout.ServerOptions] : []], cancel);
        }
        if (!await Until.TrueAsync(() => AnswersAsync("/readyz", cancel), StartLimit, cancel)) throw new UserException("start-failed", "kumoi server", _daemons.LogOf("server"));
        // The first user's password is in the database as a hash now; the server needs it no more.
        File.Delete(layout.InitialPassword);
        await File.WriteAllTextAsync(layout.InitialPassword, "", cancel);
    }

    public async Task<KumoiClient> LoginAsync(string user, string passwordFile, CancellationToken cancel)
    {
        using var anonymous = new KumoiClient(layout.Url, null, Text.Messages.Language);
        var made = await anonymous.PostAsync<Login, TokenCreated>("tokens", new Login(user, (await File.ReadAllTextAsync(passwordFile, cancel)).Trim()), null, cancel);
        return new KumoiClient(layout.Url, made.Token, Text.Messages.Language);
    }

    public async Task DownAsync(bool keepGuests, CancellationToken cancel)
    {
        RequireRoot("down");
        await progress.StepAsync("step-stop-agent", () => StopAgentsAsync(cancel));
        if (!keepGuests) await progress.StepAsync("step-stop-guests", async () =>
        {
            using var logs = Logs();
            await Task.WhenAll(layout.Hosts.Select(host => GuestShutdown.RunAsync(AgentOptions(host), GuestLimit, TimeProvider.System, logs.CreateLogger("Kumoi"), cancel)));
            await CleanAsync(cancel);
        });
        await StopControlPlaneAsync(cancel);
    }

    private Task StopAgentsAsync(CancellationToken cancel) => Task.WhenAll(layout.Hosts.Select(host => _daemons.StopAsync(host.Role, StopPatience, cancel)));

    private async Task StopControlPlaneAsync(CancellationToken cancel)
    {
        await progress.StepAsync("step-stop-server", () => _daemons.StopAsync("server", StopPatience, cancel));
        await progress.StepAsync("step-stop-postgres", () => _daemons.StopAsync("postgres", StopPatience, cancel));
    }

    /// <summary>Removes the cloud and everything of it from the machine.</summary>
    public async Task DestroyAsync(CancellationToken cancel)
    {
        RequireRoot("destroy");
        await progress.StepAsync("step-stop-agent", () => StopAgentsAsync(cancel));
        await progress.StepAsync("step-clean", () => CleanAsync(cancel));
        await StopControlPlaneAsync(cancel);
        await progress.StepAsync("step-delete", async () =>
        {
            await _daemons.StopAsync(LocalProcesses.Initdb, StopPatience, cancel);
            await Leftovers.DeleteAsync(layout.State, cancel);
            await Leftovers.DeleteAsync(layout.RunDirectory, cancel);
            Client.ClientConfig.ForgetState(layout.State);
        });
    }

    internal static AgentOptions AgentOptions(LocalHost host) => new() { StateDirectory = host.State, Tag = host.Tag, RunDirectory = host.RunDirectory, Name = host.Name, Address = "127.0.0.1" };

    private static ILoggerFactory Logs() => LoggerFactory.Create(logging => logging.AddSimpleConsole(console => console.SingleLine = true));

    private async Task CleanAsync(CancellationToken cancel)
    {
        using var logs = Logs();
        // The machine's own part last: hosts that are namespaces, and what joins them, are named as a host's own things are.
        foreach (var host in layout.Hosts.Append(layout.Machine).Distinct())
            if (!await AgentCleanup.RunAsync(AgentOptions(host), TimeProvider.System, logs.CreateLogger("Kumoi"), cancel)) throw new UserException("clean-failed");
    }

    public static void RequireRoot(string command)
    {
        if (!Environment.IsPrivilegedProcess) throw new UserException("root-needed", command);
    }

    private void RequirePassable()
    {
        for (var directory = Directory.GetParent(layout.State); directory is not null; directory = directory.Parent)
            if ((directory.UnixFileMode & UnixFileMode.OtherExecute) == 0) throw new UserException("state-not-passable", layout.State, directory.FullName);
    }

    private async Task<bool> AnswersAsync(string path, CancellationToken cancel)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            return (await http.GetAsync(new Uri(layout.Url, path), cancel)).IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    private static bool IsTaken(IPEndPoint end)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(end);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    public static string Dotnet() => Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : Shell.Find("dotnet") ?? throw new UserException("programs-missing", "dotnet");
}
