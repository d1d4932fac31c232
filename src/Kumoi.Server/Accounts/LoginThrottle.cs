using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;

namespace Kumoi.Server.Accounts;

/// <summary>
/// Slows down guessing of passwords: after some failures for a user name or from an address, logins are refused until the window is over.
/// Kept in the database, so that it holds over all servers and restarts.
/// </summary>
public sealed class LoginThrottle(Database database, TimeProvider clock)
{
    // Fewer locks out people who mistype; more lets a guesser try more. An address may have many people behind it.
    private const int FailuresMaxPerUser = 8, FailuresMaxPerAddress = 50;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private static IEnumerable<(string Key, int Max)> Keys(string? user, string address) => user is null ? [("address:" + address, FailuresMaxPerAddress)] : [("user:" + user, FailuresMaxPerUser), ("address:" + address, FailuresMaxPerAddress)];

    /// <param name="user">Null while nobody knows who it is.</param>
    public async Task<Failure?> CheckAsync(string? user, string address, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        foreach (var (key, max) in Keys(user, address))
        {
            var until = await database.FindAsync(
                "SELECT window_end FROM login_failures WHERE key = $1 AND failures >= $2 AND window_end > $3", row => (DateTimeOffset?)row.Time(0), cancel, key, max, now);
            if (until is { } end) return new Failure("too-many-logins", 429, (int)Math.Ceiling((end - now).TotalSeconds)) { RetryAfter = end - now };
        }
        return null;
    }

    public async Task FailedAsync(string? user, string address, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        foreach (var (key, _) in Keys(user, address))
        {
            await database.ExecuteAsync(
                """
                INSERT INTO login_failures (key, failures, window_end) VALUES ($1, 1, $2)
                ON CONFLICT (key) DO UPDATE SET
                    failures = CASE WHEN login_failures.window_end > $3 THEN login_failures.failures + 1 ELSE 1 END,
                    window_end = $2
                """, cancel, key, now + Window, now);
        }
        await database.ExecuteAsync("DELETE FROM login_failures WHERE window_end < $1", cancel, now);
    }

    public Task SucceededAsync(string user, CancellationToken cancel) =>
        database.ExecuteAsync("DELETE FROM login_failures WHERE key = $1", cancel, "user:" + user);
}
