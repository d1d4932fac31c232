using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Platform.Http;

/// <summary>Marks a route with the permission it needs; <c>null</c> means anybody may call it, and why is in <paramref name="Reason"/>.</summary>
public sealed record RequiredPermission(Permission? Permission, string? Reason);

/// <summary>Marks a route whose use case asks for a permission besides, where what is asked for decides.</summary>
public sealed record FurtherPermission(Permission Permission);

/// <summary>What an endpoint gets: the caller and the request.</summary>
public sealed record Call(HttpContext Http, Caller Caller)
{
    public CancellationToken Cancelled => Http.RequestAborted;

    public string Route(string name) => (string)Http.Request.RouteValues[name]!;

    public string? Query(string name) => Http.Request.Query[name] is [{ Length: > 0 } value, ..] ? value : null;

    /// <summary>All values of a field that may be given several times.</summary>
    public IEnumerable<string?> Queries(string name) => Http.Request.Query[name];

    /// <summary>A time in the query; null if there is none.</summary>
    public Result<DateTimeOffset?> Time(string name) => Query(name) is not { } text ? (DateTimeOffset?)null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : Failure.Invalid(name, "time");
}

/// <summary>
/// The one form of every route of the API: authenticate, check the permission, read the body, run a use case, write the answer or
/// the problem. Routes state their types, so that the OpenAPI document tells them.
/// </summary>
public static class Endpoints
{
    public static RouteHandlerBuilder Get<T>(
        this IEndpointRouteBuilder routes, string path, Permission permission, string name, string summary, Func<Call, Task<Result<T>>> handle) =>
        Map(routes, "GET", path, permission, name, summary, 200, http => AnswerAsync(http, permission, 200, handle)).Produces<T>();

    public static RouteHandlerBuilder Delete(
        this IEndpointRouteBuilder routes, string path, Permission permission, string name, string summary, Func<Call, Task<Result<Done>>> handle) =>
        Map(routes, "DELETE", path, permission, name, summary, 204, http => AnswerAsync(http, permission, 204, handle)).Produces(204);

    public static RouteHandlerBuilder Delete<T>(
        this IEndpointRouteBuilder routes, string path, Permission permission, string name, string summary, Func<Call, Task<Result<T>>> handle) =>
        Map(routes, "DELETE", path, permission, name, summary, 200, http => AnswerAsync(http, permission, 200, handle)).Produces<T>();

    public static RouteHandlerBuilder Post<T>(
        this IEndpointRouteBuilder routes, string path, Permission permission, string name, string summary, int status, Func<Call, Task<Result<T>>> handle) =>
        Map(routes, "POST", path, permission, name, summary, status, http => AnswerAsync(http, permission, status, handle)).Produces<T>(status);

    public static RouteHandlerBuilder Post<TBody, T>(
        this IEndpointRouteBuilder routes, string path, Permission permission, string name, string summary, int status,
        Func<Call, TBody, Task<Result<T>>> handle) where TBody : notnull =>
        Map(routes, "POST", path, permission, name, summary, status, http => AnswerAsync(http, permission, status, call => WithBody(call, handle)))
            .Accepts<TBody>("application/json").Produces<T>(status);

    public static RouteHandlerBuilder Put<TBody, T>(
        this IEndpointRouteBuilder routes, string path, Permission permission, string name, string summary, int status,
        Func<Call, TBody, Task<Result<T>>> handle) where TBody : notnull
    {
        var route = Map(routes, "PUT", path, permission, name, summary, status, http => AnswerAsync(http, permission, status, call => WithBody(call, handle)))
            .Accepts<TBody>("application/json");
        return status == 204 ? route.Produces(204) : route.Produces<T>(status);
    }

    public static RouteHandlerBuilder Map(
        IEndpointRouteBuilder routes, string method, string path, Permission permission, string name, string summary, int status, RequestDelegate handle) =>
        routes.MapMethods(path, [method], (Delegate)handle).WithName(name).WithSummary(summary)
            .WithMetadata(new RequiredPermission(permission, null))
            .Fails(400).Fails(401).Fails(403).Fails(404);

    /// <summary>Authenticates and authorises; writes the problem and returns null if that fails.</summary>
    public static async Task<Call?> AdmitAsync(HttpContext http, Permission permission)
    {
        var admitted = await http.RequestServices.GetRequiredService<Authentication>().AuthenticateAsync(http, http.RequestAborted);
        var failure = admitted.Failure;
        failure ??= admitted.Value.Refused(permission);
        if (failure is null) return new Call(http, admitted.Value);
        await Problems.WriteAsync(http, failure);
        return null;
    }

    private static async Task AnswerAsync<T>(HttpContext http, Permission permission, int status, Func<Call, Task<Result<T>>> handle)
    {
        if (await AdmitAsync(http, permission) is not { } call) return;
        await WriteAsync(http, status, await handle(call));
    }

    public static async Task WriteAsync<T>(HttpContext http, int status, Result<T> result)
    {
        if (result.Failure is { } failure)
        {
            await Problems.WriteAsync(http, failure);
            return;
        }
        http.Response.StatusCode = status;
        if (result.Value is Done) return;
        http.Response.ContentType = "application/json; charset=utf-8";
        if (result.Value is JsonElement stored) await http.Response.WriteAsync(stored.GetRawText(), http.RequestAborted);
        else await JsonSerializer.SerializeAsync(http.Response.Body, result.Value, (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!, http.RequestAborted);
    }

    private static async Task<Result<T>> WithBody<TBody, T>(Call call, Func<Call, TBody, Task<Result<T>>> handle)
    {
        var body = await Bodies.ReadAsync<TBody>(call.Http);
        return body.Failure is { } failure ? failure : await handle(call, body.Value);
    }

    /// <summary>The Idempotency-Key of a create, if it has one, with the hash of what it must be repeated with.</summary>
    public static Result<IdempotencyKey?> Idempotency(Call call)
    {
        var key = call.Http.Request.Headers["Idempotency-Key"].ToString();
        if (key.Length == 0) return (IdempotencyKey?)null;
        if (key.Length > 128 || key.Any(c => c is < '!' or > '~')) return Failure.Invalid("Idempotency-Key", "idempotency-key");
        var target = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{call.Http.Request.Method} {call.Http.Request.Path}\n"));
        return new IdempotencyKey(key, SHA256.HashData([.. target, .. Bodies.Seen(call.Http)]));
    }
}

/// <summary>A create's key and the hash of its method, path and body: the same key with another request is refused.</summary>
public sealed record IdempotencyKey(string Key, byte[] RequestHash);
