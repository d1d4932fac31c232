using Kumoi.Api;

namespace Kumoi.Server.Platform;

/// <summary>
/// An expected outcome that is not success. The texts of its code are in <c>messages.*.json</c>; arguments fill their {0}, {1}.
/// </summary>
public sealed record Failure(string Code, int Status, params object[] Arguments)
{
    public IReadOnlyList<Violation> Violations { get; init; } = [];
    public IReadOnlyList<Ref> UsedBy { get; init; } = [];
    public IReadOnlyList<Rejection> Rejections { get; init; } = [];
    public TimeSpan? RetryAfter { get; init; }

    public static Failure Invalid(params Violation[] violations) => new("invalid-request", 400) { Violations = violations };
    public static Failure Invalid(string field, string rule, params object[] arguments) => Invalid(new Violation(field, rule, arguments));
    public static Failure NotFound(string type, string key) => new("not-found", 404, new Noun(type), key);
    public static Failure InUse(string type, string name, IReadOnlyList<Ref> usedBy) => new("in-use", 409, new Noun(type), name) { UsedBy = usedBy };
    public static Failure NameTaken(string type, string name) => new("name-taken", 409, new Noun(type), name);
}

/// <summary>A broken rule of one field. <paramref name="Rule"/> is the message's code.</summary>
public sealed record Violation(string Field, string Rule, params object[] Arguments);

/// <summary>A filter of placement and how many hosts it turned away.</summary>
public sealed record Rejection(string Filter, int Hosts, params object[] Arguments);

/// <summary>A word of the vocabulary, translated with the message it stands in.</summary>
public sealed record Noun(string Word);

/// <summary>A value or a failure. Expected outcomes travel this way; exceptions are bugs or broken I/O.</summary>
public readonly struct Result<T>
{
    private readonly T? _value;

    private Result(T? value, Failure? failure) => (_value, Failure) = (value, failure);

    public Failure? Failure { get; }

    public T Value => Failure is null ? _value! : throw new InvalidOperationException($"A failure ({Failure.Code}) has no value.");

    public static implicit operator Result<T>(T value) => new(value, null);

    public static implicit operator Result<T>(Failure failure) => new(default, failure);
}

/// <summary>The value of an operation that answers nothing.</summary>
public readonly record struct Done;

public static class ResultSteps
{
    /// <summary>Goes on with the value, or passes the failure on.</summary>
    public static async Task<Result<TOut>> Then<TIn, TOut>(this Result<TIn> result, Func<TIn, Task<Result<TOut>>> next) =>
        result.Failure is { } failure ? failure : await next(result.Value);
}
