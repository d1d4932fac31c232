using System.Net;

namespace Kumoi.Server.Platform.Security;

/// <summary>One of a user's roles and where it holds: in an account, or in a domain and all that is beneath it.</summary>
/// <param name="Lineage">Of a domain: the ids from the root down to it.</param>
public sealed record Grant(string Role, string? AccountId, string? Lineage, PermissionSet Permissions)
{
    public bool HoldsIn(string accountId, string lineage) => AccountId == accountId || HoldsBeneath(lineage);

    public bool HoldsBeneath(string lineage) => Lineage is { } mine && lineage.StartsWith(mine, StringComparison.Ordinal);
}

/// <summary>An account that is acted for, as far as it matters to what may be done.</summary>
/// <param name="State"><c>active</c>, <c>suspended</c> or <c>closed</c>.</param>
/// <param name="Lineage">Of its domain.</param>
public sealed record ActingFor(string Id, string Name, string State, string Lineage);

/// <summary>Who calls, for which account, and from where: made once per request from the token, passed to every use case.</summary>
/// <param name="Account">The account acted for: the caller's own, or another one that was named.</param>
/// <param name="Limit">What the token may at most; null if all that its user may.</param>
/// <param name="Bounded">True if the token is good for less than its user in any way: some permissions, one account, some addresses.</param>
/// <param name="Language">Language of texts for this caller: <c>en</c> or <c>ja</c>.</param>
public sealed record Caller(
    ActingFor Account, string UserId, string UserName, IReadOnlyList<Grant> Grants, PermissionSet? Limit, bool Bounded, string TokenId, IPAddress? Address, string RequestId, string Language)
{
    /// <summary>The root domain's id, which every cloud has.</summary>
    public const string RootDomain = "dom-00000000000000000";

    private const string Root = RootDomain + ".";

    public string AccountId => Account.Id;

    public string AccountName => Account.Name;

    /// <summary>True if the user has a role in the account that is acted for.</summary>
    public bool Belongs => Grants.Any(g => g.HoldsIn(Account.Id, Account.Lineage));

    public bool May(Permission permission) => Refused(permission) is null;

    /// <summary>Why the caller may not do it; null if it may.</summary>
    public Failure? Refused(Permission permission)
    {
        if (permission.Reach == Reach.Self) return Bounded && permission == Permission.Secrets ? new Failure("forbidden-by-token", 403, permission.ToString()) : null;
        if (Limit?.Allows(permission) == false) return new Failure("forbidden-by-token", 403, permission.ToString());
        if (permission.Reach != Reach.Account) return Grants.Any(g => g.Lineage is { } lineage && (permission.Reach == Reach.Domain || lineage == Root) && g.Permissions.Allows(permission)) ? null : Forbidden(permission);
        var holding = Grants.Where(g => g.HoldsIn(Account.Id, Account.Lineage) && g.Permissions.Allows(permission)).ToList();
        if (holding.Count == 0) return Forbidden(permission);
        // Whoever administers the domain may still look after it.
        if (Account.State == "active" || holding.Any(g => g.Lineage is not null) || (Account.State == "suspended" && permission.Verb == "read")) return null;
        return new Failure("account-" + Account.State, 403, Account.Name);
    }

    /// <summary>True if the caller may do it in this domain, and so in all that is beneath it.</summary>
    public bool MayIn(string lineage, Permission permission) => MayIn(lineage, permission.Capability, permission.Verb);

    public bool MayIn(string lineage, string capability, string verb) =>
        Limit?.Allows(capability, verb) != false && Grants.Any(g => g.HoldsBeneath(lineage) && g.Permissions.Allows(capability, verb));

    /// <summary>True if the caller may do it in this account, whatever it acts for now.</summary>
    public bool MayIn(ActingFor account, Permission permission) => (this with { Account = account }).May(permission with { Reach = Reach.Account });

    /// <summary>The lineages of the domains in which the caller may do it.</summary>
    public IReadOnlyList<string> Lineages(Permission permission) =>
        Limit?.Allows(permission) == false ? [] : [.. Grants.Where(g => g.Lineage is not null && g.Permissions.Allows(permission)).Select(g => g.Lineage!)];

    private static Failure Forbidden(Permission permission) => new("forbidden", 403, permission.ToString());
}
