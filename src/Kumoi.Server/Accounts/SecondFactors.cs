using System.Security.Cryptography;
using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using OtpNet;

namespace Kumoi.Server.Accounts;

/// <summary>One-time passwords by time (TOTP, RFC 6238) as a second factor, and recovery codes for whoever lost what makes them.</summary>
public sealed class SecondFactors(Database database, MasterKey masterKey, EventLog events, TimeProvider clock)
{
    private const int SecretBytes = 20, CodesMade = 10, CodeBytes = 5;

    // Clocks of telephones are seconds off, and people type slowly.
    private static readonly VerificationWindow Window = new(previous: 1, future: 1);

    private static string Purpose(string userId) => "second factor of " + userId;

    private static Subject Subject(Caller caller) => new("user", caller.UserId, caller.UserName);

    public async Task<Result<SecondFactor>> GetAsync(Caller caller, CancellationToken cancel) => await database.FindAsync(
        "SELECT CASE WHEN confirmed_at IS NULL THEN 'pending' ELSE 'on' END, (SELECT count(*) FROM recovery_codes c WHERE c.user_id = f.user_id)::int FROM second_factors f WHERE user_id = $1",
        row => new SecondFactor(row.GetString(0), row.GetInt32(1)), cancel, caller.UserId) is { } factor ? factor : new SecondFactor("off", 0);

    /// <summary>Makes a secret. It is asked for only once it is confirmed, so that nobody is locked out by a picture that was not read.</summary>
    public async Task<Result<SecondFactorSecret>> BeginAsync(Caller caller, BeginSecondFactor begin, CancellationToken cancel)
    {
        // It would be kept and never asked for: whoever comes from a provider shows no code here.
        if (await database.FindAsync("SELECT directory_subject IS NOT NULL FROM users WHERE id = $1", row => row.GetBoolean(0), cancel, caller.UserId)) return new Failure("second-factor-of-provider", 409);
        if (await CheckPasswordAsync(caller, begin.Password, cancel) is { } wrong) return wrong;
        var secret = RandomNumberGenerator.GetBytes(SecretBytes);
        return await database.TransactionAsync<SecondFactorSecret>(async transaction =>
        {
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO second_factors (user_id, sealed_secret, created_at) VALUES ($1, $2, $3)
                ON CONFLICT (user_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, created_at = excluded.created_at WHERE second_factors.confirmed_at IS NULL
                """, cancel, caller.UserId, masterKey.Encrypt(secret, Purpose(caller.UserId)), clock.GetUtcNow());
            if (made == 0) return new Failure("second-factor-on", 409);
            return new SecondFactorSecret(Base32Encoding.ToString(secret), new OtpUri(OtpType.Totp, secret, caller.UserName, "Kumoi").ToString());
        }, cancel);
    }

    public Task<Result<RecoveryCodes>> ConfirmAsync(Caller caller, ConfirmSecondFactor confirm, CancellationToken cancel) => database.TransactionAsync<RecoveryCodes>(async transaction =>
    {
        var factor = await LockAsync(transaction, caller.UserId, cancel);
        if (factor is null) return new Failure("second-factor-off", 409);
        if (factor.Confirmed) return new Failure("second-factor-on", 409);
        if (Step(caller.UserId, factor, confirm.Code) is not { } step) return Failure.Invalid("code", "second-factor-code");
        await transaction.ExecuteAsync("UPDATE second_factors SET confirmed_at = $2, last_step = $3 WHERE user_id = $1", cancel, caller.UserId, clock.GetUtcNow(), step);
        await transaction.ExecuteAsync("DELETE FROM recovery_codes WHERE user_id = $1", cancel, caller.UserId);
        var codes = Enumerable.Range(0, CodesMade).Select(_ => NewCode()).ToList();
        await transaction.ExecuteAsync("INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])", cancel, caller.UserId, Columns.ByteArrays(codes.Select(Hash)));
        // Sessions from before it were begun without it.
        await transaction.ExecuteAsync("DELETE FROM tokens WHERE user_id = $1 AND kind = 'session' AND id <> $2", cancel, caller.UserId, caller.TokenId);
        await events.WriteAsync(transaction, caller, "user.second-factor-on", Subject(caller), cancel);
        return new RecoveryCodes(codes);
    }, cancel);

    public async Task<Result<SecondFactor>> EndAsync(Caller caller, EndSecondFactor end, CancellationToken cancel)
    {
        if (await CheckPasswordAsync(caller, end.Password, cancel) is { } wrong) return wrong;
        return await database.TransactionAsync<SecondFactor>(async transaction =>
        {
            if (await LockAsync(transaction, caller.UserId, cancel) is not { } factor) return new Failure("second-factor-off", 409);
            if (factor.Confirmed && !await TakeAsync(transaction, caller.UserId, factor, end.Code, cancel)) return Failure.Invalid("code", "second-factor-code");
            await ForgetAsync(transaction, caller.UserId, cancel);
            await events.WriteAsync(transaction, caller, "user.second-factor-off", Subject(caller), cancel);
            return new SecondFactor("off", 0);
        }, cancel);
    }

    public static async Task ForgetAsync(Transaction transaction, string userId, CancellationToken cancel)
    {
        await transaction.ExecuteAsync("DELETE FROM recovery_codes WHERE user_id = $1", cancel, userId);
        await transaction.ExecuteAsync("DELETE FROM second_factors WHERE user_id = $1", cancel, userId);
    }

    /// <summary>Whether a user who knows the password may go on: has no second factor, or has a code that is right and was not used before.</summary>
    /// <returns>Null if so; else <c>second-factor-required</c> or <c>second-factor-wrong</c>.</returns>
    public async Task<Failure?> CheckAsync(string userId, string? code, CancellationToken cancel)
    {
        var done = await database.TransactionAsync<Done>(async transaction =>
        {
            if (await LockAsync(transaction, userId, cancel) is not { Confirmed: true } factor) return new Done();
            if (string.IsNullOrWhiteSpace(code)) return new Failure("second-factor-required", 401);
            return await TakeAsync(transaction, userId, factor, code, cancel) ? new Done() : new Failure("second-factor-wrong", 401);
        }, cancel);
        return done.Failure;
    }

    private sealed record Factor(byte[] SealedSecret, bool Confirmed, long LastStep);

    // Two who come with the same code stand in line here, so that it is taken once.
    private static Task<Factor?> LockAsync(Transaction transaction, string userId, CancellationToken cancel) => transaction.FindAsync<Factor?>(
        "SELECT sealed_secret, confirmed_at IS NOT NULL, last_step FROM second_factors WHERE user_id = $1 FOR UPDATE", row => new Factor(row.GetFieldValue<byte[]>(0), row.GetBoolean(1), row.GetInt64(2)), cancel, userId);

    private async Task<bool> TakeAsync(Transaction transaction, string userId, Factor factor, string code, CancellationToken cancel)
    {
        if (Step(userId, factor, code) is { } step) return await transaction.ExecuteAsync("UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2", cancel, userId, step) == 1;
        return await transaction.ExecuteAsync("DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", cancel, userId, Hash(code)) == 1;
    }

    /// <summary>The time step that a one-time password is of; null if it is none, or not newer than the last one.</summary>
    private long? Step(string userId, Factor factor, string code)
    {
        var digits = code.Replace(" ", "", StringComparison.Ordinal);
        if (digits.Length != 6 || !digits.All(char.IsAsciiDigit)) return null;
        return new Totp(masterKey.Decrypt(factor.SealedSecret, Purpose(userId))).VerifyTotp(clock.GetUtcNow().UtcDateTime, digits, out var step, Window) && step > factor.LastStep ? step : null;
    }

    private static string NewCode()
    {
        var text = Base32Encoding.ToString(RandomNumberGenerator.GetBytes(CodeBytes)).ToLowerInvariant();
        return $"{text[..4]}-{text[4..]}";
    }

    // 40 random bits that are good once, behind a throttle: a plain hash is enough for what a thief of the database has besides.
    private static byte[] Hash(string code) => Secrets.Hash("recovery " + code.Trim().ToLowerInvariant());

    private async Task<Failure?> CheckPasswordAsync(Caller caller, string password, CancellationToken cancel)
    {
        var hash = await database.FindAsync("SELECT password_hash, directory_id IS NOT NULL FROM users WHERE id = $1", row => (Own: row.GetString(0), Directory: row.GetBoolean(1)), cancel, caller.UserId);
        // Who signs in with a directory's password has none here; the session shows who it is.
        if (hash.Directory) return null;
        return password.Length <= Users.PasswordLengthMax && Passwords.Verify(password, hash.Own) ? null : Failure.Invalid("password", "wrong-password");
    }
}
