using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts;

public static class TenancyEndpoints
{
    /// <summary>Domains, roles, memberships.</summary>
    public static void MapTenancy(this IEndpointRouteBuilder routes, DomainUseCases domains, RoleUseCases roles, MembershipUseCases members, PermissionCatalogue catalogue)
    {
        routes.Get("/domains", Permission.Domain("domains", "read"), "ListDomains", "List the domains in which one has a role, and those beneath",
            async call => await PageRequest.Read(call).Then(page => domains.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateDomain, Domain>("/domains", Permission.Domain("domains"), "CreateDomain", "Make a domain beneath another one", 201, (call, create) => domains.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/domains/{domain}", Permission.Domain("domains", "read"), "ShowDomain", "Show a domain", call => domains.GetAsync(call.Caller, Key(call), call.Cancelled));
        routes.Put<UpdateDomain, Domain>("/domains/{domain}", Permission.Domain("domains"), "UpdateDomain", "Rename a domain; the paths of those beneath follow", 200, (call, update) => domains.UpdateAsync(call.Caller, Key(call), update, call.Cancelled)).Fails(409);
        routes.Delete("/domains/{domain}", Permission.Domain("domains"), "DeleteDomain", "Remove a domain without accounts and without domains beneath", call => domains.DeleteAsync(call.Caller, Key(call), call.Cancelled));
        routes.Get("/domains/{domain}/members", Permission.Domain("domains", "read"), "ListDomainMembers", "List who has a role in a domain",
            async call => await PageRequest.Read(call).Then(page => members.ListAsync(call.Caller, Key(call), page, call.Cancelled))).WithPaging();
        routes.Put<SetMembership, Membership>("/domains/{domain}/members/{user}", Permission.Domain("members"), "SetDomainMember", "Give a user a role in a domain, in place of the one that it had", 200,
            (call, set) => members.SetAsync(call.Caller, Key(call), call.Route("user"), set, call.Cancelled)).Fails(409);
        routes.Delete("/domains/{domain}/members/{user}", Permission.Domain("members"), "RemoveDomainMember", "Take a user's role in a domain away",
            call => members.RemoveAsync(call.Caller, Key(call), call.Route("user"), call.Cancelled));

        routes.Get("/members", Permission.Read("members"), "ListMembers", "List who has a role in the account", async call => await PageRequest.Read(call).Then(page => members.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Put<SetMembership, Membership>("/members/{user}", Permission.Write("members"), "SetMember", "Give a user, of this account or another one, a role in the account, in place of the one that it had", 200,
            (call, set) => members.SetAsync(call.Caller, null, call.Route("user"), set, call.Cancelled)).Fails(409);
        routes.Delete("/members/{user}", Permission.Write("members"), "RemoveMember", "Take a user's role in the account away", call => members.RemoveAsync(call.Caller, null, call.Route("user"), call.Cancelled));

        routes.Get("/roles", Permission.Read("roles"), "ListRoles", "List the roles that can be given", async call => await PageRequest.Read(call).Then(page => roles.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateRole, Role>("/roles", Permission.Self, "CreateRole", "Make a role for the account (`roles:write` there) or for a domain (`roles:write` in it)", 201, (call, create) => roles.CreateAsync(call.Caller, create, call.Cancelled)).WithMetadata(new FurtherPermission(Permission.Write("roles")));
        routes.Get("/roles/{role}", Permission.Read("roles"), "ShowRole", "Show a role", call => roles.GetAsync(call.Caller, call.Route("role"), call.Cancelled));
        routes.Put<UpdateRole, Role>("/roles/{role}", Permission.Self, "UpdateRole", "Change what a role allows (`roles:write` where it belongs)", 200, (call, update) => roles.UpdateAsync(call.Caller, call.Route("role"), update, call.Cancelled)).Fails(409).WithMetadata(new FurtherPermission(Permission.Write("roles")));
        routes.Delete("/roles/{role}", Permission.Self, "DeleteRole", "Remove a role that nobody has (`roles:write` where it belongs)", call => roles.DeleteAsync(call.Caller, call.Route("role"), call.Cancelled)).WithMetadata(new FurtherPermission(Permission.Write("roles")));
        routes.Get("/permissions", Permission.Self, "ListPermissions", "List all permissions that roles are made of", call => Task.FromResult<Result<Page<KnownPermission>>>(catalogue.List()));
    }

    // A path has slashes, which stand encoded in the address.
    private static string Key(Call call) => Uri.UnescapeDataString(call.Route("domain"));
}
