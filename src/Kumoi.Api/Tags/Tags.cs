namespace Kumoi.Api;

/// <summary>What an account has noted of one of its resources, for itself.</summary>
/// <param name="Type">What it is: <c>instance</c>, <c>volume</c>, <c>snapshot</c>, <c>image</c>, <c>key-pair</c>, <c>security-group</c>, <c>network</c>, <c>subnet</c>, <c>interface</c>, <c>floating-address</c>, <c>placement-group</c> or <c>internet-gateway</c>.</param>
public sealed record TaggedResource(Ref Resource, string Type, IReadOnlyDictionary<string, string> Tags);

/// <summary>Changes the tags of a resource.</summary>
/// <param name="Tags">Keys that get these values, or go if that is null; others stay.</param>
public sealed record UpdateTags(IReadOnlyDictionary<string, string?> Tags);
