using System.Globalization;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Platform.Http;

/// <summary>Writes failures as application/problem+json (RFC 9457) in the caller's language.</summary>
public static class Problems
{
    public static Problem Describe(Failure failure, string language, string path, string requestId)
    {
        var text = (string key, object[] arguments) => Messages.Text(language, key, arguments);
        return new Problem(
            "urn:kumoi:problem:" + failure.Code, text(failure.Code, failure.Arguments), failure.Status,
            Messages.Has(failure.Code + ".detail") && text(failure.Code + ".detail", failure.Arguments) is { Length: > 0 } detail ? detail : null,
            path, failure.Code, requestId,
            NullIfEmpty(failure.Violations, v => new FieldError(v.Field, v.Rule, text("rule." + v.Rule, v.Arguments))),
            failure.UsedBy.Count == 0 ? null : failure.UsedBy,
            NullIfEmpty(failure.Rejections, r => new FilterReason(r.Filter, r.Hosts, text("filter." + r.Filter, [r.Hosts, .. r.Arguments]))));
    }

    public static Task WriteAsync(HttpContext http, Failure failure)
    {
        var language = Messages.Choose(http.Request.Headers.AcceptLanguage);
        http.Response.StatusCode = failure.Status;
        http.Response.ContentType = "application/problem+json";
        http.Response.Headers.ContentLanguage = language;
        if (failure.Status == 401) http.Response.Headers.WWWAuthenticate = "Bearer";
        if (failure.RetryAfter is { } wait)
            http.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        var problem = Describe(failure, language, http.Request.Path, http.TraceIdentifier);
        return JsonSerializer.SerializeAsync(http.Response.Body, problem, WireJson.Default.Problem, http.RequestAborted);
    }

    private static List<TOut>? NullIfEmpty<TIn, TOut>(IReadOnlyList<TIn> list, Func<TIn, TOut> map) =>
        list.Count == 0 ? null : list.Select(map).ToList();
}
