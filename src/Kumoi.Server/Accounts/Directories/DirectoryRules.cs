using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>The rules that a directory, or a change of one, can break.</summary>
public static class DirectoryRules
{
    private const int TextLengthMax = 512, GroupsMax = 50;

    /// <param name="isIssuer">The address may be asked as an identity provider's.</param>
    public static IEnumerable<Violation> Check(CreateDirectory create, string name, bool isIssuer)
    {
        if (Names.Check("name", name) is { } violation) yield return violation;
        foreach (var one in create.OpenId is { } openId ? OpenId(create, openId, isIssuer) : Ldap(create)) yield return one;
        foreach (var one in Lengths(("url", create.Url), ("bindDn", create.BindDn), ("baseDn", create.BaseDn), ("userFilter", create.UserFilter), ("bindPassword", create.BindPassword), ("defaultRole", create.DefaultRole))) yield return one;
        foreach (var one in Groups(create.GroupRoles)) yield return one;
        if (create.Account is null && (create.DefaultRole is not null || create.GroupRoles is { Count: > 0 })) yield return new Violation("account", "required");
    }

    public static IEnumerable<Violation> Check(UpdateDirectory update)
    {
        if (update.Secret is "") yield return new Violation("secret", "required");
        foreach (var one in Lengths(("secret", update.Secret), ("title", update.Title), ("defaultRole", update.DefaultRole)).Concat(Groups(update.GroupRoles))) yield return one;
    }

    private static IEnumerable<Violation> Ldap(CreateDirectory create)
    {
        if (!Uri.TryCreate(create.Url, UriKind.Absolute, out var url) || url.Scheme != "ldaps" || url.UserInfo.Length > 0 || url.PathAndQuery is not ("" or "/") || url.Host.Length == 0) yield return new Violation("url", "ldap-url");
        if (create.BaseDn is null) yield return new Violation("baseDn", "required");
        if (create.BindDn is { Length: > 0 } && string.IsNullOrEmpty(create.BindPassword)) yield return new Violation("bindPassword", "required");
        if (create.UserFilter is { } filter && (!filter.StartsWith('(') || !filter.EndsWith(')') || filter.Split("{0}").Length != 2 || filter.Replace("{0}", "", StringComparison.Ordinal).IndexOfAny(['{', '}']) >= 0)) yield return new Violation("userFilter", "ldap-filter");
    }

    private static IEnumerable<Violation> OpenId(CreateDirectory create, CreateOpenIdClient openId, bool isIssuer)
    {
        // An issuer has neither question nor fragment (Discovery 1.0, 3), and is compared as it is written.
        if (!isIssuer || create.Url.IndexOfAny(['?', '#']) >= 0) yield return new Violation("url", "issuer-url");
        foreach (var (field, text) in new[] { ("bindDn", create.BindDn), ("bindPassword", create.BindPassword), ("baseDn", create.BaseDn), ("userFilter", create.UserFilter) })
            if (text is not null) yield return new Violation(field, "only-ldap");
        foreach (var (field, text) in new[] { ("openId.clientId", openId.ClientId), ("openId.clientSecret", openId.ClientSecret), ("openId.nameClaim", openId.NameClaim), ("openId.groupsClaim", openId.GroupsClaim) })
            if (text?.Length == 0) yield return new Violation(field, "required");
        if (openId.Scopes is { } scopes && (!scopes.Split(' ').Contains("openid") || scopes.Any(c => c is < ' ' or > '~' or '"' or '\\'))) yield return new Violation("openId.scopes", "openid-scopes");
        foreach (var one in Lengths(("openId.title", openId.Title), ("openId.clientId", openId.ClientId), ("openId.clientSecret", openId.ClientSecret), ("openId.scopes", openId.Scopes), ("openId.nameClaim", openId.NameClaim), ("openId.groupsClaim", openId.GroupsClaim))) yield return one;
    }

    private static IEnumerable<Violation> Lengths(params (string Field, string? Text)[] texts) => texts.Where(t => t.Text?.Length > TextLengthMax).Select(t => new Violation(t.Field, "too-long", TextLengthMax));

    private static IEnumerable<Violation> Groups(IReadOnlyList<GroupRole>? roles)
    {
        if (roles?.Count > GroupsMax) yield return new Violation("groupRoles", "count-between", 0, GroupsMax);
        if (roles?.Any(g => g.Group.Length is 0 or > TextLengthMax || g.Role.Length is 0 or > TextLengthMax) == true) yield return new Violation("groupRoles", "length-between", 1, TextLengthMax);
    }
}
