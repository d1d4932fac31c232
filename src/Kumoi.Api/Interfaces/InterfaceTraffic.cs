namespace Kumoi.Api;

/// <summary>What passed a network interface. "Sent" and "received" are the guest's; inside traffic counts as outside traffic does.</summary>
/// <param name="BytesSent">Since the interface was made, as the others; of one whose record is gone, in all hours that are kept.</param>
/// <param name="ToldAt">When its host last told; every five minutes if there is something new. Null: not yet, or its record is gone.</param>
/// <param name="Hours">The hours asked for in which something passed, the latest first.</param>
public sealed record InterfaceTraffic(
    string Interface, long BytesSent, long BytesReceived, long PacketsSent, long PacketsReceived, DateTimeOffset? ToldAt, IReadOnlyList<TrafficHour> Hours);

/// <param name="Hour">Its beginning (UTC). What a host counted counts for the hour in which it told.</param>
public sealed record TrafficHour(DateTimeOffset Hour, long BytesSent, long BytesReceived, long PacketsSent, long PacketsReceived);
