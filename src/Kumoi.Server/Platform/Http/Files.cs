using Kumoi.Server.Platform.Postgres;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Npgsql;

namespace Kumoi.Server.Platform.Http;

/// <summary>What the API's port serves beside the API: health, the OpenAPI document and the console's files.</summary>
public static class Files
{
    public static void MapHealth(this WebApplication app, Database database, ServerOptions options)
    {
        var group = app.MapGroup("").AddPort(options.Listen.Port);
        group.MapMethods("/healthz", ["GET"], (Delegate)(RequestDelegate)(http => http.Response.WriteAsync("ok\n")))
            .WithMetadata(new RequiredPermission(null, "Tells only that the process answers."));
        group.MapMethods("/readyz", ["GET"], (Delegate)(RequestDelegate)(async http =>
            {
                var missing = await MissingAsync(database, options, http.RequestAborted);
                if (missing.Count > 0)
                {
                    http.Response.StatusCode = 503;
                    http.Response.Headers.RetryAfter = "2";
                }
                await http.Response.WriteAsync(missing.Count == 0 ? "ready\n" : string.Concat(missing.Select(part => part + "\n")));
            }))
            .WithMetadata(new RequiredPermission(null, "Tells only whether requests would be answered now."));
        group.MapOpenApi("/openapi/{documentName}.json").WithMetadata(new RequiredPermission(null, "The description of the API is public."));
    }

    /// <summary>The parts without which requests would fail now, one sentence each. They name no path: anybody may ask.</summary>
    private static async Task<List<string>> MissingAsync(Database database, ServerOptions options, CancellationToken cancel)
    {
        var missing = new List<string>();
        try
        {
            await database.FindAsync("SELECT 1", row => row.GetInt32(0), cancel);
        }
        catch (NpgsqlException)
        {
            missing.Add("the database does not answer");
        }
        if (!Directory.Exists(options.ImageDirectory)) missing.Add("the image directory is not there");
        return missing;
    }

    public static void MapConsoleFiles(this WebApplication app, ServerOptions options)
    {
        if (options.ConsoleDirectory is not { } directory || !Directory.Exists(directory)) return;
        var files = new PhysicalFileProvider(Path.GetFullPath(directory));
        var types = new FileExtensionContentTypeProvider();
        app.MapFallback("{*path}", async http =>
        {
            var path = http.Request.Path.Value!;
            // Paths of the console's own pages are not files: the page that knows them is index.html.
            var isProgramRoute = http.Connection.LocalPort != options.Listen.Port || path.StartsWith("/api/", StringComparison.Ordinal) || path.StartsWith("/agent/", StringComparison.Ordinal);
            if (isProgramRoute || !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method))
            {
                http.Response.StatusCode = 404;
                return;
            }
            var asset = path.StartsWith("/assets/", StringComparison.Ordinal) || path.StartsWith("/reference/", StringComparison.Ordinal);
            var file = Find(files, path) ?? files.GetFileInfo("index.html");
            // A part of an older build is gone; the page itself must not pass for it.
            if (!file.Exists || asset && file.Name == "index.html" && !path.EndsWith('/') && Path.HasExtension(path))
            {
                http.Response.StatusCode = 404;
                return;
            }
            // Built files carry a hash in their name and never change; pages are asked for again each time.
            http.Response.Headers.CacheControl = path.StartsWith("/assets/", StringComparison.Ordinal) ? "public, max-age=31536000, immutable" : "no-cache";
            var type = types.TryGetContentType(file.Name, out var known) ? known : "application/octet-stream";
            if (type is "text/html" or "text/javascript" or "text/css") type += "; charset=utf-8";
            await Results.File(file.PhysicalPath!, type, lastModified: file.LastModified).ExecuteAsync(http);
        }).WithMetadata(new RequiredPermission(null, "The console's files are public; what it shows is not."));
    }

    private static IFileInfo? Find(PhysicalFileProvider files, string path) =>
        files.GetFileInfo(path) is { Exists: true, IsDirectory: false } file ? file
        : files.GetFileInfo(path.TrimEnd('/') + "/index.html") is { Exists: true, IsDirectory: false } index ? index : null;
}
