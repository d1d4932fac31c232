using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Metering.Statements;
using Kumoi.Server.Metering.Tariffs;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Metering;

public static class MeteringEndpoints
{
    public static IServiceCollection AddMetering(this IServiceCollection services) => services.AddSingleton<UsageStore>().AddSingleton<UsageUseCases>().AddSingleton<TariffUseCases>().AddSingleton<StatementUseCases>().AddSingleton<IssuedStatementUseCases>().AddLoop<UsageLoop>().AddLoop<StatementLoop>();

    public static void MapMetering(this IEndpointRouteBuilder routes, UsageUseCases usage, UsageStore store, TariffUseCases tariffs, StatementUseCases statements, IssuedStatementUseCases issued)
    {
        MapUsage(routes, usage, store);
        MapStatements(routes, statements);
        MapIssued(routes, issued);
        routes.Get("/tariffs", Permission.Cloud("tariffs", "read"), "ListTariffs", "List tariffs, their prices and who has them", call => tariffs.ListAsync(call.Cancelled));
        routes.Get("/tariffs/current", Permission.Read("tariffs"), "GetCurrentTariff", "What the account pays for what", call => tariffs.CurrentAsync(call.Caller, call.Cancelled));
        routes.Get("/tariffs/{tariff}", Permission.Cloud("tariffs", "read"), "GetTariff", "Read a tariff", call => tariffs.GetAsync(call.Route("tariff"), call.Cancelled));
        routes.Post<CreateTariff, Tariff>("/tariffs", Permission.Cloud("tariffs"), "CreateTariff", "Create a tariff", 201, (call, create) => tariffs.CreateAsync(call.Caller, create, call.Cancelled)).Fails(409);
        routes.Delete("/tariffs/{tariff}", Permission.Cloud("tariffs"), "DeleteTariff", "Delete a tariff that nobody has or had", call => tariffs.DeleteAsync(call.Caller, call.Route("tariff"), call.Cancelled)).Fails(409);
        routes.Post<SetTariffPrice, Tariff>("/tariffs/{tariff}/prices", Permission.Cloud("tariffs"), "SetTariffPrice", "Set what something costs from an hour on", 200, (call, set) => tariffs.SetPriceAsync(call.Caller, call.Route("tariff"), set, call.Cancelled)).Fails(409);
        routes.Post<EndTariffPrice, Tariff>("/tariffs/{tariff}/prices/{price}/end", Permission.Cloud("tariffs"), "EndTariffPrice", "End a price", 200, (call, end) => tariffs.EndPriceAsync(call.Caller, call.Route("tariff"), call.Route("price"), end, call.Cancelled)).Fails(409);
        routes.Post<AssignTariff, Tariff>("/tariffs/{tariff}/assign", Permission.Cloud("tariffs"), "AssignTariff", "Give a tariff to an account, a domain or all, from a month on", 200, (call, assign) => tariffs.AssignAsync(call.Caller, call.Route("tariff"), assign, call.Cancelled)).Fails(409);
    }

    private static void MapUsage(IEndpointRouteBuilder routes, UsageUseCases usage, UsageStore store)
    {
        Query(routes.Get("/usage", Permission.Read("usage"), "ListUsage", "What the account used", call => usage.Read(call).Then(query => usage.ListAsync(call.Caller, query, call.Cancelled))))
            .WithQuery("by", "`resource`, `hour`, `day`, or `resource` and one of the others with a comma; else added up over the time").Fails(409);
        Query(Endpoints.Map(routes, "GET", "/usage/export", Permission.Read("usage"), "ExportUsage", "Every hour of every resource, as lines of JSON or as CSV", 200, async http =>
        {
            if (await Endpoints.AdmitAsync(http, Permission.Read("usage")) is not { } call) return;
            var query = usage.Read(call);
            var format = call.Query("format") ?? "jsonl";
            if ((query.Failure ?? (format is "jsonl" or "csv" ? null : Failure.Invalid("format", "one-of", "jsonl, csv"))) is { } failure)
            {
                await Problems.WriteAsync(http, failure);
                return;
            }
            http.Response.ContentType = format == "csv" ? "text/csv; charset=utf-8" : "application/jsonl; charset=utf-8";
            if (format == "csv") await http.Response.WriteAsync(Csv.Line("hour", "account", "meter", "attribute", "unit", "resource_type", "resource_id", "resource_name", "quantity"), call.Cancelled);
            await foreach (var r in store.ExportAsync(call.Caller.AccountId, query.Value, call.Cancelled))
                await http.Response.WriteAsync(format == "csv" ? Csv.Line(r.Hour, r.AccountId, r.Meter, r.Attribute, r.Unit, r.ResourceType, r.ResourceId, r.ResourceName, r.Quantity) : JsonSerializer.Serialize(r, WireJson.Default.UsageRecord) + "\n", call.Cancelled);
        })).WithQuery("format", "`jsonl` or `csv`").Produces(200, contentType: "application/jsonl", additionalContentTypes: "text/csv");
        routes.Get("/usage/{meteredResource}/spans", Permission.Read("usage"), "ListUsageSpans", "From when to when a resource had how much, and the events that began and ended it", call => usage.SpansAsync(call.Caller, call.Route("meteredResource"), call.Cancelled));
        routes.Post<RecomputeUsage, RecomputedUsage>("/usage/recompute", Permission.Cloud("usage", "recompute"), "RecomputeUsage", "Compute recorded hours of all accounts again", 200, (call, asked) => usage.RecomputeAsync(call.Caller, asked, call.Cancelled));
    }

    private static RouteHandlerBuilder Query(RouteHandlerBuilder route) => route.WithQuery("since", "Time (RFC 3339); its hour is the first. The present month's begin if not given").WithQuery("until", "Time, whose hour is the first not in it")
        .WithQuery("meter", "A meter, such as `instance.running`").WithQuery("resource", "Id or name of a resource");

    private static void MapStatements(IEndpointRouteBuilder routes, StatementUseCases statements)
    {
        routes.Get("/statements", Permission.Read("statements"), "ListStatements", "What the account owes for the open month, and owed for those before", call => statements.ListAsync(call.Caller, call.Cancelled));
        routes.Get("/statements/{month}", Permission.Read("statements"), "GetStatement", "A month's statement (`2026-11`, or `current`)", call => statements.GetAsync(call.Caller, call.Route("month"), call.Cancelled));
        MapRendered(routes, "/statements/{month}", Permission.Read("statements"), "GetStatement", "A month's statement", call => statements.GetAsync(call.Caller, call.Route("month"), call.Cancelled));
        routes.Post<IssueStatements, IssuedStatements>("/statements/issue", Permission.Cloud("statements", "issue"), "IssueStatements", "Issue the statements of a month that is over before the time they are issued by themselves", 200, (call, issue) => statements.IssueAsync(issue.Month, call.Cancelled)).Fails(409);
    }

    /// <summary>Of all accounts beneath the caller's domains.</summary>
    private static void MapIssued(IEndpointRouteBuilder routes, IssuedStatementUseCases issued)
    {
        routes.Get("/issued-statements", IssuedStatementUseCases.See, "ListIssuedStatements", "List the issued statements of all accounts of the caller's domains, deleted ones included, the oldest first",
            async call => await PageRequest.Read(call).Then(page => issued.ListAsync(call.Caller, call.Query("month"), call.Query("account"), page, call.Cancelled))).WithPaging().WithQuery("month", "`2026-11`").WithQuery("account", "Id or name");
        routes.Get("/issued-statements/{statement}", IssuedStatementUseCases.See, "GetIssuedStatement", "Read an issued statement of any of these accounts", call => issued.GetAsync(call.Caller, call.Route("statement"), call.Cancelled));
        MapRendered(routes, "/issued-statements/{statement}", IssuedStatementUseCases.See, "GetIssuedStatement", "An issued statement", call => issued.GetAsync(call.Caller, call.Route("statement"), call.Cancelled));
        Endpoints.Map(routes, "GET", "/issued-statements/export", IssuedStatementUseCases.See, "ExportIssuedStatements", "All lines of all issued statements of a month as one table (CSV)", 200, async http =>
        {
            if (await Endpoints.AdmitAsync(http, IssuedStatementUseCases.See) is not { } call) return;
            if (Month.Read(call.Query("month") ?? "") is not { } month)
            {
                await Problems.WriteAsync(http, Failure.Invalid("month", "month"));
                return;
            }
            http.Response.ContentType = "text/csv; charset=utf-8";
            await http.Response.WriteAsync(StatementPages.Heading, call.Cancelled);
            await foreach (var statement in issued.ExportAsync(call.Caller, month, call.Cancelled)) await http.Response.WriteAsync(StatementPages.Rows(statement), call.Cancelled);
        }).WithQuery("month", "`2026-11`").Produces(200, contentType: "text/csv");
    }

    private static void MapRendered(IEndpointRouteBuilder routes, string path, Permission permission, string name, string what, Func<Call, Task<Result<BillingStatement>>> get)
    {
        Rendered("csv", "Table", " as CSV", "text/csv", (call, statement) => StatementPages.Csv(statement));
        Rendered("page", "Page", " as a page to print, in the caller's language", "text/html", (call, statement) => StatementPages.Html(statement, call.Caller.Language));

        void Rendered(string form, string suffix, string how, string type, Func<Call, BillingStatement, string> render) => Endpoints.Map(routes, "GET", $"{path}/{form}", permission, name + suffix, what + how, 200, async http =>
        {
            if (await Endpoints.AdmitAsync(http, permission) is not { } call) return;
            var statement = await get(call);
            if (statement.Failure is { } failure)
            {
                await Problems.WriteAsync(http, failure);
                return;
            }
            http.Response.ContentType = type + "; charset=utf-8";
            // Nothing in it runs or is loaded, whatever its names are.
            if (type == "text/html") http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'";
            await http.Response.WriteAsync(render(call, statement.Value), call.Cancelled);
        }).Produces(200, contentType: type);
    }
}
