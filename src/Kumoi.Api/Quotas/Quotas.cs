namespace Kumoi.Api;

/// <summary>How much of one countable thing an account or a domain may have, and has.</summary>
/// <param name="Resource"><c>instances</c>, <c>vcpus</c>, <c>memory-mib</c>, <c>volumes</c>, <c>volume-gib</c> and so on.</param>
/// <param name="Limit">The most there may be; null for no limit.</param>
/// <param name="Used">How much there is; what is being removed does not count.</param>
/// <param name="Source"><c>account</c> or <c>domain</c>: a limit of its own; <c>default</c>: that of all accounts; <c>none</c>.</param>
/// <param name="Domains">Of an account: limits of the domains that it is in, which all of their accounts share.</param>
public sealed record Quota(string Resource, long? Limit, long Used, string Source, IReadOnlyList<DomainQuota>? Domains);

/// <param name="Domain">The domain whose limit it is.</param>
/// <param name="Used">What all accounts in it have together.</param>
public sealed record DomainQuota(Ref Domain, long Limit, long Used);

/// <summary>Sets limits, by resource; null for none. Resources that are not named stay as they are.</summary>
/// <param name="Default">Resources whose limit is the default again.</param>
public sealed record SetQuotas(IReadOnlyDictionary<string, long?>? Limits, IReadOnlyList<string>? Default);

/// <summary>The limit of all accounts that have none of their own.</summary>
public sealed record QuotaDefault(string Resource, long? Limit);

/// <summary>A wish for more, and what became of it.</summary>
/// <param name="State"><c>pending</c>, <c>granted</c> or <c>refused</c>.</param>
public sealed record QuotaRequest(
    string Id, Ref Account, string Resource, long Limit, string Reason, string State, string Answer, string AskedBy, string? AnsweredBy, DateTimeOffset CreatedAt, DateTimeOffset? AnsweredAt);

/// <param name="Limit">The limit that is asked for.</param>
public sealed record CreateQuotaRequest(string Resource, long Limit, string? Reason);

/// <param name="Grant">True: the limit becomes what was asked for.</param>
public sealed record AnswerQuotaRequest(bool Grant, string? Answer);
