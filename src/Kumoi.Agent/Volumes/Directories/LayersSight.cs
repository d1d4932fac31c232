namespace Kumoi.Agent.Volumes.Directories;

/// <summary>A layer as its file is found.</summary>
/// <param name="Backing">The layer that it is over; null for the lowest.</param>
/// <param name="OverImage">It is the lowest, and over the volume's image.</param>
/// <param name="IsDamaged">Its header is not one that the agent would have made.</param>
/// <param name="IsOpen">A process of QEMU's has it open.</param>
/// <param name="IsWritten">A process of QEMU's has it open for writing.</param>
/// <param name="IsSealed">No guest's user may write to it.</param>
/// <param name="SizeBytes">What a guest sees.</param>
/// <param name="UsedBytes">What the file takes.</param>
internal sealed record Layer(int Number, int? Backing, bool OverImage, bool IsDamaged, bool IsOpen, bool IsWritten, bool IsSealed, long SizeBytes, long UsedBytes);

/// <summary>How far work on layers is.</summary>
internal enum LayerWorkState
{
    Running,

    /// <summary>All is written, and nothing says so yet.</summary>
    Written,

    Done,
    Failed,
}

/// <summary>Work on layers that a process does: what of one is written into the one below, or all below brought into one.</summary>
/// <param name="Id">Its name in the process.</param>
/// <param name="Kind"><see cref="Api.Agent.VolumeWorks"/>.</param>
/// <param name="Layer">The upper layer.</param>
/// <param name="Words">Why it failed, or what is to be known when it is done.</param>
internal sealed record LayerWork(string Id, string Kind, int Layer, LayerWorkState State, long DoneBytes, long TotalBytes, string? Words)
{
    /// <summary>Why it failed, if that has a word of its own.</summary>
    public Instances.HypervisorException? Failure { get; init; }

    /// <summary>The layer that it is written into; null if it is none of the same volume, or the process does not tell.</summary>
    public int? Into { get; init; }

    /// <summary>The layers of another's that are read for it; null: none are.</summary>
    public LayersRead? Reads { get; init; }
}

/// <summary>Layers of a volume that something else is made from.</summary>
internal sealed record LayersRead(string VolumeId, IReadOnlyList<int> Layers);

/// <summary>The layers that a guest's process has.</summary>
/// <param name="Chain">From the one that the guest writes to down.</param>
/// <param name="Loose">Those that are not in the chain.</param>
internal sealed record LayerProcess(IReadOnlyList<int> Chain, IReadOnlyList<int> Loose, IReadOnlyList<LayerWork> Work);

/// <summary>Everything that is decided from.</summary>
/// <param name="Process">The guest's process that has the volume; null if none has that can be spoken to.</param>
/// <param name="Beside">What a program of the agent's does beside any guest; null: nothing.</param>
/// <param name="Copied">Layers that another volume is being filled from, or a backup made.</param>
/// <param name="HasImage">The image that the lowest layer is over is on the host, or it is over none.</param>
internal sealed record LayersSight(LayerState State, IReadOnlyDictionary<int, Layer> Layers, LayerProcess? Process, LayerWork? Beside, IReadOnlySet<int> Copied, bool HasImage)
{
    /// <summary>The most layers that are followed. What has more was not made by the agent.</summary>
    public const int DepthMax = 1024;

    /// <summary>Work has failed, and is not begun again yet.</summary>
    public bool IsResting { get; init; }

    /// <summary>A layer and all below it, from the top; null if one is missing or damaged.</summary>
    public IReadOnlyList<Layer>? ChainOf(int top)
    {
        var chain = new List<Layer>();
        for (int? next = top; next is { } number; next = chain[^1].Backing)
        {
            if (!Layers.TryGetValue(number, out var layer) || layer.IsDamaged || chain.Count == DepthMax || chain.Any(above => above.Number == number)) return null;
            chain.Add(layer);
        }
        return chain;
    }

    /// <summary>Layers that are the content of the volume or of a snapshot.</summary>
    public IEnumerable<int> Contents => State.Snapshots.Select(snapshot => snapshot.Layer).Concat(State.Head is { } head ? [head] : []).Distinct();

    /// <summary>False if any content cannot be read to the bottom: then nothing can be told of what is needed.</summary>
    public bool IsWhole => Contents.All(layer => ChainOf(layer) is not null);

    /// <summary>Layers that some content is made of.</summary>
    public IReadOnlySet<int> Needed => Contents.SelectMany(layer => ChainOf(layer) ?? []).Select(layer => layer.Number).ToHashSet();

    public IReadOnlyList<Layer> ChildrenOf(int number) => [.. Layers.Values.Where(layer => layer.Backing == number).OrderBy(layer => layer.Number)];

    /// <summary>The layer that is written now: that of the guest's process, known or not; without one, the head.</summary>
    public int? Written => Process is { Chain: [var top, ..] } ? top
        : State.Head is { } head && Beside is not { State: LayerWorkState.Running } && ChainOf(head)?.FirstOrDefault(layer => layer.IsWritten) is { } written ? written.Number : State.Head;

    /// <summary>A number that no layer has, or has had since it was last in a process.</summary>
    public int Free => Math.Max(Layers.Keys.Concat(Contents).Append(0).Max(), (Process?.Chain ?? []).Concat(Process?.Loose ?? []).Append(0).Max()) + 1;
}
