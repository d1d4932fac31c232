using Npgsql;

namespace Kumoi.Server.Platform.Postgres;

/// <summary>The door to PostgreSQL: single reads, and units of work that are one transaction.</summary>
public sealed class Database(NpgsqlDataSource source, TimeProvider clock) : IQueries, IAsyncDisposable
{
    // A deadlock or serialisation failure is the database asking for a repeat. Too few gives up under contention; too many holds a caller.
    private const int AttemptsMax = 8;

    public NpgsqlDataSource Source => source;

    /// <summary>
    /// Runs <paramref name="work"/> in one transaction and commits it, unless it returns a failure: then nothing of it remains. The
    /// work may run more than once, so it must have no effect outside the transaction.
    /// </summary>
    /// <param name="choosesAnew">The work takes something that only the database can say is free (an address, an id), and chooses another when it runs
    /// again: then what another transaction took first is no failure but a reason to repeat.</param>
    public async Task<Result<T>> TransactionAsync<T>(Func<Transaction, Task<Result<T>>> work, CancellationToken cancel, bool choosesAnew = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancel);
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                var unit = new Transaction(connection);
                var result = await work(unit);
                if (result.Failure is not null) return result;
                // From here the caller's going away must not leave the outcome unknown to us: commit is not cancelled.
                await transaction.CommitAsync(CancellationToken.None);
                unit.Committed();
                return result;
            }
            catch (PostgresException e) when (e.SqlState == QuotaExceeded.SqlState)
            {
                return QuotaExceeded.Read(e.MessageText);
            }
            catch (PostgresException e) when (attempt < AttemptsMax
                && (e.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure || choosesAnew && e.SqlState == PostgresErrorCodes.UniqueViolation))
            {
                // Not in step with the one it met.
                await Task.Delay(TimeSpan.FromMilliseconds(System.Security.Cryptography.RandomNumberGenerator.GetInt32(5 << attempt)), clock, cancel);
            }
        }
    }

    /// <summary>Rows of a query outside any transaction.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        return await connection.RowsAsync(sql, read, cancel, values);
    }

    /// <summary>The only row of a query, or default.</summary>
    public async Task<T?> FindAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values)
    {
        var rows = await QueryAsync(sql, read, cancel, values);
        return rows.Count == 0 ? default : rows[0];
    }

    /// <summary>One statement on its own; returns the rows it touched.</summary>
    public async Task<int> ExecuteAsync(string sql, CancellationToken cancel, params object?[] values)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        return await connection.RunAsync(sql, cancel, values);
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();
}

/// <summary>A unit of work. What must happen after the commit, and only then, is left with <see cref="AfterCommit"/>.</summary>
public sealed class Transaction(NpgsqlConnection connection) : IQueries
{
    private readonly List<Action> _afterCommit = [];

    public Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values) =>
        connection.RowsAsync(sql, read, cancel, values);

    public async Task<T?> FindAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values)
    {
        var rows = await connection.RowsAsync(sql, read, cancel, values);
        return rows.Count == 0 ? default : rows[0];
    }

    public Task<int> ExecuteAsync(string sql, CancellationToken cancel, params object?[] values) => connection.RunAsync(sql, cancel, values);

    /// <summary>Several statements in one round trip, in their order.</summary>
    public async Task ExecuteAsync(IReadOnlyList<(string Sql, object?[] Values)> statements)
    {
        await using var batch = Batch(statements);
        await batch.ExecuteNonQueryAsync();
    }

    /// <summary>
    /// Locks rows with the first statement and changes them with the second, whose rows are read; in one round trip. Two statements, since one
    /// sees rows as they were when it began: it would wait at an old version for those who wait for the version that it has locked.
    /// </summary>
    public async Task<List<T>> LockedAsync<T>((string Sql, object?[] Values) locking, Func<NpgsqlDataReader, T> read, string sql, params object?[] values)
    {
        await using var batch = Batch([locking, (sql, values)]);
        await using var reader = await batch.ExecuteReaderAsync();
        await reader.NextResultAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync()) rows.Add(read(reader));
        return rows;
    }

    private NpgsqlBatch Batch(IReadOnlyList<(string Sql, object?[] Values)> statements)
    {
        var batch = new NpgsqlBatch(connection);
        foreach (var (sql, values) in statements)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var value in values) command.Parameters.Add(ConnectionCommands.Parameter(value));
            batch.BatchCommands.Add(command);
        }
        return batch;
    }

    /// <summary>Hints such as wake-ups. Losing one must cost time only, since a crash here loses it.</summary>
    public void AfterCommit(Action hint) => _afterCommit.Add(hint);

    internal void Committed()
    {
        foreach (var hint in _afterCommit) hint();
    }
}

/// <summary>Reads, within a transaction or outside any.</summary>
public interface IQueries
{
    Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values);

    /// <summary>The only row of a query, or default.</summary>
    Task<T?> FindAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values);
}

/// <summary>Positional parameters ($1, $2 …) on a connection.</summary>
public static class ConnectionCommands
{
    public static async Task<List<T>> RowsAsync<T>(
        this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values)
    {
        await using var command = Command(connection, sql, values);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancel)) rows.Add(read(reader));
        return rows;
    }

    public static async Task<int> RunAsync(this NpgsqlConnection connection, string sql, CancellationToken cancel, params object?[] values)
    {
        await using var command = Command(connection, sql, values);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object?[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(Parameter(value));
        return command;
    }

    internal static NpgsqlParameter Parameter(object? value) => value as NpgsqlParameter ?? new NpgsqlParameter { Value = value ?? DBNull.Value };
}
