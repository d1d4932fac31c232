namespace Kumoi.Api;

/// <summary>A tenant of the cloud: every resource belongs to exactly one account.</summary>
/// <param name="Kind"><c>operator</c> for the account that runs the cloud, else <c>tenant</c>.</param>
/// <param name="Domain">The domain that it is in; its name is the domain's path.</param>
/// <param name="State"><c>active</c>; <c>suspended</c>: its guests stand still and nothing is changed; <c>closed</c>: suspended for good.</param>
/// <param name="StateReason">Why it is suspended or closed, as its members are told.</param>
public sealed record Account(string Id, string Name, string Kind, Ref Domain, string State, string StateReason, DateTimeOffset CreatedAt);

/// <param name="Domain">Id or path of the domain; default: the root, or the caller's own if it administers only that.</param>
public sealed record CreateAccount(string Name, string? Domain);

/// <param name="State"><c>active</c>, <c>suspended</c> or <c>closed</c>.</param>
/// <param name="Reason">Why, for its members; at most 256 characters.</param>
public sealed record UpdateAccount(string? Name, string? State, string? Reason);

/// <summary>A node of the tree above the accounts: a reseller, a department. What somebody may in a domain holds for all that is beneath it.</summary>
/// <param name="Path">The names from the one beneath the root downwards: <c>reseller/sales</c>; <c>root</c> for the root.</param>
/// <param name="Parent">Null for the root.</param>
/// <param name="Accounts">How many accounts are in it, not counting those of domains beneath.</param>
public sealed record Domain(string Id, string Name, string Path, Ref? Parent, int Accounts, DateTimeOffset CreatedAt);

/// <param name="Parent">Id or path; default: the root, or the caller's own if it administers only that.</param>
public sealed record CreateDomain(string Name, string? Parent);

public sealed record UpdateDomain(string? Name);

/// <summary>A set of permissions.</summary>
/// <param name="Permissions"><c>capability:verb</c> each; <c>*</c> stands for all: <c>volumes:*</c>, <c>*:read</c>.</param>
/// <param name="BuiltIn">True for those that every cloud has; they cannot be changed.</param>
/// <param name="Account">The account that it belongs to, or null.</param>
/// <param name="Domain">The domain that it belongs to, or null; it can be given in that and all that is beneath.</param>
public sealed record Role(string Id, string Name, string Description, IReadOnlyList<string> Permissions, bool BuiltIn, Ref? Account, Ref? Domain, DateTimeOffset CreatedAt);

/// <param name="Domain">Id or path of the domain that it is for; default: the account that is acted for.</param>
public sealed record CreateRole(string Name, IReadOnlyList<string> Permissions, string? Description, string? Domain);

public sealed record UpdateRole(IReadOnlyList<string>? Permissions, string? Description);

/// <summary>A user's role in an account or a domain.</summary>
/// <param name="Account">The account, or null if it is of a domain.</param>
/// <param name="Domain">The domain, or null if it is of an account.</param>
public sealed record Membership(Ref User, Ref? Account, Ref? Domain, string Role, DateTimeOffset CreatedAt);

/// <param name="Role">Name or id of a role.</param>
public sealed record SetMembership(string Role);

/// <summary>A permission that there is, and where it is looked for.</summary>
/// <param name="Reach"><c>account</c>, <c>domain</c> or <c>cloud</c> (the root domain).</param>
public sealed record KnownPermission(string Permission, string Reach);
