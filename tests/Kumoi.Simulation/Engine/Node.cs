namespace Kumoi.Simulation.Engine;

/// <summary>
/// One process: everything it does runs as tasks of this scheduler, so that it can be paused and killed between any two of them, as a
/// signal would. A process that is started again is a new one.
/// </summary>
internal sealed class Node : TaskScheduler
{
    private readonly Simulator _simulator;
    private readonly List<Task> _held = [];

    public Node(Simulator simulator, string name, Timepiece timepiece)
    {
        (_simulator, Name) = (simulator, name);
        Clock = new NodeClock(simulator, this, timepiece);
    }

    public string Name { get; }

    public NodeClock Clock { get; }

    public bool Dead { get; private set; }

    public bool Paused { get; private set; }

    /// <summary>Runs the body as the process's own; an exception that leaves it breaks the schedule.</summary>
    public void Start(Func<Task> body) => Task.Factory.StartNew(async () =>
    {
        try
        {
            await body();
        }
        catch (Exception e)
        {
            _simulator.Break(e);
        }
    }, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    public void Start(Action body) => Task.Factory.StartNew(() =>
    {
        try
        {
            body();
        }
        catch (Exception e)
        {
            _simulator.Break(e);
        }
    }, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    /// <summary>SIGKILL: nothing of it runs any more.</summary>
    public void Kill()
    {
        Dead = true;
        _held.Clear();
        _simulator.Drop(this);
    }

    /// <summary>SIGSTOP: its timers go on, and what they bring waits.</summary>
    public void Pause()
    {
        if (Dead || Paused) return;
        Paused = true;
        _held.AddRange(_simulator.Hold(this));
    }

    public void Resume()
    {
        if (Dead || !Paused) return;
        Paused = false;
        foreach (var task in _held) _simulator.Ready(this, task);
        _held.Clear();
    }

    public void Run(Task task) => TryExecuteTask(task);

    protected override void QueueTask(Task task)
    {
        if (Dead) return;
        if (Paused) _held.Add(task);
        else _simulator.Ready(this, task);
    }

    /// <summary>Never at once: what comes next is the seed's choice.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _held;
}
