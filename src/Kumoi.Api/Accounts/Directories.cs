namespace Kumoi.Api;

/// <summary>A directory (LDAP) whose people sign in with the password that they have there.</summary>
/// <param name="Domain">The domain whose administrators look after it.</param>
/// <param name="Url"><c>ldaps://host</c>, with a port if it is not the usual one.</param>
/// <param name="BindDn">As whom people are looked for; empty for nobody in particular.</param>
/// <param name="BaseDn">Beneath which people are looked for.</param>
/// <param name="UserFilter">How somebody is found: <c>{0}</c> stands for the name (RFC 4515).</param>
/// <param name="Account">Where people become users when they sign in for the first time; null: nobody does.</param>
/// <param name="DefaultRole">The role there of those whom no group gives one; null: they do not get in.</param>
/// <param name="GroupRoles">Roles by group, looked at each time that somebody signs in; the first that fits.</param>
public sealed record UserDirectory(
    string Id, string Name, Ref Domain, string Url, string BindDn, string BaseDn, string UserFilter, Ref? Account, string? DefaultRole, IReadOnlyList<GroupRole> GroupRoles, DateTimeOffset CreatedAt);

/// <param name="Group">The group's DN; its members are its <c>member</c>, <c>uniqueMember</c> or <c>memberUid</c>.</param>
public sealed record GroupRole(string Group, string Role);

/// <param name="Domain">Id or path; default: the root, or the caller's own if it administers only that.</param>
/// <param name="BindPassword">Kept under the cloud's master key, and never told.</param>
public sealed record CreateDirectory(
    string Name, string Url, string? BindDn, string? BindPassword, string BaseDn, string? UserFilter, string? Account, string? DefaultRole, IReadOnlyList<GroupRole>? GroupRoles, string? Domain);
