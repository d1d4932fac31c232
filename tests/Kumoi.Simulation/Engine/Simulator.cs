namespace Kumoi.Simulation.Engine;

/// <summary>
/// Runs the processes of one schedule on the calling thread: what runs next, and when time passes, comes from the seed. Time passes when
/// nothing can run, and now and then a little while something could.
/// </summary>
internal sealed class Simulator(ulong seed)
{
    /// <summary>While something is ready, time moves by no more than this at once: a process that waits longer was paused, which is a fault of its own.</summary>
    private static readonly long HurryMax = TimeSpan.FromMilliseconds(20).Ticks;

    private readonly List<(Node Node, Task Task)> _ready = [];
    private readonly PriorityQueue<SimulatedTimer, (long Due, long Order)> _timers = new();
    private long _order;

    public Dice Dice { get; } = new(seed);

    /// <summary>Ticks since the beginning.</summary>
    public long Now { get; private set; }

    public int Steps { get; private set; }

    /// <summary>Grows out of every choice made, so that two runs were the same if it is.</summary>
    public ulong Fingerprint { get; private set; } = 14695981039346656037;

    /// <summary>An exception that left a process: a bug of the cloud or of the model.</summary>
    public Exception? Broken { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(Now);

    public void Break(Exception e) => Broken ??= e;

    /// <summary>Does one thing; false if nothing is left to do or to wait for.</summary>
    public bool Step()
    {
        Steps++;
        if (_ready.Count == 0 || (Dice.OneIn(16) && TryPeek(out var next) && next - Now <= HurryMax)) return Pass();
        var chosen = Dice.Below(_ready.Count);
        var (node, task) = _ready[chosen];
        // The last takes its place: order means nothing here.
        _ready[chosen] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        Note(chosen + 1);
        node.Run(task);
        return true;
    }

    private bool Pass()
    {
        if (!TryPeek(out _)) return false;
        var timer = _timers.Dequeue();
        if (timer.Due > Now) Now = timer.Due;
        Note(Now);
        timer.Fire();
        return true;
    }

    private bool TryPeek(out long due)
    {
        while (_timers.TryPeek(out var timer, out var priority))
        {
            due = priority.Due;
            if (timer.IsDue(priority.Order)) return true;
            _timers.Dequeue();
        }
        due = 0;
        return false;
    }

    private void Note(long choice) => Fingerprint = (Fingerprint ^ (ulong)choice) * 1099511628211;

    public void Ready(Node node, Task task) => _ready.Add((node, task));

    /// <summary>What a process had begun ends with it.</summary>
    public void Drop(Node node) => _ready.RemoveAll(item => item.Node == node);

    /// <summary>Takes back what a process could do, in order.</summary>
    public IEnumerable<Task> Hold(Node node)
    {
        Task[] held = [.. _ready.Where(item => item.Node == node).Select(item => item.Task)];
        Drop(node);
        return held;
    }

    public long Enqueue(SimulatedTimer timer)
    {
        _timers.Enqueue(timer, (timer.Due, ++_order));
        return _order;
    }

    /// <summary>Calls back after a time, outside any process: messages on their way, and faults that end.</summary>
    public void After(TimeSpan wait, Action action) => new SimulatedTimer(this, null, _ => action(), null).Set(wait.Ticks, 0);
}
