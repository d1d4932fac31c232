using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories;

public static class DirectoryEndpoints
{
    public static void MapDirectories(this IEndpointRouteBuilder routes, DirectoryUseCases directories, DirectoryBinding binding)
    {
        var (see, change) = (Permission.Domain("directories", "read"), Permission.Domain("directories"));
        routes.Get("/directories", see, "ListDirectories", "List directories (LDAP) and identity providers (OpenID Connect) whose people sign in", async call => await PageRequest.Read(call).Then(page => directories.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateDirectory, UserDirectory>("/directories", change, "CreateDirectory", "Let the people of a directory (LDAP) or an identity provider (OpenID Connect) sign in", 201, (call, create) => directories.CreateAsync(call.Caller, create, call.Cancelled));
        routes.Get("/directories/{directory}", see, "ShowDirectory", "Show a directory", call => directories.GetAsync(call.Caller, call.Route("directory"), call.Cancelled));
        routes.Put<UpdateDirectory, UserDirectory>("/directories/{directory}", change, "UpdateDirectory", "Change a directory's secret, title or roles", 200, (call, update) => directories.UpdateAsync(call.Caller, call.Route("directory"), update, call.Cancelled));
        routes.Delete("/directories/{directory}", change, "DeleteDirectory", "Forget a directory that no user is of", call => directories.DeleteAsync(call.Caller, call.Route("directory"), call.Cancelled));
        routes.Get("/directories/{directory}/users", see, "ListDirectoryUsers", "List the users that are of a directory",
            async call => await PageRequest.Read(call).Then(page => binding.ListAsync(call.Caller, call.Route("directory"), page, call.Cancelled))).WithPaging();
        routes.Put<SetDirectoryUser, DirectoryUser>("/directories/{directory}/users/{user}", change, "SetDirectoryUser", "Make a user who exists already one of an identity provider's people; ends its sessions, and its password is of no use any more", 200,
            (call, set) => binding.SetAsync(call.Caller, call.Route("directory"), call.Route("user"), set, call.Cancelled)).Fails(409);
        routes.Delete("/directories/{directory}/users/{user}", change, "RemoveDirectoryUser", "Let a user be of no directory any more; ends its sessions, and it signs in again once a password is set", call => binding.RemoveAsync(call.Caller, call.Route("directory"), call.Route("user"), call.Cancelled));
    }
}
