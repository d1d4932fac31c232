namespace Kumoi.Api;

/// <summary>A tenant of the cloud: every user and every resource belongs to exactly one account.</summary>
/// <param name="Kind"><c>operator</c> for the account that runs the cloud, else <c>tenant</c>.</param>
public sealed record Account(string Id, string Name, string Kind, DateTimeOffset CreatedAt);

public sealed record CreateAccount(string Name);

/// <summary>A person or program that acts for an account.</summary>
/// <param name="Role"><c>admin</c> (also manages users), <c>member</c> (manages resources) or <c>reader</c>.</param>
/// <param name="Operator">True for users of the operator account: they manage zones, hosts, flavors and accounts.</param>
public sealed record User(string Id, string Name, Ref Account, string Role, bool Operator, DateTimeOffset CreatedAt);

public sealed record CreateUser(string Name, string Password, string Role, string? Account);

public sealed record ChangePassword(string? CurrentPassword, string NewPassword);

/// <summary>Asks for a session token with a user's name and password.</summary>
public sealed record Login(string User, string Password);

/// <summary>A token just made. <see cref="Token"/> is shown this once; the cloud keeps only its hash.</summary>
public sealed record TokenCreated(string Token, string Id, User User, DateTimeOffset? ExpiresAt);

/// <summary>A token as it is listed: a session (from a login, expires) or an API token (named, until revoked or expired).</summary>
public sealed record Token(
    string Id, string Kind, string? Name, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

public sealed record CreateToken(string Name, int? ExpiresInDays);
