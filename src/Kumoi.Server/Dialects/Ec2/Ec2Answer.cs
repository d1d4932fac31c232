using System.Xml.Linq;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>What an action answers: elements, or an error.</summary>
public sealed record Ec2Answer(IReadOnlyList<object?> Content, Ec2Fault? Fault)
{
    /// <summary>The answer of an action of another service, its own root; null: the root of EC2's answers.</summary>
    public XElement? Whole { get; init; }

    public static implicit operator Ec2Answer(object?[] content) => new(content, null);

    public static implicit operator Ec2Answer(XElement content) => new([content], null);

    public static implicit operator Ec2Answer(Ec2Fault fault) => new([], fault);

    public static implicit operator Ec2Answer(Failure failure) => new([], Ec2Errors.Of(failure));

    /// <summary>What a use case answered, as elements.</summary>
    public static Ec2Answer Of<T>(Result<T> result, Func<T, Ec2Answer> content) => result.Failure is { } failure ? failure : content(result.Value);

    /// <summary>That it was done.</summary>
    public static Ec2Answer Done<T>(Result<T> result) => result.Failure is { } failure ? failure : Xml.Return;
}
