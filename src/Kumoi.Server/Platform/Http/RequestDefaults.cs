using System.Security.Cryptography;
using Npgsql;

namespace Kumoi.Server.Platform.Http;

/// <summary>What holds for every request: an id, security headers, and one place where exceptions become answers.</summary>
public static class RequestDefaults
{
    private const string ContentSecurityPolicy =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'none'";

    public static void UseRequestDefaults(this WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Kumoi.Server.Http");
        app.Use(async (http, next) =>
        {
            http.TraceIdentifier = "req-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(10));
            using var scope = log.BeginScope(new KeyValuePair<string, object?>[] { new("RequestId", http.TraceIdentifier) });
            var headers = http.Response.Headers;
            headers["X-Request-Id"] = http.TraceIdentifier;
            headers.XContentTypeOptions = "nosniff";
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers["Referrer-Policy"] = "no-referrer";
            if (http.Request.Path.StartsWithSegments("/api")) headers.CacheControl = "no-store";
            try
            {
                await AnswerAsync(http, next);
            }
            catch (Exception e) when (e is SenderGoneException || e is OperationCanceledException && http.RequestAborted.IsCancellationRequested)
            {
                // The caller has gone; there is nobody to answer.
            }
            catch (Exception e) when (!http.Response.HasStarted)
            {
                await Problems.WriteAsync(http, Explain(e, log, http));
            }
            catch (Exception e)
            {
                // Too late for a problem document: the connection is cut, so that half an answer does not pass for a whole one.
                HttpLog.Unexpected(log, http.Request.Method, http.Request.Path, http.TraceIdentifier, e);
                http.Abort();
            }
        });
    }

    private static async Task AnswerAsync(HttpContext http, RequestDelegate next)
    {
        // PostgreSQL has no NUL in text; no name or filter has one either. The dialects say so in their own words.
        if (http.Request.QueryString.Value?.Contains("%00", StringComparison.Ordinal) == true && !http.Request.Path.StartsWithSegments("/ec2"))
        {
            await Problems.WriteAsync(http, Failure.Invalid("query", "no-nul"));
            return;
        }
        await next(http);
        if (http.Response is { HasStarted: false, StatusCode: 404 or 405 or 415, ContentLength: null } && http.Request.Path.StartsWithSegments("/api"))
            await Problems.WriteAsync(http, new Failure(http.Response.StatusCode switch { 405 => "no-such-method", 415 => "json-required", _ => "no-such-route" }, http.Response.StatusCode));
    }

    /// <summary>What an exception means for the caller; noted in the log.</summary>
    internal static Failure Explain(Exception e, ILogger log, HttpContext http)
    {
        switch (e)
        {
            case BadHttpRequestException bad:
                return bad.StatusCode == 413 ? new Failure("body-too-large", 413, Bodies.BytesMax) : new Failure("broken-request", bad.StatusCode);
            case PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ExclusionViolation } conflict:
                HttpLog.Conflict(log, conflict.ConstraintName ?? "", http.TraceIdentifier);
                return new Failure("changed-meanwhile", 409);
            case NpgsqlException { IsTransient: true } or PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.LockNotAvailable }:
            case NpgsqlException { InnerException: System.Net.Sockets.SocketException or TimeoutException or IOException }:
                HttpLog.DatabaseAway(log, http.TraceIdentifier, e);
                return new Failure("database-away", 503) { RetryAfter = TimeSpan.FromSeconds(2) };
            default:
                HttpLog.Unexpected(log, http.Request.Method, http.Request.Path, http.TraceIdentifier, e);
                return new Failure("unexpected", 500);
        }
    }

    /// <summary>Limits routes to requests that came in at one port, whatever host name they carry.</summary>
    public static RouteGroupBuilder AddPort(this RouteGroupBuilder group, int port)
    {
        ((IEndpointConventionBuilder)group).Add(endpoint =>
        {
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = http =>
            {
                if (http.Connection.LocalPort == port) return inner(http);
                http.Response.StatusCode = 404;
                return Task.CompletedTask;
            };
        });
        return group;
    }
}

internal static partial class HttpLog
{
    [LoggerMessage(9001, LogLevel.Error, "{Method} {Path} failed unexpectedly ({RequestId}).")]
    public static partial void Unexpected(ILogger logger, string method, string path, string requestId, Exception exception);

    [LoggerMessage(9002, LogLevel.Information, "A change met another one at {Constraint} ({RequestId}).")]
    public static partial void Conflict(ILogger logger, string constraint, string requestId);

    [LoggerMessage(9003, LogLevel.Warning, "The database does not answer ({RequestId}).")]
    public static partial void DatabaseAway(ILogger logger, string requestId, Exception exception);
}
