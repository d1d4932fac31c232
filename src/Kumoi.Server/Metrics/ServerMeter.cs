using System.Diagnostics.Metrics;

namespace Kumoi.Server.Metrics;

/// <summary>What the server counts of its own work. No label holds a name or an id of anybody's: only kinds.</summary>
public static class ServerMeter
{
    public const string Name = "Kumoi.Server";

    private static readonly Meter Meter = new(Name);

    public static readonly Counter<long> Created = Meter.CreateCounter<long>("kumoi.instances.created", null, "Instances launched by this server");

    public static readonly Counter<long> Terminated = Meter.CreateCounter<long>("kumoi.instances.terminated", null, "Instances of which everything is gone, as recorded by this server");

    public static readonly Counter<long> ImageBytes = Meter.CreateCounter<long>("kumoi.images.sent", "By", "Bytes of images that this server was asked for by hosts");

    public static readonly Counter<long> Reports = Meter.CreateCounter<long>("kumoi.reports", null, "Reports of hosts recorded by this server");

    public static readonly Counter<long> Documents = Meter.CreateCounter<long>("kumoi.documents.built", null, "Documents of what hosts should have, built by this server");

    public static readonly Counter<long> Events = Meter.CreateCounter<long>("kumoi.events.written", null, "Events written by this server");

    public static readonly UpDownCounter<long> LongPolls = Meter.CreateUpDownCounter<long>("kumoi.long_polls.waiting", null, "Hosts that wait for news at this server");

    public static readonly UpDownCounter<long> Followers = Meter.CreateUpDownCounter<long>("kumoi.events.followers", null, "Readers that follow the event log at this server");

    public static readonly UpDownCounter<long> BatchWaiting = Meter.CreateUpDownCounter<long>("kumoi.batch.waiting", null, "Questions that wait for their batch");

    public static readonly Histogram<long> BatchSize = Meter.CreateHistogram<long>("kumoi.batch.size", null, "Questions answered together");

    public static readonly Histogram<double> BatchDuration = Meter.CreateHistogram<double>("kumoi.batch.duration", "s", "Time that a batch took");
}
