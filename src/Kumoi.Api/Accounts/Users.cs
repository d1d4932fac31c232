namespace Kumoi.Api;

/// <summary>A person or program that acts for accounts.</summary>
/// <param name="Account">The account that it is of, whose administrators look after it. It may be a member of others.</param>
/// <param name="Role">Its role in that account; empty if it has none.</param>
/// <param name="Operator">True if it has a role on the root domain: it may do something in the cloud as a whole.</param>
/// <param name="Disabled">True if it cannot sign in, and its tokens are refused.</param>
public sealed record User(string Id, string Name, Ref Account, string Role, bool Operator, bool Disabled, DateTimeOffset CreatedAt);

/// <summary>Whoever calls, and what it may.</summary>
/// <param name="ActingFor">The account that is acted for in this request.</param>
/// <param name="Memberships">All of its roles.</param>
/// <param name="Permissions">What it may in the account that is acted for: patterns of <c>capability:verb</c>.</param>
/// <param name="CloudPermissions">What it may in the cloud as a whole.</param>
/// <param name="DomainPermissions">What it may in some domain, and so in the accounts there.</param>
/// <param name="Accounts">The accounts that it may act for by a membership of the account itself.</param>
public sealed record Self(
    string Id, string Name, Ref Account, string Role, bool Operator, bool Disabled, DateTimeOffset CreatedAt, Account ActingFor, IReadOnlyList<Membership> Memberships, IReadOnlyList<string> Permissions,
    IReadOnlyList<string> CloudPermissions, IReadOnlyList<string> DomainPermissions, IReadOnlyList<Ref> Accounts);

/// <param name="Role">Name of a role in the account.</param>
/// <param name="Account">Id or name of the account that it will be of; default: the one acted for.</param>
public sealed record CreateUser(string Name, string Password, string Role, string? Account);

/// <summary>What an administrator of a user's account changes: a new password for one that was lost; whether it may sign in.</summary>
/// <param name="SecondFactor">False takes away a second factor that was lost; it is not given for somebody else.</param>
public sealed record UpdateUser(string? Password, bool? Disabled, bool? SecondFactor);

public sealed record ChangePassword(string? CurrentPassword, string NewPassword);

/// <summary>Asks for a session token with a user's name and password, or with what an identity provider's answer was traded for.</summary>
/// <param name="Code">A one-time password or a recovery code, of users with a second factor: without it they are told <c>second-factor-required</c>.</param>
/// <param name="SignIn">In place of name and password.</param>
public sealed record Login(string? User, string? Password, string? Code = null, SignInCode? SignIn = null);

/// <param name="Code">What the browser brought back; good once, for a minute.</param>
/// <param name="Verifier">What the sign-in was begun with: its SHA-256, in base64url, was the <c>challenge</c>.</param>
public sealed record SignInCode(string Code, string Verifier);

/// <summary>A token just made. <see cref="Token"/> is shown this once; the cloud keeps only its hash.</summary>
public sealed record TokenCreated(string Token, string Id, User User, DateTimeOffset? ExpiresAt);

/// <summary>A token as it is listed: a session (from a login, expires) or an API token (named, until revoked or expired).</summary>
/// <param name="Permissions">What it may at most; null for all that its user may.</param>
/// <param name="Account">The only account that it is for; null for all of its user's.</param>
/// <param name="AllowedRanges">From where it is accepted, in CIDR notation; null for anywhere.</param>
/// <param name="LastUsedFrom">The address that it was last used from.</param>
/// <param name="UserAgent">Of a session: the program that signed in.</param>
public sealed record Token(
    string Id, string Kind, string? Name, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt, IReadOnlyList<string>? Permissions, Ref? Account, IReadOnlyList<string>? AllowedRanges,
    string? LastUsedFrom, string? UserAgent);

/// <param name="Permissions">What it may at most, <c>capability:verb</c> each; default: all that its user may.</param>
/// <param name="Account">Id or name of the only account that it is for.</param>
/// <param name="AllowedRanges">From where it is accepted, in CIDR notation, up to 20; default: anywhere.</param>
public sealed record CreateToken(string Name, int? ExpiresInDays, IReadOnlyList<string>? Permissions, string? Account, IReadOnlyList<string>? AllowedRanges);
