using Kumoi.Reconcile;
using Kumoi.Server.Hosts;
using Kumoi.Simulation.Engine;

namespace Kumoi.Simulation.Model;

/// <summary>
/// One server: the shape of the real one's use cases (what is read when, what is one transaction), with the real one's decisions. It may end
/// or stand still wherever it waits, before and after each commit.
/// </summary>
internal sealed partial class ModelServer
{
    private static readonly TimeSpan HopMost = TimeSpan.FromMilliseconds(5);

    private readonly Cloud _cloud;
    private readonly Dictionary<string, List<Doorbell>> _bells = [];

    public ModelServer(Cloud cloud, string name, Node node) => (_cloud, Name, Node, _heartbeat) = (cloud, name, node, HostStates.HeartbeatSeconds(cloud.Dice.OneIn(4) ? 9000 : 0));

    // Servers count the hosts each by itself, and one that has just started knows of none.
    private readonly int _heartbeat;

    public string Name { get; }

    public Node Node { get; }

    private Records Records => _cloud.Records;

    private TimeProvider Clock => Node.Clock;

    /// <summary>Its background loops.</summary>
    public void Start()
    {
        Node.Start(WatchAsync);
        Node.Start(RecoverAsync);
        Node.Start(SettleAsync);
    }

    /// <summary>True while this server alone cannot reach the database.</summary>
    public bool LosesDatabase { get; set; }

    /// <summary>A statement outside a transaction.</summary>
    private T Read<T>(Func<T> read) => Records.Away || LosesDatabase ? throw new DatabaseGoneException() : read();

    /// <summary>A round trip to the database, or to anything.</summary>
    private async Task HopAsync()
    {
        if (_cloud.Dice.OneIn(2)) await Task.Delay(_cloud.Dice.Between(TimeSpan.Zero, HopMost), Clock);
        else await Task.Yield();
    }

    /// <summary>A transaction between its two round trips.</summary>
    private async Task<T> CommitAsync<T>(Func<T> change, Func<T, IEnumerable<string>> rings)
    {
        await HopAsync();
        var result = Read(() => Records.Transaction(change));
        foreach (var hostId in rings(result)) _cloud.RingAll(hostId, this);
        await HopAsync();
        return result;
    }

    /// <summary>Wakes those who wait here for news of a host.</summary>
    public void Ring(string hostId)
    {
        if (_bells.TryGetValue(hostId, out var bells))
            foreach (var bell in bells) bell.Ring();
    }
}
