using System.Net;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Events;

/// <summary>Who did something: a user through a request, a host through a report, or the cloud by itself.</summary>
public sealed record EventActor(string Kind, string? Id, string? Name, string? TokenId, IPAddress? Address, string? RequestId)
{
    public static readonly EventActor System = new("system", null, null, null, null, null);

    public static EventActor Of(Caller caller) => new("user", caller.UserId, caller.UserName, caller.TokenId, caller.Address, caller.RequestId);

    public static EventActor Host(string id, string name) => new("host", id, name, null, null, null);
}

/// <summary>What an event is about.</summary>
public sealed record Subject(string Type, string Id, string Name);

/// <summary>Writes the universal log: always in the transaction of the change that it records.</summary>
public sealed class EventLog(Ids ids, TimeProvider clock, EventBell bell)
{
    public async Task WriteAsync(
        Transaction transaction, string accountId, EventActor actor, string action, Subject subject, CancellationToken cancel, string? message = null,
        string? changesJson = null)
    {
        await transaction.ExecuteAsync(
            """
            INSERT INTO events (id, at, account_id, actor_kind, actor_id, actor_name, token_id, source_address, request_id, action,
                                resource_type, resource_id, resource_name, message, changes)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            """, cancel,
            ids.New(Ids.Event), clock.GetUtcNow(), accountId, actor.Kind, Columns.Text(actor.Id), Columns.Text(actor.Name),
            Columns.Text(actor.TokenId), Columns.Inet(actor.Address), Columns.Text(actor.RequestId), action, subject.Type, subject.Id,
            subject.Name, Columns.Text(message), Columns.Json(changesJson));
        transaction.AfterCommit(bell.Ring);
    }

    /// <summary>Tells followers that a resource changed in a way that is no event.</summary>
    public void Ring() => bell.Ring();

    public Task WriteAsync(
        Transaction transaction, Caller caller, string action, Subject subject, CancellationToken cancel, string? changesJson = null) =>
        WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), action, subject, cancel, null, changesJson);
}

/// <summary>Tells those who follow the log that there may be something new. A hint: they look by themselves now and then.</summary>
public sealed class EventBell
{
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next ring. Take it before looking, so that a ring in between is not lost.</summary>
    public Task Next => _next.Task;

    public void Ring() =>
        Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}
