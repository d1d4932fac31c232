namespace Kumoi.Api;

/// <summary>Has hosts fetch an image before anything needs it, and keep it until they are told otherwise.</summary>
/// <param name="Host">Id or name of one host.</param>
/// <param name="Zone">Id or name of a zone whose hosts do so, those that join later included. Default: all hosts.</param>
public sealed record PrefetchImage(string? Host = null, string? Zone = null);

/// <summary>An image on a host.</summary>
/// <param name="State"><c>cached</c>: it is there, whole and checked. <c>fetching</c>: a part of it is. <c>waiting</c>: nothing is there yet.</param>
/// <param name="Bytes">How many bytes of it are there.</param>
/// <param name="Prefetched">It is kept there until it is released; otherwise it goes when nothing uses it and its room is needed.</param>
/// <param name="Condition">Why it could not be fetched yet; null if nothing is known of that.</param>
public sealed record ImageOnHost(Ref Host, Ref Zone, string State, long Bytes, bool Prefetched, Condition? Condition);
