using System.Reflection;
using Npgsql;

namespace Kumoi.Server.Platform.Postgres;

/// <summary>
/// Brings the schema to the newest version: numbered files, each in one transaction, under an advisory lock, so that any number of
/// servers may start at once and any of them be killed in the middle.
/// </summary>
public sealed class Migrator(NpgsqlDataSource source, TimeProvider clock)
{
    // Any fixed number that nothing else of Kumoi uses as an advisory lock.
    private const long Lock = 0x6b756d6f69;

    public static IReadOnlyList<(int Version, string Name, string Sql)> Migrations { get; } = Load();

    public async Task<int> MigrateAsync(CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        // Another server may take as long for its migrations as they need.
        await connection.RunAsync("SET lock_timeout = 0", cancel);
        await connection.RunAsync("SELECT pg_advisory_lock($1)", cancel, Lock);
        await connection.RunAsync(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL)", cancel);
        var applied = await connection.RowsAsync("SELECT version FROM schema_migrations", row => row.GetInt32(0), cancel);
        foreach (var (version, name, sql) in Migrations.Where(m => !applied.Contains(m.Version)))
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await connection.RunAsync(sql, cancel);
            await connection.RunAsync(
                "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)", cancel, version, name, clock.GetUtcNow());
            await transaction.CommitAsync(cancel);
        }
        await connection.RunAsync("SELECT pg_advisory_unlock($1)", cancel, Lock);
        await connection.RunAsync("RESET lock_timeout", cancel);
        return Migrations[^1].Version;
    }

    private static (int, string, string)[] Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("schema/", StringComparison.Ordinal) && char.IsAsciiDigit(name["schema/".Length]))
            .Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                var file = name["schema/".Length..];
                return (int.Parse(file.AsSpan(0, 4), System.Globalization.CultureInfo.InvariantCulture), file, reader.ReadToEnd());
            })
            .ToArray();
    }
}
