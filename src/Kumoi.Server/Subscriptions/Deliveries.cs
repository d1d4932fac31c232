using Kumoi.Server.Events;
using Kumoi.Server.Platform.Webhooks;

namespace Kumoi.Server.Subscriptions;

/// <summary>A subscription as a server serves it, for as long as it holds the lease.</summary>
/// <param name="AccountId">Whose it is.</param>
/// <param name="Scope"><c>account</c> or <c>cloud</c>.</param>
/// <param name="Holder">Names this lease: it is nobody's once the subscription was changed, or another server has taken it over.</param>
public sealed record Delivery(
    string Id, string Name, string AccountId, string Scope, string Kind, string Url, string? Exchange, string Content, IReadOnlyList<string> Actions, byte[]? SealedSecret, byte[]? SealedFormer, DateTimeOffset? FormerUntil,
    EventPosition Position, int Failures, DateTimeOffset? FailingSince, string Holder)
{
    /// <summary>Whose things are handed over; null: everybody's.</summary>
    public string? OfAccount => Scope == "cloud" ? null : AccountId;
}

/// <summary>One thing that is handed over.</summary>
/// <param name="Id">The same each time, so that a receiver knows one that it has had.</param>
/// <param name="Topic">What it tells of; of an event its action.</param>
/// <param name="Json">The thing itself.</param>
public sealed record DeliveryItem(string Id, string AccountId, string Topic, DateTimeOffset At, byte[] Json);

/// <param name="Next">The position behind all of them.</param>
/// <param name="IsAll">False if more waits.</param>
public sealed record Portion(IReadOnlyList<DeliveryItem> Items, EventPosition Next, bool IsAll);

/// <summary>Something that is handed over, in the order of its transactions: rows have the number of their transaction (<c>xid</c>) and an id.</summary>
public interface IDeliverySource
{
    /// <summary>As subscriptions name it.</summary>
    string Content { get; }

    /// <summary>A condition of SQL: something is behind the position of the subscription <c>s</c>.</summary>
    string Waiting { get; }

    /// <summary>What is behind the position, up to so many.</summary>
    Task<Portion> ReadAsync(Delivery delivery, int most, CancellationToken cancel);
}

/// <summary>A way to hand things over.</summary>
public interface IReceiver
{
    /// <summary>As subscriptions name it.</summary>
    string Kind { get; }

    /// <summary>Hands over all of them in their order; delivered means that the receiver has confirmed each. It gives up well within <see cref="DeliveryStore.Lease"/>.</summary>
    Task<Sent> SendAsync(Delivery delivery, IReadOnlyList<DeliveryItem> items, CancellationToken cancel);

    /// <summary>A message that tells of nothing, as a test.</summary>
    Task<Sent> PingAsync(Delivery delivery, CancellationToken cancel);

    /// <summary>Lets go of what is kept open and was not used for a while.</summary>
    Task TidyAsync();
}
