using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Kumoi.Agent.Networks;

/// <summary>Reads the answer of <c>nft -j list table</c>.</summary>
public static class RulesetReader
{
    public static RulesetSight Read(string json)
    {
        string? mark = null;
        var sets = new Dictionary<string, IReadOnlyList<string>>();
        var shape = new StringBuilder();
        using var document = JsonDocument.Parse(json);
        foreach (var entry in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (entry.TryGetProperty("chain", out var chain))
            {
                var name = chain.GetProperty("name").GetString()!;
                if (name.StartsWith(Ruleset.MarkPrefix, StringComparison.Ordinal)) mark = name;
                shape.Append(name).Append(chain.TryGetProperty("policy", out var policy) ? policy.GetString() : "").Append('\n');
            }
            else if (entry.TryGetProperty("rule", out var rule))
            {
                shape.Append(rule.GetProperty("chain").GetString()).Append(rule.GetProperty("expr").GetRawText()).Append('\n');
            }
            else if (entry.TryGetProperty("set", out var set) && set.GetProperty("type").ValueKind == JsonValueKind.String)
            {
                sets[set.GetProperty("name").GetString()!] = set.TryGetProperty("elem", out var elements)
                    ? [.. elements.EnumerateArray().Where(element => element.ValueKind == JsonValueKind.String).Select(element => element.GetString()!)]
                    : [];
            }
        }
        return new RulesetSight(mark, sets, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(shape.ToString()))));
    }
}
