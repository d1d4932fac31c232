namespace Kumoi.Server.Platform.Security;

/// <summary>What a route asks of its caller. It stands beside the route; a test fails for a route without one.</summary>
public enum Permission
{
    /// <summary>See the account's resources: every role.</summary>
    Read,

    /// <summary>Make, change and remove the account's resources: members and admins.</summary>
    Write,

    /// <summary>Manage the account's users: admins.</summary>
    ManageUsers,

    /// <summary>Manage zones, hosts, flavors and accounts: members and admins of the operator account.</summary>
    Operate,

    /// <summary>Only what concerns the caller itself (own tokens, own password): every role.</summary>
    Self,
}

/// <summary>Who calls, for which account, and from where: made once per request from the token, passed to every use case.</summary>
/// <param name="AccountId">The account acted for: the caller's own, or the one an operator named.</param>
/// <param name="IsOperator">True if the user belongs to the operator account.</param>
/// <param name="Language">Language of texts for this caller: <c>en</c> or <c>ja</c>.</param>
public sealed record Caller(
    string AccountId, string AccountName, string UserId, string UserName, string Role, bool IsOperator, string TokenId, System.Net.IPAddress? Address,
    string RequestId, string Language)
{
    public bool May(Permission permission) => permission switch
    {
        Permission.Read or Permission.Self => true,
        Permission.Write => Role is "admin" or "member",
        Permission.ManageUsers => Role is "admin",
        Permission.Operate => IsOperator && (Role is "admin" or "member"),
        _ => false,
    };
}
