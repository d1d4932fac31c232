namespace Kumoi.Server.Platform.Webhooks;

/// <summary>What came of a try to hand something over.</summary>
/// <param name="Status">The HTTP status, if there was an answer.</param>
/// <param name="Message">What went wrong, or what the answer began with.</param>
/// <param name="IsFinal">The receiver says that it wants no more.</param>
public sealed record Sent(bool Delivered, int? Status, string? Message, bool IsFinal = false);
