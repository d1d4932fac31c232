using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Kumoi.Agent;
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

    public async Task UpAsync(CancellationToken cancel)
    {
        RequireRoot("up");
        var programs = "";
        await progress.StepAsync("step-prepare", async () => programs = await PrepareAsync(cancel));
        // Trying KVM takes seconds where it does not work; database and server start meanwhile.
        var probe = AgentProgram.ProbeAsync(AgentOptions(), cancel);
        await progress.StepAsync("step-postgres", () => new Postgres(layout, _daemons).StartAsync(cancel));
        await progress.StepAsync("step-server", () => StartServerAsync(programs, cancel));
        await progress.StepAsync("step-agent", async () =>
        {
            await probe;
            await StartAgentAsync(programs, cancel);
        });
    }

    private async Task<string> PrepareAsync(CancellationToken cancel)
    {
        if (Requirements.MissingPrograms() is { Count: > 0 } missing) throw new UserException("programs-missing", string.Join(", ", missing));
        Directory.CreateDirectory(layout.State);
        // Others pass through to what is theirs (PostgreSQL, the server, guests) and see nothing else.
        File.SetUnixFileMode(layout.State, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        RequirePassable();
        foreach (var directory in (string[])[layout.Secrets, layout.ServerSecrets, layout.Images, layout.Logs, layout.RunDirectory]) Directory.CreateDirectory(directory);
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        foreach (var directory in (string[])[layout.Secrets, layout.ServerSecrets, layout.Logs]) File.SetUnixFileMode(directory, owner);
        WriteSecret(layout.DatabasePassword);
        WriteSecret(layout.AdminPassword);
        if (!File.Exists(layout.InitialPassword)) File.Copy(layout.AdminPassword, layout.InitialPassword);
        await Shell.MustAsync("chown", ["-R", $"{ServerUser}:{ServerUser}", layout.ServerSecrets, layout.Images], cancel);
        layout.KeepPort();
        return Programs.Install(layout, Requirements.ConsoleDirectory());
    }

    /// <summary>A random secret in a file only root reads, unless it is there already.</summary>
    public static void WriteSecret(string path)
    {
        if (!File.Exists(path)) WriteSecret(path, System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18)) + "\n");
    }

    private static void WriteSecret(string path, string secret)
    {
        using (var file = new FileStream(path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            file.Write(System.Text.Encoding.ASCII.GetBytes(secret));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static readonly TimeSpan PortLimit = TimeSpan.FromSeconds(3);

    private async Task StartServerAsync(string programs, CancellationToken cancel)
    {
        if (LocalProcesses.Find(layout).All(process => process.Role != "server"))
        {
            foreach (var port in (int[])[layout.Port, layout.AgentPort])
                // One that was just killed may have its port until its memory is given back.
                if (!await Until.TrueAsync(() => Task.FromResult(!IsTaken(port)), PortLimit, cancel)) throw new UserException("port-taken", port);
            var (floating, uplink) = await AddressRanges.ChooseAsync(layout, cancel);
            string[] console = Directory.Exists(Path.Combine(programs, "console")) ? ["--console", Path.Combine(programs, "console")] : [];
            await _daemons.StartAsync("server", [
                "setpriv", "--reuid", $"{ServerUser}", "--regid", $"{ServerUser}", "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
                "env", "-i", $"PATH={Environment.GetEnvironmentVariable("PATH")}", "HOME=/nonexistent", "LANG=C.UTF-8", "DOTNET_NOLOGO=1", "DOTNET_gcServer=0", "DOTNET_GCConserveMemory=5", "DOTNET_GCgen0size=0x1000000",
                Dotnet(), Path.Combine(programs, "kumoi.dll"), "server", "--state", layout.State,
                "--database", $"Host={layout.PostgresSocket};Username=kumoi;Database=kumoi", "--database-password-file", layout.DatabasePassword,
                "--listen", $"127.0.0.1:{layout.Port}", "--agent-listen", $"127.0.0.1:{layout.AgentPort}", "--agent-url", layout.AgentUrl, "--master-key", layout.MasterKey,
                "--images", layout.Images, "--admin-password-file", layout.InitialPassword, "--floating-range", floating, "--uplink-range", uplink, .. console], cancel);
        }
        if (!await Until.TrueAsync(() => AnswersAsync("/readyz", cancel), StartLimit, cancel)) throw new UserException("start-failed", "kumoi server", _daemons.LogOf("server"));
        // The first user's password is in the database as a hash now; the server needs it no more.
        File.Delete(layout.InitialPassword);
        await File.WriteAllTextAsync(layout.InitialPassword, "", cancel);
    }

    private async Task StartAgentAsync(string programs, CancellationToken cancel)
    {
        var name = Dns.GetHostName().Split('.')[0];
        if (LocalProcesses.Find(layout).All(process => process.Role != "agent"))
        {
            var tokenFile = Path.Combine(layout.Secrets, "join-token");
            if (!Directory.Exists(Path.Combine(layout.State, "agent", "identity")))
            {
                using var admin = await LoginAsync("admin", layout.AdminPassword, cancel);
                var token = await admin.PostAsync<CreateJoinToken, JoinToken>("hosts/join-tokens", new CreateJoinToken(null, null, null), null, cancel);
                WriteSecret(tokenFile, token.Token);
            }
            string[] join = File.Exists(tokenFile) ? ["--join-token-file", tokenFile] : [];
            await _daemons.StartAsync("agent", [
                "env", "DOTNET_NOLOGO=1", "DOTNET_gcServer=0", "DOTNET_GCConserveMemory=5", "DOTNET_GCgen0size=0x400000", "DOTNET_TieredPGO=0", Dotnet(), Path.Combine(programs, "kumoi.dll"), "agent", "--state", layout.State, "--tag", layout.Tag,
                "--run-directory", layout.RunDirectory, "--name", name, "--address", "127.0.0.1", .. join], cancel);
        }
        if (!await Until.TrueAsync(() => HostIsUpAsync(name, cancel), StartLimit, cancel)) throw new UserException("start-failed", "kumoi agent", _daemons.LogOf("agent"));
    }

    private async Task<bool> HostIsUpAsync(string name, CancellationToken cancel)
    {
        if (LocalProcesses.Find(layout).All(process => process.Role != "agent")) return false;
        _admin ??= await LoginAsync("admin", layout.AdminPassword, cancel);
        try
        {
            var host = await _admin.GetAsync<Host>($"hosts/{Uri.EscapeDataString(name)}", cancel);
            return host.State == "up" && host.LastReportAt > _upSince;
        }
        catch (ProblemException e) when (e.Problem.Status == 404)
        {
            return false;
        }
    }

    private KumoiClient? _admin;
    private readonly DateTimeOffset _upSince = TimeProvider.System.GetUtcNow().AddSeconds(-30);

    public async Task<KumoiClient> LoginAsync(string user, string passwordFile, CancellationToken cancel)
    {
        using var anonymous = new KumoiClient(layout.Url, null, Text.Messages.Language);
        var made = await anonymous.PostAsync<Login, TokenCreated>("tokens", new Login(user, (await File.ReadAllTextAsync(passwordFile, cancel)).Trim()), null, cancel);
        return new KumoiClient(layout.Url, made.Token, Text.Messages.Language);
    }

    public async Task DownAsync(bool keepGuests, CancellationToken cancel)
    {
        RequireRoot("down");
        await progress.StepAsync("step-stop-agent", () => _daemons.StopAsync("agent", StopPatience, cancel));
        if (!keepGuests) await progress.StepAsync("step-stop-guests", async () =>
        {
            using var logs = Logs();
            await GuestShutdown.RunAsync(AgentOptions(), GuestLimit, TimeProvider.System, logs.CreateLogger("Kumoi"), cancel);
            await CleanAsync(cancel);
        });
        await StopControlPlaneAsync(cancel);
    }

    private async Task StopControlPlaneAsync(CancellationToken cancel)
    {
        await progress.StepAsync("step-stop-server", () => _daemons.StopAsync("server", StopPatience, cancel));
        await progress.StepAsync("step-stop-postgres", () => _daemons.StopAsync("postgres", StopPatience, cancel));
    }

    /// <summary>Removes the cloud and everything of it from the machine.</summary>
    public async Task DestroyAsync(CancellationToken cancel)
    {
        RequireRoot("destroy");
        await progress.StepAsync("step-stop-agent", () => _daemons.StopAsync("agent", StopPatience, cancel));
        await progress.StepAsync("step-clean", () => CleanAsync(cancel));
        await StopControlPlaneAsync(cancel);
        await progress.StepAsync("step-delete", () =>
        {
            if (Directory.Exists(layout.State)) Directory.Delete(layout.State, recursive: true);
            if (Directory.Exists(layout.RunDirectory)) Directory.Delete(layout.RunDirectory, recursive: true);
            Client.ClientConfig.ForgetState(layout.State);
            return Task.CompletedTask;
        });
    }

    private AgentOptions AgentOptions() => new() { StateDirectory = layout.State, Tag = layout.Tag, RunDirectory = layout.RunDirectory, Name = "local", Address = "127.0.0.1" };

    private static ILoggerFactory Logs() => LoggerFactory.Create(logging => logging.AddSimpleConsole(console => console.SingleLine = true));

    private async Task CleanAsync(CancellationToken cancel)
    {
        using var logs = Logs();
        if (!await AgentCleanup.RunAsync(AgentOptions(), TimeProvider.System, logs.CreateLogger("Kumoi"), cancel)) throw new UserException("clean-failed");
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

    private static bool IsTaken(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static string Dotnet() => Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : Shell.Find("dotnet") ?? throw new UserException("programs-missing", "dotnet");
}
