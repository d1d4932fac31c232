using System.Collections.Concurrent;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Power;

namespace Kumoi.Server.Tests.Power;

/// <summary>Controllers that do what a test says, by address. Takes the place of the driver <c>ipmi</c>.</summary>
public sealed class FakePower : IPowerDriver
{
    /// <summary>What was ordered, in order: <c>ADDRESS on</c>, <c>ADDRESS off</c>.</summary>
    public ConcurrentQueue<string> Orders { get; } = new();

    public ConcurrentDictionary<string, string> States { get; } = new();

    /// <summary>Asked before each question; a sentence is the problem that the controller has.</summary>
    public Func<string, string?> OnStatus { get; set; } = _ => null;

    /// <summary>Asked when an order comes, before it is carried out.</summary>
    public Func<string, string?> OnSwitch { get; set; } = _ => null;

    public string Name => "ipmi";

    public string? MissingProgram { get; set; }

    public IEnumerable<Violation> Check(SetHostPower set) => [];

    public Task<PowerAnswer> StatusAsync(PowerTarget target, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return Task.FromResult(OnStatus(target.Address) is { } problem ? new PowerAnswer(null, problem) : new PowerAnswer(States.GetValueOrDefault(target.Address, PowerStates.On), null));
    }

    public Task<PowerAnswer> SwitchAsync(PowerTarget target, bool on, CancellationToken cancel)
    {
        if (OnSwitch(target.Address) is { } problem) return Task.FromResult(new PowerAnswer(null, problem));
        Orders.Enqueue($"{target.Address} {(on ? "on" : "off")}");
        States[target.Address] = on ? PowerStates.On : PowerStates.Off;
        return Task.FromResult(new PowerAnswer(null, null));
    }
}

/// <summary>A clock whose waits are over at once: what is decided does not depend on how long somebody waited.</summary>
public sealed class ImpatientClock : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, TimeSpan.Zero, period);
}
