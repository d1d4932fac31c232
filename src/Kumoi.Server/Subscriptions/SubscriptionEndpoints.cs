using Kumoi.Api;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Platform.Webhooks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Subscriptions;

public static class SubscriptionEndpoints
{
    public static IServiceCollection AddSubscriptions(this IServiceCollection services) => services
        .AddSingleton<IDeliverySource, EventSource>().AddSingleton<IDeliverySource, Metering.UsageSource>().AddSingleton<IReceiver, WebhookReceiver>().AddSingleton<IReceiver, AmqpReceiver>()
        .AddSingleton<DeliveryStore>().AddSingleton<SubscriptionUseCases>().AddSingleton<SubscriptionTrials>().AddLoop<DeliveryLoop>();

    public static void MapSubscriptions(this IEndpointRouteBuilder routes, SubscriptionUseCases subscriptions, SubscriptionTrials trials)
    {
        var (read, write, further) = (Permission.Read("subscriptions"), Permission.Write("subscriptions"), new FurtherPermission(SubscriptionUseCases.OfCloud));
        routes.Get("/subscriptions", read, "ListSubscriptions", "List subscriptions, which hand over what happens", async call => await PageRequest.Read(call).Then(page => subscriptions.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateSubscription, SubscriptionSecret>("/subscriptions", write, "CreateSubscription", "Hand over what happens from now on; brokers and the whole cloud (`subscriptions:cloud`) are for operators", 201,
            (call, create) => subscriptions.CreateAsync(call.Caller, create, call.Cancelled)).Fails(409).WithMetadata(further);
        routes.Get("/subscriptions/{subscription}", read, "ShowSubscription", "Show a subscription", call => subscriptions.GetAsync(call.Caller, call.Route("subscription"), call.Cancelled));
        routes.Put<UpdateSubscription, Subscription>("/subscriptions/{subscription}", write, "UpdateSubscription", "Change a subscription, or disable it", 200,
            (call, update) => subscriptions.UpdateAsync(call.Caller, call.Route("subscription"), update, call.Cancelled)).Fails(409);
        routes.Delete("/subscriptions/{subscription}", write, "DeleteSubscription", "Remove a subscription", call => subscriptions.DeleteAsync(call.Caller, call.Route("subscription"), call.Cancelled));
        routes.Post<SubscriptionTest>("/subscriptions/{subscription}/test", write, "TestSubscription", "Send a test message now, and tell what came of it", 200, call => trials.TestAsync(call.Caller, call.Route("subscription"), call.Cancelled));
        routes.Post<ResumeSubscription, Subscription>("/subscriptions/{subscription}/resume", write, "ResumeSubscription", "Go on from where it stopped, from now or from a time", 200,
            (call, resume) => subscriptions.ResumeAsync(call.Caller, call.Route("subscription"), resume, call.Cancelled));
        routes.Post<RotateSecret, SubscriptionSecret>("/subscriptions/{subscription}/rotate-secret", write, "RotateSubscriptionSecret", "Sign with a new secret; with the former one, too, for a while", 200,
            (call, rotate) => subscriptions.RotateAsync(call.Caller, call.Route("subscription"), rotate, call.Cancelled)).Fails(409);
    }
}
