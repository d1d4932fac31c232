using System.Globalization;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Api.Agent;
using Kumoi.Server.Consoles;
using Kumoi.Server.Images;
using Kumoi.Server.Metrics;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Hosts;

/// <summary>The agents' side, on a port of its own: every route but joining needs a certificate of this cloud for a host it knows.</summary>
public static class AgentEndpoints
{
    private const int WaitSecondsMax = 120;

    public static void MapAgents(
        this IEndpointRouteBuilder routes, HostJoin join, HostReports reports, DesiredDocuments documents, NetworkPeersDocuments peers, ImageUseCases images, ImageFiles files, ImageSpread spread, ImageMaking making, ConsoleSessions sessions)
    {
        routes.MapMethods("/join", ["POST"], (Delegate)(RequestDelegate)(async http =>
            {
                var body = await Bodies.ReadAsync<JoinRequest>(http);
                await Endpoints.WriteAsync(http, 200, await body.Then(request => join.JoinAsync(request, http.RequestAborted)));
            }))
            .WithMetadata(new RequiredPermission(null, "The join token in the body is the credential."));
        routes.MapMethods("/authority", ["GET"], (Delegate)(RequestDelegate)(http =>
            {
                http.Response.ContentType = "application/x-pem-file";
                return http.Response.WriteAsync(http.RequestServices.GetRequiredService<Authority>().Certificate.ExportCertificatePem(), http.RequestAborted);
            }))
            .WithMetadata(new RequiredPermission(null, "The authority's certificate is public; a host checks it against the fingerprint in its token."));
        Map(routes, "POST", "/renew", async (http, hostId) =>
        {
            var body = await Bodies.ReadAsync<RenewRequest>(http);
            await Endpoints.WriteAsync(http, 200, await body.Then(request => join.RenewAsync(hostId, request, http.RequestAborted)));
        });
        Map(routes, "POST", "/desired", async (http, hostId) =>
        {
            var body = await Bodies.ReadAsync<DesiredQuestion>(http);
            var answer = await body.Then(question => documents.WaitAsync(
                hostId, question with { WaitSeconds = Math.Clamp(question.WaitSeconds, 0, WaitSecondsMax) }, http.RequestAborted));
            if (answer.Failure is { } failure) await Problems.WriteAsync(http, failure);
            else if (answer.Value is not { } news) http.Response.StatusCode = 204;
            else
            {
                http.Response.ContentType = "application/json";
                await news.WriteAsync(http.Response.BodyWriter, peers, http.RequestAborted);
            }
        }, checksHost: true);
        Map(routes, "POST", "/observed", async (http, hostId) =>
        {
            var body = await AgentBodies.ReadReportAsync(http);
            await Endpoints.WriteAsync(http, 200, await body.Then(report => reports.ObserveAsync(hostId, report, http.RequestAborted)));
        }, checksHost: true);
        Map(routes, "GET", "/images/{image}/content", async (http, hostId) =>
        {
            var image = (string)http.Request.RouteValues["image"]!;
            // Only what instances of this host start from: a host taken over must not read every account's images.
            if (!await images.IsUsedByHostAsync(image, hostId, http.RequestAborted)) await Problems.WriteAsync(http, Failure.NotFound("image", image));
            else
            {
                using var load = await spread.LoadAsync(hostId, image, http.RequestAborted);
                await Results.File(files.PathOf(image), "application/octet-stream", enableRangeProcessing: true).ExecuteAsync(http);
                ServerMeter.ImageBytes.Add(http.Response.ContentLength ?? 0);
            }
        });
        Map(routes, "PUT", "/images/{image}/content", async (http, hostId) =>
        {
            if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature) feature.MaxRequestBodySize = null;
            await Endpoints.WriteAsync(http, 200, await making.TakeAsync(hostId, (string)http.Request.RouteValues["image"]!, http.Request.Query["sha256"], http.Request.Body, http.Request.ContentLength, http.RequestAborted));
        });
        Map(routes, "GET", "/images/{image}/sources", async (http, hostId) =>
        {
            var image = (string)http.Request.RouteValues["image"]!;
            if (!await images.IsUsedByHostAsync(image, hostId, http.RequestAborted)) await Problems.WriteAsync(http, Failure.NotFound("image", image));
            else await Endpoints.WriteAsync<ImageSources>(http, 200, await spread.FindAsync(hostId, image, http.RequestAborted));
        });
        Map(routes, "GET", "/consoles/{session}", (http, hostId) => sessions.ServeAgentAsync(http, hostId, (string)http.Request.RouteValues["session"]!));
    }

    /// <param name="checksHost">The route's use case refuses a host that is not known any more; otherwise that is asked here.</param>
    private static void Map(IEndpointRouteBuilder routes, string method, string path, Func<HttpContext, string, Task> handle, bool checksHost = false) =>
        routes.MapMethods(path, [method], (Delegate)(RequestDelegate)(async http =>
        {
            var known = HostOf(http);
            var exists = known is not null && (checksHost || await http.RequestServices.GetRequiredService<Database>().FindAsync(
                "SELECT 1 FROM hosts WHERE id = $1", row => row.GetInt32(0), http.RequestAborted, known) == 1);
            if (exists) await handle(http, known!);
            else await Problems.WriteAsync(http, new Failure("unknown-host", 401));
        })).WithMetadata(new RequiredPermission(null, "A host's client certificate is the credential."));

    private static string? HostOf(HttpContext http) =>
        http.Connection.ClientCertificate is { } certificate ? http.RequestServices.GetRequiredService<Authority>().HostOf(certificate) : null;
}
