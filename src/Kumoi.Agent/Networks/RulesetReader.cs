using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Kumoi.Agent.Networks;

/// <summary>What of a table is in the kernel.</summary>
public sealed record RulesetSight(IReadOnlyDictionary<string, ChainSight> Chains, IReadOnlyDictionary<string, SetSight> Sets)
{
    /// <summary>Names and kinds of counters and timeouts.</summary>
    public IReadOnlyDictionary<string, string> Objects { get; init; } = new Dictionary<string, string>();

    /// <summary>The same without the marks of chains that are listed otherwise than right after they were set: someone else changed them.</summary>
    public RulesetSight Distrusting(IReadOnlyDictionary<string, ChainSight> known) => this with
    {
        Chains = Chains.ToDictionary(
            chain => chain.Key,
            chain => known.TryGetValue(chain.Key, out var before) && before.Mark == chain.Value.Mark && before.Shape != chain.Value.Shape ? chain.Value with { Mark = null } : chain.Value),
    };
}

/// <param name="Mark">The comment of its first rule; null if there is none.</param>
/// <param name="Shape">A hash of the rules as the kernel lists them.</param>
public sealed record ChainSight(ChainHook? Hook, string? Mark, string Shape);

public sealed record SetSight(string Kind, string Type, IReadOnlyList<string> Elements);

/// <summary>Reads the answer of <c>nft -j list table</c>.</summary>
public static class RulesetReader
{
    public static RulesetSight Read(string json)
    {
        var hooks = new Dictionary<string, ChainHook?>();
        var rules = new Dictionary<string, List<JsonElement>>();
        var sets = new Dictionary<string, SetSight>();
        var objects = new Dictionary<string, string>();
        using var document = JsonDocument.Parse(json);
        foreach (var entry in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (entry.TryGetProperty("chain", out var chain)) hooks[Name(chain)] = Hook(chain);
            else if (entry.TryGetProperty("rule", out var rule))
            {
                var name = rule.GetProperty("chain").GetString()!;
                if (!rules.TryGetValue(name, out var list)) rules[name] = list = [];
                list.Add(rule);
            }
            else if (entry.TryGetProperty("set", out var set)) sets[Name(set)] = Set(set, null);
            else if (entry.TryGetProperty("map", out var map)) sets[Name(map)] = Set(map, Type(map.GetProperty("map")));
            else if (entry.TryGetProperty(NamedObject.CounterKind, out var counter)) objects[Name(counter)] = NamedObject.CounterKind;
            else if (entry.TryGetProperty(NamedObject.TimeoutKind, out var timeout)) objects[Name(timeout)] = NamedObject.TimeoutKind;
        }
        return new RulesetSight(hooks.ToDictionary(hook => hook.Key, hook => Chain(hook.Value, rules.GetValueOrDefault(hook.Key, []))), sets) { Objects = objects };
    }

    private static string Name(JsonElement thing) => thing.GetProperty("name").GetString()!;

    private static ChainHook? Hook(JsonElement chain) => chain.TryGetProperty("hook", out var point)
        ? new ChainHook(chain.GetProperty("type").GetString()!, point.GetString()!, chain.GetProperty("prio").GetInt32(), chain.TryGetProperty("policy", out var policy) ? policy.GetString()! : "accept")
        : null;

    private static ChainSight Chain(ChainHook? hook, List<JsonElement> rules)
    {
        var shape = new StringBuilder();
        foreach (var rule in rules) shape.Append(rule.GetProperty("expr").GetRawText()).Append('\n');
        var mark = rules.Count > 0 && rules[0].TryGetProperty("comment", out var comment) ? comment.GetString() : null;
        return new ChainSight(hook, mark, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(shape.ToString()))));
    }

    private static SetSight Set(JsonElement set, string? value)
    {
        var key = Type(set.GetProperty("type"));
        string[] elements = set.TryGetProperty("elem", out var listed) ? [.. listed.EnumerateArray().Select(element => Element(element, key, value))] : [];
        return value is null ? new SetSight("set", key, elements) : new SetSight("map", $"{key} : {value}", elements);
    }

    private static string Type(JsonElement type) =>
        type.ValueKind == JsonValueKind.String ? type.GetString()! : string.Join(" . ", type.EnumerateArray().Select(part => part.GetString()));

    private static string Element(JsonElement element, string key, string? value) => value is null
        ? Word(element, key)
        : $"{Word(element[0], key)} : {Word(element[1], value)}";

    private static string Word(JsonElement word, string type)
    {
        if (word.ValueKind != JsonValueKind.Object) return Word(word.ToString(), type);
        var part = word.EnumerateObject().First();
        return part.Name switch
        {
            "elem" => Word(part.Value.GetProperty("val"), type),
            "jump" or "goto" => $"{part.Name} {part.Value.GetProperty("target").GetString()}",
            _ => part.Name,
        };
    }

    /// <summary>In the one form that is compared: nft and .NET write some IPv6 addresses differently.</summary>
    private static string Word(string text, string type) => type switch
    {
        "ifname" => NamedSet.Device(text),
        "ipv6_addr" when IPAddress.TryParse(text, out var address) => address.ToString(),
        _ => text,
    };
}
