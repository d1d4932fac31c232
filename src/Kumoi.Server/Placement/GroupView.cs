namespace Kumoi.Server.Placement;

/// <summary>What a placement group may ask for, in OpenStack's words.</summary>
public static class PlacementPolicies
{
    public const string Affinity = "affinity", AntiAffinity = "anti-affinity", SoftAffinity = "soft-affinity", SoftAntiAffinity = "soft-anti-affinity";

    public static readonly IReadOnlyList<string> All = [Affinity, AntiAffinity, SoftAffinity, SoftAntiAffinity];
}

/// <summary>A placement group as placement sees it. It counts as true only while the group's row is locked; else it is a guess.</summary>
/// <param name="Members">How many instances of it each host has; a host that has none may be missing.</param>
public sealed record GroupView(string Id, string Name, string Policy, IReadOnlyDictionary<string, int> Members)
{
    // More than a host's free share can be.
    private const double WishWeight = 2;

    public int On(string hostId) => Members.GetValueOrDefault(hostId);

    /// <summary>The hard policies: affinity wants the host that has the members, if any has; anti-affinity one that has none.</summary>
    public bool Allows(string hostId) => Policy switch
    {
        PlacementPolicies.Affinity => Members.Count == 0 || On(hostId) > 0,
        PlacementPolicies.AntiAffinity => On(hostId) == 0,
        _ => true,
    };

    /// <summary>The soft policies: the more (or fewer) members a host has, the rather.</summary>
    public double Wish(string hostId) => Policy switch
    {
        PlacementPolicies.SoftAffinity => WishWeight * On(hostId),
        PlacementPolicies.SoftAntiAffinity => -WishWeight * On(hostId),
        _ => 0,
    };

    public GroupView With(string hostId) => this with { Members = new Dictionary<string, int>(Members) { [hostId] = On(hostId) + 1 } };

    /// <summary>The group without what it has on a host, which is about to leave it.</summary>
    public GroupView Leaving(string hostId) => this with { Members = Members.Where(member => member.Key != hostId).ToDictionary() };
}
