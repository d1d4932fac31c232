using System.Globalization;

namespace Kumoi.Cli.Local;

/// <summary>One host of a cloud on one machine: the machine itself, or a network namespace that stands for a machine.</summary>
/// <param name="Number">0 for the machine itself; otherwise 1 and up.</param>
/// <param name="Name">The host's name in the cloud.</param>
/// <param name="Tag">What the names of the host's kernel objects carry.</param>
/// <param name="State">Where its agent keeps things.</param>
/// <param name="RunDirectory">Where sockets of its guests are.</param>
/// <param name="Namespace">The network namespace that it is; null for the machine's own.</param>
public sealed record LocalHost(int Number, string Name, string Tag, string State, string RunDirectory, string? Namespace)
{
    /// <summary>Each host has a network device in the root namespace, whose name has room for two digits.</summary>
    public const int CountMax = 32;

    /// <summary>Names its agent's process, unit and log.</summary>
    public string Role => Number == 0 ? "agent" : string.Create(CultureInfo.InvariantCulture, $"agent-{Number}");

    /// <summary>Further options of its agent, one in a line; the operator makes it.</summary>
    public string Options => Path.Combine(State, "agent.options");

    public string Identity => Path.Combine(State, "agent", "identity");
}
