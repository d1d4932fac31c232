namespace Kumoi.Server.Platform.Security;

/// <summary>Where a permission is looked for.</summary>
public enum Reach
{
    /// <summary>In the account acted for: by membership of it, or of a domain that it is in.</summary>
    Account,

    /// <summary>In any domain; the use case looks at which.</summary>
    Domain,

    /// <summary>In the cloud as a whole: by membership of the root domain.</summary>
    Cloud,

    /// <summary>Nowhere: it concerns only the caller itself.</summary>
    Self,
}

/// <summary>What a route asks of its caller, <c>capability:verb</c>. It stands beside the route; a test fails for a route without one.</summary>
/// <param name="Capability">The noun in plural, which is the first part of the route's path.</param>
/// <param name="Verb"><c>read</c>, <c>write</c>, or a verb of its own where not everybody who may write should do it.</param>
public readonly record struct Permission(string Capability, string Verb, Reach Reach = Reach.Account)
{
    /// <summary>Only what concerns the caller itself (who it is, its tokens): whoever is signed in.</summary>
    public static readonly Permission Self = new("self", "read", Reach.Self);

    /// <summary>Make or change what one signs in with: whoever is signed in, but not with a token that may less than its user.</summary>
    public static readonly Permission Secrets = new("self", "secrets", Reach.Self);

    /// <summary>See what the account has of this.</summary>
    public static Permission Read(string capability) => new(capability, "read");

    /// <summary>Make, change and remove what the account has of this.</summary>
    public static Permission Write(string capability) => new(capability, "write");

    /// <summary>What concerns the whole cloud: hosts, zones, what is offered to all.</summary>
    public static Permission Cloud(string capability, string verb = "write") => new(capability, verb, Reach.Cloud);

    /// <summary>What concerns domains and their accounts.</summary>
    public static Permission Domain(string capability, string verb = "write") => new(capability, verb, Reach.Domain);

    public override string ToString() => Capability + ":" + Verb;
}
