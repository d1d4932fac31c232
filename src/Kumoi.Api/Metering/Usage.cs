namespace Kumoi.Api;

/// <summary>How much of something was used in a time, added up as it was asked for.</summary>
/// <param name="Meter">What is counted: <c>instance.running</c>, <c>volume.allocated</c>, <c>traffic.out</c> and so on.</param>
/// <param name="Attribute">Which of its kind: the flavor of an instance, the type of a volume; empty where there is none.</param>
/// <param name="Unit"><c>hour</c>, <c>GiB-hour</c> or <c>GiB</c>.</param>
/// <param name="Since">The beginning of the hour or day; null if it is added up over the whole time.</param>
/// <param name="Resource">The resource; null if it is added up over all of them.</param>
public sealed record UsageAmount(string Meter, string Attribute, string Unit, decimal Quantity, DateTimeOffset? Since, UsedResource? Resource);

/// <param name="Name">Its name when it was used last in that time.</param>
public sealed record UsedResource(string Type, string Id, string Name);

/// <summary>Use of a time.</summary>
/// <param name="ComputedUntil">What was used from here on is not added up yet.</param>
public sealed record Usage(DateTimeOffset Since, DateTimeOffset Until, DateTimeOffset ComputedUntil, IReadOnlyList<UsageAmount> Items);

/// <summary>What one resource used, as an export tells it: an hour of one meter.</summary>
public sealed record UsageRecord(DateTimeOffset Hour, string AccountId, string Meter, string Attribute, string Unit, string ResourceType, string ResourceId, string ResourceName, decimal Quantity);

/// <summary>From when to when a resource had so much of something: what all use is computed from.</summary>
/// <param name="Quantity">Of the meter's unit in each hour.</param>
/// <param name="EndedAt">Null: it has it still.</param>
/// <param name="Begun">The event of the change that began it; null if the log keeps it no longer, or there was none.</param>
/// <param name="Ended">The event of the change that ended it.</param>
public sealed record UsageSpan(string Meter, string Attribute, string Unit, decimal Quantity, DateTimeOffset BegunAt, DateTimeOffset? EndedAt, Event? Begun, Event? Ended);

/// <param name="Since">From this hour on; at most 400 days ago.</param>
/// <param name="Until">Up to this hour; null: all that was computed.</param>
public sealed record RecomputeUsage(DateTimeOffset Since, DateTimeOffset? Until);

/// <param name="Changed">Records that were not as they should be; 0 if everything was right.</param>
public sealed record RecomputedUsage(DateTimeOffset Since, DateTimeOffset Until, int Changed);
