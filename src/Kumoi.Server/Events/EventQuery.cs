using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Events;

/// <summary>What a request asks of the log.</summary>
/// <param name="AccountId">Whose log; null: the whole cloud's.</param>
public sealed record EventQuery(string? AccountId, EventFilter Filter)
{
    private static readonly Permission OfCloud = Permission.Cloud("events", "read");

    public static Result<EventQuery> Read(Call call)
    {
        var account = Scope(call);
        var (since, until) = (call.Time("since"), call.Time("until"));
        string[] actions = [.. call.Queries("action").OfType<string>().Where(action => action.Length > 0)];
        if ((account.Failure ?? since.Failure ?? until.Failure) is { } failure) return failure;
        if (ActionPatterns.Check("action", actions) is { } violation) return Failure.Invalid(violation);
        return new EventQuery(account.Value.AccountId, new EventFilter(call.Query("resource"), call.Query("resourceType"), actions, call.Query("actor"), call.Query("requestId"), since.Value, until.Value));
    }

    /// <summary>The account that the request is about, or none of its own: the whole cloud, which is for operators.</summary>
    public static Result<EventScope> Scope(Call call) => call.Query("scope") switch
    {
        null or "account" => new EventScope(call.Caller.AccountId),
        "cloud" => call.Caller.Refused(OfCloud) is { } refused ? refused : new EventScope(null),
        _ => Failure.Invalid("scope", "one-of", "account, cloud"),
    };
}

/// <param name="AccountId">Null: all accounts.</param>
public readonly record struct EventScope(string? AccountId);
