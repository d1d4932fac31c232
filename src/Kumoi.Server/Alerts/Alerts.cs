using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Alerts;

/// <summary>Alerts as people see them. An owner is an account, or null: the operators, whose routes ask for a permission in the cloud.</summary>
public sealed class AlertUseCases(Database database, AlertStore store, EventLog events, TimeProvider clock)
{
    private const int NoteLengthMax = 1000;

    public async Task<Result<Page<Alert>>> ListAsync(Caller caller, string? owner, string? state, string? severity, string? kind, PageRequest page, CancellationToken cancel)
    {
        Violation?[] violations =
        [
            state is null or "unresolved" || AlertStates.All.Contains(state) ? null : new Violation("state", "one-of", string.Join(", ", AlertStates.All) + ", unresolved"),
            severity is null || Severities.All.Contains(severity) ? null : new Violation("severity", "one-of", string.Join(", ", Severities.All)),
            kind is null || AlertKinds.Names.Contains(kind) ? null : new Violation("kind", "one-of", string.Join(", ", AlertKinds.Names)),
        ];
        if (violations.OfType<Violation>().ToArray() is { Length: > 0 } broken) return Failure.Invalid(broken);
        IReadOnlyList<string> states = state switch { null => AlertStates.All, "unresolved" => [AlertStates.Open, AlertStates.Acknowledged], _ => [state] };
        return page.Of(await store.ListAsync(owner, caller.Language, new AlertFilter(states, severity, kind), page, cancel), alert => alert.Id);
    }

    public async Task<Result<Alert>> GetAsync(Caller caller, string? owner, string id, CancellationToken cancel) =>
        await store.FindAsync(database, owner, id, caller.Language, cancel) is { } alert ? alert : Failure.NotFound("alert", id);

    /// <summary>Somebody looks after it. A note given again replaces the one before.</summary>
    public async Task<Result<Alert>> AcknowledgeAsync(Caller caller, string? owner, string id, AcknowledgeAlert acknowledge, CancellationToken cancel)
    {
        if (acknowledge.Note?.Length > NoteLengthMax) return Failure.Invalid("note", "too-long", NoteLengthMax);
        return await ChangeAsync(caller, owner, id, async (transaction, alert) =>
        {
            if (alert.Acknowledgement is { } before && before.Note == (acknowledge.Note ?? before.Note)) return;
            await store.AcknowledgeAsync(transaction, alert.Id, caller.UserName, acknowledge.Note ?? "", clock.GetUtcNow(), cancel);
            await events.WriteAsync(transaction, caller.AccountId, EventActor.Of(caller), "alert.acknowledge", new Subject("alert", alert.Id, alert.Resource.Name), cancel, acknowledge.Note);
        }, cancel);
    }

    public Task<Result<Alert>> UnacknowledgeAsync(Caller caller, string? owner, string id, CancellationToken cancel) => ChangeAsync(caller, owner, id, async (transaction, alert) =>
    {
        if (alert.Acknowledgement is null) return;
        await store.UnacknowledgeAsync(transaction, alert.Id, cancel);
        await events.WriteAsync(transaction, caller, "alert.unacknowledge", new Subject("alert", alert.Id, alert.Resource.Name), cancel);
    }, cancel);

    private Task<Result<Alert>> ChangeAsync(Caller caller, string? owner, string id, Func<Transaction, Alert, Task> change, CancellationToken cancel) => database.TransactionAsync<Alert>(async transaction =>
    {
        var alert = await store.FindAsync(transaction, owner, id, caller.Language, cancel, "FOR UPDATE");
        if (alert is null) return Failure.NotFound("alert", id);
        if (alert.State == AlertStates.Resolved) return new Failure("alert-resolved", 409);
        await change(transaction, alert);
        return (await store.FindAsync(transaction, owner, id, caller.Language, cancel))!;
    }, cancel);
}
