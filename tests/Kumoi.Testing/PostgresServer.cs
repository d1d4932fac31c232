using System.Diagnostics;
using Npgsql;

namespace Kumoi.Testing;

/// <summary>
/// One throw-away PostgreSQL per test run, on a unix socket, without fsync. Each test gets a database of its own, copied from a
/// migrated template in a fraction of a second.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "postgres";
    private static readonly SemaphoreSlim Gate = new(1, 1);
    private static PostgresServer? _shared;
    private int _databases;

    private PostgresServer(string directory) => Directory = directory;

    public string Directory { get; }

    public int ProcessId => int.Parse(File.ReadLines(Path.Combine(Directory, "data", "postmaster.pid")).First(), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>True while its process is there.</summary>
    public bool Lives() => File.Exists(Path.Combine(Directory, "data", "postmaster.pid")) && System.IO.Directory.Exists($"/proc/{ProcessId}");

    /// <summary>The run's server, started at first use and ended with the process.</summary>
    public static async Task<PostgresServer> SharedAsync()
    {
        await Gate.WaitAsync();
        try
        {
            return _shared ??= await StartAsync();
        }
        finally
        {
            Gate.Release();
        }
    }

    /// <summary>Hundreds of databases that nobody keeps are several gigabytes, which a disk would be busy with for minutes.</summary>
    private const string MemoryDirectory = "/dev/shm";

    private const long MemoryNeeded = 8L << 30;

    /// <param name="directory">An existing directory to keep everything in; null makes one, in memory where there is enough.</param>
    public static async Task<PostgresServer> StartAsync(string? directory = null)
    {
        directory ??= System.IO.Directory.Exists(MemoryDirectory) && new DriveInfo(MemoryDirectory).AvailableFreeSpace >= MemoryNeeded
            ? System.IO.Directory.CreateDirectory(Path.Combine(MemoryDirectory, "kumoi-pg-" + Path.GetRandomFileName())).FullName : System.IO.Directory.CreateTempSubdirectory("kumoi-pg-").FullName;
        var server = new PostgresServer(directory);
        await RunAsync("chown", [User, directory]);
        await server.AsPostgresAsync("initdb", "-D", Path.Combine(directory, "data"), "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--username", User);
        await server.StartProcessAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return server;
    }

    /// <summary>A second server that follows this one by streaming replication; commits here wait for it.</summary>
    public async Task<PostgresServer> StartStandbyAsync()
    {
        var standby = new PostgresServer(System.IO.Directory.CreateTempSubdirectory("kumoi-pg-").FullName);
        await RunAsync("chown", [User, standby.Directory]);
        await AsPostgresAsync("pg_basebackup", "--host", Directory, "--username", User, "--pgdata", Path.Combine(standby.Directory, "data"), "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast");
        await standby.StartProcessAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => standby.DisposeAsync().AsTask().GetAwaiter().GetResult();
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using (var wait = source.CreateCommand("ALTER SYSTEM SET synchronous_standby_names = '*'")) await wait.ExecuteNonQueryAsync();
        await using (var reload = source.CreateCommand("SELECT pg_reload_conf()")) await reload.ExecuteNonQueryAsync();
        await Wait.UntilAsync(async () =>
        {
            await using var command = source.CreateCommand("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'");
            return (long)(await command.ExecuteScalarAsync())! == 1;
        }, 30, "the standby follows");
        return standby;
    }

    /// <summary>Makes a standby the primary.</summary>
    public async Task PromoteAsync()
    {
        // It has no standby of its own, for which its commits would wait.
        await File.AppendAllTextAsync(Path.Combine(Directory, "data", "postgresql.auto.conf"), "synchronous_standby_names = ''\n");
        await AsPostgresAsync("pg_ctl", "-D", Path.Combine(Directory, "data"), "reload");
        await AsPostgresAsync("pg_ctl", "-D", Path.Combine(Directory, "data"), "-w", "promote");
    }

    public Task StartProcessAsync() => AsPostgresAsync(
        "pg_ctl", "-D", Path.Combine(Directory, "data"), "-w", "-l", Path.Combine(Directory, "log"), "start",
        "-o", $"-c listen_addresses='' -c unix_socket_directories={Directory} -c fsync=off -c full_page_writes=off -c max_connections=1000 -c shared_buffers=64MB");

    public Task StopProcessAsync() => AsPostgresAsync("pg_ctl", "-D", Path.Combine(Directory, "data"), "-w", "-m", "immediate", "stop");

    /// <summary>Connection string of a new database; a copy of <paramref name="template"/> if named.</summary>
    public async Task<string> CreateDatabaseAsync(string? template = null)
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using var command = source.CreateCommand($"CREATE DATABASE {name}" + (template is null ? "" : $" TEMPLATE {template} STRATEGY file_copy"));
        await command.ExecuteNonQueryAsync();
        return ConnectionString(name);
    }

    public string ConnectionString(string database) => $"Host={Directory};Username={User};Database={database}";

    public async ValueTask DisposeAsync()
    {
        if (!System.IO.Directory.Exists(Directory)) return;
        try
        {
            await StopProcessAsync();
        }
        catch (InvalidOperationException)
        {
            // It was stopped by a test already.
        }
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private Task AsPostgresAsync(string program, params string[] arguments)
    {
        var binary = System.IO.Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin", program)).First(File.Exists);
        return RunAsync("setpriv", ["--reuid", User, "--regid", User, "--init-groups", binary, .. arguments]);
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
        // A daemon started here would keep an inherited pipe open for ever; pg_ctl gives its child a log of its own.
        using var process = Process.Start(start)!;
        var told = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await told;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error}");
    }
}
