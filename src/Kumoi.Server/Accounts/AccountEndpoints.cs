using Kumoi.Api;
using Kumoi.Server.Accounts.Directories;
using Kumoi.Server.Accounts.Directories.OpenId;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

public static class AccountEndpoints
{
    public static IServiceCollection AddAccounts(this IServiceCollection services) => services
        .AddSingleton<AccessKeys>().AddSingleton<AccountUseCases>().AddLoop<AccountHolding>().AddSingleton<Authentication>().AddSingleton<DomainUseCases>().AddSingleton<MembershipUseCases>().AddSingleton<PermissionCatalogue>().AddSingleton<RoleUseCases>().AddSingleton<SecondFactors>().AddSingleton<LdapDoor>().AddSingleton<DirectoryLogin>().AddSingleton<DirectoryUsers>().AddSingleton<DirectoryBinding>().AddSingleton<DirectoryUseCases>()
        .AddSingleton<IssuerHttp>().AddSingleton<Issuers>().AddSingleton<OpenIdDoor>().AddSingleton<SignIns>().AddSingleton<LoginThrottle>().AddSingleton<SummaryStore>()
        .AddSingleton<Tokens>().AddSingleton<Users>();

    public static void MapAccounts(this IEndpointRouteBuilder routes, AccountUseCases accounts, AccessKeys keys, Tokens tokens, Users users, SecondFactors secondFactors, SummaryStore summary)
    {
        routes.MapMethods("/tokens", ["POST"], (Delegate)(RequestDelegate)(async http =>
            {
                var body = await Bodies.ReadAsync<Login>(http);
                await Endpoints.WriteAsync(http, 201, body.Failure is { } failure
                    ? failure
                    : await tokens.LoginAsync(body.Value, Authentication.Address(http), http.Request.Headers.UserAgent, http.TraceIdentifier, http.RequestAborted));
            }))
            .WithName("Login").WithSummary("Log in: trade a user's name and password, or the code of a sign-in by an identity provider, for a session token")
            .WithMetadata(new RequiredPermission(null, "Whoever logs in has no token yet; attempts are throttled."))
            .Accepts<Login>("application/json").Produces<TokenCreated>(201).Fails(400).Fails(401).Fails(429);
        routes.Get("/tokens", Permission.Self, "ListTokens", "List one's own sessions and API tokens",
            async call => await PageRequest.Read(call).Then(page => tokens.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Delete("/tokens/{token}", Permission.Self, "RevokeToken", "Revoke one's own token; `current` is the one used",
            call => tokens.RevokeAsync(call.Caller, call.Route("token"), call.Cancelled));
        routes.Post<CreateToken, TokenCreated>("/users/me/tokens", Permission.Secrets, "CreateToken", "Make a named API token for oneself", 201,
            (call, create) => tokens.CreateAsync(call.Caller, create, call.Cancelled));

        routes.Get("/access-keys", Permission.Self, "ListAccessKeys", "List one's own access keys", call => keys.ListAsync(call.Caller, call.Cancelled));
        routes.Post<CreateAccessKey, AccessKeyCreated>("/access-keys", Permission.Secrets, "CreateAccessKey", "Make an access key for oneself, to sign requests of a dialect with; its secret is told this once", 201,
            (call, create) => keys.CreateAsync(call.Caller, create, call.Cancelled)).Fails(409);
        routes.Delete("/access-keys/{accessKey}", Permission.Self, "RevokeAccessKey", "Revoke one's own access key", call => keys.RevokeAsync(call.Caller, call.Route("accessKey"), call.Cancelled));

        routes.Get("/users", Permission.Read("users"), "ListUsers", "List the account's users",
            async call => await PageRequest.Read(call).Then(page => users.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateUser, User>("/users", Permission.Write("users"), "CreateUser", "Add a user to the account", 201,
            (call, create) => users.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/users/me", Permission.Self, "ShowSelf", "Show whose token this is, and what it may",
            call => users.SelfAsync(call.Caller, call.Cancelled));
        routes.Put<ChangePassword, Platform.Done>("/users/me/password", Permission.Secrets, "ChangePassword", "Change one's own password; ends one's other sessions", 204,
            (call, change) => users.ChangePasswordAsync(call.Caller, change, call.Cancelled));
        routes.Get("/users/me/second-factor", Permission.Self, "ShowSecondFactor", "Show whether one signs in with a one-time password besides", call => secondFactors.GetAsync(call.Caller, call.Cancelled));
        routes.Post<BeginSecondFactor, SecondFactorSecret>("/users/me/second-factor", Permission.Secrets, "BeginSecondFactor", "Make a secret for one-time passwords (TOTP); it is asked for once it is confirmed", 201,
            (call, begin) => secondFactors.BeginAsync(call.Caller, begin, call.Cancelled)).Fails(409);
        routes.Post<ConfirmSecondFactor, RecoveryCodes>("/users/me/second-factor/confirm", Permission.Secrets, "ConfirmSecondFactor", "Confirm the secret with a one-time password; tells recovery codes, and ends one's other sessions", 200,
            (call, confirm) => secondFactors.ConfirmAsync(call.Caller, confirm, call.Cancelled)).Fails(409);
        routes.Post<EndSecondFactor, SecondFactor>("/users/me/second-factor/end", Permission.Secrets, "EndSecondFactor", "Sign in without one-time passwords again", 200,
            (call, end) => secondFactors.EndAsync(call.Caller, end, call.Cancelled)).Fails(409);
        routes.Get("/users/{user}", Permission.Read("users"), "ShowUser", "Show a user",
            call => users.GetAsync(call.Caller, call.Route("user"), call.Cancelled));
        routes.Delete("/users/{user}", Permission.Write("users"), "DeleteUser", "Remove a user and end its sessions",
            call => users.DeleteAsync(call.Caller, call.Route("user"), call.Cancelled));

        routes.Put<UpdateUser, User>("/users/{user}", Permission.Write("users"), "UpdateUser", "Set a user's password anew, or let it sign in or not", 200,
            (call, update) => users.UpdateAsync(call.Caller, call.Route("user"), update, call.Cancelled)).Fails(409);

        routes.Get("/accounts", Permission.Domain("accounts", "read"), "ListAccounts", "List the accounts of one's domains",
            async call => await PageRequest.Read(call).Then(page => accounts.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateAccount, Account>("/accounts", Permission.Domain("accounts"), "CreateAccount", "Make an account with its default network and security group", 201,
            (call, create) => accounts.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/accounts/{account}", Permission.Domain("accounts", "read"), "ShowAccount", "Show an account",
            call => accounts.GetAsync(call.Caller, call.Route("account"), call.Cancelled));
        routes.Put<UpdateAccount, Account>("/accounts/{account}", Permission.Domain("accounts"), "UpdateAccount", "Rename an account, or suspend, close or activate it: its guests are stopped, and started again, with it", 200,
            (call, update) => accounts.UpdateAsync(call.Caller, call.Route("account"), update, call.Cancelled)).Fails(409);
        routes.Delete("/accounts/{account}", Permission.Domain("accounts"), "DeleteAccount", "Remove an account without instances and images",
            call => accounts.DeleteAsync(call.Caller, call.Route("account"), call.Cancelled));
        routes.Get("/summary", Permission.Read("summary"), "ShowSummary", "What the account has and uses",
            call => summary.GetAsync(call.Caller, call.Cancelled));
    }
}
