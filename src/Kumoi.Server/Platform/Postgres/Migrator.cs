using System.Reflection;
using Npgsql;

namespace Kumoi.Server.Platform.Postgres;

/// <summary>One numbered file of the schema.</summary>
public sealed record Migration(int Version, string Name, string Sql)
{
    /// <summary>Those compiled into this program, in their order.</summary>
    public static IReadOnlyList<Migration> Compiled { get; } = Load();

    private static Migration[] Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("schema/", StringComparison.Ordinal) && char.IsAsciiDigit(name["schema/".Length]))
            .Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                var file = name["schema/".Length..];
                return new Migration(int.Parse(file.AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture), file, reader.ReadToEnd());
            })
            .ToArray();
    }
}

/// <summary>
/// Brings the schema to the newest version: numbered files, each in a transaction of its own, under an advisory lock of that transaction, so
/// that any number of servers may start at once and any of them be killed in the middle. A schema that is newer than this program is left as it
/// is: files only add.
/// </summary>
public sealed class Migrator(NpgsqlDataSource source, IReadOnlyList<Migration> migrations, TimeProvider clock)
{
    // Any fixed number that nothing else of Kumoi uses as an advisory lock.
    private const long Lock = 0x6b756d6f69;

    // Whoever waits for a table's lock stops all that come after it at that table. The first tries are short, so that nobody notices a transaction
    // that does not end; later ones are longer, so that a busy table is got at last, and still shorter than what requests wait (Sources.Open).
    private static readonly string[] TableLockTimeouts = ["500ms", "1s", "2s", "4s"];

    // Minutes: long enough for a backup to let go of the tables, or for somebody to see why the new server is not ready.
    private const int AttemptsMax = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public async Task MigrateAsync(CancellationToken cancel)
    {
        for (var attempt = 0; ;)
        {
            try
            {
                if (!await ApplyNextAsync(TableLockTimeouts[Math.Min(attempt, TableLockTimeouts.Length - 1)], cancel)) return;
                attempt = 0;
            }
            catch (PostgresException e) when (++attempt < AttemptsMax && e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                await Task.Delay(Pause, clock, cancel);
            }
        }
    }

    /// <summary>Applies the first file that is missing; false if none is.</summary>
    private async Task<bool> ApplyNextAsync(string tableLockTimeout, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        // Another server may take as long for its file as it needs.
        await RunAsync(connection, $"SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({Lock}); SET LOCAL lock_timeout = '{tableLockTimeout}'", cancel);
        await RunAsync(connection, "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)", cancel);
        var applied = await connection.RowsAsync("SELECT version FROM schema_migrations", row => row.GetInt32(0), cancel);
        var next = migrations.FirstOrDefault(migration => !applied.Contains(migration.Version));
        if (next is not null)
        {
            await RunAsync(connection, next.Sql, cancel);
            await connection.RunAsync("INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)", cancel, next.Version, next.Name, clock.GetUtcNow());
        }
        await transaction.CommitAsync(cancel);
        return next is not null;
    }

    /// <summary>Statements that may take as long as they take: the client's own limit would break off an index of a large table.</summary>
    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
