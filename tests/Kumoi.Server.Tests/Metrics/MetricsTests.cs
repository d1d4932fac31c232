using System.Diagnostics.Metrics;
using Kumoi.Api;
using Kumoi.Api.Metrics;
using Kumoi.Server.Hosts;
using Kumoi.Server.Metrics;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Kumoi.Server.Tests.Metrics;

/// <summary>Goal: numbers that are right, in a form that Prometheus reads, and that tell nobody about a tenant.</summary>
public sealed class MetricsTests
{
    private static async Task<string> ScrapeAsync(TestCloud cloud)
    {
        await cloud.Services.GetRequiredService<Census>().CountAsync(default);
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(cloud.Url + "/metrics"));
        Assert.Equal(MetricCollector.ContentType, answer.Content.Headers.ContentType!.ToString());
        return await answer.Content.ReadAsStringAsync();
    }

    [Fact]
    public async Task A_scrape_counts_what_there_is_and_what_was_done_and_names_nobody()
    {
        await using var scene = await Scene.StartAsync();
        var before = MetricSamples.Read(await ScrapeAsync(scene.Cloud));
        var instance = await scene.LaunchAsync("secret-name");
        await scene.LaunchAsync("second");
        var pending = MetricSamples.Read(await ScrapeAsync(scene.Cloud));
        Assert.Equal(2, pending.By("kumoi_instances", "state")["pending"]);
        Assert.Equal(2, pending.Sum("kumoi_instances_unmet"));
        await scene.Host.ObeyAsync();
        var text = await ScrapeAsync(scene.Cloud);
        var after = MetricSamples.Read(text);
        Assert.Equal((1, 0), (after.By("kumoi_hosts", "state")["up"], after.By("kumoi_hosts", "state")["down"]));
        Assert.Equal((2, 0), (after.By("kumoi_instances", "state")["running"], after.By("kumoi_instances", "state")["pending"]));
        Assert.Equal((1, 0), (after.Sum("kumoi_database_up"), after.Sum("kumoi_instances_unmet")));
        // Other tests of this process count along.
        Assert.True(after.Sum("kumoi_instances_created_total") - (before.Sum("kumoi_instances_created_total") ?? 0) >= 2);
        foreach (var name in (string[])["kumoi_reports_total", "kumoi_documents_built_total", "kumoi_events_written_total", "kumoi_batch_duration_seconds_count", "kumoi_batch_size_count"])
            Assert.True(after.Sum(name) > 0, name);
        foreach (var name in (string[])["http_server_request_duration_seconds_count", "kestrel_active_connections", "dotnet_gc_collections_total", "dotnet_process_memory_working_set_bytes"])
            Assert.True(after.Sum(name) is not null, name);
        Assert.InRange(after.Quantile("http_server_request_duration_seconds", 0.99, before)!.Value, 0, 60);
        foreach (var secret in (string[])["secret-name", instance.Id, instance.Account.Id, "acme", "host-1", scene.Host.Id]) Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_database_nothing_is_counted_and_that_is_said()
    {
        await using var cloud = await TestCloud.StartAsync();
        await using var away = new Database(Npgsql.NpgsqlDataSource.Create("Host=/nonexistent;Username=nobody"), TimeProvider.System);
        using var census = new Census(away, cloud.Services.GetRequiredService<HostBell>(), cloud.Services.GetRequiredService<ServerRegistry>(), TimeProvider.System);
        var counts = await census.AskAsync(default);
        Assert.False(counts.DatabaseUp);
        Assert.Empty(counts.Instances);
    }

    [Fact]
    public void Histograms_counters_and_labels_are_written_as_the_format_wants()
    {
        using var meter = new Meter("test." + Guid.NewGuid());
        using var collector = new MetricCollector([meter.Name], null);
        var (counter, gauge, histogram) = (meter.CreateCounter<long>("some.things", null, "Things"), meter.CreateUpDownCounter<long>("open"), meter.CreateHistogram<double>("wait", "s"));
        counter.Add(2, new KeyValuePair<string, object?>("kind", "a\"b\\c\nd"));
        counter.Add(3, new KeyValuePair<string, object?>("kind", "e"));
        gauge.Add(5);
        gauge.Add(-2);
        foreach (var seconds in (double[])[0.001, 0.0011, 3, 100]) histogram.Record(seconds);
        var observed = 1;
        meter.CreateObservableGauge("seen", () => observed > 0 ? [new Measurement<int>(observed)] : Array.Empty<Measurement<int>>());
        var text = collector.Write();
        Assert.Contains("# HELP some_things_total Things\n# TYPE some_things_total counter\nsome_things_total{kind=\"a\\\"b\\\\c\\nd\"} 2\nsome_things_total{kind=\"e\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE open gauge\nopen 3\n", text, StringComparison.Ordinal);
        Assert.Contains("wait_seconds_bucket{le=\"0.001\"} 1\nwait_seconds_bucket{le=\"0.0025\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("wait_seconds_bucket{le=\"+Inf\"} 4\nwait_seconds_sum 103.0021\nwait_seconds_count 4\n", text, StringComparison.Ordinal);
        Assert.Contains("seen 1\n", text, StringComparison.Ordinal);
        observed = 0;
        Assert.DoesNotContain("seen", collector.Write(), StringComparison.Ordinal);
        var read = MetricSamples.Read(text);
        Assert.Equal((5, 3, 4), (read.Sum("some_things_total"), read.Sum("open"), read.Sum("wait_seconds_count")));
        Assert.InRange(read.Quantile("wait_seconds", 0.5, null)!.Value, 0.001, 0.0025);
        Assert.Null(read.Quantile("wait_seconds", 0.5, read));
    }

    [Fact]
    public void A_label_of_endless_values_does_not_fill_memory()
    {
        using var meter = new Meter("test." + Guid.NewGuid());
        using var collector = new MetricCollector([meter.Name], null);
        var counter = meter.CreateCounter<long>("leak");
        for (var i = 0; i < 10_000; i++) counter.Add(1, new KeyValuePair<string, object?>("id", i));
        Assert.Equal(500, collector.Write().Split('\n').Count(line => line.StartsWith("leak_total{", StringComparison.Ordinal)));
    }
}
