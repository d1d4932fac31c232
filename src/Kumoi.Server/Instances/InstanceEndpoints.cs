using System.Globalization;
using Kumoi.Api;
using Kumoi.Server.Consoles;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;
using Microsoft.OpenApi;

namespace Kumoi.Server.Instances;

public static class InstanceEndpoints
{
    public static IServiceCollection AddInstances(this IServiceCollection services) => services
        .AddSingleton<InstanceStore>().AddSingleton<InstanceUseCases>().AddSingleton<InstanceLaunch>().AddSingleton<LaunchWriter>().AddSingleton<InstanceEnding>().AddSingleton<InstanceObservation>().AddSingleton<InstanceCds>().AddSingleton<InstanceChanges>().AddLoop<InstancePurge>();

    public static void MapInstances(this IEndpointRouteBuilder routes, InstanceUseCases instances, InstanceLaunch launches, ConsoleUseCases consoles)
    {
        routes.Get("/instances", Permission.Read("instances"), "ListInstances", "List instances; terminated ones only with `state=terminated`",
            async call => await PageRequest.Read(call).Then(page => instances.ListAsync(
                call.Caller, call.Query("state"), call.Query("name"), call.Query("host"), call.Query("image"), call.Query("placementGroup"), Tags.Filter(call.Queries("tag")), page, call.Cancelled)))
            .WithPaging().WithTagQuery().WithQuery("state", "pending, running, stopping, stopped, shutting-down or terminated").WithQuery("name", "Names that begin with this")
            .WithQuery("host", "Id or name of a host").WithQuery("image", "Id or name of an image").WithQuery("placementGroup", "Id or name of a placement group");
        Endpoints.Map(routes, "POST", "/instances", Permission.Write("instances"), "LaunchInstance", "Launch one instance, or `count` of them (then the answer is `{\"items\": […]}`)", 201,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Write("instances")) is not { } call) return;
                var body = await Bodies.ReadAsync<LaunchInstance>(http);
                var result = await body.Then(async launch => await Endpoints.Idempotency(call).Then(once => launches.LaunchAsync(call.Caller, launch, once, call.Cancelled)));
                if (result.Failure is { } failure) await Endpoints.WriteAsync<Instance>(http, 201, failure);
                else if (body.Value.Count is > 1) await Endpoints.WriteAsync(http, 201, result);
                else await Endpoints.WriteAsync<Instance>(http, 201, result.Value.Items[0]);
            })
            .Accepts<LaunchInstance>("application/json").Produces<Instance>(201).Fails(409).Fails(422).WithIdempotencyKey();
        routes.Get("/instances/{instance}", Permission.Read("instances"), "ShowInstance", "Show an instance, or wait until it is in a state",
            async call =>
            {
                if (call.Query("wait") is not { } state) return await instances.GetAsync(call.Caller, call.Route("instance"), call.Cancelled);
                return await Waits.Read(call).Then(timeout => instances.WaitAsync(call.Caller, call.Route("instance"), state, timeout, call.Cancelled));
            })
            .Fails(408).WithQuery("wait", "Answer when the instance is in this state and has nothing left to do").WithQuery("timeout", "Seconds to wait, 1 to 300 (default 60)", JsonSchemaType.Integer);
        routes.Get("/instances/{instance}/user-data", Permission.Read("instances"), "ShowUserData", "The text that the instance was launched with", call => instances.UserDataAsync(call.Caller, call.Route("instance"), call.Cancelled));
        routes.Delete<Instance>("/instances/{instance}", Permission.Write("instances"), "TerminateInstance", "Terminate an instance: its disk and addresses are given up",
            call => instances.TerminateAsync(call.Caller, call.Route("instance"), call.Cancelled));
        routes.Post("/instances/{instance}/start", Permission.Write("instances"), "StartInstance", "Start a stopped instance", 200, call => instances.StartAsync(call.Caller, call.Route("instance"), call.Cancelled));
        routes.Post("/instances/{instance}/stop", Permission.Write("instances"), "StopInstance", "Stop an instance; it keeps its disk and addresses", 200,
            call => instances.StopAsync(call.Caller, call.Route("instance"), call.Cancelled));
        routes.Post("/instances/{instance}/reboot", Permission.Write("instances"), "RebootInstance", "Restart the guest of a running instance", 200,
            call => instances.RebootAsync(call.Caller, call.Route("instance"), call.Cancelled));
        routes.Put<SetRecovery, Instance>("/instances/{instance}/recovery", Permission.Write("instances"), "SetRecovery", "Say what becomes of the instance when its host is down", 200,
            (call, set) => instances.SetRecoveryAsync(call.Caller, call.Route("instance"), set, call.Cancelled));
        routes.Put<ReplaceSecurityGroups, Instance>("/instances/{instance}/security-groups", Permission.Write("instances"), "ReplaceSecurityGroups", "Put the instance in other security groups, without touching the guest", 200,
            (call, replace) => instances.ReplaceSecurityGroupsAsync(call.Caller, call.Route("instance"), replace, call.Cancelled));
        routes.Post<OpenConsole, ConsoleOpened>("/instances/{instance}/console", new Permission("instances", "console"), "OpenConsole", "Open a serial console or a screen: a WebSocket path with a one-time ticket", 201,
            (call, open) => consoles.OpenAsync(call.Caller, call.Route("instance"), open, call.Cancelled));
        Endpoints.Map(routes, "GET", "/instances/{instance}/console-log", Permission.Read("instances"), "ShowConsoleLog", "The last 64 KiB the guest wrote to its serial console", 200,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Read("instances")) is { } call) await consoles.WriteLogAsync(call);
            }).Produces<string>(200, "text/plain");
    }
}
