namespace Kumoi.Agent.Instances.Simulated;

/// <summary>
/// What simulated hosts do beside working: times, and faults by step. Steps are named <c>MakeDisk</c>, <c>Start</c>, <c>Resume</c>,
/// <c>PressPowerButton</c>, <c>Kill</c>, <c>Remove</c>, <c>Discard</c>, <c>Plug</c>, <c>Unplug</c>, <c>PlugDrive</c>, <c>UnplugDrive</c> and <c>AdjustDrive</c>, each with
/// an instance's id, and <c>MakeVolume</c>, <c>CopyVolume</c>, <c>GrowVolume</c>, <c>RemoveVolume</c>, <c>PrepareSnapshot</c>, <c>TakeSnapshot</c>, <c>DeleteSnapshot</c> and
/// <c>RestoreVolume</c> with a volume's. One object may serve many hosts.
/// </summary>
public sealed class SimulatedFaults
{
    /// <summary>
    /// How long a step takes, asked with both names. <c>Copy</c> is the image's way to the host, before the first disk made from it;
    /// the times of <c>PressPowerButton</c>, <c>Unplug</c> and <c>UnplugDrive</c> are what the guest takes to switch itself off, or to give a network card or a disk back, for which nobody waits.
    /// </summary>
    public Func<string, string, TimeSpan> Time { get; set; } = (_, _) => TimeSpan.Zero;

    /// <summary>Asked before each step with its name and the instance's id; a text makes the step fail with it.</summary>
    public Func<string, string, string?> Fault { get; set; } = (_, _) => null;

    /// <summary>Guests that do not react to the power button.</summary>
    public Func<string, bool> IgnoresButton { get; set; } = _ => false;

    /// <summary>Guests that do not give disks back.</summary>
    public Func<string, bool> KeepsDisks { get; set; } = _ => false;

    /// <summary>Guests that do not give network cards back.</summary>
    public Func<string, bool> KeepsCards { get; set; } = _ => false;

    /// <summary>The faults that settings ask for.</summary>
    public static SimulatedFaults From(SimulatedSettings settings, SimulatedChance chance)
    {
        var (times, errors) = (settings.Times, settings.Errors);
        return new SimulatedFaults
        {
            Time = (step, _) => chance.In(step switch
            {
                "MakeDisk" => times.MakeDisk,
                "Start" => times.Start,
                "PressPowerButton" => times.Stop,
                "Copy" => times.Copy,
                _ => TimeRange.Zero,
            }),
            Fault = (step, _) => chance.Happens(step switch
            {
                "MakeDisk" => errors.MakeDisk,
                "Start" => errors.Start,
                "Resume" => errors.Resume,
                "PressPowerButton" => errors.PressPowerButton,
                "Kill" => errors.Kill,
                "Remove" => errors.Remove,
                _ => 0,
            }) ? $"The step {step} failed, as the simulation has it." : null,
            IgnoresButton = id => chance.Of(id) < settings.Failures.IgnoresPowerButton,
        };
    }
}
