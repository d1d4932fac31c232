using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kumoi.Agent.Networks;

/// <summary>Where packets enter a chain from the kernel, in the words of nftables: type, hook, numeric priority and policy.</summary>
public sealed record ChainHook(string Type, string Point, int Priority, string Policy)
{
    public string Text => string.Create(CultureInfo.InvariantCulture, $"type {Type} hook {Point} priority {Priority}; policy {Policy};");
}

/// <summary>A chain of rules. Its first rule carries a hash of all of them as its comment, by which the chain is recognised in the kernel.</summary>
/// <param name="Hook">Null for a chain that other chains jump to.</param>
public sealed record Chain(string Name, ChainHook? Hook, IReadOnlyList<string> Rules)
{
    /// <summary>The hash: 80 bits, since a name of a different text must not be met by chance, and nobody gains by making one.</summary>
    public string Mark { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Rules))))[..20];

    /// <summary>The rules as nft is told them. A chain without any gets one that does nothing, to carry the mark.</summary>
    public IEnumerable<string> Marked => Rules.DefaultIfEmpty("continue").Select((rule, i) => i == 0 ? $"{rule} comment \"{Mark}\"" : rule);
}

/// <summary>A named set, or a map if <paramref name="Value"/> is given.</summary>
/// <param name="Key">Type of the keys: <c>ipv4_addr</c>, <c>ipv6_addr</c> or <c>ifname</c>.</param>
/// <param name="Value">Type of a map's values: an address's or <c>verdict</c>.</param>
/// <param name="Elements">As nft writes them: <c>KEY</c> or <c>KEY : VALUE</c>; names of devices in quotes.</param>
public sealed record NamedSet(string Name, string Key, string? Value, IReadOnlyList<string> Elements)
{
    public string Kind => Value is null ? "set" : "map";

    public string Type => Value is null ? Key : $"{Key} : {Value}";

    public static NamedSet Of(string name, string key, IEnumerable<string> elements) => new(name, key, null, [.. elements.Distinct().Order(StringComparer.Ordinal)]);

    public static NamedSet Map(string name, string key, string value, IEnumerable<(string Key, string Value)> elements) =>
        new(name, key, value, [.. elements.DistinctBy(element => element.Key).Select(element => $"{element.Key} : {element.Value}").Order(StringComparer.Ordinal)]);

    /// <summary>The name of a device as an element's key.</summary>
    public static string Device(string name) => $"\"{name}\"";
}

/// <summary>What rules name beside chains and sets: a counter, or a timeout of connections. Its name says all of it, since it is never changed.</summary>
/// <param name="Kind">In the words of nftables.</param>
/// <param name="Lines">What is in it.</param>
public sealed record NamedObject(string Kind, string Name, IReadOnlyList<string> Lines)
{
    public const string CounterKind = "counter", TimeoutKind = "ct timeout";

    public static NamedObject Counter(string name) => new(CounterKind, name, []);
}
