using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Agent.Networks;

/// <summary>
/// An nftables table as it should be: its structure as text, and its sets of group members apart, so that a change of members changes
/// elements only. The structure carries its own hash as the name of an empty chain, by which it is recognised in the kernel.
/// </summary>
/// <param name="Body">Chains and constant sets.</param>
public sealed record Ruleset(string Table, string Body, IReadOnlyDictionary<string, IReadOnlyList<string>> Sets)
{
    public const string MarkPrefix = "is_";

    /// <summary>Name of the chain that marks this structure.</summary>
    public string Mark { get; } = MarkPrefix + Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{Body}\n{string.Join(' ', Sets.Keys.Order(StringComparer.Ordinal))}")))[..24];

    /// <summary>One transaction that puts this table in place of whatever is there: there is no moment without rules.</summary>
    public string Replacement()
    {
        var text = new StringBuilder();
        // "add" first, because deleting a table that is absent would fail the transaction.
        text.AppendLine(CultureInfo.InvariantCulture, $"add table {Table}");
        text.AppendLine(CultureInfo.InvariantCulture, $"delete table {Table}");
        text.AppendLine(CultureInfo.InvariantCulture, $"table {Table} {{");
        text.AppendLine(CultureInfo.InvariantCulture, $"  chain {Mark} {{");
        text.AppendLine("  }");
        foreach (var (name, elements) in Sets.OrderBy(set => set.Key, StringComparer.Ordinal))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  set {name} {{");
            text.AppendLine("    type ipv4_addr");
            if (elements.Count > 0) text.AppendLine(CultureInfo.InvariantCulture, $"    elements = {{ {string.Join(", ", elements)} }}");
            text.AppendLine("  }");
        }
        text.Append(Body);
        text.AppendLine("}");
        return text.ToString().Replace("\r\n", "\n", StringComparison.Ordinal);
    }

    /// <summary>What to feed to <c>nft -f</c> to get from what is seen to this; null if nothing is to be done.</summary>
    public string? Change(RulesetSight? seen)
    {
        if (seen is null || seen.Mark != Mark) return Replacement();
        var text = new StringBuilder();
        foreach (var (name, elements) in Sets.OrderBy(set => set.Key, StringComparer.Ordinal))
        {
            if (!seen.Sets.TryGetValue(name, out var present)) return Replacement();
            Append(text, "add", name, elements.Except(present));
            Append(text, "delete", name, present.Except(elements));
        }
        return text.Length == 0 ? null : text.ToString();
    }

    private void Append(StringBuilder text, string verb, string set, IEnumerable<string> elements)
    {
        var list = string.Join(", ", elements);
        if (list.Length > 0) text.Append(CultureInfo.InvariantCulture, $"{verb} element {Table} {set} {{ {list} }}\n");
    }
}

/// <summary>What of a table is in the kernel.</summary>
/// <param name="Shape">A hash of all chains and rules as the kernel lists them, to notice when someone else changes them.</param>
public sealed record RulesetSight(string? Mark, IReadOnlyDictionary<string, IReadOnlyList<string>> Sets, string Shape);
