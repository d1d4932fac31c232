using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>An action of EC2, as the door must know it before anything is done.</summary>
/// <param name="Capability">Of whom something is asked: the plural resource of the native path.</param>
/// <param name="Verb"><c>read</c> or <c>write</c>.</param>
/// <param name="Required">Parameters without which nothing is asked; of a list, the name before its number.</param>
public sealed record Ec2Action(string Name, string Capability, string Verb, string[] Required, Func<Ec2Call, Task<Ec2Answer>> Handle)
{
    public const string Read = "read", Write = "write";

    /// <summary>False of the few for which EC2 has no trial run.</summary>
    public bool HasDryRun { get; init; } = true;

    /// <summary>What a caller must be allowed.</summary>
    public Permission Permission => new(Capability, Verb);
}
