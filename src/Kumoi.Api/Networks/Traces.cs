namespace Kumoi.Api;

/// <summary>Asks whether a packet arrives.</summary>
/// <param name="From">An instance, the id of an interface, an address, or <c>outside</c>.</param>
/// <param name="To">The same; an address may be a floating one.</param>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>.</param>
/// <param name="Port">The port that it is sent to (tcp, udp), or the type (icmp); absent: any.</param>
public sealed record TraceQuestion(string From, string To, string Protocol, int? Port);

/// <summary>What the records say about a packet: its way, and on it the rules that let it pass or that none does. Answers to it need no rules.</summary>
public sealed record PacketTrace(bool Passes, IReadOnlyList<TraceStep> Steps);

/// <param name="Kind"><c>from</c>, <c>to</c>, <c>path</c>, <c>egress</c>, <c>ingress</c> or <c>translation</c>.</param>
/// <param name="Message">One sentence, in the caller's language.</param>
/// <param name="Interface">The interface at which it is decided; null: none.</param>
/// <param name="Group">The security group of the rule.</param>
/// <param name="Rule">The rule that lets it pass; null: none does, or none is needed.</param>
public sealed record TraceStep(string Kind, bool Passes, string Message, string? Interface, Ref? Group, SecurityGroupRule? Rule);
