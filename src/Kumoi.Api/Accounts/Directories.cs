namespace Kumoi.Api;

/// <summary>Where people are known who sign in here: a directory (LDAP) with their passwords, or an identity provider (OpenID Connect).</summary>
/// <param name="Kind"><c>ldap</c> or <c>oidc</c>.</param>
/// <param name="Domain">The domain whose administrators look after it.</param>
/// <param name="Url"><c>ldaps://host</c>, with a port if it is not the usual one; of an identity provider its issuer.</param>
/// <param name="BindDn">As whom people are looked for; empty for nobody in particular.</param>
/// <param name="BaseDn">Beneath which people are looked for.</param>
/// <param name="UserFilter">How somebody is found: <c>{0}</c> stands for the name (RFC 4515).</param>
/// <param name="Account">Where people become users when they sign in for the first time; null: nobody does.</param>
/// <param name="DefaultRole">The role there of those whom no group gives one; null: they do not get in.</param>
/// <param name="GroupRoles">Roles by group, looked at each time that somebody signs in; the first that fits.</param>
/// <param name="OpenId">What an identity provider is asked with; null for LDAP.</param>
public sealed record UserDirectory(
    string Id, string Name, string Kind, Ref Domain, string Url, string BindDn, string BaseDn, string UserFilter, Ref? Account, string? DefaultRole, IReadOnlyList<GroupRole> GroupRoles, OpenIdClient? OpenId, DateTimeOffset CreatedAt);

/// <summary>This cloud as a client of an identity provider.</summary>
/// <param name="Title">What the login page calls it.</param>
/// <param name="Scopes">What is asked for, <c>openid</c> among it.</param>
/// <param name="NameClaim">The claim that becomes a new user's name; null: <c>preferred_username</c>, or else <c>email</c> if it is verified.</param>
/// <param name="GroupsClaim">The claim that lists groups.</param>
/// <param name="Listed">Whether the login page offers it to everybody; else to those who come by its address.</param>
/// <param name="RedirectUri">Where the provider sends people back to: it has to be told to the provider. Null while the cloud has no public address.</param>
public sealed record OpenIdClient(string Title, string ClientId, string Scopes, string? NameClaim, string GroupsClaim, bool Listed, string? RedirectUri);

/// <param name="Group">The group's DN; its members are its <c>member</c>, <c>uniqueMember</c> or <c>memberUid</c>. Of an identity provider, as its claim has it.</param>
public sealed record GroupRole(string Group, string Role);

/// <param name="Domain">Id or path; default: the root, or the caller's own if it administers only that.</param>
/// <param name="BindPassword">Kept under the cloud's master key, and never told.</param>
/// <param name="BaseDn">Of LDAP, where it must be given.</param>
/// <param name="OpenId">Makes it an identity provider, whose issuer <paramref name="Url"/> is; then nothing of LDAP is given.</param>
public sealed record CreateDirectory(
    string Name, string Url, string? BindDn, string? BindPassword, string? BaseDn, string? UserFilter, string? Account, string? DefaultRole, IReadOnlyList<GroupRole>? GroupRoles, string? Domain, CreateOpenIdClient? OpenId);

/// <param name="Title">Default: the directory's name.</param>
/// <param name="ClientSecret">Kept under the cloud's master key, and never told; none for a public client.</param>
/// <param name="Scopes">Default: <c>openid profile email</c>.</param>
/// <param name="GroupsClaim">Default: <c>groups</c>.</param>
/// <param name="Listed">Default: true in the root domain, false elsewhere: who is whose customer is not everybody's to know.</param>
public sealed record CreateOpenIdClient(string? Title, string ClientId, string? ClientSecret, string? Scopes, string? NameClaim, string? GroupsClaim, bool? Listed);

/// <summary>What may change while people are users of it; what is not given stays.</summary>
/// <param name="Secret">The bind password, or the client secret: they expire.</param>
/// <param name="DefaultRole">Empty: none any more.</param>
public sealed record UpdateDirectory(string? Secret, string? Title, bool? Listed, string? DefaultRole, IReadOnlyList<GroupRole>? GroupRoles);

/// <summary>Whom an identity provider means: makes a user who exists already one of its people.</summary>
/// <param name="Subject">The provider's word for somebody, <c>sub</c>.</param>
public sealed record SetDirectoryUser(string Subject);

/// <summary>A user of a directory.</summary>
/// <param name="Subject">Of an identity provider: whom it means. Null for LDAP, which knows people by their names.</param>
public sealed record DirectoryUser(Ref User, Ref Account, string? Subject);

/// <summary>An identity provider, as the login page offers it.</summary>
/// <param name="Url">Where a browser begins.</param>
public sealed record SignInProvider(string Name, string Title, string Url);
