namespace Kumoi.Api.Agent;

/// <summary>The images that a host has.</summary>
/// <param name="Port">Where it gives them to other hosts of its cloud; null: nowhere.</param>
public sealed record ObservedImages(IReadOnlyList<ObservedImage> Images, int? Port);

/// <summary>An image in a host's cache.</summary>
/// <param name="Bytes">How many bytes of it are there.</param>
/// <param name="Whole">It is complete and checked.</param>
/// <param name="Condition">Why the rest could not be fetched; null if nothing is known of that.</param>
public sealed record ObservedImage(string Sha256, long Bytes, bool Whole, Condition? Condition = null);

/// <summary>Where a host gets an image from (<c>GET /agent/v1/images/{id}/sources</c>).</summary>
/// <param name="Peers">Hosts of its zone that have it, to be tried in this order.</param>
/// <param name="Server">It may be fetched from the server now; otherwise others are at it, and the question is to be asked again.</param>
public sealed record ImageSources(IReadOnlyList<ImagePeer> Peers, bool Server);

/// <param name="HostId">The host that its certificate must name.</param>
/// <param name="Url">Address and port: <c>https://ADDRESS:PORT</c>.</param>
public sealed record ImagePeer(string HostId, string Url);
