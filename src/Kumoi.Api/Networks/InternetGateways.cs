namespace Kumoi.Api;

/// <summary>The way of a network to the outside, made by itself. Nothing runs for it: every host is the way there of its own guests.</summary>
/// <param name="Network">The network whose guests reach the outside by it; null: it is attached to none.</param>
public sealed record InternetGateway(string Id, Ref? Network, IReadOnlyDictionary<string, string> Tags, DateTimeOffset CreatedAt);

/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateInternetGateway(IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Gives a network without an outside one: its <c>outside</c> is <c>nat</c> from then on.</summary>
public sealed record AttachInternetGateway(string Network);
