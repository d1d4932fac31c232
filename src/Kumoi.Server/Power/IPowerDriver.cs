using System.Collections.Concurrent;
using Kumoi.Api;
using Kumoi.Server.Platform;

namespace Kumoi.Server.Power;

/// <summary>What a controller says of a machine's power.</summary>
public static class PowerStates
{
    public const string On = "on", Off = "off";
}

/// <summary>A controller, and who asks it. Not a record: nothing must write the password out.</summary>
public sealed class PowerTarget(string address, string user, string password)
{
    /// <summary><c>host</c> or <c>host:port</c>, as <see cref="PowerAddress"/> has it.</summary>
    public string Address => address;

    public string User => user;

    public string Password => password;
}

/// <summary>A controller's answer: the state it told, or the problem that kept it from answering.</summary>
/// <param name="State">One of <see cref="PowerStates"/>; null if it was not asked for, or not told.</param>
/// <param name="Problem">A sentence; null if the controller did what it was asked.</param>
public sealed record PowerAnswer(string? State, string? Problem);

/// <summary>A way of speaking to power controllers. Every call ends by itself, and never throws for what a controller or its network does.</summary>
public interface IPowerDriver
{
    /// <summary>As operators name it.</summary>
    string Name { get; }

    /// <summary>A program that this driver runs and this machine does not have; null if none is missing.</summary>
    string? MissingProgram { get; }

    /// <summary>What of this could never work with such a controller.</summary>
    IEnumerable<Violation> Check(SetHostPower set);

    Task<PowerAnswer> StatusAsync(PowerTarget target, CancellationToken cancel);

    /// <summary>Switches the power at once, without asking the machine's system. That the controller took the order does not mean that the machine is off: only its state does.</summary>
    Task<PowerAnswer> SwitchAsync(PowerTarget target, bool on, CancellationToken cancel);
}

/// <summary>The drivers that this server has, by name.</summary>
public sealed class PowerDrivers
{
    private readonly ConcurrentDictionary<string, IPowerDriver> _drivers = new();

    public PowerDrivers(TimeProvider clock) => Add(new IpmiDriver(clock));

    public IEnumerable<string> Names => _drivers.Keys.Order();

    /// <summary>Takes a driver in, in place of one of the same name.</summary>
    public void Add(IPowerDriver driver) => _drivers[driver.Name] = driver;

    public IPowerDriver? Find(string name) => _drivers.GetValueOrDefault(name);
}
