namespace Kumoi.Api;

/// <summary>Public addresses that accounts may have.</summary>
/// <param name="Excluded">Parts of the ranges that are never given out.</param>
/// <param name="Reserved">Addresses that are given out only when asked for by name.</param>
/// <param name="Accounts">Accounts that may have addresses of it; null: all.</param>
/// <param name="Used">Addresses given out.</param>
/// <param name="Free">Addresses that can still be given out, those that rest after they were given back included.</param>
public sealed record AddressPool(
    string Id, string Name, string Description, IReadOnlyList<string> Ranges, IReadOnlyList<string> Excluded, IReadOnlyList<ReservedAddress> Reserved,
    IReadOnlyList<Ref>? Accounts, long Used, long Free, DateTimeOffset CreatedAt);

/// <param name="Account">The account that may ask for it; null: every account that the pool is given to.</param>
public sealed record ReservedAddress(string Address, string? Account);

/// <param name="Ranges">IPv4 ranges, in no other pool.</param>
/// <param name="Accounts">Ids or names; null: all accounts.</param>
public sealed record CreateAddressPool(
    string Name, string? Description, IReadOnlyList<string> Ranges, IReadOnlyList<string>? Excluded, IReadOnlyList<ReservedAddress>? Reserved, IReadOnlyList<string>? Accounts);

/// <summary>Changes a pool; what is absent stays. Addresses that accounts have stay theirs, and their ranges must stay too.</summary>
/// <param name="AllAccounts">True: it is given to all, whatever <paramref name="Accounts"/> was.</param>
public sealed record UpdateAddressPool(
    string? Description, IReadOnlyList<string>? Ranges, IReadOnlyList<string>? Excluded, IReadOnlyList<ReservedAddress>? Reserved, IReadOnlyList<string>? Accounts, bool? AllAccounts);
