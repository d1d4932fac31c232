using Kumoi.Api;
using Kumoi.Api.Metrics;

namespace Kumoi.Cli.Operations;

/// <summary>One look at the cloud: its hosts, and the server's numbers if it tells them.</summary>
/// <param name="Metrics">Null if the server does not tell them to this machine.</param>
public sealed record TopLook(DateTimeOffset At, IReadOnlyList<Host> Hosts, MetricSamples? Metrics);

/// <summary>What <c>kumoi top</c> shows: rates between two looks. Null where the server tells no numbers, or nothing happened.</summary>
/// <param name="RequestMsP50">Median time of the API's answers in milliseconds.</param>
public sealed record TopFrame(
    DateTimeOffset At, IReadOnlyList<TopHost> Hosts, IReadOnlyDictionary<string, double> Instances, bool? DatabaseUp, double? CreatesPerSecond, double? EventsPerSecond, double? ReportsPerSecond,
    double? RequestsPerSecond, double? RequestMsP50, double? RequestMsP99, double? LongPolls)
{
    private const string Requests = "http_server_request_duration_seconds";

    /// <param name="before">The look before; null at first: then there are no rates.</param>
    public static TopFrame Of(TopLook now, TopLook? before)
    {
        var (metrics, earlier) = (now.Metrics, before?.Metrics);
        var seconds = before is null ? 0 : (now.At - before.At).TotalSeconds;
        double? Rate(string name) => metrics is null || earlier is null || seconds <= 0 ? null : Math.Max(0, ((metrics.Sum(name) ?? 0) - (earlier.Sum(name) ?? 0)) / seconds);
        // The agents' long polls and the event stream wait on purpose: among answers they would hide the slow ones.
        static MetricSamples? Api(MetricSamples? all) => all?.Where("http_route", route => route.StartsWith("/api/", StringComparison.Ordinal) && !route.EndsWith("/stream", StringComparison.Ordinal));
        var (answers, answersBefore) = (Api(metrics), Api(earlier));
        double? Milliseconds(double quantile) => answersBefore is null ? null : answers?.Quantile(Requests, quantile, answersBefore) * 1000;
        double? requests = answers is null || answersBefore is null || seconds <= 0 ? null : Math.Max(0, ((answers.Sum(Requests + "_count") ?? 0) - (answersBefore.Sum(Requests + "_count") ?? 0)) / seconds);
        return new TopFrame(
            now.At, [.. now.Hosts.Select(host => new TopHost(host.Name, host.State, host.Maintenance, host.Schedulable, host.Instances, host.Allocated, host.Capacity, host.LastReportAt is { } at ? Math.Max(0, (now.At - at).TotalSeconds) : null))],
            metrics?.By("kumoi_instances", "state") ?? new Dictionary<string, double>(), metrics?.Sum("kumoi_database_up") is { } up ? up > 0 : null, Rate("kumoi_instances_created_total"), Rate("kumoi_events_written_total"),
            Rate("kumoi_reports_total"), requests, Milliseconds(0.5), Milliseconds(0.99), metrics?.Sum("kumoi_long_polls_waiting"));
    }
}

/// <summary>A host in the frame.</summary>
public sealed record TopHost(string Name, string State, bool Maintenance, bool Schedulable, int Instances, Capacity Allocated, Capacity Capacity, double? ReportSecondsAgo);
