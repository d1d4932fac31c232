using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.LoadBalancers;

public static class LoadBalancerEndpoints
{
    public static IServiceCollection AddLoadBalancers(this IServiceCollection services) => services
        .AddSingleton<LoadBalancerStore>().AddSingleton<ListenerKeys>().AddSingleton<ListenerWriter>().AddSingleton<LoadBalancerUseCases>().AddSingleton<ListenerUseCases>()
        .AddSingleton<MemberUseCases>().AddSingleton<Hosts.IReportObserver, LoadBalancerObservation>();

    public static void MapLoadBalancers(this IEndpointRouteBuilder routes, LoadBalancerUseCases balancers, ListenerUseCases listeners, MemberUseCases members)
    {
        routes.Get("/load-balancers", Permission.Read("load-balancers"), "ListLoadBalancers", "List load balancers",
            async call => await PageRequest.Read(call).Then(page => balancers.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateLoadBalancer, LoadBalancer>("/load-balancers", Permission.Write("load-balancers"), "CreateLoadBalancer", "Make a load balancer, with listeners and members or without", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => balancers.CreateAsync(call.Caller, create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Get("/load-balancers/{loadBalancer}", Permission.Read("load-balancers"), "ShowLoadBalancer", "Show a load balancer, its members' health and its traffic",
            call => balancers.GetAsync(call.Caller, call.Route("loadBalancer"), call.Cancelled));
        routes.Put<UpdateLoadBalancer, LoadBalancer>("/load-balancers/{loadBalancer}", Permission.Write("load-balancers"), "UpdateLoadBalancer", "Change a load balancer's name or description", 200,
            (call, update) => balancers.UpdateAsync(call.Caller, call.Route("loadBalancer"), update, call.Cancelled)).Fails(409);
        routes.Delete("/load-balancers/{loadBalancer}", Permission.Write("load-balancers"), "DeleteLoadBalancer", "Remove a load balancer; public addresses that led to it stay the account's",
            call => balancers.DeleteAsync(call.Caller, call.Route("loadBalancer"), call.Cancelled));

        routes.Post<CreateListener, LoadBalancerListener>("/load-balancers/{loadBalancer}/listeners", Permission.Write("load-balancers"), "CreateListener", "Add a listener", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => listeners.CreateAsync(call.Caller, call.Route("loadBalancer"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Put<UpdateListener, LoadBalancerListener>("/load-balancers/{loadBalancer}/listeners/{listener}", Permission.Write("load-balancers"), "UpdateListener", "Change a listener, by its id, PORT or PROTOCOL:PORT", 200,
            (call, update) => listeners.UpdateAsync(call.Caller, call.Route("loadBalancer"), call.Route("listener"), update, call.Cancelled)).Fails(409);
        routes.Delete("/load-balancers/{loadBalancer}/listeners/{listener}", Permission.Write("load-balancers"), "DeleteListener", "Remove a listener, by its id, PORT or PROTOCOL:PORT",
            call => listeners.DeleteAsync(call.Caller, call.Route("loadBalancer"), call.Route("listener"), call.Cancelled));

        routes.Post<CreateMember, LoadBalancer>("/load-balancers/{loadBalancer}/members", Permission.Write("load-balancers"), "CreateMember", "Add a member to a listener, or to every one", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => members.CreateAsync(call.Caller, call.Route("loadBalancer"), create, once, call.Cancelled))).Fails(409).WithIdempotencyKey();
        routes.Put<UpdateMember, LoadBalancer>("/load-balancers/{loadBalancer}/members/{member}", Permission.Write("load-balancers"), "UpdateMember", "Drain members or change their weight: one by its id, or an instance's or interface's, :PORT if need be", 200,
            (call, update) => members.UpdateAsync(call.Caller, call.Route("loadBalancer"), call.Route("member"), call.Query("listener"), update, call.Cancelled))
            .WithQuery("listener", "Only those of this listener");
        routes.Delete<LoadBalancer>("/load-balancers/{loadBalancer}/members/{member}", Permission.Write("load-balancers"), "DeleteMember", "Remove members: one by its id, or an instance's or interface's, :PORT if need be",
            call => members.DeleteAsync(call.Caller, call.Route("loadBalancer"), call.Route("member"), call.Query("listener"), call.Cancelled))
            .WithQuery("listener", "Only those of this listener");
    }
}
