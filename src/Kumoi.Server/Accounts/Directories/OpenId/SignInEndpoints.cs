using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>What a browser visits to sign in by an identity provider, and what programs ask before.</summary>
public static class SignInEndpoints
{
    private const string CookiePath = "/sign-in";

    public static void MapSignInProviders(this IEndpointRouteBuilder routes, SignIns signIns)
    {
        routes.MapMethods("/sign-in-providers", ["GET"], (Delegate)(RequestDelegate)(async http => await Endpoints.WriteAsync(http, 200, await signIns.ListAsync(http.RequestAborted))))
            .WithName("ListSignInProviders").WithSummary("List the identity providers that the login page offers")
            .WithMetadata(new RequiredPermission(null, "Whoever is about to sign in has no token yet. Names and titles only, and only of those that are offered to everybody.")).Produces<Page<SignInProvider>>();
        routes.MapMethods("/sign-in-providers/{provider}", ["GET"], (Delegate)(RequestDelegate)(async http => await Endpoints.WriteAsync(http, 200, await signIns.GetAsync((string)http.Request.RouteValues["provider"]!, http.RequestAborted))))
            .WithName("ShowSignInProvider").WithSummary("Show an identity provider that one knows the name of")
            .WithMetadata(new RequiredPermission(null, "Whoever is about to sign in has no token yet. It tells what whoever asks knows already, and where a browser begins.")).Produces<SignInProvider>().Fails(404).Fails(503);
    }

    public static void MapSignIns(this IEndpointRouteBuilder routes, SignIns signIns, MasterKey masterKey, ServerOptions options)
    {
        routes.MapMethods("/sign-in/{directory}", ["GET"], (Delegate)(RequestDelegate)(async http =>
            {
                var to = http.Request.Query["to"] is [{ Length: > 0 } said] ? said : SignIns.ToConsole;
                var begun = await signIns.BeginAsync((string)http.Request.RouteValues["directory"]!, http.Request.Query["challenge"].ToString(), to, Address(http), http.RequestAborted);
                if (begun.Failure is { } failure)
                {
                    await TellAsync(http, failure, SignIns.IsPlace(to) ? to : SignIns.ToPage, options);
                    return;
                }
                var (address, ticket) = begun.Value;
                http.Response.Cookies.Append(SignInTicket.CookieName(ticket.State), ticket.Seal(masterKey), Cookie(options, SignInTicket.Life));
                Send(http, address);
            }))
            .WithMetadata(new RequiredPermission(null, "Whoever signs in has no token yet; attempts are throttled."));
        routes.MapMethods(SignIns.CallbackPath, ["GET"], (Delegate)(RequestDelegate)(async http =>
            {
                string? Said(string name) => http.Request.Query[name] is [{ Length: > 0 } value] ? value : null;
                var state = Said("state") ?? "";
                var (name, ticket) = (SignInTicket.CookieName(state), (SignInTicket?)null);
                if (http.Request.Cookies[name] is { } cookie)
                {
                    ticket = SignInTicket.Open(masterKey, cookie);
                    http.Response.Cookies.Append(name, "", Cookie(options, TimeSpan.Zero));
                }
                var finished = await signIns.FinishAsync(ticket, new ProviderAnswer(state, Said("code"), Said("iss"), Said("error")), Address(http), http.RequestAborted);
                if (finished.Failure is { } failure) await TellAsync(http, failure, ticket?.To ?? SignIns.ToConsole, options);
                else await GiveAsync(http, finished.Value, ticket!.To);
            }))
            .WithMetadata(new RequiredPermission(null, "A provider sends people here; what they bring is looked at, and attempts are throttled."));
    }

    private static string Address(HttpContext http) => Authentication.Address(http)?.ToString() ?? "";

    /// <param name="life">Zero takes it away.</param>
    private static CookieOptions Cookie(ServerOptions options, TimeSpan life) => new()
    {
        Path = CookiePath, HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = options.PublicAddress?.StartsWith("https:", StringComparison.Ordinal) == true, MaxAge = life,
    };

    private static void Send(HttpContext http, string address)
    {
        http.Response.StatusCode = 303;
        http.Response.Headers.Location = address;
        http.Response.Headers.CacheControl = "no-store";
    }

    private static Task GiveAsync(HttpContext http, string code, string to)
    {
        // What is behind # is not sent to any server, and so in no log.
        if (to == SignIns.ToConsole) Send(http, "/log-in#code=" + code);
        else if (to == SignIns.ToPage) return WriteAsync(http, 200, Messages.Text(Language(http), "sign-in-code-page", code));
        else Send(http, $"http://127.0.0.1:{to}/?code={code}");
        return Task.CompletedTask;
    }

    private static Task TellAsync(HttpContext http, Failure failure, string to, ServerOptions options)
    {
        if (to == SignIns.ToConsole && options.ConsoleDirectory is not null) Send(http, "/log-in#failed=" + failure.Code);
        else if (to is not (SignIns.ToConsole or SignIns.ToPage)) Send(http, $"http://127.0.0.1:{to}/?error={failure.Code}");
        else
        {
            var problem = Problems.Describe(failure, Language(http), http.Request.Path, http.TraceIdentifier);
            string?[] lines = [problem.Title, problem.Detail, .. (problem.Errors ?? []).Select(e => $"{e.Field}: {e.Message}")];
            return WriteAsync(http, failure.Status, string.Join('\n', lines.Where(line => line is not null)) + "\n");
        }
        return Task.CompletedTask;
    }

    private static string Language(HttpContext http) => Messages.Choose(http.Request.Headers.AcceptLanguage);

    private static Task WriteAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.Headers.ContentLanguage = Language(http);
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsync(text, http.RequestAborted);
    }
}
