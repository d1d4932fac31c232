using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Kumoi.Cli.Roles;

/// <summary>Sends traces of this process to a collector. Without an address nothing is recorded, and nothing is spent on it.</summary>
public static class Tracing
{
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <param name="service">What this process is called in traces.</param>
    /// <param name="endpoint">A collector's address, without the path; null: as the environment says.</param>
    /// <returns>What sends the last spans when it is disposed; null if nothing is sent.</returns>
    public static TracerProvider? Export(string service, Uri? endpoint)
    {
        endpoint ??= Uri.TryCreate(Environment.GetEnvironmentVariable(EndpointVariable), UriKind.Absolute, out var told) ? told : null;
        if (endpoint is null) return null;
        return Sdk.CreateTracerProviderBuilder().SetResourceBuilder(ResourceBuilder.CreateDefault().AddService(service, serviceInstanceId: Environment.MachineName))
            .AddSource("Kumoi.Server", "Kumoi.Agent", "Microsoft.AspNetCore")
            .AddOtlpExporter(otlp =>
            {
                otlp.Protocol = OtlpExportProtocol.HttpProtobuf;
                otlp.Endpoint = new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/v1/traces");
            }).Build();
    }
}
