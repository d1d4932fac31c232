namespace Kumoi.Api;

/// <summary>A key of a user with which programs that speak a dialect, such as EC2's, sign their requests. Its secret is told when it is made, and never again.</summary>
/// <param name="Id">What is sent with each request: <c>AKIA</c> and 16 of A–Z and 2–7.</param>
/// <param name="Account">The account that is acted for.</param>
/// <param name="SourceRanges">Where requests may come from; empty: from anywhere.</param>
public sealed record AccessKey(string Id, string? Name, Ref Account, IReadOnlyList<string> SourceRanges, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>Makes an access key for oneself, in the account that one acts for.</summary>
/// <param name="ExpiresInDays">1 to 3650; absent: until it is revoked.</param>
/// <param name="SourceRanges">Up to 20 ranges, IPv4 or IPv6; absent: anywhere.</param>
public sealed record CreateAccessKey(string? Name, int? ExpiresInDays, IReadOnlyList<string>? SourceRanges);

/// <summary>An access key just made.</summary>
/// <param name="Secret">40 characters, shown this once.</param>
/// <param name="Region">The name of this cloud's region, which is signed, too.</param>
public sealed record AccessKeyCreated(string Id, string Secret, string? Name, Ref Account, IReadOnlyList<string> SourceRanges, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, string Region);
