using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Metrics;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Events;

public static class EventEndpoints
{
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(15), LookInterval = TimeSpan.FromSeconds(2);

    public static IServiceCollection AddEvents(this IServiceCollection services) =>
        services.AddSingleton<EventBell>().AddSingleton<EventLog>().AddSingleton<EventStore>().AddLoop<EventPartitions>();

    public static void MapEvents(this IEndpointRouteBuilder routes, EventStore store, EventBell bell, TimeProvider clock, IHostApplicationLifetime life)
    {
        routes.Get("/events", Permission.Read("events"), "ListEvents", "The universal log, newest first",
            async call => await PageRequest.Read(call).Then(async page => await Filter(call).Then(async filter =>
                (Result<Page<Event>>)page.Of(await store.ListAsync(call.Caller.AccountId, filter, page, call.Cancelled), item => item.Id))))
            .WithPaging().WithQuery("resource", "Id or name of a resource").WithQuery("action", "An action, such as `instance.launch`")
            .WithQuery("since", "Time (RFC 3339), inclusive").WithQuery("until", "Time (RFC 3339), exclusive");
        Endpoints.Map(routes, "GET", "/events/stream", Permission.Read("events"), "FollowEvents", "The universal log as it grows (server-sent events); resumes after `Last-Event-ID`", 200,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Read("events")) is not { } call) return;
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
                ServerMeter.Followers.Add(1);
                try
                {
                    await FollowAsync(call, store, bell, clock, ended.Token);
                }
                catch (OperationCanceledException) when (ended.IsCancellationRequested)
                {
                    // The reader has gone, or this server stops: the reader resumes elsewhere from its last id.
                }
                finally
                {
                    ServerMeter.Followers.Add(-1);
                }
            }).Produces<Event>(200, "text/event-stream");
    }

    private static async Task FollowAsync(Call call, EventStore store, EventBell bell, TimeProvider clock, CancellationToken cancel)
    {
        var response = call.Http.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        var position = await store.PositionAsync(call.Http.Request.Headers["Last-Event-ID"], cancel);
        await response.WriteAsync(": hello\n\n", cancel);
        await response.Body.FlushAsync(cancel);
        var pinged = clock.GetUtcNow();
        while (true)
        {
            var ring = bell.Next;
            var news = await store.FollowAsync(call.Caller.AccountId, position, cancel);
            foreach (var (at, item) in news)
            {
                await response.WriteAsync($"id: {item.Id}\nevent: event\ndata: {JsonSerializer.Serialize(item, WireJson.Default.Event)}\n\n", cancel);
                position = at;
            }
            if (news.Count == 0 && clock.GetUtcNow() - pinged >= PingInterval)
            {
                await response.WriteAsync(": ping\n\n", cancel);
                pinged = clock.GetUtcNow();
            }
            await response.Body.FlushAsync(cancel);
            if (news.Count > 0) continue;
            await Task.WhenAny(ring, Task.Delay(LookInterval, clock, cancel));
            cancel.ThrowIfCancellationRequested();
        }
    }

    private static Result<EventFilter> Filter(Call call)
    {
        var (since, until) = (call.Time("since"), call.Time("until"));
        if ((since.Failure ?? until.Failure) is { } failure) return failure;
        return new EventFilter(call.Query("resource"), call.Query("action"), since.Value, until.Value);
    }
}
