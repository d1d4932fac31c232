using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Errors;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>An error as EC2 tells it.</summary>
/// <param name="Code">EC2's code; programs look at it.</param>
/// <param name="Key">Its text in the catalogue, after <c>ec2.</c>.</param>
public sealed record Ec2Fault(string Code, int Status, string Key, params object[] Arguments)
{
    /// <summary>What a use case answered, whose text is told; null: the dialect itself refuses.</summary>
    public Failure? Native { get; init; }

    public static Ec2Fault TooLarge { get; } = new("RequestEntityTooLarge", 413, "too-large");

    public static Ec2Fault Malformed { get; } = new("MalformedQueryString", 400, "malformed-query");

    /// <summary>Who asks could not be told; why is nobody's business.</summary>
    public static Ec2Fault Unauthenticated { get; } = new("AuthFailure", 401, "auth-failure");

    public static Ec2Fault Missing(string parameter) => new("MissingParameter", 400, "missing-parameter", parameter);

    public static Ec2Fault Value(string parameter, string value) => new("InvalidParameterValue", 400, "invalid-value", parameter, value);

    public static Ec2Fault Combination(string one, string other) => new("InvalidParameterCombination", 400, "invalid-combination", one, other);

    public static Ec2Fault Unsupported(string what) => new("UnsupportedOperation", 400, "unsupported", what);

    public string Message(string language) => Native is null ? Messages.Text(language, "ec2." + Key, Arguments) : Ec2Errors.Sentence(Native, language);
}
