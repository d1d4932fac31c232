using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Quotas;

public static class QuotaEndpoints
{
    public static IServiceCollection AddQuotas(this IServiceCollection services) => services.AddSingleton<QuotaUseCases>().AddSingleton<QuotaRequestUseCases>();

    public static void MapQuotas(this IEndpointRouteBuilder routes, QuotaUseCases quotas, QuotaRequestUseCases requests)
    {
        routes.Get("/quotas", Permission.Read("quotas"), "ListQuotas", "What the account may have and has of each countable thing", call => quotas.ListAsync(call.Caller, call.Cancelled));
        routes.Get("/accounts/{account}/quotas", Permission.Domain("quotas", "read"), "ListAccountQuotas", "What an account of one's domain may have and has", call => quotas.ListAsync(call.Caller, call.Route("account"), call.Cancelled));
        routes.Put<SetQuotas, Page<Quota>>("/accounts/{account}/quotas", Permission.Domain("quotas"), "SetAccountQuotas", "Set an account's limits; one below what there is takes nothing away", 200,
            (call, set) => quotas.SetAsync(call.Caller, call.Route("account"), set, call.Cancelled));
        routes.Get("/domains/{domain}/quotas", Permission.Domain("quotas", "read"), "ListDomainQuotas", "What the accounts of a domain may have together, and have",
            call => quotas.ListOfDomainAsync(call.Caller, Uri.UnescapeDataString(call.Route("domain")), call.Cancelled));
        routes.Put<SetQuotas, Page<Quota>>("/domains/{domain}/quotas", Permission.Domain("quotas"), "SetDomainQuotas", "Set limits that the accounts of a domain share", 200,
            (call, set) => quotas.SetOfDomainAsync(call.Caller, Uri.UnescapeDataString(call.Route("domain")), set, call.Cancelled));
        routes.Get("/quota-defaults", Permission.Cloud("quota-defaults", "read"), "ListQuotaDefaults", "The limits of accounts that have none of their own", call => quotas.DefaultsAsync(call.Cancelled));
        routes.Put<SetQuotas, Page<QuotaDefault>>("/quota-defaults", Permission.Cloud("quota-defaults"), "SetQuotaDefaults", "Set the limits of accounts that have none of their own", 200, (call, set) => quotas.SetDefaultsAsync(call.Caller, set, call.Cancelled));
        routes.Get("/quota-requests", Permission.Read("quota-requests"), "ListQuotaRequests", "List what the account, and those whose requests one answers, asked for",
            async call => await PageRequest.Read(call).Then(page => requests.ListAsync(call.Caller, call.Query("state"), page, call.Cancelled))).WithPaging().WithQuery("state", "pending, granted or refused");
        routes.Post<CreateQuotaRequest, QuotaRequest>("/quota-requests", Permission.Write("quota-requests"), "CreateQuotaRequest", "Ask for a higher limit", 201, (call, create) => requests.CreateAsync(call.Caller, create, call.Cancelled)).Fails(409);
        routes.Post<AnswerQuotaRequest, QuotaRequest>("/quota-requests/{request}/answer", Permission.Domain("quota-requests", "answer"), "AnswerQuotaRequest", "Grant or refuse what an account asked for", 200,
            (call, answer) => requests.AnswerAsync(call.Caller, call.Route("request"), answer, call.Cancelled)).Fails(409);
    }
}
