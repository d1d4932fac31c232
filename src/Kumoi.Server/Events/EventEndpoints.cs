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

    // So many at a time for a follower that has fallen behind.
    private const int FollowMax = 500;

    public static IServiceCollection AddEvents(this IServiceCollection services) =>
        services.AddSingleton<EventBell>().AddSingleton<EventLog>().AddSingleton<EventStore>().AddSingleton<EventRetentions>().AddLoop<EventPartitions>();

    public static void MapEvents(this IEndpointRouteBuilder routes, EventStore store, EventRetentions retentions, EventBell bell, TimeProvider clock, IHostApplicationLifetime life)
    {
        routes.Get("/events", Permission.Read("events"), "ListEvents", "The universal log, newest first",
            async call => await PageRequest.Read(call).Then(async page => await EventQuery.Read(call).Then(query => ListAsync(store, query, page, call.Cancelled)))).WithPaging().WithEventQuery();
        Endpoints.Map(routes, "GET", "/events/export", Permission.Read("events"), "ExportEvents", "The universal log until now, oldest first, as a file", 200,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Read("events")) is not { } call) return;
                var (format, query) = (EventExport.Format(call), EventQuery.Read(call));
                if ((format.Failure ?? query.Failure) is { } failure) await Problems.WriteAsync(http, failure);
                else await EventExport.WriteAsync(call, store, query.Value, format.Value, clock.GetUtcNow(), call.Cancelled);
            }).Produces<string>(200, "application/jsonl", "text/csv").WithQuery("format", "`jsonl` (default) or `csv`").WithEventQuery();
        routes.Get("/events/retention", Permission.Read("events"), "ShowEventRetention", "How long the universal log is kept", call => retentions.GetAsync(call.Cancelled));
        routes.Put<UpdateEventRetention, EventRetention>("/events/retention", Permission.Cloud("events"), "UpdateEventRetention", "Say how long the universal log is kept", 200, (call, update) => retentions.UpdateAsync(call.Caller, update, call.Cancelled));
        Endpoints.Map(routes, "GET", "/events/stream", Permission.Read("events"), "FollowEvents", "The universal log as it grows (server-sent events); resumes after `Last-Event-ID`", 200,
            async http =>
            {
                if (await Endpoints.AdmitAsync(http, Permission.Read("events")) is not { } call) return;
                var scope = EventQuery.Scope(call);
                if (scope.Failure is { } failure)
                {
                    await Problems.WriteAsync(http, failure);
                    return;
                }
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
                ServerMeter.Followers.Add(1);
                try
                {
                    await FollowAsync(call, scope.Value.AccountId, store, bell, clock, ended.Token);
                }
                catch (OperationCanceledException) when (ended.IsCancellationRequested)
                {
                    // The reader has gone, or this server stops: the reader resumes elsewhere from its last id.
                }
                finally
                {
                    ServerMeter.Followers.Add(-1);
                }
            }).Produces<Event>(200, "text/event-stream").WithQuery("scope", ScopeText);
    }

    private static async Task FollowAsync(Call call, string? accountId, EventStore store, EventBell bell, TimeProvider clock, CancellationToken cancel)
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
            var news = await store.FollowAsync(accountId, [], position, FollowMax, cancel);
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

    private static async Task<Result<Page<Event>>> ListAsync(EventStore store, EventQuery query, PageRequest page, CancellationToken cancel)
    {
        var behind = page.After.Length == 0 ? null : query.AccountId is null ? await store.PlaceAsync(page.After, cancel) : new EventPlace(default, page.After);
        if (page.After.Length > 0 && behind is null) return Failure.Invalid("cursor", "cursor");
        return page.Of(await store.ListAsync(query.AccountId, query.Filter, behind, newestFirst: true, page.Limit + 1, cancel), item => item.Id);
    }

    private const string ScopeText = "`account` (default), or `cloud` for operators: of all accounts";

    private static RouteHandlerBuilder WithEventQuery(this RouteHandlerBuilder route) => route
        .WithQuery("resource", "Id or name of a resource").WithQuery("resourceType", "A kind of resource, such as `instance`")
        .WithQuery("action", "An action, or a pattern such as `instance.*`; may be given several times, and one must fit").WithQuery("actor", "Id or name of who did it").WithQuery("requestId", "The `X-Request-Id` of a request")
        .WithQuery("since", "Time (RFC 3339), inclusive").WithQuery("until", "Time (RFC 3339), exclusive").WithQuery("scope", ScopeText);
}
