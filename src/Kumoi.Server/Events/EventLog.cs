using System.Net;
using Kumoi.Server.Metrics;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

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

/// <summary>An event to be written.</summary>
public sealed record NewEvent(string AccountId, EventActor Actor, string Action, Subject Subject, string? Message = null, string? ChangesJson = null);

/// <summary>Writes the universal log: always in the transaction of the change that it records.</summary>
public sealed class EventLog(Ids ids, TimeProvider clock, EventBell bell)
{
    public Task WriteAsync(
        Transaction transaction, string accountId, EventActor actor, string action, Subject subject, CancellationToken cancel, string? message = null,
        string? changesJson = null) =>
        WriteAsync(transaction, [new NewEvent(accountId, actor, action, subject, message, changesJson)], cancel);

    /// <summary>Several at once, in their order, with one statement.</summary>
    public async Task WriteAsync(Transaction transaction, IReadOnlyList<NewEvent> events, CancellationToken cancel)
    {
        if (events.Count == 0) return;
        var now = clock.GetUtcNow();
        await transaction.ExecuteAsync(Insert, cancel, Values(events, now));
        transaction.AfterCommit(() => ServerMeter.Events.Add(events.Count));
        transaction.AfterCommit(bell.Ring);
    }

    /// <summary>The statement of <see cref="WriteAsync(Transaction, IReadOnlyList{NewEvent}, CancellationToken)"/>, for those who send it with others; they ring after the commit.</summary>
    public const string Insert =
        """
        INSERT INTO events (id, at, account_id, actor_kind, actor_id, actor_name, token_id, source_address, request_id, action,
                            resource_type, resource_id, resource_name, message, changes)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::inet[], $9::text[], $10::text[],
                             $11::text[], $12::text[], $13::text[], $14::text[], $15::jsonb[])
        """;

    public object?[] Values(IReadOnlyList<NewEvent> events, DateTimeOffset now)
    {
        NpgsqlParameter Texts(Func<NewEvent, string?> text) => Columns.TextsOrNull(events.Select(text));
        return
        [
            Texts(_ => ids.New(Ids.Event)), Columns.Times(events.Select(_ => (DateTimeOffset?)now)), Texts(e => e.AccountId), Texts(e => e.Actor.Kind), Texts(e => e.Actor.Id),
            Texts(e => e.Actor.Name), Texts(e => e.Actor.TokenId), Columns.Inets(events.Select(e => e.Actor.Address)), Texts(e => e.Actor.RequestId), Texts(e => e.Action),
            Texts(e => e.Subject.Type), Texts(e => e.Subject.Id), Texts(e => e.Subject.Name), Texts(e => e.Message), Columns.Jsons(events.Select(e => e.ChangesJson)),
        ];
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

    /// <summary>Rung by this server; other servers are told.</summary>
    public event Action? Rung;

    public void Ring()
    {
        Wake();
        Rung?.Invoke();
    }

    /// <summary>Wakes the followers of this server only.</summary>
    public void Wake() =>
        Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}
