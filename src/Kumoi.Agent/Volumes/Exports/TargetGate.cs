namespace Kumoi.Agent.Volumes.Exports;

/// <summary>What to do about who comes to a target.</summary>
internal enum TargetMove
{
    Stay,
    Open,
    Close,
    End,
}

/// <summary>
/// Decides who may come to a target. An initiator that has lost its connection comes back as another session, which the target would serve beside the former one: what that has
/// sent could be written after what was sent again. So nobody may come while a session is there, and where two are all the same, the target is ended. Pure.
/// </summary>
internal static class TargetGate
{
    private const string Session = "I_T nexus: ";

    /// <param name="shown">What the target tells of itself. A session is there for as long as anything that it has sent may be written.</param>
    public static int SessionsIn(string shown) => shown.Split('\n').Count(line => line.AsSpan().TrimStart().StartsWith(Session, StringComparison.Ordinal));

    /// <param name="open">Whether somebody may come; null: it is not known.</param>
    public static TargetMove Next(int sessions, bool? open) => sessions switch
    {
        0 => open == true ? TargetMove.Stay : TargetMove.Open,
        1 => open == false ? TargetMove.Stay : TargetMove.Close,
        _ => TargetMove.End,
    };
}
