namespace Kumoi.Server.Placement;

/// <summary>A host pool as placement sees it. Who may use it may be stale; the claim in the database decides.</summary>
/// <param name="Open">For all accounts.</param>
/// <param name="Accounts">Else for these.</param>
public sealed record HostPoolView(string Id, string Name, bool Open, IReadOnlySet<string> Accounts)
{
    /// <summary>As <see cref="Among"/> finds it in <see cref="PlacementRequest.Pools"/>.</summary>
    private readonly string _mark = $",{Id},";

    public bool IsFor(string accountId) => Open || Accounts.Contains(accountId);

    /// <summary>True if it is for all, or one of those named.</summary>
    public bool Among(string pools) => Open || pools.Contains(_mark, StringComparison.Ordinal);

    /// <summary>Those of the pools that are not for all, but for this account, as requests have them: for most accounts nothing, so that their requests are alike.</summary>
    public static string Given(IEnumerable<HostPoolView> pools, string accountId) =>
        string.Concat(pools.Where(pool => !pool.Open && pool.Accounts.Contains(accountId)).Select(pool => pool._mark).Order(StringComparer.Ordinal));
}
