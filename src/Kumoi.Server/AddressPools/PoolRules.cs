using System.Net;
using Kumoi.Api;
using Kumoi.Server.Networks;
using Kumoi.Server.Platform;

namespace Kumoi.Server.AddressPools;

/// <summary>What the ranges of a pool may be: pure.</summary>
public static class PoolRules
{
    // A pool is gone through address by address.
    private const int PrefixMin = 12, PrefixMax = 30;

    private static readonly IPNetwork[] Never = [.. ((string[])["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"]).Select(IPNetwork.Parse)];

    /// <summary>The ranges; what is wrong with them is noted.</summary>
    /// <param name="others">Ranges of other pools.</param>
    /// <param name="uplinks">The range of the networks' own addresses on hosts.</param>
    public static List<IPNetwork> Ranges(IReadOnlyList<string> texts, IReadOnlyList<IPNetwork> others, IPNetwork uplinks, List<Violation> violations)
    {
        var ranges = new List<IPNetwork>();
        for (var i = 0; i < texts.Count; i++)
        {
            var field = $"ranges[{i}]";
            if (AddressRange.ReadRange(texts[i]) is not { } range || !AddressRange.IsV4(range)) violations.Add(new Violation(field, "ipv4-cidr"));
            else if (range.PrefixLength is < PrefixMin or > PrefixMax) violations.Add(new Violation(field, "prefix-between", PrefixMin, PrefixMax));
            else if (Never.Append(uplinks).Any(never => AddressRange.Overlap(never, range))) violations.Add(new Violation(field, "not-public", uplinks.ToString()));
            else if (ranges.Concat(others).Any(other => AddressRange.Overlap(other, range))) violations.Add(new Violation(field, "overlaps-pool"));
            else ranges.Add(range);
        }
        return ranges;
    }

    /// <summary>Parts of the ranges that are not given out.</summary>
    public static List<IPNetwork> Excluded(IReadOnlyList<string> texts, IReadOnlyList<IPNetwork> ranges, List<Violation> violations)
    {
        var excluded = new List<IPNetwork>();
        for (var i = 0; i < texts.Count; i++)
        {
            var text = texts[i].Contains('/', StringComparison.Ordinal) ? texts[i] : texts[i] + "/32";
            if (AddressRange.ReadRange(text) is not { } range || !AddressRange.IsV4(range)) violations.Add(new Violation($"excluded[{i}]", "ipv4-cidr"));
            else if (!ranges.Any(whole => whole.Contains(range.BaseAddress) && whole.PrefixLength <= range.PrefixLength)) violations.Add(new Violation($"excluded[{i}]", "not-in-pool"));
            else if (!excluded.Contains(range)) excluded.Add(range);
        }
        return excluded;
    }

    /// <param name="accounts">Ids of accounts by what they are called.</param>
    public static List<(IPAddress Address, string? AccountId)> Reserved(
        IReadOnlyList<ReservedAddress> reserved, IReadOnlyList<IPNetwork> ranges, IReadOnlyDictionary<string, string> accounts, List<Violation> violations)
    {
        var kept = new List<(IPAddress Address, string? AccountId)>();
        for (var i = 0; i < reserved.Count; i++)
        {
            string? account = null;
            if (AddressRange.Read(reserved[i].Address) is not { } address) violations.Add(new Violation($"reserved[{i}].address", "ip-address"));
            else if (!ranges.Any(range => range.Contains(address) && !AddressRange.IsReserved(range, address))) violations.Add(new Violation($"reserved[{i}].address", "not-in-pool"));
            else if (reserved[i].Account is { } key && !accounts.TryGetValue(key, out account)) violations.Add(new Violation($"reserved[{i}].account", "no-such", new Noun("account"), key));
            else if (kept.Exists(other => other.Address.Equals(address))) violations.Add(new Violation($"reserved[{i}].address", "twice"));
            else kept.Add((address, account));
        }
        return kept;
    }

    /// <summary>How many addresses a pool has to give.</summary>
    public static long Size(PoolRow pool)
    {
        // Of blocks within each other only the largest counts.
        var cut = pool.Excluded.Where(range => !pool.Excluded.Any(other => other != range && other.Contains(range.BaseAddress) && other.PrefixLength < range.PrefixLength));
        var whole = pool.Ranges.Sum(range => AddressRange.Last(range) - AddressRange.First + 1);
        // What is never given out of a range is not counted twice.
        return Math.Max(0, whole - cut.Sum(block => AddressRange.Size(block) - pool.Ranges.Sum(range => Unusable(range).Count(block.Contains))));
    }

    private static IPAddress[] Unusable(IPNetwork range) => [range.BaseAddress, AddressRange.Gateway(range), AddressRange.At(range, AddressRange.Size(range) - 1)];
}
