using System.Globalization;
using System.Net;
using System.Text;
using Kumoi.Api.Metrics;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Metrics;

/// <summary><c>/metrics</c>: numbers for Prometheus. Counts and times only; nothing in it names a tenant or what is a tenant's.</summary>
public static class MetricsEndpoint
{
    private static readonly string[] Meters =
        [ServerMeter.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "Npgsql"];

    public static IServiceCollection AddServerMetrics(this IServiceCollection services) => services.AddMetrics().AddLoop<Census>()
        .AddSingleton(provider => new MetricCollector(Meters, provider.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()));

    public static void MapMetrics(this WebApplication app, ServerOptions options)
    {
        var (collector, census) = (app.Services.GetRequiredService<MetricCollector>(), app.Services.GetRequiredService<Census>());
        app.MapGroup("").AddPort(options.Listen.Port).MapMethods("/metrics", ["GET"], (Delegate)(RequestDelegate)(async http =>
        {
            if (!options.MetricsPublic && (http.Connection.RemoteIpAddress is not { } address || !IPAddress.IsLoopback(address)))
            {
                http.Response.StatusCode = 404;
                return;
            }
            var counts = await census.AskAsync(http.RequestAborted);
            http.Response.ContentType = MetricCollector.ContentType;
            await http.Response.WriteAsync(Write(counts) + collector.Write(), http.RequestAborted);
        })).WithMetadata(new RequiredPermission(null, "Counts only, without names, and to this machine only unless the operator publishes them."));
    }

    private static string Write(CensusCounts counts)
    {
        var text = new StringBuilder();
        void Family(string name, string help, IEnumerable<(string Labels, double Value)> samples)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
            foreach (var (labels, value) in samples) text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value}\n");
        }
        Family("kumoi_database_up", "1 if the database answered the last count", [("", counts.DatabaseUp ? 1 : 0)]);
        Family("kumoi_build_info", "The server's version", [($"{{version=\"{ServerRegistry.Version}\"}}", 1)]);
        if (!counts.DatabaseUp) return text.ToString();
        Family("kumoi_hosts", "Hosts by state", counts.Hosts.Select(h => ($"{{state=\"{h.Key}\"}}", (double)h.Value)));
        Family("kumoi_hosts_untold", "Hosts that wait at this server and have not been told the newest", [("", counts.HostsUntold)]);
        Family("kumoi_instances", "Living instances by state", counts.Instances.Select(i => ($"{{state=\"{i.Key}\"}}", (double)i.Value)));
        Family("kumoi_instances_unmet", "Living instances whose hosts have not acted on all that was asked", [("", counts.Unmet)]);
        Family("kumoi_lease_held", "1 if this server holds the lease", counts.HeldLeases.Select(l => ($"{{lease=\"{l.Key}\"}}", l.Value ? 1.0 : 0)));
        return text.ToString();
    }
}
