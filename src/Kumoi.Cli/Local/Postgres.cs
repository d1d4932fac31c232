namespace Kumoi.Cli.Local;

/// <summary>The private PostgreSQL of a local cloud: reached by a unix socket only, run as the user that Debian's package made for it.</summary>
public sealed class Postgres(CloudLayout layout, Daemons daemons)
{
    private const string User = "postgres";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60), StopPatience = TimeSpan.FromSeconds(5);

    public static string? Binary(string name) => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(d => double.TryParse(Path.GetFileName(d), System.Globalization.CultureInfo.InvariantCulture, out var v) ? v : 0)
            .Select(d => Path.Combine(d, "bin", name)).FirstOrDefault(File.Exists)
        : null;

    public async Task StartAsync(CancellationToken cancel)
    {
        if (!Directory.Exists(layout.PostgresData)) await InitializeAsync(cancel);
        await PrepareSocketAsync(cancel);
        // After a kill, what is left of the old one may hold its memory for a moment more, and the new one gives up: it is started again.
        var ready = await Until.TrueAsync(async () =>
        {
            if (LocalProcesses.Find(layout).All(process => process.Role != "postgres")) await StartProcessAsync(cancel);
            return (await AdminAsync(["-c", "SELECT 1"], cancel)).Well;
        }, StartLimit, cancel);
        if (!ready) throw new UserException("start-failed", "PostgreSQL", daemons.LogOf("postgres"));
        await CreateDatabaseAsync(cancel);
    }

    private async Task StartProcessAsync(CancellationToken cancel)
    {
        await daemons.StartAsync("postgres", [
            .. AsPostgres(Binary("postgres")!), "-D", layout.PostgresData, "-c", "listen_addresses=", "-c", $"unix_socket_directories={layout.PostgresSocket}",
            "-c", "max_connections=120", "-c", $"shared_buffers={BuffersMib(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)}MB", "-c", "logging_collector=off"], cancel);
        // It becomes postgres only once setpriv has handed over to it.
        await Until.TrueAsync(() => Task.FromResult(LocalProcesses.Find(layout).Any(process => process.Role == "postgres")), TimeSpan.FromSeconds(1), cancel);
    }

    /// <summary>A 32nd of the machine: guests have the rest.</summary>
    public static long BuffersMib(long machineBytes) => Math.Clamp(machineBytes / 32 / (1024 * 1024), 64, 2048);

    /// <summary>Where the database is while it is made.</summary>
    public static string Unfinished(CloudLayout layout) => layout.PostgresData + ".new";

    /// <summary>Made beside and moved into place, so that a directory under the final name is always whole.</summary>
    private async Task InitializeAsync(CancellationToken cancel)
    {
        var unfinished = Unfinished(layout);
        await daemons.StopAsync(LocalProcesses.Initdb, StopPatience, cancel);
        await Leftovers.DeleteAsync(unfinished, cancel);
        Directory.CreateDirectory(unfinished);
        await Shell.MustAsync("chown", [$"{User}:{User}", unfinished], cancel);
        await Shell.MustAsync(AsPostgres("initdb")[0], [.. AsPostgres(Binary("initdb")!)[1..], "-D", unfinished, "--username", User, "--encoding=UTF8", "--locale=C.UTF-8", "--auth=peer"], cancel);
        await File.WriteAllTextAsync(Path.Combine(unfinished, "pg_hba.conf"), "# Who may connect, and how: the cloud's server by password, the administrator of this machine as user postgres.\nlocal all postgres peer\nlocal kumoi kumoi scram-sha-256\n", cancel);
        Directory.Move(unfinished, layout.PostgresData);
    }

    private async Task PrepareSocketAsync(CancellationToken cancel)
    {
        Directory.CreateDirectory(layout.PostgresSocket);
        await Shell.MustAsync("chown", [$"{User}:{User}", layout.PostgresSocket], cancel);
    }

    private async Task CreateDatabaseAsync(CancellationToken cancel)
    {
        var password = (await File.ReadAllTextAsync(layout.DatabasePassword, cancel)).Trim();
        // The password is made here of letters, digits, - and _ only. Repeating this after a crash in the middle does no harm.
        var role = await AdminAsync(["-c", $"DO $$ BEGIN CREATE ROLE kumoi LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; ALTER ROLE kumoi PASSWORD '{password}'"], cancel);
        if (!role.Well) throw new UserException("command-failed", "psql", role.ExitCode, role.Error);
        var present = await AdminAsync(["-tA", "-c", "SELECT 1 FROM pg_database WHERE datname = 'kumoi'"], cancel);
        if (present.Output.Trim() == "1") return;
        var made = await AdminAsync(["-c", "CREATE DATABASE kumoi OWNER kumoi"], cancel);
        if (!made.Well) throw new UserException("command-failed", "psql", made.ExitCode, made.Error);
    }

    private Task<Said> AdminAsync(string[] arguments, CancellationToken cancel)
    {
        string[] command = [.. AsPostgres(Binary("psql")!), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", layout.PostgresSocket, "-U", User, "-d", "postgres", .. arguments];
        return Shell.RunAsync(command[0], command[1..], cancel);
    }

    private static string[] AsPostgres(string program) => ["setpriv", "--reuid", User, "--regid", User, "--init-groups", "--no-new-privs", program];
}
