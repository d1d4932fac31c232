namespace Kumoi.Agent.LoadBalancers;

/// <summary>What has passed by each listener and each member, in each network of the host from which it is reached.</summary>
public sealed class BalancerTallies(TimeProvider clock)
{
    /// <summary>In the place of a member: the listener itself. What members that have left were given stays counted there.</summary>
    private const string Itself = "";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<(string Listener, string Member), Tally>> _networks = [];

    /// <param name="source">What counts; another one counts from nothing.</param>
    /// <param name="ofListener">True if the listener's own counts are those of its members, as nobody else counts it.</param>
    public void TakeMember(string network, string listener, string member, Counts seen, string source, bool ofListener)
    {
        lock (_gate)
        {
            var grown = Find(network, listener, member).Take(seen, source);
            if (ofListener) Find(network, listener, Itself).Grow(grown);
        }
    }

    public void TakeListener(string network, string listener, Counts seen, string source)
    {
        lock (_gate) Find(network, listener, Itself).Take(seen, source);
    }

    /// <summary>Forgets what is no longer of a network.</summary>
    public void Keep(string network, IEnumerable<ListenerIntent> listeners)
    {
        lock (_gate)
        {
            if (!_networks.TryGetValue(network, out var tallies)) return;
            var kept = listeners.SelectMany(listener => listener.Members.Select(member => (listener.Id, member.Id)).Prepend((listener.Id, Itself))).ToHashSet();
            foreach (var gone in tallies.Keys.Where(key => !kept.Contains(key)).ToArray()) tallies.Remove(gone);
            if (tallies.Count == 0) _networks.Remove(network);
        }
    }

    /// <summary>The sums over all networks, by listener and member.</summary>
    /// <param name="only">Ids of listeners that are wanted; null: all.</param>
    public Sums Sum(IReadOnlySet<string>? only)
    {
        var sums = new Dictionary<(string Listener, string Member), CountsSince>();
        lock (_gate)
            foreach (var (key, tally) in _networks.Values.SelectMany(tallies => tallies))
                if (only?.Contains(key.Listener) != false)
                    sums[key] = sums.TryGetValue(key, out var sum) ? new CountsSince(sum.Counts + tally.Counts, sum.Since < tally.Since ? sum.Since : tally.Since) : new CountsSince(tally.Counts, tally.Since);
        return new Sums(sums, clock.GetUtcNow());
    }

    private Tally Find(string network, string listener, string member)
    {
        if (!_networks.TryGetValue(network, out var tallies)) _networks[network] = tallies = [];
        if (!tallies.TryGetValue((listener, member), out var tally)) tallies[(listener, member)] = tally = new Tally(clock.GetUtcNow());
        return tally;
    }

    public sealed class Sums(IReadOnlyDictionary<(string Listener, string Member), CountsSince> sums, DateTimeOffset now)
    {
        public CountsSince Of(ListenerIntent listener, MemberIntent member) => Of(listener.Id, member.Id);

        public CountsSince Of(ListenerIntent listener)
        {
            var own = Of(listener.Id, Itself);
            return listener.IsProxied ? own : own with { Counts = own.Counts with { Active = listener.Members.Sum(member => Of(listener, member).Counts.Active) } };
        }

        private CountsSince Of(string listener, string member) => sums.GetValueOrDefault((listener, member)) ?? new CountsSince(Counts.None, now);
    }
}

/// <param name="Since">When counting began.</param>
public sealed record CountsSince(Counts Counts, DateTimeOffset Since);
