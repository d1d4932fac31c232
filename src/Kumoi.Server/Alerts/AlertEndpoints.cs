using Kumoi.Api;
using Kumoi.Server.Alerts.Contacts;
using Kumoi.Server.Alerts.Telling;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Alerts;

public static class AlertEndpoints
{
    public static IServiceCollection AddAlerts(this IServiceCollection services) => services
        .AddSingleton<AlertStore>().AddSingleton<AlertWatch>().AddSingleton<AlertUseCases>().AddSingleton<ContactStore>().AddSingleton<ContactUseCases>().AddSingleton<AlertTeller>().AddLoop<AlertLoop>();

    /// <summary>The same for accounts and for the operators, whose alerts and contacts are the cloud's.</summary>
    public static void MapAlerts(this IEndpointRouteBuilder routes, AlertUseCases alerts, ContactUseCases contacts)
    {
        Map(routes, alerts, "alerts", "", "the account's", Permission.Read, Permission.Write, call => call.Caller.AccountId);
        Map(routes, alerts, "cloud-alerts", "Cloud", "the cloud's", capability => Permission.Cloud(capability, "read"), capability => Permission.Cloud(capability), _ => null);
        Map(routes, contacts, "contacts", "", "the account's", Permission.Read, Permission.Write, call => call.Caller.AccountId);
        Map(routes, contacts, "cloud-contacts", "Cloud", "the cloud's", capability => Permission.Cloud(capability, "read"), capability => Permission.Cloud(capability), _ => null);
    }

    private static void Map(IEndpointRouteBuilder routes, AlertUseCases alerts, string path, string scope, string whose, Func<string, Permission> read, Func<string, Permission> write, Func<Call, string?> owner)
    {
        routes.Get($"/{path}", read(path), $"List{scope}Alerts", $"List {whose} alerts, the newest first", async call => await PageRequest.Read(call).Then(page =>
            alerts.ListAsync(call.Caller, owner(call), call.Query("state"), call.Query("severity"), call.Query("kind"), page, call.Cancelled)))
            .WithPaging().WithQuery("state", "open, acknowledged or resolved; unresolved: the first two").WithQuery("severity", "info, warning or critical").WithQuery("kind", "A kind, such as `quota.near`");
        routes.Get($"/{path}/{{alert}}", read(path), $"Show{scope}Alert", $"Show one of {whose} alerts", call => alerts.GetAsync(call.Caller, owner(call), call.Route("alert"), call.Cancelled));
        routes.Post<AcknowledgeAlert, Alert>($"/{path}/{{alert}}/acknowledge", write(path), $"Acknowledge{scope}Alert", "Say that somebody looks after it: no reminders", 200,
            (call, acknowledge) => alerts.AcknowledgeAsync(call.Caller, owner(call), call.Route("alert"), acknowledge, call.Cancelled)).Fails(409);
        routes.Post($"/{path}/{{alert}}/unacknowledge", write(path), $"Unacknowledge{scope}Alert", "Take back that somebody looks after it", 200,
            call => alerts.UnacknowledgeAsync(call.Caller, owner(call), call.Route("alert"), call.Cancelled)).Fails(409);
    }

    private static void Map(IEndpointRouteBuilder routes, ContactUseCases contacts, string path, string scope, string whose, Func<string, Permission> read, Func<string, Permission> write, Func<Call, string?> owner)
    {
        routes.Get($"/{path}", read(path), $"List{scope}Contacts", $"List where {whose} alerts are told",
            async call => await PageRequest.Read(call).Then(page => contacts.ListAsync(owner(call), page, call.Cancelled))).WithPaging();
        routes.Post<CreateContact, Contact>($"/{path}", write(path), $"Create{scope}Contact", $"Have {whose} alerts told somewhere, once the code that is sent there has been given", 201,
            (call, create) => contacts.CreateAsync(call.Caller, owner(call), create, call.Cancelled)).Fails(409).Fails(429);
        routes.Get($"/{path}/{{contact}}", read(path), $"Show{scope}Contact", "Show a contact", call => contacts.GetAsync(owner(call), call.Route("contact"), call.Cancelled));
        routes.Put<UpdateContact, Contact>($"/{path}/{{contact}}", write(path), $"Update{scope}Contact", "Change what a contact is told, and how", 200,
            (call, update) => contacts.UpdateAsync(call.Caller, owner(call), call.Route("contact"), update, call.Cancelled)).Fails(409);
        routes.Delete($"/{path}/{{contact}}", write(path), $"Delete{scope}Contact", "Tell a contact nothing any more", call => contacts.DeleteAsync(call.Caller, owner(call), call.Route("contact"), call.Cancelled));
        routes.Post<VerifyContact, Contact>($"/{path}/{{contact}}/verify", write(path), $"Verify{scope}Contact", "Give the code that was sent to the contact", 200,
            (call, verify) => contacts.VerifyAsync(call.Caller, owner(call), call.Route("contact"), verify, call.Cancelled));
        routes.Post<RotateSecret, Contact>($"/{path}/{{contact}}/rotate-secret", write(path), $"Rotate{scope}ContactSecret", "Sign with a new secret; with the former one, too, for a while", 200,
            (call, rotate) => contacts.RotateAsync(call.Caller, owner(call), call.Route("contact"), rotate, call.Cancelled)).Fails(409);
        routes.Post($"/{path}/{{contact}}/send-code", write(path), $"Send{scope}ContactCode", "Send a new code to a contact that is not verified", 200,
            call => contacts.SendCodeAsync(call.Caller, owner(call), call.Route("contact"), call.Cancelled)).Fails(409).Fails(429);
    }
}
