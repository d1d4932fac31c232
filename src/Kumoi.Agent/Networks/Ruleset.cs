using System.Text;

namespace Kumoi.Agent.Networks;

/// <summary>
/// An nftables table as it should be: chains and sets, each of which is changed apart from the others, so that what one guest or one member
/// of a group costs does not grow with how many there are.
/// </summary>
/// <param name="Table">Family and name.</param>
public sealed record Ruleset(string Table, IReadOnlyList<Chain> Chains, IReadOnlyList<NamedSet> Sets)
{
    public IReadOnlyList<NamedObject> Objects { get; init; } = [];

    /// <summary>One transaction that puts this table in place of whatever is there: there is no moment without rules.</summary>
    public string Replacement()
    {
        var text = new Lines();
        // "add" first, because deleting a table that is absent would fail the transaction.
        text.Add($"add table {Table}");
        text.Add($"delete table {Table}");
        text.Add($"table {Table} {{");
        foreach (var thing in Objects)
        {
            text.Add($"  {thing.Kind} {thing.Name} {{");
            foreach (var line in thing.Lines) text.Add($"    {line}");
            text.Add("  }");
        }
        foreach (var set in Sets)
        {
            text.Add($"  {set.Kind} {set.Name} {{");
            text.Add($"    type {set.Type}");
            text.Add("  }");
        }
        foreach (var chain in Chains)
        {
            text.Add($"  chain {chain.Name} {{");
            if (chain.Hook is { } hook) text.Add($"    {hook.Text}");
            foreach (var rule in chain.Marked) text.Add($"    {rule}");
            text.Add("  }");
        }
        text.Add("}");
        foreach (var set in Sets) Elements(text, "add", set.Name, set.Elements);
        return text.ToString();
    }

    /// <summary>
    /// The smallest transaction that gets from what is seen to this; null if nothing is to be done. The whole table is replaced only where
    /// nftables cannot change it: if it is missing, or a chain's hook or a set's type is another.
    /// </summary>
    public string? Change(RulesetSight? seen)
    {
        if (seen is null || Chains.Any(chain => seen.Chains.TryGetValue(chain.Name, out var present) && present.Hook != chain.Hook)
            || Sets.Any(set => seen.Sets.TryGetValue(set.Name, out var present) && present.Type != set.Type)) return Replacement();
        var text = new Lines();
        foreach (var thing in Objects.Where(thing => seen.Objects.GetValueOrDefault(thing.Name) != thing.Kind))
            text.Add($"add {thing.Kind} {Table} {thing.Name}{(thing.Lines.Count == 0 ? "" : $" {{ {string.Join("; ", thing.Lines)}; }}")}");
        foreach (var set in Sets.Where(set => !seen.Sets.ContainsKey(set.Name))) text.Add($"add {set.Kind} {Table} {set.Name} {{ type {set.Type}; }}");
        // All of them before any rule or element, which may jump to them.
        foreach (var chain in Chains.Where(chain => !seen.Chains.ContainsKey(chain.Name)))
            text.Add($"add chain {Table} {chain.Name}{(chain.Hook is { } hook ? $" {{ {hook.Text} }}" : "")}");
        foreach (var chain in Chains) Refill(text, chain, seen.Chains.GetValueOrDefault(chain.Name));
        foreach (var set in Sets)
        {
            var present = seen.Sets.TryGetValue(set.Name, out var found) ? found.Elements : [];
            // A key that gets another value is taken away first.
            Elements(text, "delete", set.Name, present.Except(set.Elements));
            Elements(text, "add", set.Name, set.Elements.Except(present));
        }
        // What holds on to others goes first: rules, then sets, then chains, then what rules name.
        string[] chains = [.. seen.Chains.Keys.Except(Chains.Select(chain => chain.Name)).Order(StringComparer.Ordinal)];
        foreach (var name in chains) text.Add($"flush chain {Table} {name}");
        foreach (var (name, set) in seen.Sets.Where(set => Sets.All(wanted => wanted.Name != set.Key)).OrderBy(set => set.Key, StringComparer.Ordinal))
            text.Add($"delete {set.Kind} {Table} {name}");
        foreach (var name in chains) text.Add($"delete chain {Table} {name}");
        foreach (var (name, kind) in seen.Objects.Where(thing => Objects.All(wanted => wanted.Name != thing.Key)).OrderBy(thing => thing.Key, StringComparer.Ordinal))
            text.Add($"delete {kind} {Table} {name}");
        return text.IsEmpty ? null : text.ToString();
    }

    /// <summary>What the kernel shows once this is in force.</summary>
    public RulesetSight Expected() => new(
        Chains.ToDictionary(chain => chain.Name, chain => new ChainSight(chain.Hook, chain.Mark, "")),
        Sets.ToDictionary(set => set.Name, set => new SetSight(set.Kind, set.Type, set.Elements)))
    { Objects = Objects.ToDictionary(thing => thing.Name, thing => thing.Kind) };

    /// <summary>True if only elements of sets differ, and which members of load balancers get connections.</summary>
    public bool KeepsChains(Ruleset other) =>
        Chains.Count == other.Chains.Count && Objects.Count == other.Objects.Count && Objects.Zip(other.Objects).All(pair => pair.First.Name == pair.Second.Name)
        && Chains.Zip(other.Chains).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Hook == pair.Second.Hook && (pair.First.Mark == pair.Second.Mark || LoadBalancers.BalancerRuleset.IsChoice(pair.First.Name)));

    private void Refill(Lines text, Chain chain, ChainSight? present)
    {
        if (present?.Mark == chain.Mark) return;
        if (present is not null) text.Add($"flush chain {Table} {chain.Name}");
        foreach (var rule in chain.Marked) text.Add($"add rule {Table} {chain.Name} {rule}");
    }

    private void Elements(Lines text, string verb, string set, IEnumerable<string> elements)
    {
        var list = string.Join(", ", elements);
        if (list.Length > 0) text.Add($"{verb} element {Table} {set} {{ {list} }}");
    }

    private sealed class Lines
    {
        private readonly StringBuilder _text = new();

        public bool IsEmpty => _text.Length == 0;

        public void Add(string line) => _text.Append(line).Append('\n');

        public override string ToString() => _text.ToString();
    }
}
