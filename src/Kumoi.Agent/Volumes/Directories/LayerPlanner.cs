using Kumoi.Api.Agent;

namespace Kumoi.Agent.Volumes.Directories;

/// <summary>One thing to do to layers. The set is closed: what is not listed here is never done to one.</summary>
internal enum LayerAct
{
    /// <summary>Let work of the guest's process that has written everything come to its end.</summary>
    Finalize,

    /// <summary>Forget work of the guest's process that has ended.</summary>
    Dismiss,

    /// <summary>Forget work beside any guest that has failed, and what it had begun to write.</summary>
    DismissBeside,

    /// <summary>Have work of the guest's process given up.</summary>
    Cancel,

    /// <summary>Note the moment of snapshots whose layer nobody writes to any more.</summary>
    Stamp,

    /// <summary>Let the guest's process write to the head.</summary>
    Switch,

    /// <summary>Take a layer that the guest's process does not use from it.</summary>
    Drop,

    /// <summary>Remove the file of a layer that is nobody's content.</summary>
    Unlink,

    /// <summary>Put an empty layer over the head, so that the head can be brought together with the one below.</summary>
    Insert,

    /// <summary>Write what is in a layer into the one below.</summary>
    Merge,

    /// <summary>A layer is in the one below by now: let everything that is over it be over that.</summary>
    FinishMerge,

    /// <summary>Forget a merge whose layers are gone.</summary>
    ForgetMerge,

    /// <summary>Take a layer that is not to be written any more from the users that guests run as.</summary>
    Seal,

    /// <summary>Bring everything below the head into it.</summary>
    Flatten,

    /// <summary>The head was brought into a layer of its own: that is the head now.</summary>
    FinishFlatten,
}

/// <param name="Layer">The layer that it is done to.</param>
/// <param name="Into">The layer that is written: of a merge the lower one.</param>
/// <param name="Over">The layer above both in the guest's process; null if no guest's process does it.</param>
/// <param name="Work">The work that is meant.</param>
internal sealed record LayerStep(LayerAct Act, int Layer, int Into = 0, int? Over = null, LayerWork? Work = null);

/// <summary>
/// Keeps the layers of a volume as few as its content and its snapshots need. Pure: from any state, wherever a step was cut off, following it ends with each
/// content as it was and nothing left that is nobody's. What is written by a guest is never the layer that is merged: a layer is put over it first,
/// so that no moment exists in which a start could take the wrong file.
/// </summary>
internal static class LayerPlanner
{
    /// <summary>Layers of the head beyond which they are brought together. Too low: volumes are copied needlessly; too high: each read asks many files.</summary>
    public const int ChainLimit = 16;

    /// <summary>Null: nothing is to be done, or what is being done has to end first.</summary>
    public static LayerStep? Next(LayersSight sight)
    {
        if (!sight.IsWhole) return null;
        return Ended(sight) ?? Loose(sight) ?? Switch(sight) ?? Stamp(sight) ?? Merging(sight) ?? Unneeded(sight) ?? (IsBusy(sight) ? null : Mergeable(sight) ?? Flatten(sight)) ?? Seal(sight);
    }

    /// <summary>Whether something is written at length.</summary>
    public static bool IsBusy(LayersSight sight) => sight.Beside is { State: LayerWorkState.Running } || sight.Process?.Work.Any(work => work.State == LayerWorkState.Running) == true;

    /// <summary>Snapshots that are made ready, and whose layer may still be written.</summary>
    public static IEnumerable<LayerSnapshot> Pending(LayersSight sight) => sight.State.Snapshots.Where(snapshot => snapshot.TakenAt is null);

    private static LayerStep? Ended(LayersSight sight)
    {
        if (sight.Beside is { State: LayerWorkState.Failed } failed) return new LayerStep(LayerAct.DismissBeside, failed.Layer, Work: failed);
        var ended = sight.Process?.Work.FirstOrDefault(work => work.State != LayerWorkState.Running);
        if (ended is not { State: LayerWorkState.Written }) return ended is null ? null : new LayerStep(LayerAct.Dismiss, ended.Layer, Work: ended);
        // What is not of a merge that was noted means nothing.
        if (ended.Kind != VolumeWorks.Merge) return new LayerStep(LayerAct.Finalize, ended.Layer, ended.Layer, Work: ended);
        return sight.State.Merge is { } merge && merge.From == ended.Layer ? new LayerStep(LayerAct.Finalize, ended.Layer, merge.Into, Work: ended) : new LayerStep(LayerAct.Cancel, ended.Layer, Work: ended);
    }

    private static LayerStep? Switch(LayersSight sight)
    {
        // With snapshots that wait for the moment, it is not this planner's to say when that is.
        if (sight.Process is not { Chain: [var top, ..] } process || sight.State.Head is not { } head || top == head || Pending(sight).Any()) return null;
        if (sight.Layers[head].Backing != top) return null;
        return process.Work.FirstOrDefault() is { } work ? new LayerStep(LayerAct.Cancel, work.Layer, Work: work) : new LayerStep(LayerAct.Switch, head);
    }

    private static LayerStep? Stamp(LayersSight sight) =>
        Pending(sight).FirstOrDefault(snapshot => snapshot.Layer != sight.Written && snapshot.Layer != sight.State.Head && !sight.Layers[snapshot.Layer].IsWritten) is { } due
            ? new LayerStep(LayerAct.Stamp, due.Layer) : null;

    private static LayerStep? Merging(LayersSight sight)
    {
        if (sight.State.Merge is not { } merge) return null;
        if (!sight.Layers.ContainsKey(merge.From) || !sight.Layers.ContainsKey(merge.Into) || !sight.Needed.Contains(merge.From)) return new LayerStep(LayerAct.ForgetMerge, merge.From, merge.Into);
        var isInProcess = sight.Process?.Chain.Contains(merge.From) == true;
        var isDone = merge.Over is { } over && sight.Layers.GetValueOrDefault(over)?.Backing == merge.Into && !isInProcess;
        var isDoneBeside = merge.Over is null && sight.Beside is { Kind: VolumeWorks.Merge, State: LayerWorkState.Done } beside && beside.Layer == merge.From && !isInProcess;
        // Only the upper one was over the lower one when the merge was noted: another that is says that all was written, and that an agent was killed while it said so.
        var isFinishing = !isInProcess && sight.ChildrenOf(merge.Into).Any(child => child.Number != merge.From);
        if (isDone || isDoneBeside || isFinishing) return new LayerStep(LayerAct.FinishMerge, merge.From, merge.Into);
        return IsBusy(sight) ? null : Merge(sight, merge.From, merge.Into, isNoted: true);
    }

    /// <summary>What a process has and does not use keeps others from it. Only a head that it is about to write to is there before it is used.</summary>
    private static LayerStep? Loose(LayersSight sight) =>
        sight.Process is { Work.Count: 0 } process && process.Loose.Where(number => number != sight.State.Head).OrderDescending().ToArray() is [var loose, ..] ? new LayerStep(LayerAct.Drop, loose) : null;

    private static LayerStep? Unneeded(LayersSight sight)
    {
        var needed = sight.Needed;
        // From the top, so that none is over one that is gone.
        return sight.Layers.Values.Where(layer => !needed.Contains(layer.Number) && !layer.IsOpen && sight.Process?.Chain.Contains(layer.Number) != true && sight.ChildrenOf(layer.Number).Count == 0)
            .OrderByDescending(layer => layer.Number).Select(layer => new LayerStep(LayerAct.Unlink, layer.Number)).FirstOrDefault();
    }

    private static LayerStep? Mergeable(LayersSight sight)
    {
        // A merge that waits (for a guest to let go, say) comes before another.
        if (sight.State.Merge is not null) return null;
        var (needed, contents) = (sight.Needed, sight.Contents.ToHashSet());
        foreach (var lower in needed.Where(number => !contents.Contains(number)).OrderDescending())
            if (sight.ChildrenOf(lower) is [var upper] && Merge(sight, upper.Number, lower, isNoted: false) is { } step) return step;
        return null;
    }

    /// <param name="isNoted">It was begun before: then the lower one is nothing by itself, and it is brought to its end.</param>
    private static LayerStep? Merge(LayersSight sight, int from, int into, bool isNoted)
    {
        if (sight.IsResting || sight.Copied.Contains(from) || sight.Copied.Contains(into)) return null;
        if (sight.Process?.Chain is not { } chain || !chain.Contains(into))
            // Nobody's process has them; what has them elsewhere ends some time.
            return sight.Layers[from].IsOpen || sight.Layers[into].IsOpen || !sight.HasImage ? null : new LayerStep(LayerAct.Merge, from, into);
        if (chain[0] == from) return (sight.State.Inserted == from && !isNoted) || from != sight.State.Head ? null : new LayerStep(LayerAct.Insert, from, into);
        var at = chain.TakeWhile(number => number != from).Count();
        return at + 1 < chain.Count && chain[at + 1] == into ? new LayerStep(LayerAct.Merge, from, into, chain[at - 1]) : null;
    }

    private static LayerStep? Flatten(LayersSight sight)
    {
        if (sight.State.Head is not { } head || sight.State.Merge is not null || Pending(sight).Any()) return null;
        if (sight.Beside is { Kind: VolumeWorks.Flatten, State: LayerWorkState.Done } beside && beside.Layer == head && sight.Process is null) return new LayerStep(LayerAct.FinishFlatten, head, beside.Into!.Value);
        if (sight.IsResting || sight.ChainOf(head)!.Count <= ChainLimit) return null;
        return sight.Process is null ? sight.Layers[head].IsOpen || !sight.HasImage ? null : new LayerStep(LayerAct.Flatten, head) : sight.Process.Chain[0] == head ? new LayerStep(LayerAct.Flatten, head, Over: head) : null;
    }

    private static LayerStep? Seal(LayersSight sight)
    {
        var lent = sight.State.Merge is { } merge ? new HashSet<int> { merge.From, merge.Into, merge.Over ?? merge.Into } : [];
        return sight.Layers.Values.Where(layer => layer is { IsSealed: false, IsWritten: false } && layer.Number != sight.State.Head && layer.Number != sight.Written && !lent.Contains(layer.Number))
            .OrderBy(layer => layer.Number).Select(layer => new LayerStep(LayerAct.Seal, layer.Number)).FirstOrDefault();
    }
}
