using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>What a provider sent back with the browser (RFC 6749, 4.1.2; RFC 9207).</summary>
public sealed record ProviderAnswer(string? State, string? Code, string? Issuer, string? Error);

/// <summary>
/// Signing in of people whom an identity provider knows. A program begins it with the SHA-256 of a secret of its own; the browser goes to the provider and comes back; what it brings is traded
/// for a code, and code and secret for a session. So neither a provider's answer nor the code is of use to another browser or program than the one that began.
/// </summary>
public sealed class SignIns(Database database, OpenIdDoor door, DirectoryUsers users, LoginThrottle throttle, MasterKey masterKey, ServerOptions options, TimeProvider clock, ILogger<SignIns> log)
{
    public const string CallbackPath = "/sign-in/callback", ToConsole = "console", ToPage = "code";

    private const int PortMin = 1024, AnswerLengthMax = 4096, ListedMax = 100;

    // People who copy it by hand, and a browser that wakes up.
    private static readonly TimeSpan CodeLife = TimeSpan.FromMinutes(1);

    private sealed record Provider(OpenIdPlace Place, DirectoryPlace People, string Name, string Title);

    public static string? RedirectUri(ServerOptions options) => options.PublicAddress is { } address ? address + CallbackPath : null;

    public async Task<Result<Page<SignInProvider>>> ListAsync(CancellationToken cancel) => options.PublicAddress is not { } address ? new Page<SignInProvider>([], null) : new Page<SignInProvider>(
        await database.QueryAsync("SELECT id, name, coalesce(title, name) FROM directories WHERE kind = 'oidc' AND listed ORDER BY id LIMIT $1", row => new SignInProvider(row.GetString(1), row.GetString(2), Start(address, row.GetString(0))), cancel, ListedMax), null);

    public async Task<Result<SignInProvider>> GetAsync(string key, CancellationToken cancel)
    {
        if (options.PublicAddress is not { } address) return new Failure("public-url-missing", 503);
        return await FindAsync(key, cancel) is { } found ? new SignInProvider(found.Name, found.Title, Start(address, found.Place.Id)) : Failure.NotFound("sign-in-provider", key);
    }

    private static string Start(string address, string id) => $"{address}/sign-in/{id}";

    /// <summary>The provider's address for the browser, and what the browser has to keep.</summary>
    public async Task<Result<(string Address, SignInTicket Ticket)>> BeginAsync(string key, string challenge, string to, string from, CancellationToken cancel)
    {
        if (RedirectUri(options) is not { } redirect) return new Failure("public-url-missing", 503);
        if (challenge.Length != 43 || !System.Buffers.Text.Base64Url.IsValid(challenge)) return Failure.Invalid("challenge", "sign-in-challenge");
        if (!IsPlace(to)) return Failure.Invalid("to", "sign-in-to");
        if (await throttle.CheckAsync(null, from, cancel) is { } tooMany) return tooMany;
        if (await FindAsync(key, cancel) is not { } provider) return Failure.NotFound("sign-in-provider", key);
        var ticket = SignInTicket.New(provider.Place.Id, challenge, to, clock.GetUtcNow());
        try
        {
            return (await door.AddressAsync(provider.Place, ticket, redirect, cancel), ticket);
        }
        catch (IssuerException e)
        {
            return Away(provider, e);
        }
    }

    /// <summary>Trades the provider's answer for a code that the program that began redeems.</summary>
    public async Task<Result<string>> FinishAsync(SignInTicket? ticket, ProviderAnswer answer, string from, CancellationToken cancel)
    {
        if (await throttle.CheckAsync(null, from, cancel) is { } tooMany) return tooMany;
        if (ticket is null || answer.State != ticket.State || clock.GetUtcNow() >= ticket.ExpiresAt) return new Failure("sign-in-expired", 400);
        if (RedirectUri(options) is not { } redirect) return new Failure("public-url-missing", 503);
        // Forgotten in the meantime.
        if (await FindAsync(ticket.DirectoryId, cancel) is not { } provider) return new Failure("sign-in-expired", 400);
        try
        {
            if (!await door.AnswersAsync(provider.Place, answer.Issuer, cancel)) return await RefuseAsync(provider, "Another provider answered (iss).", from, cancel);
            if (answer.Error is { } error)
            {
                SignInLog.Refused(log, provider.Name, PlainText.Of(error, 100));
                return new Failure("sign-in-refused", 403, provider.Title);
            }
            if (answer.Code is not { Length: > 0 and <= AnswerLengthMax } code) return await RefuseAsync(provider, "There is no code in the answer.", from, cancel);
            var (person, wrong) = await door.RedeemAsync(provider.Place, code, ticket, redirect, cancel);
            return person is null ? await RefuseAsync(provider, wrong!, from, cancel) : await EnterAsync(provider, person, ticket, cancel);
        }
        catch (IssuerException e)
        {
            return Away(provider, e);
        }
    }

    private async Task<Result<string>> EnterAsync(Provider provider, OpenIdPerson person, SignInTicket ticket, CancellationToken cancel)
    {
        // For somebody who comes again the name says nothing; for a new user it must be one.
        var name = PersonNames.Of(person.Name) ?? PersonNames.Of(person.Subject);
        if (name is null) return new Failure("sign-in-no-name", 403, provider.Title);
        var entered = await users.EnterAsync(provider.People, new DirectoryPerson(name, person.Subject, person.Groups, $"{provider.Name} {PlainText.Of(person.Subject, 255)}"), cancel);
        if (entered.Failure is { } failure) return failure;
        if (entered.Value is not { } user) return new Failure("sign-in-not-meant", 403, provider.Title);
        var (code, now) = (Secrets.New(""), clock.GetUtcNow());
        await database.ExecuteAsync("DELETE FROM sign_in_codes WHERE expires_at < $1", cancel, now);
        await database.ExecuteAsync("INSERT INTO sign_in_codes (code_hash, user_id, challenge, expires_at) VALUES ($1, $2, $3, $4)", cancel,
            Secrets.Hash(code), user, System.Buffers.Text.Base64Url.DecodeFromChars(ticket.Challenge), now + CodeLife);
        return code;
    }

    /// <summary>The user whose code this is; null if it is none, too old, or of another program's sign-in. It is worth nothing afterwards.</summary>
    public async Task<string?> RedeemAsync(SignInCode given, CancellationToken cancel)
    {
        var found = await database.FindAsync("DELETE FROM sign_in_codes WHERE code_hash = $1 RETURNING user_id, challenge, expires_at", row => (User: row.GetString(0), Challenge: row.GetFieldValue<byte[]>(1), Until: row.Time(2)), cancel, Secrets.Hash(given.Code));
        return found.User is not null && clock.GetUtcNow() < found.Until && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given.Verifier)), found.Challenge) ? found.User : null;
    }

    public static bool IsPlace(string to) => to is ToConsole or ToPage || int.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= PortMin and <= ushort.MaxValue;

    private Task<Provider?> FindAsync(string key, CancellationToken cancel) => database.FindAsync<Provider?>(
        "SELECT id, name, coalesce(title, name), url, client_id, sealed_client_secret, scopes, name_claim, groups_claim, account_id, default_role, group_roles FROM directories WHERE kind = 'oidc' AND (id = $1 OR name = $1)",
        row => new Provider(
            new OpenIdPlace(row.GetString(0), row.GetString(3), row.GetString(4), row.IsDBNull(5) ? null : Encoding.UTF8.GetString(masterKey.Decrypt(row.GetFieldValue<byte[]>(5), DirectoryUseCases.ClientPurpose(row.GetString(0)))), row.GetString(6), row.TextOrNull(7), row.GetString(8)),
            new DirectoryPlace(row.GetString(0), row.TextOrNull(9), row.TextOrNull(10), JsonSerializer.Deserialize(row.GetString(11), ApiJson.Default.GroupRoleArray)!), row.GetString(1), row.GetString(2)), cancel, key);

    private Failure Away(Provider provider, IssuerException e)
    {
        SignInLog.Away(log, provider.Name, provider.Place.Issuer, PlainText.Of(e.Message, 500));
        return new Failure("provider-away", 503, provider.Title);
    }

    private async Task<Failure> RefuseAsync(Provider provider, string why, string from, CancellationToken cancel)
    {
        SignInLog.Wrong(log, provider.Name, PlainText.Of(why, 500));
        await throttle.FailedAsync(null, from, cancel);
        return new Failure("sign-in-failed", 401, provider.Title);
    }
}

internal static partial class SignInLog
{
    [LoggerMessage(2903, LogLevel.Warning, "The identity provider {Directory} at {Issuer} could not be asked: {Message}")]
    public static partial void Away(ILogger logger, string directory, string issuer, string message);

    [LoggerMessage(2904, LogLevel.Warning, "A sign-in by the identity provider {Directory} was not accepted: {Message}")]
    public static partial void Wrong(ILogger logger, string directory, string message);

    [LoggerMessage(2905, LogLevel.Information, "The identity provider {Directory} did not let somebody in: {Error}")]
    public static partial void Refused(ILogger logger, string directory, string error);
}
