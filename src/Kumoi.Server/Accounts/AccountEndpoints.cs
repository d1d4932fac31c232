using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

public static class AccountEndpoints
{
    public static IServiceCollection AddAccounts(this IServiceCollection services) => services
        .AddSingleton<AccessKeys>().AddSingleton<AccountUseCases>().AddSingleton<Authentication>().AddSingleton<LoginThrottle>().AddSingleton<SummaryStore>()
        .AddSingleton<Tokens>().AddSingleton<Users>();

    public static void MapAccounts(this IEndpointRouteBuilder routes, AccountUseCases accounts, AccessKeys keys, Tokens tokens, Users users, SummaryStore summary)
    {
        routes.MapMethods("/tokens", ["POST"], (Delegate)(RequestDelegate)(async http =>
            {
                var body = await Bodies.ReadAsync<Login>(http);
                await Endpoints.WriteAsync(http, 201, body.Failure is { } failure
                    ? failure
                    : await tokens.LoginAsync(body.Value, http.Connection.RemoteIpAddress, http.TraceIdentifier, http.RequestAborted));
            }))
            .WithName("Login").WithSummary("Log in: trade a user's name and password for a session token")
            .WithMetadata(new RequiredPermission(null, "Whoever logs in has no token yet; attempts are throttled."))
            .Accepts<Login>("application/json").Produces<TokenCreated>(201).Fails(400).Fails(401).Fails(429);
        routes.Get("/tokens", Permission.Self, "ListTokens", "List one's own sessions and API tokens",
            async call => await PageRequest.Read(call).Then(page => tokens.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Delete("/tokens/{token}", Permission.Self, "RevokeToken", "Revoke one's own token; `current` is the one used",
            call => tokens.RevokeAsync(call.Caller, call.Route("token"), call.Cancelled));
        routes.Post<CreateToken, TokenCreated>("/users/me/tokens", Permission.Self, "CreateToken", "Make a named API token for oneself", 201,
            (call, create) => tokens.CreateAsync(call.Caller, create, call.Cancelled));

        routes.Get("/access-keys", Permission.Self, "ListAccessKeys", "List one's own access keys", call => keys.ListAsync(call.Caller, call.Cancelled));
        routes.Post<CreateAccessKey, AccessKeyCreated>("/access-keys", Permission.Self, "CreateAccessKey", "Make an access key for oneself, to sign requests of a dialect with; its secret is told this once", 201,
            (call, create) => keys.CreateAsync(call.Caller, create, call.Cancelled)).Fails(409);
        routes.Delete("/access-keys/{accessKey}", Permission.Self, "RevokeAccessKey", "Revoke one's own access key", call => keys.RevokeAsync(call.Caller, call.Route("accessKey"), call.Cancelled));

        routes.Get("/users", Permission.ManageUsers, "ListUsers", "List the account's users",
            async call => await PageRequest.Read(call).Then(page => users.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateUser, User>("/users", Permission.ManageUsers, "CreateUser", "Add a user to the account", 201,
            (call, create) => users.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/users/me", Permission.Self, "ShowSelf", "Show the user whose token this is",
            call => users.GetAsync(call.Caller, "me", call.Cancelled));
        routes.Put<ChangePassword, Platform.Done>("/users/me/password", Permission.Self, "ChangePassword", "Change one's own password; ends one's other sessions", 204,
            (call, change) => users.ChangePasswordAsync(call.Caller, change, call.Cancelled));
        routes.Get("/users/{user}", Permission.ManageUsers, "ShowUser", "Show a user",
            call => users.GetAsync(call.Caller, call.Route("user"), call.Cancelled));
        routes.Delete("/users/{user}", Permission.ManageUsers, "DeleteUser", "Remove a user and end its sessions",
            call => users.DeleteAsync(call.Caller, call.Route("user"), call.Cancelled));

        routes.Get("/accounts", Permission.Operate, "ListAccounts", "List the cloud's accounts",
            async call => await PageRequest.Read(call).Then(page => accounts.ListAsync(page, call.Cancelled))).WithPaging();
        routes.Post<CreateAccount, Account>("/accounts", Permission.Operate, "CreateAccount", "Make an account with its default network and security group", 201,
            (call, create) => accounts.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/accounts/{account}", Permission.Operate, "ShowAccount", "Show an account",
            call => accounts.GetAsync(call.Route("account"), call.Cancelled));
        routes.Delete("/accounts/{account}", Permission.Operate, "DeleteAccount", "Remove an account without instances and images",
            call => accounts.DeleteAsync(call.Caller, call.Route("account"), call.Cancelled));
        routes.Get("/summary", Permission.Read, "ShowSummary", "What the account has and uses",
            call => summary.GetAsync(call.Caller, call.Cancelled));
    }
}
