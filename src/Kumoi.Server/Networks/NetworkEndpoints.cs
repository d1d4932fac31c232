using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Networks;

public static class NetworkEndpoints
{
    public static IServiceCollection AddNetworks(this IServiceCollection services) =>
        services.AddSingleton<NetworkStore>().AddSingleton<NetworkUseCases>().AddSingleton<AddressAllocator>().AddSingleton<AddressClaims>();

    public static void MapNetworks(this IEndpointRouteBuilder routes, NetworkUseCases networks)
    {
        routes.Get("/networks", Permission.Read("networks"), "ListNetworks", "List networks with their subnets",
            async call => await PageRequest.Read(call).Then(page => networks.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateNetwork, Network>("/networks", Permission.Write("networks"), "CreateNetwork", "Make a network, with subnets or without", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => networks.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/networks/{network}", Permission.Read("networks"), "ShowNetwork", "Show a network", call => networks.GetAsync(call.Caller, call.Route("network"), call.Cancelled));
        routes.Put<UpdateNetwork, Network>("/networks/{network}", Permission.Write("networks"), "UpdateNetwork", "Change what a network tells its guests, and whether they reach the outside", 200,
            (call, update) => networks.UpdateAsync(call.Caller, call.Route("network"), update, call.Cancelled));
        routes.Delete("/networks/{network}", Permission.Write("networks"), "DeleteNetwork", "Remove a network without instances, and its subnets",
            call => networks.DeleteAsync(call.Caller, call.Route("network"), call.Cancelled));

        routes.Get("/subnets", Permission.Read("subnets"), "ListSubnets", "List subnets",
            async call => await PageRequest.Read(call).Then(page => networks.ListSubnetsAsync(call.Caller, call.Query("network"), page, call.Cancelled)))
            .WithPaging().WithQuery("network", "Only those of this network");
        routes.Post<CreateSubnet, Subnet>("/subnets", Permission.Write("subnets"), "CreateSubnet", "Add a subnet to a network", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => networks.CreateSubnetAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/subnets/{subnet}", Permission.Read("subnets"), "ShowSubnet", "Show a subnet", call => networks.GetSubnetAsync(call.Caller, call.Route("subnet"), call.Cancelled));
        routes.Put<UpdateSubnet, Subnet>("/subnets/{subnet}", Permission.Write("subnets"), "UpdateSubnet", "Change which addresses of a subnet are given out, reserved and excluded", 200,
            (call, update) => networks.UpdateSubnetAsync(call.Caller, call.Route("subnet"), update, call.Cancelled));
        routes.Delete("/subnets/{subnet}", Permission.Write("subnets"), "DeleteSubnet", "Remove a subnet without instances",
            call => networks.DeleteSubnetAsync(call.Caller, call.Route("subnet"), call.Cancelled));
    }
}
